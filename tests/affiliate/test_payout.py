"""Whether money leaves, how much, and under which name."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from affiliate.calendar import Period
from affiliate.partner import Contract, Partner, Standing, Terms
from affiliate.payout import Held, ledger_key, minimum_payout, payout_id, plan
from models.domain.ids import AppId, ContractId, PartnerId
from models.domain.money import Micros

P1 = PartnerId("p1")
PARTNER = Partner(
    P1, "One", standing=Standing.APPROVED, bank_account="6222", account_holder="Li Lei"
)
YUAN = 1_000_000


def at(month: int) -> datetime:
    return datetime(2026, month, 1, tzinfo=UTC)


def contract(starts: int, minimum: int, ends: int | None = None, app: str = "") -> Contract:
    return Contract(
        ContractId(f"c{starts}{app}"),
        1,
        P1,
        at(starts),
        Terms(minimum_payout_minor=minimum),
        ends_at=at(ends) if ends else None,
        app_id=AppId(app) if app else None,
    )


def test_whole_minor_units_leave_and_the_micros_stay() -> None:
    found = plan(Micros(123_456_789), 10_000, PARTNER, "CNY")
    assert (found.leaves, found.stays, found.held) == (12_345, 6_789, None)
    found = plan(Micros(123_456_789), 100, PARTNER, "JPY")
    assert (found.leaves, found.stays, found.held) == (123, 456_789, None)


@pytest.mark.parametrize("minor", [10_000, 10_001])
def test_exactly_the_minimum_is_paid(minor: int) -> None:
    assert plan(Micros(minor * 10_000), 10_000, PARTNER, "CNY").leaves == minor


def test_below_the_minimum_everything_stays() -> None:
    found = plan(Micros(99_999_999), 10_000, PARTNER, "CNY")
    assert (found.leaves, found.stays, found.held) == (0, 99_999_999, Held.BELOW_MINIMUM)


def test_a_minimum_of_nothing_lets_one_fen_leave() -> None:
    found = plan(Micros(10_000), 0, PARTNER, "CNY")
    assert (found.leaves, found.stays, found.held) == (1, 0, None)


@pytest.mark.parametrize("available", [0, 9_999, -1, -5 * YUAN])
def test_nothing_is_ever_paid_of_nothing(available: int) -> None:
    found = plan(Micros(available), 0, PARTNER, "CNY")
    assert (found.leaves, found.held) == (0, Held.NOTHING_PAYABLE)
    assert found.stays == available


@pytest.mark.parametrize(
    ("changes", "held"),
    [
        ({"standing": Standing.SUSPENDED}, Held.NOT_APPROVED),
        ({"standing": Standing.APPLIED, "bank_account": ""}, Held.NOT_APPROVED),
        ({"bank_account": ""}, Held.NO_BANK_ACCOUNT),
        ({"account_holder": ""}, Held.NO_BANK_ACCOUNT),
    ],
)
def test_who_may_not_be_paid_keeps_the_balance(changes: dict[str, object], held: Held) -> None:
    found = plan(Micros(500 * YUAN), 10_000, replace(PARTNER, **changes), "CNY")
    assert (found.leaves, found.stays, found.held) == (0, 500 * YUAN, held)


def test_the_minimum_is_told_before_a_missing_account() -> None:
    poor = replace(PARTNER, bank_account="")
    assert plan(Micros(YUAN), 10_000, poor, "CNY").held is Held.BELOW_MINIMUM


def test_the_contract_in_force_says_the_minimum() -> None:
    contracts = [contract(1, 100, ends=6), contract(6, 200, ends=9), contract(9, 300)]
    assert [minimum_payout(contracts, at(month)) for month in (1, 6, 8, 9, 12)] == [
        100, 200, 200, 300, 300,
    ]  # fmt: skip


def test_a_contract_for_everything_counts_before_one_for_an_app() -> None:
    assert minimum_payout([contract(1, 100), contract(2, 200, app="a")], at(3)) == 100
    assert minimum_payout([contract(2, 200, app="a")], at(3)) == 200


def test_after_all_contracts_the_last_one_still_says_it() -> None:
    contracts = [contract(1, 100, ends=3), contract(3, 200, ends=4)]
    assert minimum_payout(contracts, at(9)) == 200


def test_without_any_contract_it_is_a_hundred_units() -> None:
    assert minimum_payout([], at(1)) == 10_000


def test_attempts_have_keys_of_their_own_under_one_name() -> None:
    name = payout_id(Period("2026-10"), P1, "CNY")
    assert name == "2026-10-p1-CNY"
    assert [ledger_key(name, attempt) for attempt in (1, 2, 3)] == [
        "payout:2026-10-p1-CNY",
        "payout:2026-10-p1-CNY:2",
        "payout:2026-10-p1-CNY:3",
    ]
