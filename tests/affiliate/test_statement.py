"""The bridge of a month: every entry in one step, every number the sum of what stands above it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from affiliate.calendar import Period
from affiliate.chart_of_accounts import Kind
from affiliate.ledger import Reason
from affiliate.settlement import Outcome, StatementDoesNotFootError, taken_back
from affiliate.statement import (
    ACCOUNTS,
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
from models.domain.money import Micros

NOTHING = Step(Item.SUBSIDIES, 0, Micros(0))
NOW = datetime(2026, 11, 10, tzinfo=UTC)


def moved(reason: Reason, amount: int, kind: Kind = Kind.PARTNER_PENDING, **said: bool) -> Moved:
    first, capped = said.get("first", False), said.get("capped", False)
    return Moved(kind, reason, first, capped, 1, Micros(amount))


def statement(steps: tuple[Step, ...], opening: Balances = Balances()) -> Statement:  # noqa: B008
    return Statement(
        period=Period("2026-10"),
        currency="CNY",
        partner_id=PartnerId("p1"),
        partner_name="One",
        closed_at=NOW,
        pays_at=NOW,
        head_hash="ab",
        opening=opening,
        closing=closing_of(steps),
        reserved=Micros(0),
        steps=steps,
        minimum_minor=10_000,
        payout_minor=0,
        held=None,
    )


def test_every_item_has_its_section_in_the_order_of_the_bridge() -> None:
    assert list(SECTION_OF) == list(Item)
    sections = [SECTION_OF[item] for item in Item]
    assert sections == sorted(sections, key=list(Section).index)


@pytest.mark.parametrize(
    ("one", "item"),
    [
        (moved(Reason.COMMISSION, 1, first=True), Item.COMMISSIONS),
        (moved(Reason.REFUND, 1, first=True), Item.COMMISSIONS),
        (moved(Reason.AD_SHARE, 1, first=True), Item.AD_SHARES),
        (moved(Reason.SUBSIDY, 1, first=True), Item.SUBSIDIES),
        (moved(Reason.GUARANTEE, 1, first=True), Item.GUARANTEES),
        (moved(Reason.COMMISSION, 1, first=True, capped=True), Item.COMMISSIONS),
        (moved(Reason.COMMISSION, 1), Item.CHANGES),
        (moved(Reason.COMMISSION, 1, capped=True), Item.CAP),
        (moved(Reason.REFUND, 1, capped=True), Item.REFUNDS),
        (moved(Reason.CANCELLED, 1), Item.CANCELLATIONS),
        (moved(Reason.INVALID_TRAFFIC, 1), Item.INVALID_TRAFFIC),
        (moved(Reason.AD_SHARE, 1), Item.RESTATEMENTS),
        (moved(Reason.SUBSIDY, 1), Item.RESTATEMENTS),
        (moved(Reason.GUARANTEE, 1), Item.RESTATEMENTS),
        (moved(Reason.REVERSAL, 1), Item.CORRECTIONS),
        (moved(Reason.CORRECTION, 1), Item.CORRECTIONS),
        (moved(Reason.REFUND, 1, Kind.PARTNER_CLAWBACK), Item.OVERPAID),
        (moved(Reason.COMMISSION, 1, Kind.PARTNER_CLAWBACK, first=True), Item.OVERPAID),
        (moved(Reason.PAYOUT, 1, Kind.PARTNER_PAYABLE), Item.PAID_OUT),
        (moved(Reason.CORRECTION, 1, Kind.PARTNER_PAYABLE), Item.PAYABLE_CORRECTIONS),
    ],
)
def test_an_entry_belongs_to_one_step(one: Moved, item: Item) -> None:
    assert item_of(one) is item


def test_steps_that_are_nothing_are_left_out() -> None:
    assert bridge(Balances(), [], NOTHING, {}, 0) == ()


def test_lines_of_a_step_are_kept_even_where_they_sum_to_nothing() -> None:
    both = [moved(Reason.COMMISSION, 5), moved(Reason.COMMISSION, -5)]
    assert bridge(Balances(), both, NOTHING, {}, 0) == (Step(Item.CHANGES, 2, Micros(0)),)


def test_a_whole_month_from_opening_to_closing() -> None:
    opening = Balances(Micros(10), Micros(20), Micros(-8))
    entries = [
        moved(Reason.COMMISSION, 112, first=True),
        moved(Reason.REFUND, -30),
        moved(Reason.REFUND, -5, Kind.PARTNER_CLAWBACK),
        moved(Reason.PAYOUT, -20, Kind.PARTNER_PAYABLE),
    ]
    found = {Outcome.PAYABLE: (2, Micros(50)), Outcome.IN_HOLD: (1, Micros(45))}
    subsidies = Step(Item.SUBSIDIES, 1, Micros(12))
    steps = bridge(opening, entries, subsidies, found, netted=9)
    assert steps == (
        (Item.BROUGHT_FORWARD, 0, 10),
        (Item.COMMISSIONS, 1, 100),
        (Item.SUBSIDIES, 1, 12),
        (Item.REFUNDS, 1, -30),
        (Item.AFTER_MONTH_END, 0, 3),
        (Item.IN_HOLD, 1, -45),
        (Item.PAYABLE_BROUGHT_FORWARD, 0, 20),
        (Item.PAID_OUT, 1, -20),
        (Item.OVERPAID_BROUGHT_FORWARD, 0, -8),
        (Item.OVERPAID, 1, -5),
        (Item.OVERPAID_CARRIED_FORWARD, 0, 4),
    )
    one = statement(steps, opening)
    assert [one.total(section) for section in Section] == [122, 92, 50, 41]
    assert one.closing == (42, 41, -4)
    foot(one, Balances(Micros(42), Micros(41), Micros(-4)), 50)


def test_a_statement_that_differs_from_the_ledger_raises() -> None:
    one = statement((Step(Item.COMMISSIONS, 1, Micros(100)),))
    good = Balances(payable=Micros(100))
    foot(one, good, 100)
    with pytest.raises(StatementDoesNotFootError, match="p1, 2026-10, CNY: statement and ledger"):
        foot(one, Balances(payable=Micros(99)), 100)
    with pytest.raises(StatementDoesNotFootError, match="matured lines and ledger differ: 100 and"):
        foot(one, good, 99)
    wrong = replace(one, closing=Balances(payable=Micros(101)))
    with pytest.raises(StatementDoesNotFootError, match="bridge and closing balances differ"):
        foot(wrong, good, 100)
    twice = replace(one, steps=(*one.steps, Step(Item.COMMISSIONS, 0, Micros(0))))
    with pytest.raises(StatementDoesNotFootError, match="items differ: 1 and 2"):
        foot(twice, good, 100)


AMOUNTS = st.integers(-(10**12), 10**12).map(Micros)
ENTRIES = st.builds(
    Moved,
    st.sampled_from(ACCOUNTS),
    st.sampled_from(Reason),
    st.booleans(),
    st.booleans(),
    st.integers(1, 9),
    AMOUNTS,
)
FOUND = st.dictionaries(
    st.sampled_from(Outcome), st.tuples(st.integers(1, 9), st.integers(1, 10**12).map(Micros))
)


@given(st.builds(Balances, AMOUNTS, AMOUNTS, AMOUNTS), st.lists(ENTRIES), AMOUNTS, FOUND)
def test_whatever_happened_the_bridge_ends_on_the_balances(
    opening: Balances,
    entries: list[Moved],
    subsidy: Micros,
    found: dict[Outcome, tuple[int, Micros]],
) -> None:
    sums = {kind: sum(one.amount for one in entries if one.kind is kind) for kind in ACCOUNTS}
    pending, payable, clawback = (
        before + sums[kind] for before, kind in zip(opening, ACCOUNTS, strict=True)
    )
    matured = found.get(Outcome.PAYABLE, (0, Micros(0)))[1]
    netted = taken_back(clawback, payable + matured)
    steps = bridge(opening, entries, Step(Item.SUBSIDIES, 1, subsidy), found, netted)
    ends = Balances(
        Micros(pending - matured),
        Micros(payable + matured - netted),
        Micros(clawback + netted),
    )
    one = statement(steps, opening)
    foot(one, ends, matured)
    assert one.total(Section.VALIDATED) == pending
    assert one.total(Section.PAYABLE) == one.closing.payable


def test_one_item_comes_to_what_its_step_says() -> None:
    steps = (Step(Item.COMMISSIONS, 2, Micros(100)), Step(Item.REFUNDS, 1, Micros(-10)))
    found = statement(steps)
    assert (found.of(Item.REFUNDS), found.of(Item.CAP)) == (-10, 0)
