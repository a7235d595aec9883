"""The names of accounts, there and back, and which of them never go below zero."""

from collections.abc import Callable

import pytest

from affiliate import chart_of_accounts as chart
from affiliate.chart_of_accounts import CHART, AccountName, Kind, Root, kind_of, owner_of
from models.domain.ids import AdvertiserId, MerchantId, PartnerId, PoolId

NAMED = {
    Kind.ADVERTISER_PREPAID: lambda owner: chart.advertiser_prepaid(AdvertiserId(owner)),
    Kind.MERCHANT_RECEIVABLE: lambda owner: chart.merchant_receivable(MerchantId(owner)),
    Kind.PARTNER_PENDING: lambda owner: chart.partner_pending(PartnerId(owner)),
    Kind.PARTNER_PAYABLE: lambda owner: chart.partner_payable(PartnerId(owner)),
    Kind.PARTNER_CLAWBACK: lambda owner: chart.partner_clawback(PartnerId(owner)),
    Kind.SUBSIDY_POOL: lambda owner: chart.subsidy_pool(PoolId(owner)),
    Kind.COUPON_POOL: lambda owner: chart.coupon_pool(PoolId(owner)),
}
OURS = {
    chart.BANK: Kind.BANK,
    chart.PAYOUT_CLEARING: Kind.PAYOUT_CLEARING,
    chart.PLATFORM_REVENUE: Kind.PLATFORM_REVENUE,
    chart.PLATFORM_FEE: Kind.PLATFORM_FEE,
    chart.INVALID_TRAFFIC_RESERVE: Kind.INVALID_TRAFFIC_RESERVE,
    chart.ROUNDING: Kind.ROUNDING,
}


def test_every_kind_of_account_has_a_nature_and_a_name() -> None:
    assert set(CHART) == set(Kind) == {*NAMED, *OURS.values()}


@pytest.mark.parametrize(("kind", "named"), NAMED.items())
def test_an_account_of_somebodys_says_whose(
    kind: Kind, named: Callable[[str], AccountName]
) -> None:
    for owner in ("x", "a:b"):
        name = named(owner)
        assert (kind_of(name), owner_of(name)) == (kind, owner)
        assert name == f"{kind}:{owner}"


@pytest.mark.parametrize(("name", "kind"), OURS.items())
def test_an_account_of_the_house_has_no_owner(name: AccountName, kind: Kind) -> None:
    assert (kind_of(name), owner_of(name)) == (kind, "")


def test_a_name_that_is_not_in_the_chart_is_refused() -> None:
    with pytest.raises(ValueError, match="cash"):
        kind_of(AccountName("cash:x"))


def test_a_partners_statement_is_made_of_three_accounts() -> None:
    assert chart.partner_accounts(PartnerId("p")) == (
        "partner_pending:p", "partner_payable:p", "partner_clawback:p",
    )  # fmt: skip


def test_what_can_be_given_away_only_once_never_goes_below_zero() -> None:
    solid = {kind for kind, nature in CHART.items() if nature.solid}
    assert solid == {
        Kind.PARTNER_PAYABLE, Kind.PAYOUT_CLEARING, Kind.SUBSIDY_POOL, Kind.COUPON_POOL,
    }  # fmt: skip


def test_what_we_own_is_an_asset_and_what_we_owe_a_liability() -> None:
    by_root = {
        root: {kind for kind, nature in CHART.items() if nature.root is root} for root in Root
    }
    assert by_root[Root.ASSETS] == {Kind.BANK, Kind.MERCHANT_RECEIVABLE, Kind.PARTNER_CLAWBACK}
    assert by_root[Root.INCOME] == {Kind.PLATFORM_REVENUE, Kind.PLATFORM_FEE}
    assert by_root[Root.EXPENSES] == {Kind.ROUNDING}
    assert by_root[Root.EQUITY] == set()
    assert by_root[Root.LIABILITIES] == {
        Kind.ADVERTISER_PREPAID, Kind.PARTNER_PENDING, Kind.PARTNER_PAYABLE, Kind.PAYOUT_CLEARING,
        Kind.SUBSIDY_POOL, Kind.COUPON_POOL, Kind.INVALID_TRAFFIC_RESERVE,
    }  # fmt: skip


def test_what_has_a_name_is_an_account() -> None:
    assert all(chart.is_account(name) for name in OURS)
    assert all(chart.is_account(named("x")) for named in NAMED.values())


@pytest.mark.parametrize(
    "name",
    ["", "cash", "bank:x", "bank:", "partner_payable", "partner_payable:", "partner_payable:a\n"],
)
def test_a_kind_with_owners_has_one_and_a_kind_of_the_house_has_none(name: str) -> None:
    assert not chart.is_account(AccountName(name))


def test_the_name_of_an_account_is_at_most_128_characters_long() -> None:
    name = "subsidy_pool:".ljust(128, "x")
    assert chart.is_account(AccountName(name))
    assert not chart.is_account(AccountName(name + "x"))
