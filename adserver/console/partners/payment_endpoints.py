"""Statements, payouts and payout details over REST.

Never here: how they come about (`statements`, `payouts`). The one surprising fact: a statement's
lines are one CSV, since that is what people do with them.
"""

from datetime import datetime

from msgspec import Struct

from adserver.console.desk import Desk
from adserver.console.partners import payouts, statements
from adserver.console.partners.earnings_endpoints import Step
from adserver.console.partners.figures import lines_of_bridge
from adserver.console.partners.lines import page_of
from adserver.console.partners.payouts import Paid
from adserver.console.partners.whose import partner_of
from adserver.console.web.exchange import Call, Listed
from adserver.console.web.routes import Endpoint
from adserver.marketplace.rate_notation import masked
from affiliate.statement import Section, Statement

_P = "/api/v1/partners/{partner_id}"


class StatementOut(Struct):
    """A closed month. `held` says why its payout is nothing; empty when there is one."""

    month: str
    currency: str
    closed_at: datetime
    pays_at: datetime
    estimated_micros: int
    validated_micros: int
    payable_micros: int
    payout_minor: int
    held: str
    ledger_hash: str


class StatementDetail(Struct):
    """A closed month with its bridge. `lines_csv` is where its lines are."""

    statement: StatementOut
    bridge: list[Step]
    lines_csv: str


class PayoutOut(Struct):
    """Money on its way, paid, or refused by the bank. The account is masked."""

    payout_id: str
    month: str
    currency: str
    amount_minor: int
    state: str
    attempt: int
    bank_account: str
    made_at: datetime
    changed_at: datetime
    note: str


class PayoutDetails(Struct):
    """Where payouts go; the account is masked."""

    bank_account: str
    account_holder: str


class BankAccount(Struct):
    """Where payouts shall go."""

    bank_account: str
    account_holder: str


def listed(desk: Desk, call: Call) -> Listed:
    """Statements, newest first."""
    found = statements.statements_of(desk, partner_of(desk, call).partner_id)
    shown, following = page_of(found, call)
    return Listed([_statement(one) for one in shown], following)


def one_statement(desk: Desk, call: Call) -> StatementDetail:
    """One statement."""
    partner_id = partner_of(desk, call).partner_id
    period, currency = call.params["period"], call.params["currency"]
    one = statements.statement_of(desk, partner_id, period, currency)
    bridge = [
        Step(str(line.item or line.section), line.lines, line.amount, line.item is None)
        for line in lines_of_bridge(one.steps)
    ]
    where = f"/partners/{partner_id}/statements/{period}/{currency}/statement.csv"
    return StatementDetail(_statement(one), bridge, where)


def _statement(one: Statement) -> StatementOut:
    return StatementOut(
        month=one.period,
        currency=one.currency,
        closed_at=one.closed_at,
        pays_at=one.pays_at,
        estimated_micros=one.total(Section.ESTIMATED),
        validated_micros=one.total(Section.VALIDATED),
        payable_micros=one.total(Section.PAYABLE),
        payout_minor=one.payout_minor,
        held=one.held or "",
        ledger_hash=one.head_hash,
    )


def paid(desk: Desk, call: Call) -> Listed:
    """Payouts, newest first."""
    found = payouts.payouts_of(desk, partner_of(desk, call).partner_id)
    shown, following = page_of(found, call)
    return Listed([_payout(one) for one in shown], following)


def _payout(paid: Paid) -> PayoutOut:
    one = paid.payout
    return PayoutOut(
        payout_id=one.payout_id,
        month=one.period,
        currency=one.currency,
        amount_minor=one.amount_minor,
        state=one.state,
        attempt=one.attempt,
        bank_account=masked(one.bank_account),
        made_at=one.made_at,
        changed_at=one.changed_at,
        note=one.note,
    )


def details(desk: Desk, call: Call) -> PayoutDetails:
    """Where payouts go."""
    partner = partner_of(desk, call)
    return PayoutDetails(masked(partner.bank_account), partner.account_holder)


def change_details(desk: Desk, call: Call) -> PayoutDetails:
    """Sets where payouts go."""
    partner_of(desk, call)
    after = payouts.change_bank(desk, call, call.data.bank_account, call.data.account_holder)
    return PayoutDetails(masked(after.bank_account), after.account_holder)


ENDPOINTS = (
    Endpoint("GET", f"{_P}/statements", "Closed months", listed, answer=StatementOut, listed=True),
    Endpoint(
        "GET",
        f"{_P}/statements/{{period}}/{{currency}}",
        "A closed month with its bridge",
        one_statement,
        answer=StatementDetail,
    ),
    Endpoint(
        "GET", f"{_P}/payouts", "Payouts and their states", paid, answer=PayoutOut, listed=True
    ),
    Endpoint("GET", f"{_P}/payout-details", "Where payouts go", details, answer=PayoutDetails),
    Endpoint(
        "PUT",
        f"{_P}/payout-details",
        "Set where payouts go",
        change_details,
        body=BankAccount,
        answer=PayoutDetails,
    ),
)
