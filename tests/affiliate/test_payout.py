"""Whether money leaves, and how much of it."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from affiliate.calendar import Period
from affiliate.partner import Contract, Standing, Terms
from affiliate.payout import Held, Plan, ledger_key, minimum_payout, payout_id, plan
from models.domain.ids import AppId, PartnerId
from models.domain.money import Micros, Minor, micros_of
from tests.affiliate.sales import SOLD_AT, contract, partner

US = timedelta(microseconds=1)
BANKED = {"bank_account": "6222", "account_holder": "Ann"}
FEN = 10_000


@pytest.mark.parametrize(
    ("available", "leaves", "stays", "held"),
    [
        (0, 0, 0, Held.NOTHING_PAYABLE),
        (-1, 0, -1, Held.NOTHING_PAYABLE),
        (-5 * FEN, 0, -5 * FEN, Held.NOTHING_PAYABLE),
        (FEN - 1, 0, FEN - 1, Held.NOTHING_PAYABLE),
        (FEN, 0, FEN, Held.BELOW_MINIMUM),
        (100 * FEN - 1, 0, 100 * FEN - 1, Held.BELOW_MINIMUM),
        (100 * FEN, 100, 0, None),
        (101 * FEN - 1, 100, FEN - 1, None),
    ],
)
def test_whole_minor_units_leave_from_the_minimum_on(
    available: int, leaves: int, stays: int, held: Held | None
) -> None:
    answer = plan(Micros(available), 100, partner(**BANKED), "CNY")
    assert answer == Plan(Minor(leaves), Micros(stays), held)


def test_a_minimum_of_nothing_lets_one_fen_leave() -> None:
    assert plan(Micros(FEN), 0, partner(**BANKED), "CNY").leaves == 1
    assert plan(Micros(FEN), 1, partner(**BANKED), "CNY").leaves == 1
    assert plan(Micros(999_999), 0, partner(**BANKED), "JPY").held is Held.NOTHING_PAYABLE


@pytest.mark.parametrize(
    ("known", "held"),
    [
        ({"standing": Standing.SUSPENDED, **BANKED}, Held.NOT_APPROVED),
        ({"standing": Standing.APPLIED}, Held.NOT_APPROVED),
        ({}, Held.NO_BANK_ACCOUNT),
        ({"bank_account": "6222"}, Held.NO_BANK_ACCOUNT),
        ({"account_holder": "Ann"}, Held.NO_BANK_ACCOUNT),
        (BANKED, None),
    ],
)
def test_what_is_held_says_why(known: dict[str, Any], held: Held | None) -> None:
    answer = plan(Micros(100 * FEN), 100, partner(**known), "CNY")
    assert answer.held is held
    assert (answer.leaves == 0) == (held is not None)


def test_the_first_of_several_reasons_is_named() -> None:
    suspended = partner(standing=Standing.SUSPENDED)
    assert plan(Micros(0), 100, suspended, "CNY").held is Held.NOTHING_PAYABLE
    assert plan(Micros(FEN), 100, suspended, "CNY").held is Held.NOT_APPROVED
    assert plan(Micros(FEN), 100, partner(), "CNY").held is Held.BELOW_MINIMUM


@given(
    st.integers(-(10**12), 10**12), st.integers(0, 10**6), st.sampled_from(["CNY", "JPY", "KWD"])
)
def test_no_payout_is_negative_and_nothing_is_lost(
    available: int, minimum: int, currency: str
) -> None:
    answer = plan(Micros(available), minimum, partner(**BANKED), currency)
    assert answer.leaves >= 0
    assert answer.stays + micros_of(answer.leaves, currency) == available
    assert (answer.held is None) == (answer.leaves > 0)


def agreed(minimum: int, **changes: Any) -> Contract:
    return contract(terms=Terms(minimum_payout_minor=minimum), **changes)


def test_the_minimum_is_that_of_the_contract_in_force() -> None:
    contracts = [
        agreed(1, ends_at=SOLD_AT),
        agreed(2, version=2, starts_at=SOLD_AT, ends_at=SOLD_AT + 2 * US),
        agreed(3, version=3, starts_at=SOLD_AT + 2 * US),
    ]
    for order in (contracts, contracts[::-1]):
        moments = (SOLD_AT - US, SOLD_AT, SOLD_AT + US, SOLD_AT + 2 * US)
        assert [minimum_payout(order, moment) for moment in moments] == [1, 2, 2, 3]


def test_a_contract_for_everything_counts_before_one_for_an_app() -> None:
    narrow = agreed(1, version=2, starts_at=SOLD_AT, app_id=AppId("app1"))
    for both in ([narrow, agreed(2)], [agreed(2), narrow]):
        assert minimum_payout(both, SOLD_AT) == 2
        assert minimum_payout(both[:1], SOLD_AT) == both[0].terms.minimum_payout_minor


def test_where_none_is_in_force_the_one_that_began_last_counts() -> None:
    over = [agreed(1, ends_at=SOLD_AT), agreed(2, starts_at=SOLD_AT - 2 * US, ends_at=SOLD_AT)]
    for both in (over, over[::-1]):
        assert minimum_payout(both, SOLD_AT) == 2


def test_of_two_that_began_together_the_higher_version_counts() -> None:
    both = [agreed(1), agreed(2, version=2)]
    assert minimum_payout(both, SOLD_AT) == minimum_payout(both[::-1], SOLD_AT) == 2


def test_without_a_contract_the_minimum_is_a_hundred_yuan() -> None:
    assert minimum_payout([], SOLD_AT) == 10_000


def test_a_payout_has_one_name_and_every_attempt_a_key() -> None:
    name = payout_id(Period("2026-10"), PartnerId("ann"), "CNY")
    assert name == "2026-10-ann-CNY"
    assert [ledger_key(name, attempt) for attempt in (1, 2, 3)] == [
        "payout:2026-10-ann-CNY", "payout:2026-10-ann-CNY:2", "payout:2026-10-ann-CNY:3",
    ]  # fmt: skip
