"""`POST /v1/ads` over a real socket."""

from dataclasses import replace
from typing import Any

import pytest

from adserver.api.signing import TokenSigner
from models.domain.placement import Format
from tests.adserver.api.running import Client, Reply, Worker, unique
from tests.builders import app, placement, small_marketplace


def refused(reply: Reply, status: int, field: str = "") -> None:
    assert reply.status == status, reply
    assert reply.headers["Content-Type"] == "application/problem+json"
    told = reply.json
    assert told["status"] == status
    assert told["type"]
    assert told["title"]
    assert told["detail"]
    assert told.get("field", "") == field


def test_an_ad_comes_with_all_that_the_contract_names(client: Client) -> None:
    ad = client.ad(user={"id": "u1"}, device={"os": "android", "language": "zh"})
    assert ad["format"] == "splash"
    assert ad["label"] == "广告"
    assert ad["show"] == {"duration_ms": 5000, "close_delay_ms": 0}
    assert ad["expires_in_s"] == 1800
    assert ad["advertiser"]
    assert ad["assets"][0].keys() == {"role", "url", "w", "h", "mime", "bytes", "sha256"}
    trackers = ad["trackers"]
    for name, step in (("impression", "i"), ("viewable", "v"), ("click", "c")):
        assert [f"/e/{step}/" in url for url in trackers[name]] == [True]
    assert trackers["click_through"] == trackers["click"][0]
    token = trackers["click_through"].rpartition("/")[2]
    assert ad["landing"]["url"] == f"https://shop.example/landing?click_id={token}"


def test_the_request_id_comes_back(client: Client) -> None:
    assert client.ask(request_id="mine").json["request_id"] == "mine"


def test_an_app_elsewhere_reads_another_label(client: Client) -> None:
    assert client.ad(device={"language": "en"})["label"] == "Ad"


def test_several_ads_are_of_several_advertisers(client: Client) -> None:
    reply = client.ask("pl2", count=3, device={"os": "android"}, user={"id": unique("u")})
    advertisers = [ad["advertiser"] for ad in reply.json["ads"]]
    assert len(advertisers) == 2
    assert len(set(advertisers)) == 2


def test_no_more_ads_come_than_the_placement_shows(client: Client) -> None:
    assert len(client.ask("pl1", count=20).json["ads"]) == 1


def test_no_ad_has_a_reason(worker: Worker) -> None:
    reply = worker.client("app2").ask("pl4")
    assert reply.status == 204
    assert reply.headers["X-No-Ad-Reason"] == "format"
    assert reply.body == b""


def test_debug_tells_the_funnel(worker: Worker, client: Client) -> None:
    debug = client.ask(debug=1).json["debug"]
    assert debug["funnel"]["won"] == 1
    assert debug["funnel"]["live"] >= debug["funnel"]["targeting"]
    assert debug["model"] == "prior"
    assert debug["snapshot"]
    assert "debug" not in client.ask().json
    assert "funnel" in worker.client("app2").ask("pl4", debug=True).headers["X-Debug"]


def test_a_key_must_be_known(worker: Worker, client: Client) -> None:
    for key in ("", "app1", "app1.1.00", worker.key("app1", 2), worker.key("nobody"), "é"):
        client.app_key = key
        refused(client.ask(), 401)


def test_a_key_is_asked_for_before_the_body_is_read(client: Client) -> None:
    refused(client.call("POST", "/v1/ads", b"{", Content_Type="application/json"), 401)


def test_an_unknown_placement_is_the_senders_mistake(client: Client) -> None:
    refused(client.ask("nowhere"), 400, "/placement_id")


def test_a_placement_of_another_app_is_not_given(client: Client) -> None:
    refused(client.ask("pl3"), 403, "/placement_id")


def test_a_wrong_field_is_named(client: Client) -> None:
    refused(client.ask(device={"w": -1}), 400, "/device/w")


def test_other_media_types_and_methods_are_problems(client: Client) -> None:
    refused(client.call("POST", "/v1/ads", b"{}", X_App_Key=client.app_key), 415)
    reply = client.call("GET", "/v1/ads")
    refused(reply, 405)
    assert reply.headers["Allow"] == "POST"
    refused(client.call("POST", "/v1/ads/"), 404)
    refused(client.call("GET", "/"), 404)
    refused(client.call("GET", "/v1/../v1/ads"), 404)
    refused(client.call("GET", "/e/i/../../v1/ads"), 404)
    refused(client.call("DELETE", "/e/i/x"), 405)


