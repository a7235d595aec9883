from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from models.ctr.encoder import BoundEncoder, bind
from models.ctr.encoding import category, encode_table
from models.ctr.features import SERVING_SCHEMA, Half, Kind, serving_schema
from models.ctr.reading import AdAttributes, RequestView
from models.domain.ad_request import AdRequest
from models.domain.history import History, HistoryCell
from models.domain.ids import CreativeId, PlacementId
from models.domain.user import Exposure, UserProfile, UserState
from tests import builders
from tests.builders import NOW

MARKET = builders.small_marketplace()
CELLS = (
    ("cr1", "pl1", 900, 30),
    ("cr6", "pl1", 10, 2),
    ("cr4", "pl2", 500, 1),
    ("gone", "pl1", 7, 1),
)
HISTORY = History(
    1, tuple(HistoryCell(CreativeId(c), PlacementId(p), n, k, 0) for c, p, n, k in CELLS)
)
SLOT = SERVING_SCHEMA.slot_of


def attributes() -> list[AdAttributes]:
    advertisers = {each.advertiser_id: each for each in MARKET.advertisers}
    owners = {each.campaign_id: advertisers[each.advertiser_id] for each in MARKET.campaigns}
    line_items = {each.line_item_id: each for each in MARKET.line_items}
    bought = [(line_items[creative.line_item_id], creative) for creative in MARKET.creatives]
    return [AdAttributes.of(owners[bought_by.campaign_id], bought_by, c) for bought_by, c in bought]


def encoder() -> BoundEncoder:
    return bind(attributes(), MARKET.placements, HISTORY)


ENCODER = encoder()
words = st.text(max_size=5)
small = st.integers(0, 300)
ids = st.lists(st.integers(1, 65_535), max_size=7).map(tuple)
profiles = st.builds(
    UserProfile,
    gender=st.sampled_from(["", "F", "M"]),
    birth_year=st.sampled_from([0, 1960, 2001]),
    interests=ids,
    recent_categories=ids,
    custom=ids,
    **{
        field.name: small
        for field in fields(UserProfile)
        if field.type is int and field.name != "birth_year"
    },
)
requests = st.builds(
    AdRequest,
    request_id=words,
    app=st.sampled_from(MARKET.apps),
    placement=st.sampled_from(MARKET.placements),
    personalized=st.just(True),
    country=words, region=words, city=words, os=words, make=words, model=words, carrier=words,
    language=words, device_type=st.integers(0, 8), connection=st.integers(0, 7),
    os_version=st.sampled_from(["", "14", "9.1.2", "x"]),
    app_version=st.sampled_from(["", "3.2.1"]),
    gender=st.sampled_from(["", "F"]), birth_year=st.sampled_from([0, 1999]), segments=ids,
    screen_w=small, screen_h=small,
)  # fmt: skip
times = st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def of_view(view: RequestView, path: str) -> object:
    value: object = view
    for name in path.split("."):
        value = getattr(value, name)
    return value


@settings(max_examples=300)
@given(requests, profiles, times)
def test_a_request_is_encoded_as_a_table_of_one_row_is(
    request: AdRequest, profile: UserProfile, now: datetime
) -> None:
    user = UserState(profile, known=True)
    view = RequestView.of(request, user, now, ENCODER.zone)
    plain = [f for f in SERVING_SCHEMA.half(Half.REQUEST) if f.kind is not Kind.HISTORY]
    columns = {f.sources[0]: [of_view(view, f.sources[0])] for f in plain}
    table = encode_table(SERVING_SCHEMA, columns, halves=[Half.REQUEST])[0]
    row = ENCODER.encode(request, user, now).row
    assert row.shape == table.shape
    assert np.array_equal(row[:-2], table[:-2], equal_nan=True)


@given(requests, profiles)
def test_an_opted_out_user_leaves_no_trace_in_the_row(
    request: AdRequest, profile: UserProfile
) -> None:
    seen = {"li1": Exposure(3, 1, 1, 1, 1, 1, 1, int(NOW.timestamp()) - 60)}
    out = replace(request, personalized=False)
    blank = replace(out, gender="", birth_year=0, segments=())
    encoded = ENCODER.encode(out, UserState(profile, seen, known=True), NOW)
    nobody = ENCODER.encode(blank, UserState(), NOW)
    for ad in range(len(ENCODER.ads)):
        assert ENCODER.row(ad, encoded) == ENCODER.row(ad, nobody)


def test_the_logged_row_is_request_then_ad_then_pair() -> None:
    encoded = ENCODER.encode(builders.ad_request(), UserState(), NOW)
    row = np.frombuffer(ENCODER.row(1, encoded), "<f8")
    assert len(row) == len(SERVING_SCHEMA.slots)
    assert np.array_equal(row[SERVING_SCHEMA.range_of(Half.REQUEST)], encoded.row, equal_nan=True)
    ad = row[SERVING_SCHEMA.range_of(Half.AD)]
    assert np.array_equal(ad, ENCODER.ad_rows[1], equal_nan=True)
    assert row[SLOT["line_item"]] == category("li2")


def test_histories_are_smoothed_from_ad_to_line_item_to_all() -> None:
    whole = (34 + 50 * 0.01) / (1417 + 50)
    li1 = (30 + 50 * whole) / (900 + 50)
    li5 = (2 + 50 * whole) / (10 + 50)
    rates = ENCODER.ad_rows[:, -8:]
    assert rates[0, :2] == pytest.approx([li1, np.log1p(900)])
    assert rates[0, 2] == pytest.approx((30 + 50 * li1) / 950)
    assert rates[4, :4] == pytest.approx([li5, np.log1p(10), li5, 0.0])
    assert rates[1, :4] == pytest.approx([whole, 0.0, whole, 0.0])


