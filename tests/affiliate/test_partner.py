"""Which version of which contract holds, to the microsecond."""

from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given, strategies as st

from affiliate.partner import (
    Contract,
    Partner,
    Standing,
    Subsidy,
    Terms,
    contract_for_ads,
    contract_for_sales,
)
from models.domain.ids import AppId, ContractId, PartnerId, PlacementId, PoolId
from models.domain.money import PPM
from tests.affiliate.sales import SOLD_AT, contract

US = timedelta(microseconds=1)
DAY = timedelta(days=1)
APP = AppId("app1")
SLOT = PlacementId("pl1")


@pytest.mark.parametrize(
    ("moment", "holds"),
    [(SOLD_AT - US, False), (SOLD_AT, True), (SOLD_AT + DAY - US, True), (SOLD_AT + DAY, False)],
)
def test_a_contract_holds_from_its_start_until_its_end(moment: datetime, holds: bool) -> None:
    assert contract(starts_at=SOLD_AT, ends_at=SOLD_AT + DAY).in_force(moment) is holds


def test_a_contract_without_an_end_holds_on() -> None:
    assert contract(starts_at=SOLD_AT).in_force(SOLD_AT + 9_999 * DAY)


def test_a_sale_is_under_the_newest_contract_in_force() -> None:
    first = contract(ends_at=SOLD_AT + DAY)
    second = contract(version=2, starts_at=SOLD_AT)
    for both in ([first, second], [second, first]):
        assert contract_for_sales(both, SOLD_AT - US) == first
        assert contract_for_sales(both, SOLD_AT) == second
    assert contract_for_sales([first], SOLD_AT + DAY) is None
    assert contract_for_sales([], SOLD_AT) is None


def test_of_contracts_that_begin_together_the_higher_name_and_version_counts() -> None:
    versions = [contract(), contract(version=2), contract(contract_id=ContractId("c0"), version=9)]
    for order in (versions, versions[::-1]):
        assert contract_for_sales(order, SOLD_AT) == versions[1]


def test_a_contract_of_an_app_or_a_placement_covers_no_sale() -> None:
    assert contract_for_sales([contract(app_id=APP)], SOLD_AT) is None
    assert contract_for_sales([contract(placement_id=SLOT)], SOLD_AT) is None


def test_an_ad_is_under_the_narrowest_contract_in_force() -> None:
    everything = contract(starts_at=SOLD_AT - US)
    of_app = contract(version=2, app_id=APP)
    of_slot = contract(version=3, placement_id=SLOT)
    of_both = contract(version=4, app_id=APP, placement_id=SLOT)
    all_of_them: list[Contract] = [everything, of_app, of_slot, of_both]
    while all_of_them:
        narrowest = all_of_them[-1]
        for order in (all_of_them, all_of_them[::-1]):
            assert contract_for_ads(order, APP, SLOT, SOLD_AT) == narrowest
        all_of_them.pop()
    assert contract_for_ads([], APP, SLOT, SOLD_AT) is None


def test_a_contract_of_another_app_or_placement_does_not_count() -> None:
    others = [
        contract(app_id=AppId("app2")),
        contract(placement_id=PlacementId("pl2")),
        contract(app_id=APP, placement_id=PlacementId("pl2")),
        contract(app_id=AppId("app2"), placement_id=SLOT),
    ]
    assert contract_for_ads(others, APP, SLOT, SOLD_AT) is None


def test_a_narrow_contract_that_is_over_leaves_the_wide_one() -> None:
    wide, narrow = contract(), contract(version=2, placement_id=SLOT, ends_at=SOLD_AT)
    assert contract_for_ads([wide, narrow], APP, SLOT, SOLD_AT) == wide
    assert contract_for_ads([wide, narrow], APP, SLOT, SOLD_AT - US) == narrow


def test_a_newer_version_of_the_same_width_counts() -> None:
    old, new = contract(app_id=APP), contract(app_id=APP, version=2, starts_at=SOLD_AT)
    assert contract_for_ads([new, old], APP, SLOT, SOLD_AT) == new
    assert contract_for_ads([new, old], APP, SLOT, SOLD_AT - US) == old


def test_what_a_contract_says_where_nothing_was_agreed() -> None:
    terms = Terms()
    assert terms.window == timedelta(days=15)
    assert terms.commission_share_ppm == PPM
    assert terms.ad_share_ppm == 0
    assert terms.guaranteed_ecpm_micros == 0
    assert terms.hold_days == 0
    assert terms.minimum_payout_minor == 10_000
    assert (terms.cap_minor, terms.subsidy, terms.tiers, terms.rates) == (None, None, (), ())
    assert Subsidy(PoolId("fund"), 1).cap_minor is None


def test_somebody_new_is_not_approved_yet() -> None:
    ann = Partner(PartnerId("ann"), "Ann")
    assert ann.standing is Standing.APPLIED
    assert (ann.bank_account, ann.account_holder, ann.customer_refs) == ("", "", frozenset())


versions = st.builds(
    contract,
    version=st.integers(1, 5),
    contract_id=st.sampled_from(["c1", "c2"]),
    starts_at=st.integers(-3, 3).map(lambda days: SOLD_AT + days * DAY),
    ends_at=st.none() | st.integers(-3, 3).map(lambda days: SOLD_AT + days * DAY),
    app_id=st.sampled_from([None, APP]),
    placement_id=st.sampled_from([None, SLOT]),
)


@given(
    st.lists(versions, max_size=6, unique_by=lambda one: (one.contract_id, one.version)),
    st.randoms(use_true_random=False),
)
def test_the_order_in_which_contracts_are_kept_never_matters(
    kept: list[Contract], chance: Random
) -> None:
    shuffled = list(kept)
    chance.shuffle(shuffled)
    assert contract_for_sales(kept, SOLD_AT) == contract_for_sales(shuffled, SOLD_AT)
    one, other = (contract_for_ads(some, APP, SLOT, SOLD_AT) for some in (kept, shuffled))
    assert one == other
    assert one is None or one.in_force(SOLD_AT)