def test_a_body_over_the_limit_is_413(client: Client) -> None:
    reply = client.ask(padding="x" * 300_000)
    refused(reply, 413)


def test_a_user_who_opted_out_still_gets_an_ad(client: Client) -> None:
    assert client.ask(device={"lmt": 1}, user={"id": "u"}).status == 200
    assert client.ask(regs={"coppa": 1}, user={"id": "u"}).status == 200
    assert client.ask(user={"id": "u", "ext": {"personalized": 0}}).status == 200


def test_a_retry_makes_the_same_offer_id(client: Client, worker: Worker) -> None:
    request_id = unique("retry")
    ids = {client.ad(request_id=request_id)["ad_id"] for _ in range(3)}
    assert len(ids) == 1
    other = worker.client("app2").ask("pl3", request_id=request_id).json["ads"][0]["ad_id"]
    assert other not in ids


def test_a_test_request_shows_an_ad_that_nobody_pays(client: Client, worker: Worker) -> None:
    before = worker.serving.current.live.snapshot.spend.reserved.sum()
    ad = client.ad(test=1)
    offer = worker.serving.signer.verify(ad["trackers"]["click_through"].rpartition("/")[2])
    assert offer.test
    assert worker.serving.current.live.snapshot.spend.reserved.sum() == before
    assert client.verdict(ad["trackers"]["impression"][0]) == "test"
    assert client.verdict(ad["trackers"]["click"][0]) == "test"


def test_a_test_request_is_answered_where_nothing_is_for_sale(worker: Worker) -> None:
    client = worker.client("app2")
    ad = client.ask("pl4", test=1).json["ads"][0]
    assert ad["format"] == "native"
    picture = client.follow(ad["assets"][0]["url"])
    assert picture.status == 200
    assert picture.headers["Content-Type"] == "image/png"
    assert len(picture.body) == ad["assets"][0]["bytes"]
    click = client.follow(ad["trackers"]["click_through"])
    assert (click.status, click.headers["Location"]) == (302, "https://example.com/")
    assert client.verdict(ad["trackers"]["impression"][0]) == "test"


def test_there_is_one_test_picture_a_format(client: Client) -> None:
    for form in Format:
        assert client.call("GET", f"/test-ads/{form}.png").status == 200
    for path in ("/test-ads/", "/test-ads/other.png", "/test-ads/splash", "/test-ads/a/b.png"):
        assert client.call("GET", path).status == 404


def test_money_is_reserved_for_an_offer(client: Client, worker: Worker) -> None:
    live = worker.serving.current.live
    assert live
    ad = client.ad()
    row = live.snapshot.catalog.line_item_row[ad["line_item_id"]]
    assert live.snapshot.spend.reserved[row] > 0


@pytest.mark.parametrize(
    "change",
    [
        {"apps": (app(active=False), app(app_id="app2"))},
        {"placements": (placement(active=False), placement(placement_id="pl3", app_id="app2"))},
        {"advertisers": ()},
        {"creatives": ()},
    ],
)
def test_what_is_switched_off_is_served_no_more(worker: Worker, change: dict[str, Any]) -> None:
    whole = small_marketplace()
    for name in ("advertisers", "creatives"):
        if name in change:
            change[name] = tuple(replace(thing, active=False) for thing in getattr(whole, name))
    client = worker.client()
    assert client.ask().status == 200
    try:
        worker.publish(replace(whole, **change))
        reply = client.ask()
        assert reply.status in (204, 403)
        if "placements" in change:
            assert reply.headers["X-No-Ad-Reason"] == "placement_inactive"
    finally:
        worker.publish(whole)
    assert client.ask().status == 200


def test_tokens_of_an_answer_verify_with_the_house_alone(client: Client, worker: Worker) -> None:
    token = client.ad(user={"id": "u9"})["trackers"]["click_through"].rpartition("/")[2]
    offer = TokenSigner.of(worker.serving.keyring).verify(token)
    assert offer.user_key == worker.serving.keyring.user_key("u9")
    assert offer.placement_id == "pl1"
