"""Kill switches on a worker that runs: what is off is not shown, all else goes on and counts."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adserver import metrics, publication, switch_package
from adserver.config import Settings
from adserver.switch_package import ALL_OFF, DIRECTORY, NOTHING_OFF, Switches
from models.domain.ids import CreativeId, LineItemId
from models.domain.marketplace import Marketplace
from tests.adserver.api.running import Worker, running, settings_in, wait_for
from tests.builders import creative, line_item, marketplace, small_marketplace

PROMISED_S = 2.0
CROWDED = 10_000
ONE = frozenset({"cr1"})
ALL = small_marketplace()


@pytest.fixture
def worker(tmp_path: Path, redis_embedded_url: str) -> Iterator[Worker]:
    with running(settings_in(tmp_path, redis_embedded_url), small_marketplace()) as started:
        yield started


def publish(settings: Settings, switches: Switches) -> None:
    root = settings.data_dir / DIRECTORY
    switch_package.publish(root, switches, time.time_ns() // 1_000_000)


def throw(worker: Worker, switches: Switches) -> None:
    """Publishes, and waits until the worker has taken it up."""
    publish(worker.settings, switches)
    wait_for(lambda: worker.serving.current.switches == switches)


def crowded() -> Marketplace:
    """10,000 line items that all may win a place of pl1, each with one creative."""
    numbers = range(CROWDED)
    return replace(
        marketplace(),
        line_items=tuple(line_item(line_item_id=LineItemId(f"li{n}")) for n in numbers),
        creatives=tuple(
            creative(creative_id=CreativeId(f"cr{n}"), line_item_id=LineItemId(f"li{n}"))
            for n in numbers
        ),
    )


def test_everything_off_is_503_with_a_reason_and_beacons_still_count(worker: Worker) -> None:
    client = worker.client()
    shown = client.ad()["trackers"]
    throw(worker, ALL_OFF)
    reply = client.ask()
    assert reply.status == 503
    assert reply.headers["Retry-After"] == "30"
    assert reply.headers["X-No-Ad-Reason"] == "all_switched_off"
    assert "switched off" in reply.json["detail"]
    assert client.ask(test=1).status == 503
    assert client.verdict(shown["impression"][0]) is True
    assert client.verdict(shown["click"][0]) is True
    assert client.follow(shown["click_through"]).status == 302
    throw(worker, NOTHING_OFF)
    assert client.ask().status == 200


def test_an_app_that_is_off_is_answered_403_and_others_are_not(worker: Worker) -> None:
    throw(worker, Switches(apps=frozenset({"app1"})))
    reply = worker.client().ask()
    assert (reply.status, reply.headers["X-No-Ad-Reason"]) == (403, "app_switched_off")
    assert worker.client("app2").ask("pl3").status == 200
    throw(worker, NOTHING_OFF)
    assert worker.client().ask().status == 200


@pytest.mark.parametrize(
    "switches",
    [
        Switches(creatives=frozenset(one.creative_id for one in ALL.creatives)),
        Switches(line_items=frozenset(one.line_item_id for one in ALL.line_items)),
        Switches(campaigns=frozenset(one.campaign_id for one in ALL.campaigns)),
        Switches(advertisers=frozenset(one.advertiser_id for one in ALL.advertisers)),
    ],
)
def test_what_is_off_is_in_no_answer_and_the_answer_says_why(
    worker: Worker, switches: Switches
) -> None:
    throw(worker, switches)
    reply = worker.client().ask(debug=True)
    assert reply.status == 204
    assert reply.headers["X-No-Ad-Reason"] == "switched_off"


def test_what_is_off_stays_off_when_the_catalog_changes(worker: Worker) -> None:
    client = worker.client()
    everywhere = {client.ad()["creative_id"] for _ in range(20)}
    gone = frozenset(everywhere)
    throw(worker, Switches(creatives=gone))
    whole = small_marketplace()
    renamed = tuple(replace(one, title="New") for one in whole.creatives)
    worker.publish(replace(whole, creatives=renamed))
    replies = [client.ask() for _ in range(20)]
    ads = [
        ad["creative_id"] for reply in replies if reply.status == 200 for ad in reply.json["ads"]
    ]
    assert not gone & set(ads)
    throw(worker, NOTHING_OFF)
    assert client.ad()["title"] == "New"


def test_one_of_ten_thousand_line_items_is_gone_within_two_seconds_and_no_request_fails(
    tmp_path: Path, redis_embedded_url: str
) -> None:
    with running(settings_in(tmp_path, redis_embedded_url), crowded()) as worker:
        client = worker.client()
        winner = client.ad()["line_item_id"]
        stop, answers = threading.Event(), list[tuple[float, int, str]]()

        def ask() -> None:
            asking = worker.client()
            while not stop.is_set():
                reply = asking.ask()
                named = reply.json["ads"][0]["line_item_id"] if reply.status == 200 else ""
                answers.append((time.monotonic(), reply.status, named))

        asker = threading.Thread(target=ask)
        asker.start()
        wait_for(lambda: any(named == winner for _, _, named in answers))
        thrown = time.monotonic()
        publish(worker.settings, Switches(line_items=frozenset({winner})))
        time.sleep(PROMISED_S + 0.5)
        stop.set()
        asker.join()
        late = [at - thrown for at, _, named in answers if named == winner]
        assert max(late) < PROMISED_S
        assert {status for _, status, _ in answers} == {200}


def test_a_worker_that_starts_while_the_console_is_away_honours_the_last_switches(
    tmp_path: Path, redis_embedded_url: str
) -> None:
    settings = settings_in(tmp_path, redis_embedded_url)
    publish(settings, ALL_OFF)
    with running(settings, small_marketplace()) as worker:
        assert worker.client().ask().status == 503


def test_a_worker_that_cannot_read_the_switches_when_it_starts_serves_nothing(
    tmp_path: Path, redis_embedded_url: str
) -> None:
    settings = settings_in(tmp_path, redis_embedded_url)
    publication.publish(tmp_path / DIRECTORY, "s1-damaged", {switch_package.FILE: b"\xc1"})
    with running(settings, small_marketplace()) as worker:
        assert worker.client().ask().status == 503
        throw(worker, NOTHING_OFF)
        assert worker.client().ask().status == 200


@pytest.mark.parametrize("files", [{switch_package.FILE: b"\xc1"}, {"other": b"x"}])
def test_switches_that_cannot_be_read_leave_those_in_force(
    worker: Worker, files: dict[str, bytes]
) -> None:
    off = Switches(apps=frozenset({"app1"}))
    throw(worker, off)
    before = metrics.RELOADS.counts["switches_refused"]
    publication.publish(worker.settings.data_dir / DIRECTORY, f"s{time.time_ns()}", files)
    wait_for(lambda: metrics.RELOADS.counts["switches_refused"] == before + 1)
    assert worker.client().ask().status == 403


def test_budgets_go_on_while_ads_are_switched_off_and_on(worker: Worker) -> None:
    ad = worker.client().ad()
    throw(worker, Switches(creatives=ONE))
    throw(worker, NOTHING_OFF)
    live = worker.serving.current.live
    assert live
    assert live.snapshot.spend.reserved[live.snapshot.catalog.line_item_row[ad["line_item_id"]]] > 0
