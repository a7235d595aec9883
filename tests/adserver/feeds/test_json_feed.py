"""JSON lines: one product a line, whatever stands in the other lines."""

import json

import pytest

from adserver.feeds.reading import Listed
from adserver.feeds.record import Fault, FeedError
from tests.adserver.feeds.conftest import Read
from tests.adserver.feeds.shops import KETTLE

WRITTEN = {
    "sku": "K-1", "title": "A kettle, red", "url": KETTLE.url, "price": 1299.00,
    "category": "pots", "image_url": KETTLE.image_url, "in_stock": True, "rate": "8%",
}  # fmt: skip


def test_a_line_becomes_a_product(read: Read) -> None:
    assert read(json.dumps(WRITTEN) + "\n") == [Listed(1, KETTLE)]
    assert read(("\ufeff" + json.dumps(WRITTEN)).encode()) == [Listed(1, KETTLE)]


def test_numbers_are_exact_and_googles_price_objects_are_read(read: Read) -> None:
    lines = [
        json.dumps(WRITTEN).replace("1299.0", "0.29"),
        json.dumps(WRITTEN | {"price": {"value": "12.10", "currency": "CNY"}}),
        json.dumps(WRITTEN | {"price": {"value": "12.10", "currency": "USD"}}),
        json.dumps(WRITTEN | {"price": [1]}),
    ]
    first, second, third, fourth = read("\n".join(lines))
    assert isinstance(first, Listed)
    assert first.product.price_minor == 29
    assert isinstance(second, Listed)
    assert second.product.price_minor == 1210
    assert third == Fault(
        3, "price: '12.10 USD' is not in CNY, in which the merchant counts", "K-1"
    )
    assert fourth == Fault(4, "price is missing", "K-1")


@pytest.mark.parametrize(
    "line",
    ['{"sku": ', "[1]", "7", "null", '"x"', "{" * 100_000, '{"sku": "\\ud800", "title": "T"}',
     '{"a": ' * 5_000, "x" * 2_000_000, '{"price": 1e999999999, "sku": "a"}'],
)  # fmt: skip
def test_a_line_that_is_no_product_costs_itself(read: Read, line: str) -> None:
    first, bad, last = read("\n".join([json.dumps(WRITTEN), line, "", json.dumps(WRITTEN)]))
    assert first == Listed(1, KETTLE)
    assert isinstance(bad, Fault)
    assert bad.line == 2
    assert last == Listed(4, KETTLE)


def test_an_array_is_refused_with_advice(read: Read) -> None:
    with pytest.raises(FeedError, match="write one object a line"):
        read(json.dumps([WRITTEN]))
