"""Shares of ad revenue: tiers, guarantee, what a fund adds, and what findings take back."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from affiliate.partner import Contract, Subsidy, Terms, Tier, TierKind
from affiliate.revenue_share import (
    Drawn,
    Dues,
    Owed,
    PlacementDay,
    Room,
    Shortfall,
    contract_of_day,
    draw,
    percent,
    share_month,
)
from models.domain.ids import AppId, ContractId, PartnerId, PlacementId, PoolId
from models.domain.money import PPM, Micros, portion

YUAN = 1_000_000
POOL = PoolId("developers")
PLACE = (AppId("app1"), PlacementId("pl1"))
MIDNIGHT = datetime(2026, 10, 31, tzinfo=UTC)
DAY = timedelta(days=1)


def a_day(number: int = 1, revenue: int = 0, impressions: int = 0, **changes: Any) -> PlacementDay:
    given = {"app_id": AppId("app1"), "placement_id": PlacementId("pl1")} | changes
    return PlacementDay(
        day=date(2026, 10, number), partner_id=PartnerId("p1"),
        revenue=revenue, impressions=impressions, **given,
    )  # fmt: skip


def of_one(terms: Terms, one: PlacementDay) -> Owed:
    [owed] = share_month([one], terms, "CNY")
    return owed


def contract(version: int, starts_at: datetime, **changes: Any) -> Contract:
    given = {"terms": Terms(), "partner_id": PartnerId("p1")} | changes
    return Contract(contract_id=ContractId("c1"), version=version, starts_at=starts_at, **given)


def tiered(kind: TierKind) -> Terms:
    tiers = (Tier(100_000, 600_000), Tier(200_000, 800_000))
    return Terms(ad_share_ppm=500_000, ad_tiers=tiers, ad_tier_kind=kind)


def test_a_subsidy_comes_on_top_of_the_share_as_at_jd() -> None:
    """Base 100.00 at 10 % is 10.00: 90 % of it are 9.00, and 30 % of it from the fund 3.00."""
    terms = Terms(ad_share_ppm=900_000, subsidy=Subsidy(POOL, 300_000))
    dues = of_one(terms, a_day(revenue=10 * YUAN)).valid
    assert (dues.share, dues.subsidy, dues.guarantee) == (9 * YUAN, 3 * YUAN, 0)


def test_a_share_is_rounded_once_to_the_micro_half_away_from_zero() -> None:
    assert of_one(Terms(ad_share_ppm=500_000), a_day(revenue=3)).valid.share == 2
    assert of_one(Terms(ad_share_ppm=333_333), a_day(revenue=1)).valid.share == 0


def test_more_than_all_of_the_revenue_is_no_share() -> None:
    words = r"^a share of ad revenue is at most 100 %; a fund pays what is above$"
    with pytest.raises(ValueError, match=words):
        share_month([], Terms(ad_share_ppm=PPM + 1), "CNY")
    with pytest.raises(ValueError, match="at most 100 %"):
        share_month([], Terms(ad_tiers=(Tier(1, 1_200_000),)), "CNY")
    assert of_one(Terms(ad_share_ppm=PPM), a_day(revenue=7)).valid.share == 7


def test_the_day_that_reaches_a_whole_tier_gets_its_rate_in_full() -> None:
    days = [a_day(n, revenue=600 * YUAN) for n in (1, 2, 3, 4)]
    owed = share_month(days, tiered(TierKind.WHOLE), "CNY")
    assert [one.valid.share // YUAN for one in owed] == [300, 360, 360, 480]


def test_a_tier_begins_with_the_micro_that_reaches_it() -> None:
    whole = tiered(TierKind.WHOLE)
    assert of_one(whole, a_day(revenue=1000 * YUAN)).valid.share == 600 * YUAN
    just_below = of_one(whole, a_day(revenue=1000 * YUAN - 2)).valid.share
    assert just_below == 500 * YUAN - 1
    assert of_one(whole, a_day(revenue=1000 * YUAN - 1)).rule == "50% of ad revenue"
    found = a_day(revenue=1000 * YUAN, invalid_revenue=1)
    assert (of_one(whole, found).billed.share, of_one(whole, found).valid.share) == (
        600 * YUAN, 500 * YUAN,
    )  # fmt: skip


def test_a_tier_begins_where_the_currency_says() -> None:
    terms = Terms(ad_share_ppm=500_000, ad_tiers=(Tier(1_000, 600_000),))
    (in_yen,) = share_month([a_day(revenue=1_000 * YUAN)], terms, "JPY")
    assert in_yen.rule == "60% of ad revenue from 1,000 a month on"
    (too_few,) = share_month([a_day(revenue=1_000 * YUAN - 1)], terms, "JPY")
    assert too_few.rule == "50% of ad revenue"


def test_without_a_fund_nothing_is_asked_of_one() -> None:
    assert of_one(Terms(ad_share_ppm=500_000), a_day(revenue=YUAN)).billed.subsidy == 0


def test_a_marginal_tier_counts_only_for_what_lies_above_it() -> None:
    days = [a_day(n, revenue=600 * YUAN) for n in (1, 2, 3, 4)]
    owed = share_month(days, tiered(TierKind.MARGINAL), "CNY")
    assert [one.valid.share // YUAN for one in owed] == [300, 320, 360, 440]
    assert sum(one.valid.share for one in owed) == (500 + 600 + 320) * YUAN


def test_one_day_may_cross_several_marginal_tiers() -> None:
    owed = of_one(tiered(TierKind.MARGINAL), a_day(revenue=2500 * YUAN))
    assert owed.valid.share == (500 + 600 + 400) * YUAN


def test_days_meet_their_tier_in_the_order_of_day_app_and_placement() -> None:
    late = a_day(2, revenue=600 * YUAN)
    second = a_day(1, revenue=600 * YUAN, placement_id=PlacementId("pl2"))
    first = a_day(1, revenue=600 * YUAN)
    owed = share_month([late, second, first], tiered(TierKind.WHOLE), "CNY")
    assert [one.of for one in owed] == [first, second, late]
    assert [one.valid.share // YUAN for one in owed] == [300, 360, 360]


def test_the_rule_is_told_in_words() -> None:
    days = [a_day(1, revenue=600 * YUAN), a_day(2, revenue=600 * YUAN)]
    whole = [one.rule for one in share_month(days, tiered(TierKind.WHOLE), "CNY")]
    assert whole == ["50% of ad revenue", "60% of ad revenue from 1,000.00 a month on"]
    marginal = [one.rule for one in share_month(days, tiered(TierKind.MARGINAL), "CNY")]
    assert marginal[1] == "60% of ad revenue from 1,000.00 a month on, slice by slice"


def test_percents_have_no_decimals_that_say_nothing() -> None:
    rates = (0, 5, 700_000, 712_500, PPM)
    assert [percent(rate) for rate in rates] == ["0%", "0.0005%", "70%", "71.25%", "100%"]


def test_a_guarantee_fills_the_share_up_and_no_further() -> None:
    terms = Terms(ad_share_ppm=500_000, guaranteed_ecpm_micros=Micros(12 * YUAN))
    poor = of_one(terms, a_day(revenue=10 * YUAN, impressions=1000)).valid
    assert (poor.share, poor.guarantee) == (5 * YUAN, 7 * YUAN)
    rich = of_one(terms, a_day(revenue=30 * YUAN, impressions=1000)).valid
    assert (rich.share, rich.guarantee) == (15 * YUAN, 0)
    unsold = of_one(terms, a_day(revenue=0, impressions=1)).valid
    assert (unsold.share, unsold.guarantee) == (0, 12_000)


def test_a_guarantee_counts_valid_impressions_only() -> None:
    terms = Terms(ad_share_ppm=500_000, guaranteed_ecpm_micros=Micros(12 * YUAN))
    owed = of_one(
        terms,
        a_day(revenue=10 * YUAN, impressions=1000, invalid_revenue=4 * YUAN,
              invalid_impressions=400),
    )  # fmt: skip
    assert (owed.billed.share, owed.billed.guarantee) == (5 * YUAN, 7 * YUAN)
    assert (owed.valid.share, owed.valid.guarantee) == (3 * YUAN, 4_200_000)


def test_invalid_revenue_does_not_carry_a_valid_day_into_a_tier() -> None:
    days = [
        a_day(1, revenue=900 * YUAN, invalid_revenue=500 * YUAN),
        a_day(2, revenue=200 * YUAN),
    ]
    second = share_month(days, tiered(TierKind.WHOLE), "CNY")[1]
    assert (second.billed.share, second.valid.share) == (120 * YUAN, 100 * YUAN)
    assert second.rule == "50% of ad revenue"


revenues = st.lists(st.integers(0, 10**12), min_size=1, max_size=8)
terms_of_any_kind = st.builds(
    lambda base, steps, kind, guarantee: Terms(
        ad_share_ppm=base,
        ad_tiers=tuple(Tier(start, rate) for start, rate in steps),
        ad_tier_kind=kind,
        guaranteed_ecpm_micros=Micros(guarantee),
        subsidy=Subsidy(POOL, 300_000),
    ),
    st.integers(0, PPM),
    st.lists(st.tuples(st.integers(0, 10**8), st.integers(0, PPM)), max_size=4),
    st.sampled_from(TierKind),
    st.integers(0, 10**9),
)


@given(revenues, terms_of_any_kind, st.data())
def test_no_share_exceeds_its_revenue_and_order_of_arrival_leaves_no_trace(
    revenues: list[int], terms: Terms, data: st.DataObject
) -> None:
    days = [a_day(n, revenue=revenue, impressions=n) for n, revenue in enumerate(revenues, 1)]
    owed = share_month(days, terms, "CNY")
    assert all(0 <= one.valid.share <= one.of.revenue for one in owed)
    assert all(one.valid == one.billed for one in owed)
    shuffled = data.draw(st.permutations(days))
    assert share_month(shuffled, terms, "CNY") == owed


@given(revenues, st.integers(0, PPM), st.integers(0, PPM), st.integers(0, 10**8))
def test_marginal_slices_of_a_month_are_the_month_sliced_once(
    revenues: list[int], base: int, above: int, start: int
) -> None:
    terms = Terms(ad_share_ppm=base, ad_tiers=(Tier(start, above),), ad_tier_kind=TierKind.MARGINAL)
    days = [a_day(n, revenue=revenue) for n, revenue in enumerate(revenues, 1)]
    shared = sum(one.valid.share for one in share_month(days, terms, "CNY"))
    total, edge = sum(revenues), start * 10_000
    once = portion(min(total, edge), base) + portion(max(0, total - edge), above)
    assert abs(shared - once) <= len(revenues) + 1  # one rounding a day


def test_a_fund_pays_what_is_left_and_then_nothing() -> None:
    short = draw(300, 300, Drawn(), Room(fund=100))
    assert (short.granted, short.reason) == (100, Shortfall.POOL_EMPTY)
    assert draw(300, 300, Drawn(), Room(fund=0)) == Drawn(300, 0, 0, Shortfall.POOL_EMPTY)
    assert draw(300, 300, Drawn(), Room(fund=300)) == Drawn(300, 300)


def test_the_cap_is_named_where_it_is_the_lower_limit() -> None:
    capped = draw(300, 300, Drawn(), Room(fund=500, cap=120))
    assert (capped.granted, capped.reason) == (120, Shortfall.CAP_REACHED)
    assert draw(300, 300, Drawn(), Room(fund=50, cap=120)).reason is Shortfall.POOL_EMPTY
    assert draw(300, 300, Drawn(), Room(fund=50, cap=50)).reason is Shortfall.POOL_EMPTY
    assert draw(300, 300, Drawn(), Room(fund=900, cap=-1)).granted == 0


def test_what_was_granted_stays_and_a_fund_filled_later_owes_nothing() -> None:
    short = draw(300, 300, Drawn(), Room(fund=100))
    assert draw(300, 300, short, Room(fund=10_000)) == short
    more = draw(350, 350, short, Room(fund=10_000))
    assert (more.granted, more.reason) == (150, Shortfall.POOL_EMPTY)
    assert draw(300, 300, draw(300, 300, Drawn(), Room(300)), Room(0)).granted == 300


def test_a_smaller_claim_gives_the_rest_back() -> None:
    assert draw(80, 80, Drawn(300, 100, 0, Shortfall.POOL_EMPTY), Room(0)) == Drawn(80, 80)


def test_findings_return_what_the_valid_claim_no_longer_covers() -> None:
    full = draw(300, 300, Drawn(), Room(fund=300))
    assert draw(300, 120, full, Room(fund=0)) == Drawn(300, 300, returned=180)
    short = draw(300, 300, Drawn(), Room(fund=100))
    assert draw(300, 120, short, Room(fund=0)).returned == 0


def test_a_return_is_not_undone_by_an_empty_fund() -> None:
    found = Drawn(300, 300, returned=180)
    empty = draw(300, 300, found, Room(fund=0))
    assert empty == Drawn(300, 300, 180, Shortfall.POOL_EMPTY)
    assert draw(300, 300, empty, Room(fund=0)) == empty
    assert draw(300, 300, found, Room(fund=900, cap=0)).reason is Shortfall.CAP_REACHED
    assert draw(300, 300, empty, Room(fund=180)) == Drawn(300, 300)
    assert draw(300, 300, found, Room(fund=100)).returned == 80
    assert draw(300, 300, found, Room(fund=1000)).returned == 0


amounts = st.integers(0, 1000)


@given(amounts, st.lists(st.tuples(amounts, amounts, st.none() | amounts), max_size=12))
def test_no_series_of_claims_takes_a_fund_or_a_cap_below_zero(
    fund: int, claims: list[tuple[int, int, int | None]]
) -> None:
    drawn = Drawn()
    for wanted, valid, cap in claims:
        before = drawn
        drawn = draw(wanted, min(valid, wanted), before, Room(fund, cap))
        after_grant = fund - (drawn.granted - before.granted)
        fund -= drawn.net - before.net
        assert fund >= 0
        assert after_grant >= 0
        assert 0 <= drawn.returned <= drawn.granted <= drawn.wanted
        assert cap is None or drawn.net - before.net <= max(0, cap)
        invalid = max(0, drawn.granted - min(valid, wanted))
        in_full = (drawn.granted, drawn.returned) == (drawn.wanted, invalid)
        assert (drawn.reason is None) == in_full
        assert draw(wanted, min(valid, wanted), drawn, Room(0, cap)) == drawn


def test_a_day_is_of_the_version_in_force_when_it_begins() -> None:
    old = contract(1, MIDNIGHT - DAY, ends_at=MIDNIGHT + timedelta(hours=9))
    new = contract(2, MIDNIGHT + timedelta(hours=9))
    assert contract_of_day([old, new], PLACE, MIDNIGHT, MIDNIGHT + DAY) is old
    assert contract_of_day([old, new], PLACE, MIDNIGHT + DAY, MIDNIGHT + 2 * DAY) is new
    exactly = contract(3, MIDNIGHT)
    assert contract_of_day([exactly], PLACE, MIDNIGHT, MIDNIGHT + DAY) is exactly


def test_the_first_contract_covers_the_day_on_which_it_begins() -> None:
    first = contract(1, MIDNIGHT + timedelta(hours=9))
    assert contract_of_day([first], PLACE, MIDNIGHT, MIDNIGHT + DAY) is first
    assert contract_of_day([first], PLACE, MIDNIGHT - DAY, MIDNIGHT) is None
    tomorrow = contract(1, MIDNIGHT + DAY)
    assert contract_of_day([tomorrow], PLACE, MIDNIGHT, MIDNIGHT + DAY) is None


def test_the_narrowest_contract_in_force_counts() -> None:
    wide = contract(1, MIDNIGHT - DAY)
    own = contract(2, MIDNIGHT - DAY, app_id=PLACE[0], placement_id=PLACE[1])
    other = contract(3, MIDNIGHT - DAY, app_id=AppId("app2"))
    assert contract_of_day([wide, own, other], PLACE, MIDNIGHT, MIDNIGHT + DAY) is own
    assert contract_of_day([other], PLACE, MIDNIGHT, MIDNIGHT + DAY) is None


def test_dues_of_which_nothing_was_said_are_nothing() -> None:
    assert Dues() == Dues(share=0, guarantee=0, subsidy=0)