def test_a_pair_with_history_tells_it_and_one_without_its_ads_own() -> None:
    here = ENCODER.encode(builders.ad_request(), UserState(), NOW)
    elsewhere = replace(here, placement=2)
    (told,), (default,) = (
        ENCODER.pair_rows(np.array([0], np.int32), encoded) for encoded in (here, elsewhere)
    )
    own, creative = ENCODER.ad_rows[0, -8], ENCODER.ad_rows[0, -6]
    assert default[3:] == pytest.approx([own, 0.0, creative, 0.0])
    assert told[3:5] == pytest.approx([(30 + 50 * own) / 950, np.log1p(900)])
    assert told[5:7] == pytest.approx([(30 + 50 * creative) / 950, np.log1p(900)])


def test_a_creative_hears_of_its_line_item_in_a_placement_it_never_had() -> None:
    sibling = replace(attributes()[0], creative_id="cr1b")
    bound = bind([*attributes(), sibling], MARKET.placements, HISTORY)
    encoded = bound.encode(builders.ad_request(), UserState(), NOW)
    row = bound.pair_rows(np.array([6], np.int32), encoded)[0]
    assert row[4] == pytest.approx(np.log1p(900))
    assert row[6] == 0.0


def test_a_placement_the_catalog_does_not_know_has_no_history() -> None:
    strange = builders.ad_request(placement=builders.placement(placement_id="new"))
    encoded = ENCODER.encode(strange, UserState(), NOW)
    assert encoded.placement == -1
    pairs = ENCODER.pair_rows(np.arange(6, dtype=np.int32), encoded)
    assert np.array_equal(pairs[:, 3:], ENCODER.default_rows)
    assert encoded.row[-1] == 0.0


def test_exposures_become_times_this_hour_and_hours_ago() -> None:
    last = NOW - timedelta(minutes=90)
    hour = int(NOW.timestamp()) // 3600
    seen = {
        "li1": Exposure(9, 1, 4, hour, 2, 1, 1, int(last.timestamp())),
        "li2": Exposure(5, 1, 4, hour - 1, 3, 1, 1, int(NOW.timestamp()) + 5),
        "gone": Exposure(1, 1, 1, 1, 1, 1, 1, 1),
    }
    encoded = ENCODER.encode(builders.ad_request(), UserState(exposures=seen, known=True), NOW)
    pairs = ENCODER.pair_rows(np.arange(3, dtype=np.int32), encoded)[:, :3]
    assert pairs[0] == pytest.approx([9, 2, 1.5])
    assert pairs[1] == pytest.approx([5, 0, 0])
    assert pairs[2] == pytest.approx([0, 0, np.nan], nan_ok=True)


def test_exposures_that_were_not_loaded_are_not_told() -> None:
    seen = {"li1": Exposure(9, 1, 4, 1, 2, 1, 1, 1)}
    user = UserState(exposures=seen, known=True, loaded=False)
    assert len(ENCODER.encode(builders.ad_request(), user, NOW).seen_line_items) == 0


@pytest.mark.parametrize(
    ("zone", "hour", "weekday"),
    [("Asia/Shanghai", 0, 0), ("UTC", 16, 6), ("America/New_York", 11, 6), ("Asia/Tokyo", 1, 0)],
)
def test_hour_and_weekday_are_those_of_the_house(zone: str, hour: int, weekday: int) -> None:
    sunday = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)
    bound = bind(attributes(), MARKET.placements, HISTORY, serving_schema(zone))
    row = bound.encode(builders.ad_request(), UserState(), sunday).row
    assert (row[SLOT["hour"]], row[SLOT["weekday"]]) == (hour, weekday)


def test_a_house_that_changes_its_clocks_has_the_hour_its_clocks_show() -> None:
    bound = bind(attributes(), MARKET.placements, HISTORY, serving_schema("Europe/Berlin"))
    days = (datetime(2026, month, 22, 12, tzinfo=UTC) for month in (1, 7))
    rows = [bound.encode(builders.ad_request(), UserState(), day).row for day in days]
    assert [row[SLOT["hour"]] for row in rows] == [13, 14]


def test_versions_are_ordered_numbers() -> None:
    told = [
        ENCODER.encode(builders.ad_request(os_version=text), UserState(), NOW).row[
            SLOT["device_os_version"]
        ][0]
        for text in ("9.1", "9.12.3", "9.4042", "10", "14.4.1")
    ]
    assert told == sorted(told)
    assert told[-1] == 14.04


def test_a_catalog_without_ads_or_history_can_be_bound() -> None:
    empty = bind([], (), History())
    assert empty.ad_rows.shape == (0, SERVING_SCHEMA.width_of(Half.AD))
    encoded = empty.encode(builders.ad_request(), UserState(), NOW)
    assert len(encoded.row) == SERVING_SCHEMA.width_of(Half.REQUEST)


def test_an_ad_whose_link_cannot_be_taken_apart_has_no_landing_host() -> None:
    broken = builders.creative(landing_url="http://[bad/")
    found = AdAttributes.of(builders.advertiser(), builders.line_item(), broken)
    assert found.landing_host == ""
