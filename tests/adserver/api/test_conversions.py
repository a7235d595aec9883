"""`POST /v1/conversions` over a real socket."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adserver.api import conversions
from adserver.api.signing import signature
from models.domain.ids import AdvertiserId
from tests.adserver.api.running import Client, Reply, Worker, unique


def send(
    worker: Worker, client: Client, body: Any, advertiser: str = "adv1", **headers: str
) -> Reply:
    """Sends a signed batch as an advertiser; `headers` replace what would be sent."""
    raw = body if isinstance(body, bytes) else json.dumps({"conversions": body}).encode()
    keyring = worker.serving.keyring
    secret = keyring.signing_secret("advertiser", advertiser, 1)
    given = {
        "Content_Type": "application/json",
        "Authorization": f"Bearer {keyring.api_key('advertiser', advertiser, 1)}",
        "X_Signature": signature(secret, int(datetime.now(UTC).timestamp()), raw),
    }
    return client.call("POST", "/v1/conversions", raw, **(given | headers))


def clicked(worker: Worker) -> tuple[str, str]:
    """A click id of a counted click, and whose it is."""
    client = worker.client()
    for _ in range(50):
        ad = client.ad(user={"id": unique("u")})
        token = ad["trackers"]["click_through"].rpartition("/")[2]
        client = worker.client()
        assert client.verdict(ad["trackers"]["impression"][0]) is True
        assert client.verdict(ad["trackers"]["click"][0]) is True
        return token, worker.serving.signer.verify(token).advertiser_id
    raise AssertionError


def item(click_id: str, **fields: Any) -> dict[str, Any]:
    return {"conversion_id": unique("c"), "click_id": click_id, "event": "purchase"} | fields


def test_a_conversion_counts_once(worker: Worker, client: Client) -> None:
    click_id, owner = clicked(worker)
    told = item(click_id, value_minor=1999, currency="CNY")
    first = send(worker, client, [told], owner)
    assert first.status == 200
    assert first.json == {"results": [{"conversion_id": told["conversion_id"], "counted": True}]}
    again = send(worker, client, [told], owner).json["results"][0]
    assert (again["counted"], again["reason"]) == (False, "duplicate")


def test_two_conversions_of_one_click_both_count(worker: Worker, client: Client) -> None:
    click_id, owner = clicked(worker)
    results = send(worker, client, [item(click_id), item(click_id)], owner).json["results"]
    assert [result["counted"] for result in results] == [True, True]


def test_one_id_twice_in_a_batch_counts_once(worker: Worker, client: Client) -> None:
    click_id, owner = clicked(worker)
    told = item(click_id)
    results = send(worker, client, [told] * 5, owner).json["results"]
    assert sorted(result["counted"] for result in results) == [False] * 4 + [True]


def test_every_item_has_its_own_verdict_in_order(worker: Worker, client: Client) -> None:
    click_id, owner = clicked(worker)
    unclicked = client.ad(user={"id": unique("u")})["trackers"]["click_through"].rpartition("/")[2]
    batch = [item(click_id), item("forged"), item(click_id, currency="USD"), item(unclicked)]
    results = send(worker, client, batch, owner).json["results"]
    assert [result.get("reason", "") for result in results][:3] == ["", "bad_signature", "currency"]
    assert results[3]["reason"] in ("no_click", "bad_signature")  # another advertiser may have won
    assert [r["conversion_id"] for r in results] == [told["conversion_id"] for told in batch]


def test_a_foreign_click_is_no_click_of_ours(worker: Worker, client: Client) -> None:
    click_id, owner = clicked(worker)
    stranger = "adv2" if owner == "adv1" else "adv1"
    result = send(worker, client, [item(click_id)], stranger).json["results"][0]
    assert result["reason"] == "bad_signature"


def test_a_conversion_long_after_its_window_is_expired(worker: Worker, client: Client) -> None:
    token, owner = clicked(worker)
    signer, settings = worker.serving.signer, worker.settings
    offer = signer.verify(token)
    window_s = settings.ad_expires_s + settings.click_window_s + settings.conversion_window_s
    old = signer.sign(replace(offer, served_ms=offer.served_ms - window_s * 1000))
    result = send(worker, client, [item(old)], owner).json["results"][0]
    assert result["reason"] == "expired"


def test_the_time_told_lies_between_the_ad_and_now(worker: Worker) -> None:
    token, _ = clicked(worker)
    offer = worker.serving.signer.verify(token)
    now = datetime.now(UTC)
    early = conversions.Conversion("c", token, occurred_at=now - timedelta(days=400))
    late = conversions.Conversion("c", token, occurred_at=now + timedelta(days=400))
    assert conversions.tracked(early, offer, now, "CNY").occurred_ms == offer.served_ms
    assert conversions.tracked(late, offer, now, "CNY").occurred_ms == int(now.timestamp() * 1000)


def test_only_a_signed_call_with_a_known_key_is_heard(worker: Worker, client: Client) -> None:
    for headers in (
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer adv1.1.00"},
        {"Authorization": f"Basic {worker.serving.keyring.api_key('advertiser', 'adv1', 1)}"},
        {"Authorization": f"Bearer {worker.key('app1')}"},
        {"Authorization": f"Bearer {worker.serving.keyring.api_key('advertiser', 'adv1', 2)}"},
        {"X_Signature": ""},
        {"X_Signature": "t=1,v1=00"},
        {"X_Signature": signature("wrong", int(datetime.now(UTC).timestamp()), b"{}")},
    ):
        assert send(worker, client, [item("x")], **headers).status == 401, headers


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, None),
        (b"{}", 400, "/conversions"),
        (b'{"conversions": []}', 400, "/conversions"),
        (b'{"conversions": [{"conversion_id": "c"}]}', 400, "/conversions/0/click_id"),
        (b'{"conversions": [{"conversion_id": "c", "click_id": "k", "value_minor": -1}]}', 400,
         "/conversions/0/value_minor"),
        (b'{"conversions": [{"conversion_id": "c", "click_id": "k", '
         b'"occurred_at": "2026-11-22T10:01:00"}]}', 400, "/conversions/0/occurred_at"),
    ],
)  # fmt: skip
def test_a_malformed_batch_is_refused_whole(
    worker: Worker, client: Client, body: bytes, status: int, field: str | None
) -> None:
    reply = send(worker, client, body)
    assert (reply.status, reply.json.get("field")) == (status, field)


def test_more_than_a_thousand_are_refused(worker: Worker, client: Client) -> None:
    told = [{"conversion_id": str(n), "click_id": "k"} for n in range(1_001)]
    assert send(worker, client, told).status == 400
    assert send(worker, client, told[:1_000]).status == 200


def test_a_conversion_has_one_id_whatever_click_it_names() -> None:
    one = conversions.conversion_event_id(AdvertiserId("a"), "c1")
    assert one == conversions.conversion_event_id(AdvertiserId("a"), "c1")
    assert one != conversions.conversion_event_id(AdvertiserId("b"), "c1")
    assert one != conversions.conversion_event_id(AdvertiserId("a"), "c2")
