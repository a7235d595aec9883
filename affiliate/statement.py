"""A partner's month: what was brought forward, what came, and the bridge down to what is payable.

Never here: layout (`adserver.statements`). The one surprising fact: a statement is made of the
ledger's entries of its month and of nothing else, so that its sums are the ledger's. What was told
after the month's end but before its closing stands in the next one, with an item of its own here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from affiliate.calendar import Period
from affiliate.chart_of_accounts import Kind
from affiliate.ledger import Reason
from affiliate.payout import Held
from affiliate.settlement import Outcome, StatementDoesNotFootError
from models.domain.ids import PartnerId
from models.domain.money import NO_MONEY, Micros


class Section(StrEnum):
    """The three numbers; each is what stands above it plus its own items."""

    ESTIMATED = "estimated"
    VALIDATED = "validated"
    MATURED = "matured"
    PAYABLE = "payable"


class Item(StrEnum):
    """The steps of the bridge, in their order."""

    BROUGHT_FORWARD = "brought_forward"
    COMMISSIONS = "commissions"
    SUBSIDIES = "subsidies"
    AD_SHARES = "ad_shares"
    GUARANTEES = "guarantees"
    CHANGES = "changes"
    CAP = "cap"
    REFUNDS = "refunds"
    CANCELLATIONS = "cancellations"
    INVALID_TRAFFIC = "invalid_traffic"
    RESTATEMENTS = "restatements"
    CORRECTIONS = "corrections"
    AFTER_MONTH_END = "after_month_end"
    NOT_RECEIVED = "not_received"
    IN_HOLD = "in_hold"
    NOT_FUNDED = "not_funded"
    PAYABLE_BROUGHT_FORWARD = "payable_brought_forward"
    PAID_OUT = "paid_out"
    PAYABLE_CORRECTIONS = "payable_corrections"
    OVERPAID_BROUGHT_FORWARD = "overpaid_brought_forward"
    OVERPAID = "overpaid"
    OVERPAID_CARRIED_FORWARD = "overpaid_carried_forward"


SECTION_OF: dict[Item, Section] = {
    **dict.fromkeys(
        (
            Item.BROUGHT_FORWARD,
            Item.COMMISSIONS,
            Item.SUBSIDIES,
            Item.AD_SHARES,
            Item.GUARANTEES,
        ),
        Section.ESTIMATED,
    ),
    **dict.fromkeys(
        (
            Item.CHANGES,
            Item.CAP,
            Item.REFUNDS,
            Item.CANCELLATIONS,
            Item.INVALID_TRAFFIC,
            Item.RESTATEMENTS,
            Item.CORRECTIONS,
        ),
        Section.VALIDATED,
    ),
    **dict.fromkeys(
        (Item.AFTER_MONTH_END, Item.NOT_RECEIVED, Item.IN_HOLD, Item.NOT_FUNDED), Section.MATURED
    ),
    **dict.fromkeys(
        (
            Item.PAYABLE_BROUGHT_FORWARD,
            Item.PAID_OUT,
            Item.PAYABLE_CORRECTIONS,
            Item.OVERPAID_BROUGHT_FORWARD,
            Item.OVERPAID,
            Item.OVERPAID_CARRIED_FORWARD,
        ),
        Section.PAYABLE,
    ),
}

ACCOUNTS = (Kind.PARTNER_PENDING, Kind.PARTNER_PAYABLE, Kind.PARTNER_CLAWBACK)


class Step(NamedTuple):
    """One item of the bridge: how many lines make it, and what they come to."""

    item: Item
    lines: int
    amount: Micros


class Moved(NamedTuple):
    """What one kind of entry did to one of the partner's accounts in the month.

    `first`: the entry with which a line or a day began; later ones change it. `capped`: its reason
    is a cap.
    """

    kind: Kind
    reason: Reason
    first: bool
    capped: bool
    lines: int
    amount: Micros


class Balances(NamedTuple):
    """The partner's three accounts at one moment, in micros."""

    pending: Micros = NO_MONEY
    payable: Micros = NO_MONEY
    clawback: Micros = NO_MONEY


@dataclass(frozen=True, slots=True)
class Statement:
    """A partner's closed month in one currency. `reserved` of payable is on its way to the bank.

    `payout_minor` is what the next payout is, or 0 with the reason in `held`.
    """

    period: Period
    currency: str
    partner_id: PartnerId
    partner_name: str
    closed_at: datetime
    pays_at: datetime
    head_hash: str
    opening: Balances
    closing: Balances
    reserved: Micros
    steps: tuple[Step, ...]
    minimum_minor: int
    payout_minor: int
    held: Held | None

    def total(self, section: Section) -> Micros:
        """One of the numbers: estimated and validated run on; matured goes into payable."""
        sections = list(Section)[: list(Section).index(section) + 1]
        return Micros(sum(s.amount for s in self.steps if SECTION_OF[s.item] in sections))

    def of(self, item: Item) -> Micros:
        """What one item comes to; nothing when the month has none of it."""
        return Micros(sum(step.amount for step in self.steps if step.item is item))


