"""What partners ask of the event log, answered alike by chDB and by ClickHouse 18.16."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from adserver.eventlog.app_requests import Traffic, has_begun, last_requests, traffic
from adserver.eventlog.house_events import TABLE, HouseCounts, house_counts, house_event_row
from adserver.eventlog.link_clicks import link_click_row
from adserver.eventlog.partner_clicks import Clicks, clicks_by, most_clicked
from adserver.eventlog.partner_day import cells_so_far
from adserver.eventlog.rows import decided_row, pack_rows, settled_row, unpack_columns
from adserver.ports import EventStore
from models.domain.event import Booked, EventKind, Tracked, Verdict
from models.domain.ids import AppId, CreativeId, LinkCode, MerchantId, PartnerId, PlacementId, Sku
from models.domain.money import Micros
from tests.adserver.eventlog.happenings import decided, happening
from tests.adserver.eventlog.test_link_clicks import AT, AT_MS, other
from tests.builders import NOW, NOW_MS

SHANGHAI = ZoneInfo("Asia/Shanghai")
P1 = PartnerId("p1")
LATER = NOW + timedelta(hours=1)


def put(store: EventStore, table: str, rows: list[tuple[object, ...]]) -> None:
    store.insert(table, unpack_columns(table, [pack_rows(rows)]))


def row_of(event: Tracked, booked: Booked) -> tuple[object, ...]:
    settled = settled_row(event, booked)
    assert settled is not None
    return settled[1]


def test_a_partners_day_counts_its_own_events_once(store: EventStore) -> None:
    charged = Booked(Verdict.COUNTED, Micros(20_000))
    mine = [happening(n, partner_id=P1) for n in range(3)]
    others = [happening(9, partner_id=PartnerId("p2")), happening(8, partner_id=P1, test=True)]
    rows = [row_of(one, charged) for one in (*mine, mine[0], *others)]
    put(store, "impressions", rows)
    tap = happening(1, EventKind.CLICK, partner_id=P1)
    put(store, "clicks", [row_of(tap, Booked(Verdict.COUNTED, Micros(0)))])
    day = NOW.astimezone(SHANGHAI).date()
    (cell,) = cells_so_far(store, P1, day, SHANGHAI, LATER)
    assert (cell.impressions, cell.events, cell.revenue_micros) == (3, 3, 60_000)
    assert (cell.app_id, cell.placement_id, cell.partner_id) == ("app1", "pl1", "p1")
    assert cells_so_far(store, P1, day - timedelta(days=1), SHANGHAI, NOW - timedelta(days=1)) == ()


def test_clicks_are_counted_by_link_and_sub_id_with_doubtful_ones_beside(
    store: EventStore,
) -> None:
    honest = [other(n, invalid="", subs=(f"s{n % 2}", "", "", "", "")) for n in range(3)]
    put(store, "link_clicks", [link_click_row(one, AT_MS) for one in (*honest, honest[0])])
    put(store, "link_clicks", [link_click_row(other(7), AT_MS)])
    put(store, "link_clicks", [link_click_row(other(8, partner_id=PartnerId("x")), AT_MS)])
    span = (AT - timedelta(days=1), AT + timedelta(days=1))
    partner = PartnerId("p_blog")
    assert clicks_by(store, partner, "link_code", span) == {"Ab3dE6g": Clicks(3, 1)}
    by_sub = clicks_by(store, partner, "sub1", span, "Ab3dE6g")
    assert by_sub == {"s0": Clicks(2, 0), "s1": Clicks(1, 0), "one": Clicks(0, 1)}
    assert clicks_by(store, partner, "sub1", span, "other") == {}
    assert [*clicks_by(store, partner, "sub1", span, "Ab3dE6g", 2)] == ["s0", "s1"]
    assert most_clicked(store, span, 10) == {(MerchantId("m_shop"), Sku("红'\\1")): 3}


def test_no_link_is_left_out_however_many_were_clicked(store: EventStore) -> None:
    codes = {f"c{number}" for number in range(1_500)}
    taps = [other(n, invalid="", link_code=LinkCode(code)) for n, code in enumerate(sorted(codes))]
    put(store, "link_clicks", [link_click_row(one, AT_MS) for one in taps])
    span = (AT - timedelta(days=1), AT + timedelta(days=1))
    assert clicks_by(store, PartnerId("p_blog"), "link_code", span).keys() == codes


def test_the_last_requests_come_newest_first_each_once(store: EventStore) -> None:
    some = [decided(n) for n in range(4)] + [decided(4, 0, "floor")]
    put(store, "decisions", [decided_row(one) for one in (*some, some[0])])
    since = NOW - timedelta(hours=1)
    found = last_requests(store, [PlacementId("pl1")], since, 3)
    assert [one.request_id for one in found] == ["req4", "req3", "req2"]
    assert (found[0].ads, found[0].reason) == (0, "floor")
    assert last_requests(store, [PlacementId("pl2")], since, 3) == []
    assert last_requests(store, [], since, 3) == []
    shown = row_of(happening(1), Booked(Verdict.COUNTED, Micros(1)))
    put(store, "impressions", [shown])
    seen = traffic(store, [PlacementId("pl1")], since)
    assert (seen.filled, seen.impressions, seen.tests) == (seen.requests - 1, 1, 0)
    assert seen.last_request == NOW + timedelta(milliseconds=4)
    assert traffic(store, [PlacementId("none")], since) == Traffic()
    assert has_begun(store, [PlacementId("pl1")], since) == (True, True)
    assert has_begun(store, [PlacementId("none")], since) == (False, False)
    assert has_begun(store, [PlacementId("pl1")], LATER) == (False, False)


def test_house_ads_are_counted_once_by_kind(store: EventStore) -> None:
    offers = [replace(happening(n).offer, creative_id=CreativeId("ha_1")) for n in range(3)]
    rows = [house_event_row(one, EventKind.IMPRESSION, NOW_MS) for one in offers]
    rows += [rows[0], house_event_row(offers[0], EventKind.CLICK, NOW_MS)]
    put(store, TABLE, rows)
    span = (datetime(2026, 11, 18, tzinfo=UTC), datetime(2026, 11, 19, tzinfo=UTC))
    assert house_counts(store, AppId("app1"), *span) == {"ha_1": HouseCounts(3, 0, 1)}
    assert house_counts(store, AppId("app2"), *span) == {}
