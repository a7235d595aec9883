"""Apps' own ads over a real socket: free, counted, and never where something paid exists."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from adserver.api.house_ads import REMEMBERED, HouseBook
from adserver.stores.house_package import DIRECTORY, HOUSE, Travelling, publish, read
from models.domain.event import EventKind, event_id, offer_id
from models.domain.ids import AppId
from models.domain.placement import Format
from tests.adserver.api.running import Client, Worker, unique, wait_for
from tests.builders import ad_request, app, placement

OWN = Travelling(
    house_ad_id="ha_1",
    app_id="app2",
    name="Game",
    format=Format.NATIVE,
    w=1200,
    h=627,
    title="Version 2 is here",
    description="",
    cta="Update",
    landing_url="https://game.example/new",
    asset_url="https://cdn.example/ab.png",
    asset_mime="image/png",
    asset_bytes=7,
    asset_sha256="ab",
)


@pytest.fixture(scope="module")
def house(worker: Worker) -> Worker:
    """The worker with an own ad of app2, whose native placement pl4 nobody buys."""
    publish(worker.settings.data_dir, [OWN, own("ha_2", app_id="app1", format=Format.SPLASH)])
    wait_for(lambda: worker.serving.house.face("ha_1"))  # type: ignore[arg-type]
    return worker


def own(house_ad_id: str, **changes: object) -> Travelling:
    fields = {name: getattr(OWN, name) for name in Travelling.__struct_fields__}
    return Travelling(**{**fields, "house_ad_id": house_ad_id, **changes})


def native(house: Worker) -> Client:
    return house.client("app2")


def test_where_nothing_paid_may_be_shown_the_own_ad_is(house: Worker) -> None:
    reply = native(house).ask("pl4")
    (ad,) = reply.json["ads"]
    assert reply.status == 200
    assert reply.headers["X-No-Ad-Reason"] == "format"
    assert (ad["creative_id"], ad["line_item_id"], ad["advertiser"]) == ("ha_1", HOUSE, "Game")
    assert ad["label"] == "广告"
    assert ad["landing"]["url"].startswith("https://game.example/new?click_id=")
    assert ad["assets"][0]["url"] == "https://cdn.example/ab.png"


def test_what_pays_is_never_replaced(house: Worker) -> None:
    for _ in range(20):
        ad = house.client().ad(user={"id": unique("u")}, device={"os": "android"})
        assert ad["line_item_id"] != HOUSE


def test_another_apps_own_ad_is_never_shown(house: Worker) -> None:
    publish(house.settings.data_dir, [own("ha_9", app_id="app9")])
    wait_for(lambda: not house.serving.house.face("ha_1"))  # type: ignore[arg-type]
    assert native(house).ask("pl4").status == 204
    publish(house.settings.data_dir, [OWN])
    wait_for(lambda: house.serving.house.face("ha_1"))  # type: ignore[arg-type]


def test_events_are_counted_once_and_a_tap_leads_to_the_landing_page(house: Worker) -> None:
    client = native(house)
    (ad,) = client.ask("pl4").json["ads"]
    trackers = ad["trackers"]
    assert client.verdict(trackers["impression"][0]) is True
    assert client.verdict(trackers["impression"][0]) == "duplicate"
    assert client.verdict(trackers["viewable"][0]) is True
    tapped = client.follow(trackers["click_through"])
    assert tapped.status == 302
    assert tapped.headers["Location"].startswith("https://game.example/new?click_id=")


def test_its_events_lie_in_a_table_of_their_own_and_book_nothing(house: Worker) -> None:
    client = native(house)
    (ad,) = client.ask("pl4").json["ads"]
    assert client.verdict(ad["trackers"]["impression"][0]) is True
    path = house.settings.data_dir / "outbox" / f"{house.settings.worker_id}.sqlite"
    with closing(sqlite3.connect(path)) as file:
        told = {name for (name,) in file.execute("SELECT DISTINCT event_table FROM batch")}
        waiting = file.execute("SELECT count(*) FROM waiting").fetchone()[0]
    assert "house_events" in told
    assert not told & {"impressions", "viewables", "clicks"}
    assert waiting == 0


def test_a_crawlers_call_does_not_count(house: Worker) -> None:
    (ad,) = native(house).ask("pl4").json["ads"]
    crawler = house.client("app2", user_agent="Googlebot/2.1")
    assert crawler.verdict(ad["trackers"]["impression"][0]) == "invalid_traffic"


def test_a_retry_gets_the_same_ad_under_the_same_offer(house: Worker) -> None:
    client, request_id = native(house), unique("r")
    first, again = (client.ask("pl4", request_id=request_id).json["ads"][0] for _ in range(2))
    assert first["ad_id"] == again["ad_id"]


def test_a_test_request_still_gets_the_test_ad(house: Worker) -> None:
    (ad,) = native(house).ask("pl4", test=1).json["ads"]
    assert ad["line_item_id"] == "adunion-test"


def test_an_ad_of_another_size_than_the_slot_takes_is_not_shown() -> None:
    book = HouseBook()
    book.take_up([OWN])
    slot = placement(format=Format.NATIVE, sizes=((300, 250),))
    request = ad_request(app=app(app_id=AppId("app2")), placement=slot)
    assert book.pick(request) is None
    fits = replace(slot, sizes=((1200, 627),))
    assert book.pick(replace(request, placement=fits)) is not None


def test_what_was_counted_is_remembered_up_to_a_limit() -> None:
    book = HouseBook()
    ids = [
        event_id(offer_id(AppId("a"), str(n), 0), EventKind.IMPRESSION)
        for n in range(REMEMBERED + 1)
    ]
    assert all(book.is_first(one) for one in ids)
    assert not book.is_first(ids[-1])
    assert book.is_first(ids[0])


def test_a_publication_comes_back_as_it_was(worker: Worker) -> None:
    directory = worker.settings.data_dir / "aside"
    version = publish(directory, [OWN])
    assert read(directory / DIRECTORY, version) == [OWN]
    assert publish(directory, [OWN]) == version


def test_a_broken_publication_leaves_what_is_in_force(house: Worker) -> None:
    root = house.settings.data_dir / DIRECTORY
    (root / "h-broken").mkdir()
    (root / "h-broken" / "house_ads.json").write_bytes(b"[{]")
    before = (root / "CURRENT").read_text()
    (root / "CURRENT").write_text("h-broken")
    asyncio.run(asyncio.sleep(0.6))
    assert native(house).ask("pl4").status == 200
    (root / "CURRENT").write_text(before)
