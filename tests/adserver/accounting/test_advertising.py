"""Days of ad revenue become money, on both databases: once, in full, and only what differs."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from adserver.accounting.ad_reconciliation import reconcile
from adserver.accounting.advertising import DayRefusedError, OvertakenError, ShrunkDayError
from adserver.stores import database, migrations
from adserver.stores.database import connect_url
from adserver.stores.funds import FundError
from affiliate.ledger import Reason
from affiliate.partner import Standing, Subsidy, Terms, Tier, TierKind
from models.domain.ids import (
    AdvertiserId,
    AppId,
    ContractId,
    LineItemId,
    PartnerId,
    PlacementId,
)
from tests.adserver.accounting.ad_house import (
    CNY,
    D1,
    D2,
    D3,
    POOL,
    SHANGHAI,
    YUAN,
    Ads,
    at,
    cell,
    day_of,
)
from tests.adserver.accounting.till import POOL as SUPPORT, Till
from tests.adserver.stores.sql_databases import database_url

__all__ = ["database_url"]

SEVENTY = Terms(ad_share_ppm=700_000)
PREPAID, HOUSE, PENDING = "advertiser_prepaid:adv1", "platform_revenue", "partner_pending:p1"
FUND = f"subsidy_pool:{POOL}"
PL2, PL3 = PlacementId("pl2"), PlacementId("pl3")


@pytest.fixture
def ads(database_url: str) -> Iterator[Ads]:
    engine = connect_url(database_url)
    migrations.upgrade(engine)
    opened = Ads(engine)
    yield opened
    opened.require_sound()
    engine.dispose()


def test_a_day_charges_its_advertiser_and_credits_its_partner(ads: Ads) -> None:
    ads.partner(terms=SEVENTY)
    found = ads.accrue(D1, cell(100, impressions=5000))
    assert ads.balances(PREPAID, HOUSE, PENDING) == [-100, 30, 70]
    assert (found.transactions, found.revision, found.kept) == (2, 1, {})
    assert ads.posted() == ["adspend:2026-10-05:adv1:1", "adshare:2026-10-05:app1:pl1:p1:1:share"]
    row = ads.row(D1)
    assert (row.contract_id, row.contract_version, row.period) == ("c-p1", 1, "2026-10")
    assert (row.estimated_micros, row.restated_micros, row.invalid_micros) == (70 * YUAN, 0, 0)
    assert (row.rule, row.reason, row.revision) == ("70% of ad revenue", "", 1)


def test_jd_pays_9_00_of_share_and_3_00_of_subsidy(ads: Ads) -> None:
    ads.partner(terms=Terms(ad_share_ppm=900_000, subsidy=Subsidy(POOL, 300_000)))
    ads.fund(1_000)
    ads.accrue(D1, cell(10))
    assert ads.balances(PENDING, HOUSE, FUND) == [12, 1, 997]
    assert ads.earned(ads.rows(D1)) == [(9, 3, 0)]
    subsidy = ads.entry("adshare:2026-10-05:app1:pl1:p1:1:subsidy")
    assert subsidy.transaction.reason is Reason.SUBSIDY
    assert dict(subsidy.transaction.refs)["funder"] == POOL
    share = ads.entry("adshare:2026-10-05:app1:pl1:p1:1:share")
    assert dict(share.transaction.refs)["funder"] == "platform"


def test_a_day_accrued_again_posts_nothing(ads: Ads) -> None:
    terms = Terms(ad_share_ppm=900_000, subsidy=Subsidy(POOL, 300_000))
    ads.partner(terms=terms)
    ads.fund(2)
    ads.accrue(D1, cell(10, impressions=9))
    before, size = ads.row(D1), ads.size()
    ads.pay_in(f"subsidy_pool:{POOL}", 1_000, "refill")
    again = ads.accrue(D1, cell(10, impressions=9), now=at(D3))
    assert (again.transactions, again.changed, again.revision) == (0, (), 1)
    assert (ads.row(D1), ads.size()) == (before, size + 1)


def test_a_restated_day_posts_only_the_difference(ads: Ads) -> None:
    ads.partner(terms=SEVENTY)
    ads.accrue(D1, cell(100))
    ads.accrue(D1, cell(110), now=at(D3))
    assert ads.balances(PREPAID, HOUSE, PENDING) == [-110, 33, 77]
    late = ads.entry("adshare:2026-10-05:app1:pl1:p1:2:share")
    assert sorted(p.amount for p in late.postings) == [-7 * YUAN, 7 * YUAN]
    row = ads.row(D1)
    assert (row.estimated_micros, row.restated_micros, row.revision) == (70 * YUAN, 7 * YUAN, 2)
    assert ads.posted("adspend") == ["adspend:2026-10-05:adv1:1", "adspend:2026-10-05:adv1:2"]


def test_a_log_that_has_lost_events_takes_nothing_back_unless_told_so(ads: Ads) -> None:
    ads.partner(terms=SEVENTY)
    ads.accrue(D1, cell(100), cell(50, placement_id=PL2))
    with pytest.raises(ShrunkDayError, match=r"has 100 events .* but 150 were accrued"):
        ads.accrue(D1, cell(100))
    assert ads.balance(PENDING) == 105
    ads.accrue(D1, cell(100), even_if_less=True)
    assert ads.balances(PREPAID, HOUSE, PENDING) == [-100, 30, 70]
    assert ads.earned(ads.rows(D1)) == [(70, 0, 0), (0, 0, 0)]


def test_a_day_counted_before_another_posted_it_is_refused(ads: Ads) -> None:
    ads.partner(terms=SEVENTY)
    ads.accrue(D1, cell(100), seen=0)
    with pytest.raises(OvertakenError):
        ads.accrue(D1, cell(90), seen=0, even_if_less=True)
    assert ads.balance(PENDING) == 70
    ads.accrue(D1, cell(120), seen=1)
    assert ads.balance(PENDING) == 84


def test_a_day_stays_in_the_currency_in_which_it_was_accrued(ads: Ads) -> None:
    ads.accrue(D1, cell(100))
    other = type(ads.desk)(ads.engine, ads.desk.zone, "JPY")
    with pytest.raises(DayRefusedError, match="accrued in CNY, ADUNION_CURRENCY is JPY"):
        other.accrue(ads.accrue(D1, cell(100)).revenue, at(D2))


def test_the_house_keeps_what_no_partner_or_contract_claims_and_says_so(ads: Ads) -> None:
    ads.partner("p1")
    ads.partner("p2", SEVENTY, standing=Standing.APPLIED)
    cells = [
        cell(10),
        cell(20, partner_id=PartnerId(""), app_id=AppId("own")),
        cell(30, partner_id=PartnerId("p2"), app_id=AppId("app2")),
        cell(40, partner_id=PartnerId("p3"), app_id=AppId("app3")),
    ]
    found = ads.accrue(D1, *cells)
    assert {reason: kept // YUAN for reason, kept in found.kept.items()} == {
        "no_contract": 10,
        "no_partner": 20,
        "partner_not_approved": 70,
    }
    assert ads.balances(PREPAID, HOUSE) == [-100, 100]
    assert [row.reason for row in ads.rows(D1)] == [
        "no_contract",
        "partner_not_approved",
        "partner_not_approved",
    ]


def test_a_first_contract_that_reaches_back_pays_when_the_day_is_accrued_again(ads: Ads) -> None:
    ads.partner("p1")
    ads.accrue(D1, cell(100))
    ads.contract(SEVENTY)
    ads.accrue(D1, cell(100), now=at(D3))
    row = ads.row(D1)
    assert (ads.balance(PENDING), row.estimated_micros, row.reason) == (70, 70 * YUAN, "")


def test_a_contract_made_later_changes_nothing_about_days_that_were_counted(ads: Ads) -> None:
    ads.partner(terms=SEVENTY)
    ads.accrue(D1, cell(100))
    narrow = Terms(ad_share_ppm=100_000)
    ads.contract(narrow, contract_id="c2", placement_id=PlacementId("pl1"))
    ads.accrue(D1, cell(200), now=at(D3))
    ads.accrue(D2, cell(200))
    assert [ads.row(day).share_micros // YUAN for day in (D1, D2)] == [140, 20]


def test_each_day_is_judged_by_the_version_in_force_when_it_began(ads: Ads) -> None:
    ads.partner()
    noon = at(D2)
    ads.contract(SEVENTY, ends_at=noon)
    ads.contract(Terms(ad_share_ppm=800_000), version=2, starts_at=noon)
    for day in (D1, D2, D3):
        ads.accrue(day, cell(100))
    assert [ads.row(day).contract_version for day in (D1, D2, D3)] == [1, 1, 2]
    assert ads.balance(PENDING) == 70 + 70 + 80


def test_a_suspended_partner_earns_until_the_day_of_its_suspension(ads: Ads) -> None:
    ads.partner(terms=SEVENTY)
    ads.standing(Standing.SUSPENDED, at(D2))
    for day in (D1, D2, D3):
        ads.accrue(day, cell(100))
    reasons = [ads.row(day).reason for day in (D1, D2, D3)]
    assert reasons == ["", "", "partner_not_approved"]
    ads.accrue(D1, cell(110), now=at(D3))
    assert ads.balance(PENDING) == 77 + 70


def test_a_guarantee_is_a_line_of_its_own_paid_by_the_house(ads: Ads) -> None:
    ads.partner(terms=Terms(ad_share_ppm=500_000, guaranteed_ecpm_micros=12 * YUAN))
    ads.accrue(D1, cell(10, impressions=1000))
    assert ads.balances(PENDING, HOUSE) == [12, -2]
    assert ads.earned(ads.rows(D1)) == [(5, 0, 7)]
    ads.accrue(D1, cell(20, impressions=1000), now=at(D3))
    assert ads.earned(ads.rows(D1)) == [(10, 0, 2)]
    guarantee = ads.entry("adshare:2026-10-05:app1:pl1:p1:2:guarantee")
    assert guarantee.transaction.reason is Reason.GUARANTEE
    assert sorted(p.amount for p in guarantee.postings) == [-5 * YUAN, 5 * YUAN]


def test_unsold_impressions_are_guaranteed_too(ads: Ads) -> None:
    ads.partner(terms=Terms(guaranteed_ecpm_micros=12 * YUAN))
    found = ads.accrue(D1, cell(0, impressions=500))
    assert (ads.balance(PENDING), found.transactions) == (6, 1)


def test_a_pool_that_runs_dry_pays_in_the_order_of_app_and_placement(ads: Ads) -> None:
    ads.partner(terms=Terms(ad_share_ppm=900_000, subsidy=Subsidy(POOL, 300_000)))
    ads.fund(40)
    places = [PL3, PL2, PlacementId("pl1")]
    ads.accrue(D1, *(cell(100, placement_id=place) for place in places))
    told = [(row.placement_id, row.subsidy_micros // YUAN, row.reason) for row in ads.rows(D1)]
    assert told == [("pl1", 30, ""), ("pl2", 10, "pool_empty"), ("pl3", 0, "pool_empty")]
    assert ads.balances(FUND, PENDING) == [0, 310]
    assert not any(key.endswith("pl3:p1:1:subsidy") for key in ads.posted())


def test_what_a_restated_day_gives_back_the_next_one_may_have(ads: Ads) -> None:
    ads.partner(terms=Terms(ad_share_ppm=900_000, subsidy=Subsidy(POOL, 300_000)))
    ads.fund(30)
    ads.accrue(D1, cell(100))
    ads.accrue(D1, cell(50), now=at(D3), even_if_less=True)
    assert ads.balance(FUND) == 15
    ads.accrue(D2, cell(100))
    assert [(ads.row(day).subsidy_micros // YUAN) for day in (D1, D2)] == [15, 15]
    assert ads.balance(FUND) == 0


def test_the_partners_cap_counts_its_month_and_no_other(ads: Ads) -> None:
    ads.partner(terms=Terms(subsidy=Subsidy(POOL, 300_000, cap_minor=5_000)))
    ads.fund(1_000)
    november = D1 + timedelta(days=31)
    for day in (D1, D2, november):
        ads.accrue(day, cell(100))
    told = [
        (ads.row(day).subsidy_micros // YUAN, ads.row(day).reason) for day in (D1, D2, november)
    ]
    assert told == [(30, ""), (20, "subsidy_cap_reached"), (30, "")]


def test_a_cap_counts_what_another_contract_without_one_gave_on_the_same_day(ads: Ads) -> None:
    ads.partner(terms=Terms(subsidy=Subsidy(POOL, 300_000)))
    capped = Terms(subsidy=Subsidy(POOL, 300_000, cap_minor=5_000))
    ads.contract(capped, contract_id=ContractId("c-app2"), app_id=AppId("app2"))
    ads.fund(1_000)
    ads.accrue(D1, cell(150), cell(100, app_id=AppId("app2")))
    told = [(row.subsidy_micros // YUAN, row.reason) for row in ads.rows(D1)]
    assert told == [(45, ""), (5, "subsidy_cap_reached")]


def test_the_cap_is_over_orders_and_ads_together(ads: Ads) -> None:
    ads.partner(terms=Terms(subsidy=Subsidy(SUPPORT, 300_000, cap_minor=5_000)))
    ads.fund(1_000, pool=SUPPORT)
    till = Till(ads.engine)
    till.sell("a", at(D1), earns=10_000, subsidy=3_500)
    till.sell("b", at(D1 - timedelta(days=31)), earns=10_000, subsidy=900)
    ads.accrue(D1, cell(100))
    row = ads.row(D1)
    assert (row.subsidy_micros, row.reason) == (15 * YUAN, "subsidy_cap_reached")
    assert ads.balance(f"subsidy_pool:{SUPPORT}") == 1_000 - 35 - 9 - 15


def test_a_fund_with_a_limit_pays_only_those_who_were_enrolled_that_day(ads: Ads) -> None:
    terms = Terms(ad_share_ppm=500_000, subsidy=Subsidy(POOL, 100_000))
    for partner in ("p1", "p2", "p3"):
        ads.partner(partner, terms)
    ads.fund(1_000, limit=2)
    ads.enrol("p1", at(D1))
    ads.enrol("p2", at(D2))
    with pytest.raises(FundError, match="takes 2 partners and has them"):
        ads.enrol("p3", at(D2))
    ads.leave("p1", at(D2))
    cells = [
        cell(100, partner_id=PartnerId(partner), app_id=AppId(partner))
        for partner in ("p1", "p2", "p3")
    ]
    for day in (D1, D2, D3):
        ads.accrue(day, *cells)
    told = [[row.subsidy_micros // YUAN for row in ads.rows(day)] for day in (D1, D2, D3)]
    assert told == [[10, 0, 0], [10, 10, 0], [0, 10, 0]]
    assert [row.reason for row in ads.rows(D1)] == ["", "not_enrolled", "not_enrolled"]


def test_a_limit_that_is_set_later_takes_nothing_back(ads: Ads) -> None:
    ads.partner(terms=Terms(subsidy=Subsidy(POOL, 100_000)))
    ads.fund(1_000)
    ads.accrue(D1, cell(100))
    ads.limit(0)
    ads.accrue(D1, cell(110), now=at(D3))
    ads.accrue(D2, cell(100))
    told = [(ads.row(day).subsidy_micros // YUAN, ads.row(day).reason) for day in (D1, D2)]
    assert told == [(11, ""), (0, "not_enrolled")]


def test_invalid_traffic_is_a_deduction_of_its_own(ads: Ads) -> None:
    ads.partner(terms=Terms(ad_share_ppm=900_000, subsidy=Subsidy(POOL, 300_000)))
    ads.fund(100)
    ads.accrue(D1, cell(100))
    found = ads.accrue(D1, cell(100, invalid=40), now=at(D3))
    assert found.transactions == 2
    assert ads.balances(PREPAID, HOUSE, PENDING, FUND) == [-60, 6, 72, 82]
    row = ads.row(D1)
    assert (row.estimated_micros, row.invalid_micros, row.earned) == (
        120 * YUAN, 48 * YUAN, 72 * YUAN,
    )  # fmt: skip
    assert ads.posted()[-2:] == [
        "adspend:2026-10-05:adv1:2:invalid",
        "adshare:2026-10-05:app1:pl1:p1:2:invalid",
    ]
    invalid = ads.entry(ads.posted()[-1])
    assert invalid.transaction.reason is Reason.INVALID_TRAFFIC
    assert {p.account: p.amount // YUAN for p in invalid.postings} == {
        HOUSE: 36, FUND: 12, PENDING: -48,
    }  # fmt: skip


def test_what_is_valid_after_all_is_paid_as_far_as_the_fund_reaches_and_says_so(ads: Ads) -> None:
    ads.partner(terms=Terms(subsidy=Subsidy(POOL, 300_000)))
    ads.fund(30)
    ads.accrue(D1, cell(100))
    ads.accrue(D1, cell(100, invalid=100))
    ads.accrue(D2, cell(80))
    ads.accrue(D1, cell(100))
    row = ads.row(D1)
    assert (row.subsidy_micros, row.invalid_micros) == (6 * YUAN, 24 * YUAN)
    assert row.reason == "pool_empty"
    assert ads.balance(f"subsidy_pool:{POOL}") == 0
    with database.reading(ads.engine) as connection:
        compared = reconcile(connection, day_of(D1, cell(100)), SHANGHAI, CNY)
    assert compared.differences == ()


def test_what_was_invalid_from_the_start_is_estimated_and_deducted_at_once(ads: Ads) -> None:
    ads.partner(terms=SEVENTY)
    ads.accrue(D1, cell(100, invalid=40))
    row = ads.row(D1)
    assert (row.estimated_micros, row.restated_micros, row.invalid_micros) == (
        70 * YUAN, 0, 28 * YUAN,
    )  # fmt: skip
    assert (row.revenue_micros, row.invalid_revenue_micros) == (60 * YUAN, 40 * YUAN)
    assert [key.rpartition(":")[2] for key in ads.posted("adshare")] == ["share", "invalid"]


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (TierKind.WHOLE, [40, 80, 80], [36, 60, 80]),
        (TierKind.MARGINAL, [40, 20 + 30, 80], [36, 24 + 24, 6 + 72]),
    ],
)
def test_a_day_restated_below_a_tier_moves_the_days_after_it(
    ads: Ads, kind: TierKind, before: list[int], after: list[int]
) -> None:
    tiers = (Tier(15_000, 600_000), Tier(20_000, 800_000))
    ads.partner(terms=Terms(ad_share_ppm=400_000, ad_tiers=tiers, ad_tier_kind=kind))
    for day in (D1, D2, D3):
        ads.accrue(day, cell(100))
    assert [ads.row(day).share_micros // YUAN for day in (D1, D2, D3)] == before
    late = ads.accrue(D1, cell(90), even_if_less=True, now=at(D3 + timedelta(days=1)))
    assert [ads.row(day).share_micros / YUAN for day in (D1, D2, D3)] == after
    assert ads.balance(PENDING) == sum(after)
    assert {row.day for row in late.changed} >= {D1.isoformat(), D2.isoformat()}


def test_days_may_be_accrued_in_any_order(ads: Ads) -> None:
    tiers = (Tier(15_000, 600_000),)
    ads.partner(terms=Terms(ad_share_ppm=400_000, ad_tiers=tiers))
    for day in (D3, D1, D2):
        ads.accrue(day, cell(100), now=at(D3 + timedelta(days=1)))
    assert [ads.row(day).share_micros // YUAN for day in (D1, D2, D3)] == [40, 60, 60]
    assert ads.balance(PENDING) == 160


def test_an_app_that_changes_hands_within_a_day_is_shared_by_both(ads: Ads) -> None:
    ads.partner("p1", SEVENTY)
    ads.partner("p2", Terms(ad_share_ppm=500_000))
    found = ads.accrue(D1, cell(100), cell(10, partner_id=PartnerId("p2")))
    assert ads.balances(PENDING, "partner_pending:p2") == [70, 5]
    assert len(found.rows) == 2


def test_a_share_is_rounded_once_for_a_placements_day(ads: Ads) -> None:
    ads.partner(terms=Terms(ad_share_ppm=500_000))
    cells = [
        cell(0, line_item_id=LineItemId(f"li{n}"), advertiser_id=AdvertiserId(f"adv{n}"),
             events=1, revenue_micros=1)
        for n in range(3)
    ]  # fmt: skip
    ads.accrue(D1, *cells)
    assert ads.row(D1).share_micros == 2
