"""What is asked of the log, with every row inserted twice: copies must never show."""

import struct
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from adserver.eventlog import queries
from adserver.eventlog.rows import (
    Row,
    census_row,
    decided_row,
    pack_rows,
    served_row,
    settled_row,
    unpack_columns,
)
from adserver.eventlog.training_rows import MINUTE_MS, training_rows
from adserver.ports import EventStore
from models.domain.event import Booked, EventKind, Verdict
from models.domain.ids import LineItemId
from models.domain.money import Micros
from tests.adserver.eventlog.happenings import COUNTED, census, decided, happening, served
from tests.builders import NOW_MS

IMPRESSION, CLICK, CONVERSION = EventKind.IMPRESSION, EventKind.CLICK, EventKind.CONVERSION
DAY_MS = 86_400_000
TODAY = NOW_MS // DAY_MS
SPAN = (TODAY * DAY_MS, (TODAY + 1) * DAY_MS)
FREE = Booked(Verdict.COUNTED, Micros(0))

Put = Callable[[str, Sequence[Row]], None]


@pytest.fixture
def put(store: EventStore) -> Put:
    """Inserts rows, and then the same rows again in a second insert, as after a lost answer."""

    def twice(table: str, rows: Sequence[Row]) -> None:
        for _ in range(2):
            store.insert(table, unpack_columns(table, [pack_rows(rows)]))

    return twice


def counted(
    numbers: Sequence[int], kind: EventKind, booked: Booked = COUNTED, **offer: object
) -> list[Row]:
    settled = [settled_row(happening(number, kind, **offer), booked) for number in numbers]
    return [one[1] for one in settled if one is not None]


def test_delivery_counts_each_event_once_and_sums_its_charge_once(
    store: EventStore, put: Put
) -> None:
    put("ads_served", [served_row(served(number)) for number in range(9)])
    put("impressions", counted(range(7), IMPRESSION))
    put("clicks", counted(range(3), CLICK, FREE))
    put("conversions", counted([1], CONVERSION, FREE))
    put("impressions", counted([100], IMPRESSION, line_item_id="li2"))
    found = queries.delivery(store, *SPAN)
    assert found[LineItemId("li1")] == queries.Delivery(
        served=9, impressions=7, clicks=3, conversions=1, charged_micros=7 * 20_000
    )
    assert found[LineItemId("li2")] == queries.Delivery(impressions=1, charged_micros=20_000)
    assert queries.delivery(store, SPAN[1], SPAN[1] + 1) == {}


def test_history_counts_by_creative_and_placement_without_tests(
    store: EventStore, put: Put
) -> None:
    put("impressions", counted(range(5), IMPRESSION))
    put("impressions", counted([5], IMPRESSION, creative_id="cr2"))
    put("impressions", counted([6], IMPRESSION, test=True))
    put("impressions", counted([7], IMPRESSION, served_ms=NOW_MS - DAY_MS))
    put("clicks", counted([1, 2], CLICK))
    put("conversions", counted([2], CONVERSION))
    assert queries.history_counts(store, *SPAN) == {
        ("cr1", "pl1", "impressions"): 5,
        ("cr1", "pl1", "clicks"): 2,
        ("cr1", "pl1", "conversions"): 1,
        ("cr2", "pl1", "impressions"): 1,
    }
    this_hour = NOW_MS // queries.HOUR_MS
    assert queries.hours_with_impressions(store) == [this_hour - 24, this_hour]


def test_charges_belong_to_the_advertisers_day_on_which_the_event_arrived(
    store: EventStore, put: Put
) -> None:
    put("impressions", counted(range(5), IMPRESSION))
    put("impressions", counted([5], IMPRESSION, utc_offset_s=-13 * 3600))
    put("clicks", counted([6], CLICK, line_item_id="li2"))
    put("clicks", counted([7], CLICK, FREE, line_item_id="li2"))
    assert queries.charges(store, *SPAN) == {
        ("li1", TODAY): 5 * 20_000,
        ("li1", TODAY - 1): 20_000,
        ("li2", TODAY): 20_000,
    }


def test_the_census_sums_minutes_by_reason_the_most_frequent_first(
    store: EventStore, put: Put
) -> None:
    reasons = [("won", 2), ("targeting", 40), ("won", 3), ("pacing", 7)]
    put("census", [census_row(census(n, *reason)) for n, reason in enumerate(reasons)])
    found = queries.census_of(store, LineItemId("li1"), *SPAN)
    assert [(one.reason, one.requests) for one in found] == [
        ("targeting", 40),
        ("pacing", 7),
        ("won", 5),
    ]
    assert queries.census_of(store, LineItemId("li2"), *SPAN) == []


def test_requests_and_the_reasons_of_those_without_an_ad(store: EventStore, put: Put) -> None:
    put("decisions", [decided_row(decided(n, ads=2)) for n in range(4)])
    put("decisions", [decided_row(decided(n, 0, "floor")) for n in range(4, 7)])
    put("decisions", [decided_row(decided(7, 0, "targeting"))])
    assert queries.requests(store, *SPAN) == queries.Requests(requests=8, filled=4, ads=8)
    assert queries.no_ad_reasons(store, *SPAN) == {"floor": 3, "targeting": 1}
    assert queries.requests(store, 0, 1) == queries.Requests(0, 0, 0)


def test_event_ids_name_every_row_that_is_there(store: EventStore, put: Put) -> None:
    put("impressions", counted(range(3), IMPRESSION))
    found = queries.event_ids(store, "impressions", *SPAN)
    assert {one.replace("-", "") for one in found} == {
        happening(number).event_id.hex for number in range(3)
    }


def features_of(number: int) -> bytes:
    return struct.pack("<3d", number, float("nan"), -number)


def fill_training(put: Put, rows: int) -> None:
    """An impression each 10 s; every third is clicked; one ad was never seen, one by a suspect."""
    ads = [served(n, features_of(n), served_ms=NOW_MS + n * 10_000) for n in range(rows + 2)]
    put("ads_served", [served_row(ad) for ad in ads])
    put("ads_served", [served_row(served(0, features_of(99), creative_id="cr2"))])
    for ad in ads[:rows]:
        number = int(ad.request.request_id.removeprefix("req"))
        at = {"served_ms": ad.offer.served_ms}
        put("impressions", counted([number], IMPRESSION, **at))
        if number % 3 == 0:
            put("clicks", counted([number], CLICK, FREE, **at))


def test_training_rows_are_the_impressions_with_their_labels_in_order(
    store: EventStore, put: Put
) -> None:
    fill_training(put, 30)
    batches = list(training_rows(store, "abc", 0, NOW_MS + DAY_MS, rows=10))
    assert [len(batch) for batch in batches] == [6, 6, 6, 6, 6]
    features = np.concatenate([batch.features for batch in batches])
    assert features.shape == (30, 3)
    assert features[:, 0].tolist() == list(range(30))
    assert np.isnan(features[:, 1]).all()
    clicked = np.concatenate([batch.clicked for batch in batches])
    assert clicked.tolist() == [number % 3 == 0 for number in range(30)]
    assert set(batches[0].propensity.tolist()) == {0.5}
    assert batches[0].model_version[0] == "m1"


def test_training_rows_of_another_schema_or_time_are_left_out(store: EventStore, put: Put) -> None:
    fill_training(put, 3)
    assert list(training_rows(store, "other", 0, NOW_MS + MINUTE_MS)) == []
    [batch] = training_rows(store, "abc", NOW_MS + 10_000, NOW_MS + 20_000)
    assert batch.features[:, 0].tolist() == [1.0]
