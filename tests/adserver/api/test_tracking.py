"""Beacons over a real socket: every row of the table in wire.md."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from models.domain.event import Offer, Verdict
from models.domain.ids import CreativeId
from tests.adserver.api.running import Client, Worker, unique, wait_for
from tests.builders import offer, small_marketplace

CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


def signed(worker: Worker, **changes: Any) -> str:
    """A token for an offer of this moment."""
    made: Offer = offer(served_ms=now_ms(), offer_id=uuid4())
    return worker.serving.signer.sign(replace(made, **changes))


def fresh(client: Client) -> dict[str, Any]:
    """The trackers of an ad for a new user."""
    trackers: dict[str, Any] = client.ad(user={"id": unique("u")})["trackers"]
    return trackers


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_impression_is_204_and_counted_once(client: Client, method: str) -> None:
    url = fresh(client)["impression"][0]
    assert client.follow(url, method).status == 204
    assert client.follow(url, method).status == 204
    assert client.verdict(url) == "duplicate"


def test_the_first_call_counts_and_later_ones_are_duplicates(client: Client) -> None:
    trackers = fresh(client)
    for url in (trackers["impression"][0], trackers["viewable"][0], trackers["click"][0]):
        assert client.verdict(url) is True
        assert client.verdict(url) == "duplicate"


def test_a_click_redirects_to_the_landing_page_every_time(client: Client) -> None:
    ad = client.ad(user={"id": unique("u")})
    client.follow(ad["trackers"]["impression"][0])
    for _ in range(2):
        reply = client.follow(ad["trackers"]["click_through"])
        assert reply.status == 302
        assert reply.headers["Location"] == ad["landing"]["url"]


def test_a_click_without_an_impression_redirects_and_does_not_count(client: Client) -> None:
    trackers = fresh(client)
    assert client.verdict(trackers["click"][0]) == "no_impression"
    assert client.follow(trackers["click"][0]).status == 302
    client.follow(trackers["impression"][0])
    assert client.verdict(trackers["click"][0]) is True


def test_a_viewable_without_an_impression_does_not_count(client: Client) -> None:
    assert client.verdict(fresh(client)["viewable"][0]) == "no_impression"


def test_a_forged_beacon_is_204_and_a_forged_click_400(client: Client) -> None:
    trackers = fresh(client)
    for kind in ("impression", "viewable"):
        assert client.follow(trackers[kind][0] + "A").status == 204
        assert client.verdict(trackers[kind][0] + "A") == "bad_signature"
    reply = client.follow(trackers["click_through"] + "A")
    assert reply.status == 400
    assert "Location" not in reply.headers
    assert client.verdict(trackers["click_through"] + "A") == "bad_signature"


@pytest.mark.parametrize("length", [0, 1, 2, 3, 17, 18, 19, 100, 1_000, 5_000])
def test_tokens_of_every_length_are_answered(client: Client, length: int) -> None:
    assert client.call("GET", "/e/i/" + "A" * length).status == 204
    assert client.call("GET", "/e/c/" + "A" * length).status == 400


@pytest.mark.parametrize(
    "token", ["%00", "%E4%B8%AD", "a%2Fb", "..", "a;b", "é".encode().hex(), "~", "a+b"]
)
def test_odd_tokens_are_answered(client: Client, token: str) -> None:
    assert client.call("GET", f"/e/i/{token}").status == 204
    assert client.call("POST", f"/e/c/{token}").status == 400


def test_an_old_impression_is_expired(worker: Worker, client: Client) -> None:
    token = signed(worker, served_ms=now_ms() - 1_801_000)
    assert client.call("GET", f"/e/i/{token}").status == 204
    assert client.verdict(f"http://x/e/i/{token}") == "expired"


def test_an_old_click_still_redirects(worker: Worker, client: Client) -> None:
    token = signed(worker, served_ms=now_ms() - (1_800 + 7_200 + 1) * 1000)
    assert client.call("GET", f"/e/c/{token}").status == 302
    assert client.verdict(f"http://x/e/c/{token}") == "expired"


def test_a_crawler_is_answered_as_usual_and_does_not_count(worker: Worker, client: Client) -> None:
    url = fresh(client)["impression"][0]
    crawler = worker.client(user_agent=CRAWLER)
    assert crawler.follow(url).status == 204
    assert crawler.verdict(url) == "invalid_traffic"
    assert client.verdict(url) is True  # the crawler did not take its place


def test_a_second_click_within_a_minute_is_a_burst(client: Client) -> None:
    verdicts = []
    for _ in range(2):
        trackers = fresh(client)
        client.follow(trackers["impression"][0])
        verdicts.append(client.verdict(trackers["click"][0]))
    assert verdicts == [True, "invalid_traffic"]


def test_the_landing_page_is_the_catalogs_and_no_query_changes_it(client: Client) -> None:
    trackers = fresh(client)
    reply = client.follow(trackers["click_through"], query="?url=https://evil.example&to=//evil")
    assert reply.headers["Location"].startswith("https://shop.example/landing?click_id=")


def test_a_creative_nobody_knows_is_404_and_leads_nowhere(worker: Worker, client: Client) -> None:
    token = signed(worker, creative_id=CreativeId("gone"))
    reply = client.call("GET", f"/e/c/{token}")
    assert reply.status == 404
    assert "Location" not in reply.headers


def test_a_macro_is_filled_and_odd_characters_are_made_safe(worker: Worker, client: Client) -> None:
    whole = small_marketplace()
    url = "https://shop.example/中文?id={click_id}&x=a b\r\nX-Evil: 1#end"
    odd = tuple(replace(one, landing_url=url) for one in whole.creatives)
    try:
        worker.publish(replace(whole, creatives=odd))
        location = client.follow(fresh(client)["click_through"]).headers["Location"]
    finally:
        worker.publish(whole)
    token = location.partition("?id=")[2].partition("&")[0]
    assert worker.serving.signer.verify(token)
    assert location.endswith("&x=a%20b%0D%0AX-Evil:%201#end")
    assert location.startswith("https://shop.example/%E4%B8%AD%E6%96%87?id=")


def test_a_retried_request_counts_once_however_often_it_is_shown(client: Client) -> None:
    request_id, user = unique("r"), {"id": unique("u")}
    urls = [
        client.ad(request_id=request_id, user=user)["trackers"]["impression"][0] for _ in range(5)
    ]
    assert [client.verdict(url) for url in urls].count(True) == 1


def test_a_counted_impression_is_charged_and_its_reservation_given_back(worker: Worker) -> None:
    client = worker.client()
    trackers = fresh(client)
    offered = worker.serving.signer.verify(trackers["click_through"].rpartition("/")[2])
    row = worker.serving.current.live.snapshot.catalog.line_item_row[offered.line_item_id]
    board = worker.serving.current.live.snapshot.spend
    assert client.verdict(trackers["impression"][0]) is True
    if offered.pricing == "cpm":
        wait_for(lambda: board.reserved[row] >= 0)


def test_one_client_cannot_fill_the_outbox_with_forgeries(worker: Worker, client: Client) -> None:
    allowance = worker.serving.suspects
    for number in range(int(allowance.burst) + 200):
        assert client.call("GET", f"/e/i/forged{number}").status == 204
    assert allowance.left < allowance.burst


def test_verdicts_have_names_that_the_contract_knows() -> None:
    assert {"duplicate", "expired", "bad_signature", "no_impression", "invalid_traffic"} <= set(
        Verdict
    )
