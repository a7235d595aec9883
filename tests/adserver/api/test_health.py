"""Health, metrics and the description of the serving plane."""

import re
from pathlib import Path

from adserver.api.endpoints import OPERATIONS
from tests.adserver.api.running import Client, Worker, running, settings_in
from tests.builders import small_marketplace


def test_a_warm_worker_is_alive_and_ready(client: Client) -> None:
    assert client.call("GET", "/healthz").json == {"status": "ok"}
    assert client.call("GET", "/readyz").status == 200


def test_a_worker_without_a_catalog_is_alive_and_not_ready(
    tmp_path: Path, redis_embedded_url: str
) -> None:
    with running(settings_in(tmp_path, redis_embedded_url)) as worker:
        client = worker.client()
        assert client.call("GET", "/healthz").status == 200
        reply = client.call("GET", "/readyz")
        assert reply.status == 503
        assert reply.headers["Retry-After"] == "1"
        assert client.ask().status == 503
        worker.publish(small_marketplace())
        assert client.call("GET", "/readyz").status == 200
        assert client.ask().status == 200


def test_a_worker_that_starts_without_redis_serves_and_is_not_ready(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, f"unix://{tmp_path}/nobody.sock")
    with running(settings) as worker:
        worker.publish(small_marketplace())
        client = worker.client()
        assert client.call("GET", "/readyz").status == 503
        reply = client.ask(user={"id": "u"}, debug=1)
        assert reply.status == 200
        assert reply.json["debug"]["rejected"]["spend_unknown"] > 0
        assert client.verdict(reply.json["ads"][0]["trackers"]["impression"][0]) == "deferred"


def test_metrics_name_what_happened(worker: Worker, client: Client) -> None:
    client.ask()
    worker.client("app2").ask("pl4")
    client.follow("http://x/nowhere")
    page = client.call("GET", "/metrics")
    assert page.headers["Content-Type"].startswith("text/plain")
    text = page.body.decode()
    for name in (
        'adunion_requests_total{status="200"}',
        'adunion_requests_total{status="404"}',
        'adunion_no_ads_total{reason="format"}',
        'adunion_reloads_total{outcome="catalog_loaded"}',
        'adunion_stage_seconds_bucket{le="+Inf",stage="request"}',
        'adunion_stage_seconds_bucket{le="+Inf",stage="user"}',
        'adunion_stage_seconds_bucket{le="+Inf",stage="decide"}',
        "adunion_connections",
        "adunion_outbox_backlog_rows",
    ):
        assert name in text, name


def test_the_description_names_every_path_and_resolves(client: Client) -> None:
    document = client.call("GET", "/openapi.json").json
    assert document["openapi"] == "3.1.0"
    described = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    assert described == set(OPERATIONS)
    for name in re.findall(r'"#/components/schemas/([^"]+)"', str(document).replace("'", '"')):
        assert name in document["components"]["schemas"]


def test_every_described_path_is_one_where_something_lives(client: Client) -> None:
    for method, path in OPERATIONS:
        concrete = path.replace("{token}", "x").replace("{format}", "splash")
        answer = client.call(method, concrete.replace("{code}", "ann~shop"))
        assert answer.status != 405, path
        assert b"nothing lives at this path" not in answer.body, path
