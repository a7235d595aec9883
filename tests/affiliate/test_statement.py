"""The bridge of a month: every entry on its step, sums that foot, and a complaint where not."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from affiliate.calendar import Period
from affiliate.chart_of_accounts import Kind
from affiliate.ledger import Reason
from affiliate.settlement import Outcome, StatementDoesNotFootError
from affiliate.statement import (
    SECTION_OF,
    Balances,
    Item,
    Moved,
    Section,
    Statement,
    Step,
    bridge,
    closing_of,
    foot,
    item_of,
)
from models.domain.ids import PartnerId
from models.domain.money import NO_MONEY, Micros
from tests.affiliate.sales import SOLD_AT

NOTHING_PAID_BY_FUNDS = Step(Item.SUBSIDIES, 0, NO_MONEY)


def moved(amount: int, reason: Reason = Reason.COMMISSION, **changes: Any) -> Moved:
    """One line, first told, pending."""
    plain = Moved(Kind.PARTNER_PENDING, reason, True, False, 1, Micros(amount))
    return plain._replace(**changes)


def balances(pending: int = 0, payable: int = 0, clawback: int = 0) -> Balances:
    return Balances(Micros(pending), Micros(payable), Micros(clawback))


def steps_of(
    *entries: Moved,
    opening: Balances | None = None,
    subsidies: Step = NOTHING_PAID_BY_FUNDS,
    found: dict[Outcome, tuple[int, int]] | None = None,
    netted: int = 0,
) -> list[tuple[str, int, int]]:
    given = {outcome: (n, Micros(amount)) for outcome, (n, amount) in (found or {}).items()}
    steps = bridge(opening or balances(), entries, subsidies, given, netted)
    return [(step.item.value, step.lines, step.amount) for step in steps]


@pytest.mark.parametrize(
    ("reason", "item"),
    [
        (Reason.COMMISSION, Item.COMMISSIONS),
        (Reason.REFUND, Item.COMMISSIONS),
        (Reason.CANCELLED, Item.COMMISSIONS),
        (Reason.AD_SHARE, Item.AD_SHARES),
        (Reason.SUBSIDY, Item.SUBSIDIES),
        (Reason.GUARANTEE, Item.GUARANTEES),
        (Reason.CORRECTION, Item.CORRECTIONS),
        (Reason.REVERSAL, Item.CORRECTIONS),
    ],
)
def test_the_entry_with_which_a_line_begins_is_what_it_earns(reason: Reason, item: Item) -> None:
    assert item_of(moved(1, reason)) is item
    assert item_of(moved(1, reason, capped=True)) is item


@pytest.mark.parametrize(
    ("reason", "item"),
    [
        (Reason.COMMISSION, Item.CHANGES),
        (Reason.REFUND, Item.REFUNDS),
        (Reason.CANCELLED, Item.CANCELLATIONS),
        (Reason.INVALID_TRAFFIC, Item.INVALID_TRAFFIC),
        (Reason.AD_SHARE, Item.RESTATEMENTS),
        (Reason.SUBSIDY, Item.RESTATEMENTS),
        (Reason.GUARANTEE, Item.RESTATEMENTS),
        (Reason.CORRECTION, Item.CORRECTIONS),
    ],
)
def test_a_later_entry_changes_a_line(reason: Reason, item: Item) -> None:
    assert item_of(moved(-1, reason, first=False)) is item
    capped = item_of(moved(-1, reason, first=False, capped=True))
    assert capped is (Item.CAP if reason is Reason.COMMISSION else item)


@pytest.mark.parametrize("first", [True, False])
def test_entries_on_the_other_accounts_say_what_was_overpaid_and_paid_out(first: bool) -> None:
    assert item_of(moved(-1, kind=Kind.PARTNER_CLAWBACK, first=first)) is Item.OVERPAID
    payout = moved(-1, Reason.PAYOUT, kind=Kind.PARTNER_PAYABLE, first=first)
    assert item_of(payout) is Item.PAID_OUT
    other = moved(-1, Reason.CORRECTION, kind=Kind.PARTNER_PAYABLE, first=first)
    assert item_of(other) is Item.PAYABLE_CORRECTIONS


def test_every_item_belongs_to_one_of_the_numbers_in_its_order() -> None:
    order = list(Section)
    sections = [order.index(SECTION_OF[item]) for item in Item]
    assert sections == sorted(sections)
    assert set(SECTION_OF.values()) == set(Section)


def test_a_month_in_which_nothing_happened_has_no_steps() -> None:
    assert steps_of() == []


def test_what_was_earned_and_has_ripened() -> None:
    assert steps_of(moved(70), moved(30), found={Outcome.PAYABLE: (2, 100)}) == [
        ("commissions", 2, 100)
    ]


def test_what_a_fund_pays_of_commissions_is_a_step_of_its_own() -> None:
    subsidies = Step(Item.SUBSIDIES, 1, Micros(30))
    assert steps_of(moved(100), subsidies=subsidies, found={Outcome.PAYABLE: (1, 100)}) == [
        ("commissions", 1, 70),
        ("subsidies", 1, 30),
    ]


def test_what_waits_is_subtracted_with_its_reason() -> None:
    found = {
        Outcome.PAYABLE: (1, 10),
        Outcome.NOT_RECEIVED: (2, 20),
        Outcome.IN_HOLD: (3, 30),
        Outcome.NOT_FUNDED: (4, 40),
    }
    assert steps_of(moved(60), opening=balances(pending=40), found=found) == [
        ("brought_forward", 0, 40),
        ("commissions", 1, 60),
        ("not_received", 2, -20),
        ("in_hold", 3, -30),
        ("not_funded", 4, -40),
    ]


def test_what_was_told_after_the_months_end_is_a_step_of_its_own() -> None:
    found = {Outcome.PAYABLE: (1, 60), Outcome.IN_HOLD: (1, 15)}
    assert steps_of(moved(100), moved(-5, Reason.REFUND, first=False), found=found) == [
        ("commissions", 1, 100),
        ("refunds", 1, -5),
        ("after_month_end", 0, -20),
        ("in_hold", 1, -15),
    ]


def test_what_was_overpaid_is_carried_on_where_there_is_nothing_to_take_it_from() -> None:
    overpaid = moved(-50, Reason.REFUND, kind=Kind.PARTNER_CLAWBACK, first=False)
    opening = balances(payable=30, clawback=-10)
    assert steps_of(overpaid, opening=opening, netted=30) == [
        ("payable_brought_forward", 0, 30),
        ("overpaid_brought_forward", 0, -10),
        ("overpaid", 1, -50),
        ("overpaid_carried_forward", 0, 30),
    ]


def test_what_was_paid_out_leaves() -> None:
    paid = moved(-30, Reason.PAYOUT, kind=Kind.PARTNER_PAYABLE)
    assert steps_of(paid, opening=balances(payable=30)) == [
        ("payable_brought_forward", 0, 30),
        ("paid_out", 1, -30),
    ]


def statement(steps: tuple[Step, ...] = (), **changes: Any) -> Statement:
    plain = Statement(
        period=Period("2026-10"),
        currency="CNY",
        partner_id=PartnerId("ann"),
        partner_name="Ann",
        closed_at=SOLD_AT,
        pays_at=SOLD_AT,
        head_hash="",
        opening=Balances(),
        closing=closing_of(steps),
        reserved=NO_MONEY,
        steps=steps,
        minimum_minor=0,
        payout_minor=0,
        held=None,
    )
    return replace(plain, **changes)


A_MONTH = tuple(
    Step(item, 1, Micros(amount))
    for item, amount in {
        Item.BROUGHT_FORWARD: 5,
        Item.COMMISSIONS: 100,
        Item.REFUNDS: -10,
        Item.NOT_RECEIVED: -20,
        Item.PAYABLE_BROUGHT_FORWARD: 7,
        Item.OVERPAID: -4,
        Item.OVERPAID_CARRIED_FORWARD: 3,
    }.items()
)


def test_the_three_numbers_run_on() -> None:
    found = statement(A_MONTH)
    assert [found.total(section) for section in Section] == [105, 95, 75, 81]
    assert found.of(Item.REFUNDS) == -10
    assert found.of(Item.CAP) == 0


def test_where_the_accounts_stand_at_the_end() -> None:
    assert closing_of(A_MONTH) == (20, 81, -3)
    assert closing_of(()) == (0, 0, 0)


def test_a_statement_that_foots_is_let_pass() -> None:
    foot(statement(A_MONTH), balances(20, 81, -3), 75)


@pytest.mark.parametrize("ledger", [(21, 81, -3), (20, 80, -3), (20, 81, -2)])
def test_a_statement_that_differs_from_the_ledger_is_refused(
    ledger: tuple[int, int, int],
) -> None:
    with pytest.raises(StatementDoesNotFootError, match="ann, 2026-10, CNY: statement and ledger"):
        foot(statement(A_MONTH), balances(*ledger), 75)


def test_a_bridge_that_leads_elsewhere_is_refused() -> None:
    other = statement(A_MONTH, closing=balances(20, 82, -3))
    with pytest.raises(StatementDoesNotFootError, match="bridge and closing balances differ: "):
        foot(other, balances(20, 82, -3), 75)


@pytest.mark.parametrize("matured", [74, 76])
def test_lines_that_mature_otherwise_than_the_ledger_says_are_refused(matured: int) -> None:
    words = f"matured lines and ledger differ: 75 and {matured}"
    with pytest.raises(StatementDoesNotFootError, match=words):
        foot(statement(A_MONTH), balances(20, 81, -3), matured)


def test_an_item_that_is_given_twice_is_refused() -> None:
    twice = (*A_MONTH, Step(Item.REFUNDS, 1, NO_MONEY))
    with pytest.raises(StatementDoesNotFootError, match="items differ: 7 and 8"):
        foot(statement(twice), balances(20, 81, -3), 75)


amounts = st.integers(-1_000, 1_000)
entries = st.builds(
    Moved,
    st.sampled_from([Kind.PARTNER_PENDING, Kind.PARTNER_PAYABLE, Kind.PARTNER_CLAWBACK]),
    st.sampled_from(Reason),
    st.booleans(),
    st.booleans(),
    st.integers(1, 9),
    amounts.map(Micros),
)


@given(
    st.lists(entries, max_size=8),
    st.builds(balances, amounts, amounts, amounts),
    st.dictionaries(st.sampled_from(Outcome), st.tuples(st.integers(0, 9), amounts)),
    amounts,
    amounts,
)
def test_every_bridge_ends_where_the_accounts_do(
    month: list[Moved],
    opening: Balances,
    found: dict[Outcome, tuple[int, Micros]],
    subsidy: int,
    netted: int,
) -> None:
    steps = bridge(opening, month, Step(Item.SUBSIDIES, 1, Micros(subsidy)), found, netted)
    sums = {kind: sum(one.amount for one in month if one.kind is kind) for kind in Kind}
    matured = found.get(Outcome.PAYABLE, (0, 0))[1]
    assert closing_of(steps) == (
        opening.pending + sums[Kind.PARTNER_PENDING] - matured,
        opening.payable + sums[Kind.PARTNER_PAYABLE] + matured - netted,
        opening.clawback + sums[Kind.PARTNER_CLAWBACK] + netted,
    )
    assert statement(steps).total(Section.MATURED) == matured
    assert all(step.lines or step.amount for step in steps)
    assert [step.item for step in steps] == [i for i in Item if i in {s.item for s in steps}]
