"""A worker whose outbox is full: ads go on, beacons are asked to come back later."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adserver.api.running import Worker, running, settings_in, unique
from tests.builders import small_marketplace


@pytest.fixture
def worker(tmp_path: Path, redis_embedded_url: str) -> Iterator[Worker]:
    settings = settings_in(tmp_path, redis_embedded_url, outbox_max_rows=3)
    with running(settings, small_marketplace()) as started:
        yield started


def test_a_full_outbox_refuses_beacons_with_503_and_still_serves_ads(worker: Worker) -> None:
    client = worker.client()
    statuses = []
    for _ in range(8):
        ad = client.ad(user={"id": unique("u")})
        reply = client.follow(ad["trackers"]["impression"][0])
        statuses.append(reply.status)
    assert statuses[0] == 204
    assert statuses[-1] == 503
    assert int(reply.headers["Retry-After"]) > 0
    assert reply.json["title"] == "Service Unavailable"
    refused = client.follow(ad["trackers"]["click_through"])
    assert refused.status in (302, 503)  # without its impression it is not even tried
    assert client.ask().status == 200
