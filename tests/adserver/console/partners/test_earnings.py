"""The five figures, the bridge and the breakdowns: whatever happened, they sum exactly."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import insert, select

from adserver.accounting.closing import Closings
from adserver.accounting.payouts import Payouts
from adserver.api.problems import BadRequestError
from adserver.console.partners import earnings_endpoints, earnings_pages
from adserver.console.partners.breakdowns import KINDS, days_of, rows_by
from adserver.console.partners.figures import Figures, figures_of
from adserver.stores import database
from adserver.stores.revenue_tables import AD_SHARES
from affiliate.calendar import Period
from affiliate.settlement import Outcome
from affiliate.statement import SECTION_OF, Item, Section
from tests.adserver.accounting.till import P1, SHANGHAI, at
from tests.adserver.console.partners.office import NOW, Office, opened_office

OCTOBER = Period("2026-10")
YUAN = 1_000_000


def busy(office: Office) -> Office:
    """Two sales, one refunded in part; a day of ads; one line ripe."""
    till = office.till
    till.sell("r1", at("2026-10-05"), earns=1_000, base_minor=10_000, sub1="mail", sku="s1")
    till.sell("r2", at("2026-10-06"), earns=2_000, base_minor=20_000, sub1="blog")
    till.sell("r1", at("2026-10-07"), received_at=at("2026-10-07"), payable_from=at("2026-10-08"))
    till.show_ads("2026-10-09", at("2026-10-10"), share=1_234_567)
    till.sell("r2", at("2026-10-12"), earns=1_500, why="refund", paid_at=at("2026-10-06"))
    return office


def figures(office: Office, now: Any = NOW) -> Figures:
    return figures_of(office.desk, office.partner, "CNY", now)


def bridge_sums(found: Figures) -> dict[Section, int]:
    """Each number of the bridge, from the steps above it."""
    sums, total = {}, 0
    for line in found.lines:
        if line.section is None:
            total += line.amount
        else:
            sums[line.section] = total
            assert line.amount == total
    return sums


def test_the_figures_of_a_month_that_is_open(office: Office) -> None:
    found = figures(busy(office))
    assert found.month == 25 * YUAN + 1_234_567
    assert found.validated == 25 * YUAN + 1_234_567
    assert (found.holding.payable, found.holding.paid) == (0, 0)
    assert found.waiting[Outcome.NOT_RECEIVED] == (1, 15 * YUAN)
    assert found.waiting[Outcome.PAYABLE] == (2, 10 * YUAN + 1_234_567)
    assert found.next.period == OCTOBER
    assert found.next.closes_at == at("2026-11-10", 0)
    assert found.next.pays_at == at("2026-11-20", 0)


def test_todays_ads_count_once_even_when_the_day_was_accrued_before_its_end(
    office: Office,
) -> None:
    before = figures(busy(office))
    office.till.show_ads(NOW.astimezone(SHANGHAI).date().isoformat(), NOW, share=500_000)
    found = figures(office)
    assert found.booked_today == 500_000
    assert found.month_ads.earned == before.month_ads.earned + 500_000
    silent = replace(found, today=replace(found.today, away=False, ads=()))
    assert silent.month == before.month  # the log says that today brought nothing
    away = replace(found, today=replace(found.today, away=True))
    assert away.month == before.month + 500_000


def test_the_bridge_leads_from_the_first_told_to_what_a_closing_would_pay(office: Office) -> None:
    found = figures(busy(office))
    sums = bridge_sums(found)
    assert sums[Section.ESTIMATED] == 31_234_567
    assert sums[Section.VALIDATED] == found.holding.pending
    assert sums[Section.MATURED] == sums[Section.PAYABLE] == 11_234_567
    steps = {line.item: line.amount for line in found.lines if line.item}
    assert steps[Item.REFUNDS] == -5 * YUAN
    assert Item.AFTER_MONTH_END not in steps


def test_after_a_closing_the_bridge_begins_with_what_it_left(office: Office) -> None:
    busy(office)
    Closings(office.desk.engine, SHANGHAI).close(OCTOBER, "CNY", at("2026-11-10"))
    found = figures(office, at("2026-11-12"))
    sums = bridge_sums(found)
    assert found.holding.payable == sums[Section.PAYABLE] == 11_234_567
    assert sums[Section.VALIDATED] == 15 * YUAN
    assert found.held == "below_minimum"
    assert found.next.period == "2026-11"


def test_what_was_paid_is_paid(office: Office) -> None:
    office.till.sell("big", at("2026-10-05"), earns=50_000, payable_from=at("2026-10-06"))
    Closings(office.desk.engine, SHANGHAI).close(OCTOBER, "CNY", at("2026-11-10"))
    payouts = Payouts(office.desk.engine, SHANGHAI)
    (made,) = payouts.batch(OCTOBER, "CNY", at("2026-11-20")).made
    under_way = figures(office, at("2026-11-20"))
    assert (under_way.holding.reserved, under_way.holding.available) == (500 * YUAN, 0)
    assert [one.payout_id for one in under_way.under_way] == [made.payout_id]
    payouts.confirm(made.payout_id, at("2026-11-21"), "bank 7")
    found = figures(office, at("2026-11-22"))
    assert (found.holding.paid, found.holding.payable) == (500 * YUAN, 0)
    steps = {line.item: line.amount for line in found.lines if line.item}
    assert steps[Item.PAID_OUT] == -500 * YUAN
    assert bridge_sums(found)[Section.PAYABLE] == 0


def test_a_refund_after_the_closing_is_overpaid_and_taken_out_of_the_next(office: Office) -> None:
    office.till.sell("r1", at("2026-10-05"), earns=5_000, payable_from=at("2026-10-06"))
    Closings(office.desk.engine, SHANGHAI).close(OCTOBER, "CNY", at("2026-11-10"))
    matured = {"matured_minor": 5_000, "paid_at": at("2026-10-05")}
    office.till.sell("r1", at("2026-11-12"), earns=2_000, why="refund", **matured)
    found = figures(office, at("2026-11-13"))
    assert found.holding.clawback == -30 * YUAN
    assert bridge_sums(found)[Section.PAYABLE] == 20 * YUAN


@pytest.mark.parametrize("by", KINDS)
def test_whatever_a_month_is_taken_apart_by_its_parts_sum_to_it(office: Office, by: str) -> None:
    busy(office)
    rows = rows_by(office.desk, P1, "CNY", OCTOBER, by)
    assert sum(row.earned for row in rows) == 25 * YUAN + 1_234_567


def test_a_breakdown_names_its_parts_and_keeps_what_has_none(office: Office) -> None:
    busy(office)
    by_sub = {row.key: row.earned for row in rows_by(office.desk, P1, "CNY", OCTOBER, "sub1")}
    assert by_sub == {"mail": 10 * YUAN, "blog": 15 * YUAN, "": 1_234_567}
    (shop, ads) = rows_by(office.desk, P1, "CNY", OCTOBER, "merchant")
    assert (shop.name, shop.sales.lines, ads.ads.lines) == ("Shop", 2, 1)


def test_days_of_a_month_are_all_there_and_sum_to_it(office: Office) -> None:
    days = days_of(busy(office).desk, P1, "CNY", OCTOBER)
    assert len(days) == 31
    assert {one.day.day: one.ads + one.sales for one in days if one.ads or one.sales} == {
        5: 10 * YUAN,
        6: 15 * YUAN,
        9: 1_234_567,
    }


def test_a_sale_in_the_last_second_of_a_month_is_of_that_month(office: Office) -> None:
    last = at("2026-11-01", 0) - timedelta(milliseconds=1)
    office.till.sell("late", last, earns=700)
    office.till.sell("next", at("2026-11-01", 0), earns=300)
    (row,) = rows_by(office.desk, P1, "CNY", OCTOBER, "merchant")
    assert row.earned == 7 * YUAN
    assert days_of(office.desk, P1, "CNY", OCTOBER)[-1].sales == 7 * YUAN


def test_another_partners_money_is_in_no_figure(office: Office) -> None:
    office.till.partner("p2")
    office.till.sell("theirs", at("2026-10-05"), earns=9_900, partner_id="p2")
    office.till.show_ads("2026-10-06", at("2026-10-07"), share=5, partner_id="p2")
    found = figures(office)
    assert (found.month, found.validated) == (0, 0)
    assert rows_by(office.desk, P1, "CNY", OCTOBER, "app") == []


def test_nothing_earned_is_a_page_that_says_what_to_do(small: Office) -> None:
    text = small.page(earnings_pages.overview(small.desk, small.call()), small.call())
    assert "Nothing was earned in this month" in text
    assert "There is nothing to draw yet" in text


def test_the_page_shows_every_step_with_all_its_decimals(small: Office) -> None:
    text = small.page(earnings_pages.overview(busy(small).desk, small.call()), small.call())
    assert "1.234567" in text
    assert "-5.00" in text
    assert 'role="img"' in text


def test_what_cannot_be_a_month_or_a_currency_shows_the_present_one(small: Office) -> None:
    for query in ({"month": "x"}, {"month": "9999-99"}, {"currency": "<b>"}, {"by": "'"}):
        text = small.page(earnings_pages.overview(small.desk, small.call(query)), small.call())
        assert "2026-10" in text
        assert "<b>" not in text


def test_lines_are_paged_by_the_last_line_and_none_is_lost(small: Office) -> None:
    for number in range(7):
        small.till.sell(f"r{number}", at("2026-10-05", number), earns=100)
    seen: list[str] = []
    cursor = ""
    for _ in range(9):
        call = small.api({"cursor": cursor} if cursor else None)
        page = earnings_endpoints.order_lines(small.desk, replace(call, limit=3))
        seen += [one.name for one in page.items]
        if not (cursor := page.next_cursor):
            break
    assert seen == [f"r{number}" for number in reversed(range(7))]


def test_a_month_of_more_than_a_thousand_days_of_ads_is_told_to_its_last_one(small: Office) -> None:
    small.till.show_ads("2026-10-09", at("2026-10-10"), share=1)
    with database.writing(small.desk.engine) as connection:
        row = dict(connection.execute(select(AD_SHARES)).mappings().one())
        slots = [row | {"app_id": f"a{n % 7}", "placement_id": f"x{n}"} for n in range(1_203)]
        others = [one | {"day": "2026-10-08"} for one in slots[:5]]
        connection.execute(insert(AD_SHARES), slots + others)
    seen: list[str] = []
    cursor, pages = "", 0
    while pages == 0 or cursor:
        call = replace(small.api({"cursor": cursor}), limit=200)
        page = earnings_endpoints.ad_lines(small.desk, call)
        seen += [one.name for one in page.items]
        cursor, pages = page.next_cursor, pages + 1
    assert pages == 7
    assert len(seen) == len(set(seen)) == 1_209
    first = small.page(earnings_pages.lines(small.desk, small.call()), small.call())
    assert "ads_after=2026-10-09" in first
    last = earnings_pages.lines(small.desk, small.call({"ads_after": seen[-2]}))
    assert [one.name for one in last.values["ads"]] == seen[-1:]
    assert last.values["next_ads"] == ""


@pytest.mark.parametrize("cursor", ["x", "2026-10-09", "2026-10-09/app1", "//"])
def test_a_made_up_cursor_of_days_is_refused(small: Office, cursor: str) -> None:
    with pytest.raises(BadRequestError):
        earnings_endpoints.ad_lines(small.desk, small.api({"cursor": cursor}))


def test_rest_says_the_same_as_the_page(small: Office) -> None:
    told = earnings_endpoints.earnings(busy(small).desk, small.api())
    found = figures(small)
    assert (told.month_micros, told.validated_micros) == (found.month, found.validated)
    steps = [step.amount_micros for step in told.bridge if not step.total]
    assert sum(steps) == next(one.amount_micros for one in told.bridge if one.name == "payable")
    parts = earnings_endpoints.parts(small.desk, small.api({"by": "sub1"})).items
    assert sum(part.earned_micros for part in parts) == found.month
    (day,) = earnings_endpoints.ad_lines(small.desk, small.api()).items
    assert (day.name, day.earned_micros) == ("2026-10-09/app1/pl1", 1_234_567)


sales = st.lists(
    st.tuples(
        st.integers(0, 100_000),
        st.integers(1, 28),
        st.sampled_from(["paid", "ripe", "held", "refunded", "gone"]),
    ),
    max_size=8,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sales, st.lists(st.integers(0, 10**9), max_size=4), st.booleans())
def test_the_bridge_always_sums_to_the_ledger(
    tmp_path_factory: pytest.TempPathFactory,
    told: list[tuple[int, int, str]],
    shares: list[int],
    closes: bool,
) -> None:
    directory = tmp_path_factory.mktemp("sums")
    with opened_office(f"sqlite:///{directory / 'catalog.sqlite'}", directory) as office:
        for number, (earns, day, state) in enumerate(told):
            moment = at(f"2026-10-{day:02}")
            ripe = {"ripe": at("2026-10-02"), "held": at("2027-01-01")}.get(state)
            office.till.sell(f"r{number}", moment, earns=earns, payable_from=ripe)
            if state in ("refunded", "gone"):
                left = earns // 2 if state == "refunded" else 0
                office.till.sell(f"r{number}", moment, earns=left, why="refund", paid_at=moment)
        for number, share in enumerate(shares, 1):
            office.till.show_ads(f"2026-10-{number:02}", at("2026-10-20"), share=share)
        now = NOW
        if closes:
            Closings(office.desk.engine, SHANGHAI).close(OCTOBER, "CNY", at("2026-11-10"))
            now = at("2026-11-12")
        found = figures(office, now)
        sums = bridge_sums(found)
        assert sums[Section.VALIDATED] == found.holding.pending
        ripe_now = found.waiting[Outcome.PAYABLE][1]
        assert sums[Section.PAYABLE] == found.holding.payable + ripe_now
        assert all(
            SECTION_OF[line.item] is not Section.MATURED or line.amount <= 0
            for line in found.lines
            if line.item
        )
