"""The names of accounts, there and back, and which of them never go below zero."""

import pytest

from affiliate import chart_of_accounts as chart
from affiliate.chart_of_accounts import CHART, AccountName, Kind, Root, kind_of, owner_of
from models.domain.ids import AdvertiserId, MerchantId, PartnerId, PoolId

NAMED = {
    chart.advertiser_prepaid(AdvertiserId("x")): Kind.ADVERTISER_PREPAID,
    chart.merchant_receivable(MerchantId("x")): Kind.MERCHANT_RECEIVABLE,
    chart.partner_pending(PartnerId("x")): Kind.PARTNER_PENDING,
    chart.partner_payable(PartnerId("x")): Kind.PARTNER_PAYABLE,
    chart.partner_clawback(PartnerId("x")): Kind.PARTNER_CLAWBACK,
    chart.subsidy_pool(PoolId("x")): Kind.SUBSIDY_POOL,
    chart.coupon_pool(PoolId("x")): Kind.COUPON_POOL,
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
    assert set(CHART) == set(Kind) == {*NAMED.values(), *OURS.values()}


@pytest.mark.parametrize(("name", "kind"), NAMED.items())
def test_an_account_of_somebodys_says_whose(name: AccountName, kind: Kind) -> None:
    assert (kind_of(name), owner_of(name)) == (kind, "x")
    assert name == f"{kind}:x"


@pytest.mark.parametrize(("name", "kind"), OURS.items())
def test_an_account_of_the_house_has_no_owner(name: AccountName, kind: Kind) -> None:
    assert (kind_of(name), owner_of(name)) == (kind, "")


def test_an_owner_may_have_a_colon_in_its_name() -> None:
    account = chart.partner_payable(PartnerId("a:b"))
    assert (kind_of(account), owner_of(account)) == (Kind.PARTNER_PAYABLE, "a:b")


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
