"""Clicks on links come back from every store as the touches they were, each once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from adserver.eventlog.link_clicks import TABLE, link_click_row, touches_of
from adserver.eventlog.rows import pack_rows, unpack_columns
from adserver.ports import EventStore
from affiliate.order import Touch, TouchKind
from models.domain.ids import LinkCode, MerchantId, PartnerId, Sku

AT = datetime(2026, 11, 22, 10, 0, 0, 1_000, tzinfo=UTC)
AT_MS = int(AT.timestamp() * 1000)
SHOP = MerchantId("m_shop")
TOUCH = Touch(
    touch_id="ab" * 16,
    kind=TouchKind.LINK,
    clicked_at=AT,
    partner_id=PartnerId("p_blog"),
    merchant_id=SHOP,
    sku=Sku("红'\\1"),
    link_code=LinkCode("Ab3dE6g"),
    subs=("one", "", "it's", "", "五"),
    customer_ref="c1",
    invalid="crawler",
)


def keep(store: EventStore, touches: Sequence[Touch]) -> None:
    rows = [link_click_row(touch, AT_MS, 7) for touch in touches]
    store.insert(TABLE, unpack_columns(TABLE, [pack_rows(rows)]))


def other(number: int, **changes: object) -> Touch:
    return replace(TOUCH, touch_id=f"{number:032x}", **changes)  # type: ignore[arg-type]


def test_a_touch_comes_back_as_it_was(store: EventStore) -> None:
    keep(store, [TOUCH])
    assert touches_of(store, (), ["c1"], AT_MS, AT_MS) == [TOUCH]


def test_copies_are_one_touch(store: EventStore) -> None:
    keep(store, [TOUCH])
    keep(store, [TOUCH, TOUCH])
    assert touches_of(store, (), ["c1"], 0, AT_MS) == [TOUCH]


def test_the_span_includes_both_its_ends_to_the_millisecond(store: EventStore) -> None:
    times = [AT + timedelta(milliseconds=ms) for ms in (-1, 0, 1, 2)]
    touches = [other(n, clicked_at=at) for n, at in enumerate(times)]
    keep(store, touches)
    assert touches_of(store, (), ["c1"], AT_MS, AT_MS + 1) == touches[1:3]


def test_only_the_customers_and_merchants_asked_for(store: EventStore) -> None:
    elsewhere = other(1, merchant_id=MerchantId("m_else"))
    stranger, nobody = other(2, customer_ref="c2"), other(3, customer_ref="")
    keep(store, [TOUCH, elsewhere, stranger, nobody])
    assert touches_of(store, [SHOP], ["c1", ""], 0, AT_MS) == [TOUCH]
    assert touches_of(store, (), ["c1", "c2"], 0, AT_MS) == [elsewhere, stranger, TOUCH]
    assert touches_of(store, [SHOP], [], 0, AT_MS) == []


def test_more_customers_than_one_statement_takes(store: EventStore) -> None:
    touches = [other(n, customer_ref=f"c{n}") for n in range(5_000)]
    keep(store, touches)
    found = touches_of(store, (), [f"c{n}" for n in range(6_000)], 0, AT_MS)
    assert {touch.touch_id for touch in found} == {touch.touch_id for touch in touches}
    assert len(found) == 5_000
