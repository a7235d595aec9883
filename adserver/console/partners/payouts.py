"""Payouts and where they go: their states, and the bank account with every change of it.

Never here: making payouts (`accounting.payouts`). The one surprising fact: a bank account goes in
and never comes out again; pages, REST and the audit log show its end only.
"""

from dataclasses import dataclass, replace

from adserver.console.desk import Desk
from adserver.console.partners import words
from adserver.console.partners.whose import base_path, house_zone, partner_of
from adserver.console.web.exchange import Call, Html, See
from adserver.console.web.language import N_
from adserver.marketplace.partnering import PARTNER
from adserver.marketplace.problem import CatalogError
from adserver.marketplace.rate_notation import bank_account, masked
from adserver.stores import audit, database, partners, payouts
from adserver.stores.partner_changes import SqlPartners
from adserver.stores.payouts import Event
from affiliate.partner import Partner
from affiliate.payout import Payout
from models.domain.ids import PartnerId

CHANGED = N_("Payouts now go to the account that ends with %(end)s. The change stands in your log.")
SHOWN_CHANGES = 10


@dataclass(frozen=True, slots=True)
class Paid:
    """A payout and what happened to it."""

    payout: Payout
    events: tuple[Event, ...]


def payouts_of(desk: Desk, partner_id: PartnerId) -> list[Paid]:
    """The partner's payouts, newest first."""
    with database.reading(desk.engine) as connection:
        found = payouts.find(connection, partner_id=partner_id)
        return [
            Paid(one, tuple(payouts.events_of(connection, one.payout_id)))
            for one in sorted(found, key=lambda one: one.made_at, reverse=True)
        ]


def change_bank(desk: Desk, call: Call, account: str, holder: str) -> Partner:
    """Sets where payouts go, with a line in the audit log.

    Raises:
        CatalogError: no account, or one without the name it is under.
    """
    partner_id = PartnerId(call.params["partner_id"])
    given = bank_account().read(account)
    house = SqlPartners(desk.engine, desk.settings.currency, house_zone(desk))
    with house.changing(call.now, call.identity.actor) as changes:
        before = partners.partners_of(changes.connection, [partner_id])[partner_id]
        after = changes.edit(
            partner_id, lambda one: replace(one, bank_account=given, account_holder=holder.strip())
        )
        if after != before:
            who, connection = call.identity, changes.connection
            told = (_bank(before), _bank(after))
            audit.record(connection, who, "edit", PARTNER.name, partner_id, *told, call.now)
    return after


def _bank(partner: Partner) -> dict[str, str]:
    return {"bank_account": partner.bank_account, "account_holder": partner.account_holder}


def page(desk: Desk, call: Call) -> Html:
    """Payouts with their states, and the form for the bank account."""
    return _page(desk, call, partner_of(desk, call))


def _page(desk: Desk, call: Call, partner: Partner, errors: dict[str, str] | None = None) -> Html:
    with database.reading(desk.engine) as connection:
        sought = audit.Sought(kind=PARTNER.name, entity_id=partner.partner_id)
        lines = audit.lines(connection, sought, SHOWN_CHANGES)
    values = {
        "base": base_path(call),
        "account": masked(partner.bank_account),
        "holder": call.form.get("account_holder", partner.account_holder),
        "typed": call.form.get("bank_account", ""),
        "errors": errors or {},
        "changes": [one for one in lines if "bank_account" in (one.after or {})],
        "payouts": [
            {
                "paid": one,
                "state": call._(words.PAYOUT_STATES[one.payout.state]),
                "kind": words.PAYOUT_KINDS[one.payout.state],
                "account": masked(one.payout.bank_account),
            }
            for one in payouts_of(desk, partner.partner_id)
        ],
    }
    return Html("partners/payouts.html", values, 422 if errors else 200)


def save_bank(desk: Desk, call: Call) -> Html | See:
    """Takes the form for the bank account."""
    partner = partner_of(desk, call)
    account, holder = call.form.get("bank_account", ""), call.form.get("account_holder", "")
    if not account.strip():
        wanted = call._(N_("Enter the number of the account."))
        return _page(desk, call, partner, {"bank_account": wanted})
    try:
        after = change_bank(desk, call, account, holder)
    except CatalogError as error:
        wrong = {one.field: call._(one.message) for one in error.problems}
        return _page(desk, call, partner, wrong)
    said = call._(CHANGED) % {"end": after.bank_account[-4:]}
    return See(f"{base_path(call)}/payouts", said)