_CHANGED: dict[Reason, Item] = {
    Reason.COMMISSION: Item.CHANGES,
    Reason.REFUND: Item.REFUNDS,
    Reason.CANCELLED: Item.CANCELLATIONS,
    Reason.INVALID_TRAFFIC: Item.INVALID_TRAFFIC,
    Reason.AD_SHARE: Item.RESTATEMENTS,
    Reason.SUBSIDY: Item.RESTATEMENTS,
    Reason.GUARANTEE: Item.RESTATEMENTS,
}
_BEGUN: dict[Reason, Item] = {
    Reason.COMMISSION: Item.COMMISSIONS,
    Reason.REFUND: Item.COMMISSIONS,  # first told when some of it had gone back already
    Reason.CANCELLED: Item.COMMISSIONS,
    Reason.AD_SHARE: Item.AD_SHARES,
    Reason.SUBSIDY: Item.SUBSIDIES,
    Reason.GUARANTEE: Item.GUARANTEES,
}
_WAITING: dict[Outcome, Item] = {
    Outcome.NOT_RECEIVED: Item.NOT_RECEIVED,
    Outcome.IN_HOLD: Item.IN_HOLD,
    Outcome.NOT_FUNDED: Item.NOT_FUNDED,
}


def item_of(moved: Moved) -> Item:
    """Which step of the bridge an entry belongs to."""
    if moved.kind is Kind.PARTNER_CLAWBACK:
        return Item.OVERPAID
    if moved.kind is Kind.PARTNER_PAYABLE:
        return Item.PAID_OUT if moved.reason is Reason.PAYOUT else Item.PAYABLE_CORRECTIONS
    if moved.first:
        return _BEGUN.get(moved.reason, Item.CORRECTIONS)
    if moved.capped and moved.reason is Reason.COMMISSION:
        return Item.CAP
    return _CHANGED.get(moved.reason, Item.CORRECTIONS)


def bridge(
    opening: Balances,
    moved: Iterable[Moved],
    subsidies: Step,
    found: Mapping[Outcome, tuple[int, Micros]],
    netted: int,
) -> tuple[Step, ...]:
    """The steps of a month, those that are nothing left out.

    `moved` is what its entries did before the closing added its own; `subsidies` says how much of
    the new commissions a fund pays; `found` is what the closing found for the lines still open
    (lines, micros); `netted` what moved from payable to clawback.
    """
    sums: dict[Item, list[int]] = {item: [0, 0] for item in Item}

    def add(item: Item, lines: int, amount: int) -> None:
        sums[item][0] += lines
        sums[item][1] += amount

    add(Item.BROUGHT_FORWARD, 0, opening.pending)
    for one in moved:
        add(item_of(one), one.lines, one.amount)
    add(Item.SUBSIDIES, subsidies.lines, subsidies.amount)
    add(Item.COMMISSIONS, 0, -subsidies.amount)
    validated = sum(sums[item][1] for item in Item if SECTION_OF[item] in _UP_TO_VALIDATED)
    add(Item.AFTER_MONTH_END, 0, sum(amount for _, amount in found.values()) - validated)
    for outcome, item in _WAITING.items():
        lines, amount = found.get(outcome, (0, NO_MONEY))
        add(item, lines, -amount)
    add(Item.PAYABLE_BROUGHT_FORWARD, 0, opening.payable)
    add(Item.OVERPAID_BROUGHT_FORWARD, 0, opening.clawback)
    add(Item.OVERPAID_CARRIED_FORWARD, 0, -(opening.clawback + sums[Item.OVERPAID][1] + netted))
    return tuple(Step(item, n, Micros(amount)) for item, (n, amount) in sums.items() if n or amount)


_UP_TO_VALIDATED = (Section.ESTIMATED, Section.VALIDATED)


def closing_of(steps: Sequence[Step]) -> Balances:
    """Where the three accounts stand at the end of a month with these steps."""
    total = {
        section: sum(step.amount for step in steps if SECTION_OF[step.item] is section)
        for section in Section
    }
    amount = {step.item: step.amount for step in steps}
    validated = total[Section.ESTIMATED] + total[Section.VALIDATED]
    matured = validated + total[Section.MATURED]
    return Balances(
        Micros(validated - matured),
        Micros(matured + total[Section.PAYABLE]),
        Micros(-amount.get(Item.OVERPAID_CARRIED_FORWARD, 0)),
    )


def foot(statement: Statement, ledger: Balances, matured: int) -> None:
    """Compares what a statement says with the ledger's balances at the end of its month.

    `matured` is what the ledger was told to make payable.

    Raises:
        StatementDoesNotFootError: they differ, or an item is given twice.
    """
    said = statement.closing
    computed = closing_of(statement.steps)
    for name, a, b in (
        ("bridge and closing balances", computed, said),
        ("statement and ledger", said, ledger),
        ("matured lines and ledger", statement.total(Section.MATURED), matured),
        ("items", len({step.item for step in statement.steps}), len(statement.steps)),
    ):
        if a != b:
            raise StatementDoesNotFootError(
                f"{statement.partner_id}, {statement.period}, {statement.currency}: "
                f"{name} differ: {a} and {b}"
            )
