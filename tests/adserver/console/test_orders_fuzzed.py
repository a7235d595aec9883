"""What a merchant gone mad can send to `POST /v1/orders`: never a 500, never half a batch."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st

from adserver.api import order_wire
from tests.adserver.api.test_fuzz import anything, encoded, latin, scalars
from tests.adserver.console.order_house import House, house, house_settings

__all__ = ["house", "house_settings"]

KNOWN = {200, 400, 404, 413, 422}
often = settings(
    deadline=None, max_examples=400, suppress_health_check=list(HealthCheck), database=None
)
values = (
    scalars
    | st.integers(-5, 20_000)
    | st.sampled_from(
        [
            "paid", "received", "cancelled", "refunded", "placed", "CNY", "m1", "ANN10", "1",
            "2026-11-22T10:01:00+08:00", "2000-01-01T00:00:00-12:00", "9999-12-31T00:00:00-14:00",
        ]
    )
)  # fmt: skip
right_items = st.fixed_dictionaries(
    {
        "order_id": st.sampled_from(["f1", "f2", "é\u202e'; DROP", "f\x1f"]) | st.text(max_size=9),
        "line_id": st.sampled_from(["1", "2", " "]),
        "version": st.integers(0, 4),
        "status": st.sampled_from(["placed", "paid", "received", "cancelled", "refunded"]),
        "occurred_at": st.just("2026-11-18T20:00:00+08:00"),
        "currency": st.just("CNY"),
        "paid_minor": st.integers(0, 10**12),
    }
)
mad_fields = st.dictionaries(st.sampled_from(order_wire.FIELDS), values, max_size=3)
near_items = st.tuples(right_items, mad_fields).map(lambda parts: parts[0] | parts[1])


def sent(house: House, body: bytes) -> int:
    """The status of a signed body; the books still balance after it."""
    status = house.send(body).status
    assert status in KNOWN, body
    return status


@often
@given(st.lists(near_items, max_size=4))
def test_batches_that_are_almost_right(house: House, items: list[dict[str, Any]]) -> None:
    sent(house, encoded({"orders": items}))


@often
@given(st.binary(max_size=200) | anything.map(encoded))
def test_bodies_of_any_bytes(house: House, body: bytes) -> None:
    assert sent(house, body) == 400


@often
@given(st.data())
def test_batches_that_were_cut_or_changed_somewhere(house: House, data: st.DataObject) -> None:
    item = {
        "order_id": "o", "line_id": "1", "version": 1, "status": "paid", "currency": "CNY",
        "occurred_at": "2026-11-18T20:00:00+08:00", "paid_minor": 100, "coupon": "ANN10",
    }  # fmt: skip
    body = bytearray(json.dumps({"orders": [item, item]}).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    sent(house, bytes(body[: data.draw(st.integers(0, len(body)))]))


@often
@given(st.dictionaries(st.sampled_from(["limit", "cursor", "modified_since", "x"]),
                       st.text(st.characters(codec="ascii"), max_size=20), max_size=3))  # fmt: skip
def test_queries_of_any_kind(house: House, query: dict[str, str]) -> None:
    text = "&".join(f"{name}={encoded_text(value)}" for name, value in query.items())
    assert house.pull(query=f"?{text}").status in (200, 400)


def encoded_text(value: str) -> str:
    return "".join(f"%{byte:02X}" for byte in value.encode())


@often
@given(st.text(latin, max_size=40))
def test_keys_of_any_kind(house: House, key: str) -> None:
    assert house.send(b"{}", Authorization=f"Bearer {key}").status == 401
    assert house.pull(Authorization=f"Bearer {key}").status == 401


def test_the_books_balance_after_all_that(house: House) -> None:
    assert sum(house.shop.balances().values()) == 0
