"""`POST /v1/orders` and the partners' pull, over real sockets: a worker, a console, SQLite."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from adserver.api.signing import signature
from adserver.stores import database, partners
from tests.adserver.api.running import unique
from tests.adserver.console.order_house import House, house, house_settings
from tests.affiliate.sales import M1

__all__ = ["house", "house_settings"]


def test_a_batch_is_booked_and_its_replay_is_all_duplicates(house: House) -> None:
    items = [house.item(), house.item()]
    reply = house.send(items)
    assert reply.status == 200
    assert reply.json["results"][1] == {
        "order_id": items[1]["order_id"], "line_id": "1", "version": 1,
        "status": 200, "verdict": "accepted", "reason": "",
    }  # fmt: skip
    assert house.shop.row(items[0]["order_id"]).partner_minor == 1_000
    assert house.verdicts(items) == ["duplicate", "duplicate"]


def test_only_a_signed_call_with_a_merchants_present_key_is_heard(house: House) -> None:
    now = int(datetime.now(UTC).timestamp())
    keys, body = house.keys, json.dumps({"orders": [house.item(order_id="unheard")]}).encode()
    secret = keys.signing_secret("merchant", "m1", 1)
    second = keys.signing_secret("merchant", "m1", 2)
    refused: list[dict[str, str]] = [
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer m1.1.00"},
        {"Authorization": f"Basic {keys.api_key('merchant', 'm1', 1)}"},
        {"Authorization": f"Bearer {keys.api_key('partner', 'ann', 1)}"},
        {"Authorization": f"Bearer {keys.api_key('advertiser', 'm1', 1)}"},
        {"Authorization": f"Bearer {keys.api_key('merchant', 'm9', 1)}"},
        {
            "Authorization": f"Bearer {keys.api_key('merchant', 'm1', 2)}",
            "X_Signature": signature(second, now, body),
        },
        {"X_Signature": ""},
        {"X_Signature": signature(secret, now - 301, body)},
        {"X_Signature": signature(secret, now + 301, body)},
        {"X_Signature": signature(secret, now, body + b" ")},
        {"X_Signature": signature("forged", now, body)},
    ]
    for headers in refused:
        reply = house.send(body, **headers)
        assert reply.status == 401, headers
        assert reply.json["status"] == 401
    assert house.shop.orders() & {"unheard"} == set()


def test_an_archived_merchant_still_reports_what_goes_back(house: House) -> None:
    item = house.item()
    house.send([item])
    with database.writing(house.shop.engine) as connection:
        merchant = partners.merchants(connection)[M1]
        partners.put_merchant(connection, replace(merchant, active=False), datetime.now(UTC))
    back = item | {"version": 2, "status": "refunded", "refunded_minor": 10_000}
    assert house.verdicts([back]) == ["accepted"]
    assert house.shop.row(item["order_id"]).partner_minor == 0
    with database.writing(house.shop.engine) as connection:
        partners.put_merchant(connection, merchant, datetime.now(UTC))


def test_another_body_under_one_version_is_409_for_that_item_only(house: House) -> None:
    first = house.item()
    assert house.verdicts([first]) == ["accepted"]
    results = house.send([first | {"paid_minor": 1}, house.item()]).json["results"]
    assert [(one["status"], one["verdict"]) for one in results] == [
        (409, "conflict"), (200, "accepted"),
    ]  # fmt: skip
    assert "another body" in results[0]["reason"]
    assert house.shop.row(first["order_id"]).paid_minor == 10_000


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"paid_minor": -1}, 422, "paid_minor"),
        ({"refunded_minor": -1}, 422, "refunded_minor"),
        ({"quantity": -1}, 422, "quantity"),
        ({"version": -1}, 422, "version"),
        ({"paid_minor": 10**12 + 1}, 422, "paid_minor"),
        ({"paid_minor": 2**63}, 422, "paid_minor"),
        ({"paid_minor": 10**40}, 422, "paid_minor"),
        ({"quantity": 10**7}, 422, "quantity"),
        ({"refunded_minor": 10_001}, 422, "refunded_minor"),
        ({"currency": "USD"}, 422, "currency"),
        ({"occurred_at": "2099-01-01T00:00:00+08:00"}, 422, "occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, 422, "occurred_at"),
        ({"occurred_at": "9999-12-31T23:59:59-14:00"}, 422, "occurred_at"),
        ({"merchant": "m2"}, 404, "merchant"),
        ({"merchant": "m9"}, 404, "merchant"),
        ({"paid_minor": "100"}, 400, "paid_minor"),
        ({"paid_minor": 1.5}, 400, "paid_minor"),
        ({"paid_minor": None}, 400, "paid_minor"),
        ({"status": "lost"}, 400, "status"),
        ({"order_id": ""}, 400, "order_id"),
        ({"order_id": "x" * 129}, 400, "order_id"),
        ({"customer_ref": "nul\x00"}, 400, "customer_ref"),
        ({"order_id": "\x1b[2J"}, 400, "order_id"),
        ({"occurred_at": "2026-11-22T10:01:00"}, 400, "occurred_at"),
    ],
)
def test_one_bad_item_refuses_the_batch_and_nothing_is_booked(
    house: House, changes: dict[str, Any], status: int, field: str
) -> None:
    good = [house.item(order_id=unique("half")) for _ in range(2)]
    reply = house.send([good[0], house.item() | changes, good[1]])
    assert (reply.status, reply.json["field"]) == (status, f"/orders/1/{field}")
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert house.shop.orders() & {item["order_id"] for item in good} == set()


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, None),
        (b"{}", 400, "/orders"),
        (b'{"orders": []}', 400, "/orders"),
        (b'{"orders": [5]}', 400, "/orders/0"),
        (b'{"orders": [{"order_id": 5}, {', 400, "/orders/0/order_id"),
        (b'{"merchant": "m2", "orders": [{"order_id": "o", "line_id": "1", "version": 1, '
         b'"status": "paid", "occurred_at": "2026-11-22T10:01:00Z", "currency": "CNY"}]}',
         404, "/merchant"),
    ],
)  # fmt: skip
def test_a_body_that_is_no_batch_is_refused(
    house: House, body: bytes, status: int, field: str | None
) -> None:
    reply = house.send(body)
    assert (reply.status, reply.json.get("field")) == (status, field)


def test_a_thousand_items_are_taken_and_one_more_is_too_many(house: House) -> None:
    items = [house.item(line_id=str(number), order_id="many") for number in range(1_001)]
    refused = house.send(items)
    assert (refused.status, refused.json["field"]) == (413, "/orders")
    assert house.shop.orders() & {"many"} == set()
    assert set(house.verdicts(items[:1_000])) == {"accepted"}
    declared = house.worker.client().call("POST", "/v1/orders", b"", Content_Length="5000000")
    assert declared.status == 413


def test_what_is_not_plain_json_is_refused(house: House) -> None:
    assert house.send(b"{}", Content_Type="text/plain").status == 415
    assert house.send(b"{}", Content_Encoding="gzip").status == 415


def test_a_partner_pulls_its_own_rows_and_nobody_elses(house: House) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = house.pull(query=f"?limit=150&cursor={cursor}").json
        seen += [row["row_id"] for row in page["items"]]
        cursor = page["next_cursor"]
        if not page["items"]:
            break
    mine = {row.row_id for row in house.shop.rows() if row.partner_id == "ann"}
    assert len(seen) == len(set(seen))
    assert set(seen) == mine
    assert house.pull("bob").json["items"] == []
    order = house.item()
    house.verdicts([order])
    fresh = house.pull(query=f"?cursor={cursor}").json["items"]
    assert [row["order_id"] for row in fresh] == [order["order_id"]]
    assert (fresh[0]["earned_minor"], fresh[0]["estimated_minor"]) == (1_000, 1_000)
    again = house.pull(query=f"?modified_since={fresh[0]['modified_at']}").json["items"]
    assert [row["order_id"] for row in again] == [order["order_id"]]


def test_a_spreadsheet_gets_csv_without_formulas(house: House) -> None:
    cursor = house.pull().json["next_cursor"]
    house.verdicts([house.item(order_id=unique("=cmd"))])
    cursor = last_cursor(house, cursor)
    house.verdicts([house.item(order_id=unique("=cmd"))])
    reply = house.pull(query=f"?cursor={cursor}", Accept="text/csv")
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    head, row = reply.body.decode().splitlines()
    assert head.startswith("row_id,merchant_id,order_id")
    assert ",'=cmd" in row
    assert reply.headers["X-Next-Cursor"]


def last_cursor(house: House, cursor: str) -> str:
    while (page := house.pull(query=f"?cursor={cursor}").json)["items"]:
        cursor = page["next_cursor"]
    return str(page["next_cursor"])


def test_a_pull_that_is_not_understood_is_refused(house: House) -> None:
    for query, field in (
        ("?limit=0", "/limit"),
        ("?limit=201", "/limit"),
        ("?limit=x", "/limit"),
        ("?cursor=YzEuNQ", "/cursor"),
        ("?cursor=" + "Y" * 65, "/cursor"),
        ("?modified_since=yesterday", "/modified_since"),
        ("?modified_since=2026-11-22T10:01:00", "/modified_since"),
        ("?modified_since=0001-01-01T00:00:00%2B14:00", "/modified_since"),
        ("?modified_since=9999-12-31T23:59:59-14:00", "/modified_since"),
    ):
        reply = house.pull(query=query)
        assert (reply.status, reply.json["field"]) == (400, field), query
    stranger = house.console.call("GET", "/api/v1/partners/ann/commissions")
    assert stranger.status == 401
    derived = f"Bearer {house.keys.api_key('partner', 'ann', 1)}"
    assert house.pull(Authorization=derived).status == 401
    assert house.pull(Authorization=f"Bearer {house.partner_key('bob')}").status == 404


def test_the_port_describes_itself_and_answers_problems(house: House) -> None:
    described = house.console.call("GET", "/openapi.json").json
    assert "/api/v1/partners/{partner_id}/commissions" in described["paths"]
    nowhere = house.console.call("GET", "/api/v1/nothing")
    assert (nowhere.status, nowhere.json["status"]) == (404, 404)
    wrong = house.console.call("POST", "/api/v1/partners/ann/commissions", b"")
    assert wrong.status == 405
    assert "GET" in wrong.headers["Allow"]
