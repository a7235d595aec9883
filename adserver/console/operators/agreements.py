"""Contracts: all of them, one with its versions, a new one, a further version, an end.

Never here: pages (`agreement_pages`), or which version may follow which (`affiliate.succession`).
The one surprising fact: there is no edit. What was in force stays in force there; a change is a
further version that begins later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from adserver.accounts.identity import Identity
from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.operators.house import partners_of, reason, zone_of
from adserver.console.operators.paging import Order, Place, moment
from adserver.console.operators.written_fields import Written, read_fields
from adserver.console.web.language import N_
from adserver.marketplace.fields import write_entity
from adserver.marketplace.partnering import Agreement, contract_kind, terms_kind
from adserver.stores import audit, partners as stored
from adserver.stores.catalog import make_id
from adserver.stores.partner_changes import PartnerChanges, midnight_after
from adserver.stores.partner_lookup import versions_of
from adserver.stores.partners import Change
from affiliate.partner import Contract
from affiliate.succession import Succession, is_void
from models.domain.ids import ContractId

STATES = {
    "in force": N_("In force"),
    "planned": N_("Planned"),
    "over": N_("Over"),
    "void": N_("Never came into force"),
}
BADGES = {"in force": "ok", "planned": "info", "over": "", "void": ""}


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a contract, where it is, and its terms as they are written."""

    contract: Contract
    state: str
    terms: dict[str, Any]


def state_of(contract: Contract, now: datetime) -> str:
    """A key of `STATES`."""
    if is_void(contract):
        return "void"
    if contract.in_force(now):
        return "in force"
    return "planned" if contract.starts_at > now else "over"


def _place(one: Version) -> Place:
    held = one.contract
    return held.partner_id, moment(held.starts_at), held.contract_id, held.version


BY_PARTNER = Order(_place)


def everything(desk: Desk, now: datetime) -> list[Version]:
    """Every version of every contract, by partner, beginning, contract and version."""
    with partners_of(desk).reading() as connection:
        found = stored.all_contracts(connection)
    return BY_PARTNER.sorted(_version(desk, one, now) for own in found.values() for one in own)


def one(desk: Desk, contract_id: str, now: datetime) -> tuple[list[Version], list[Change]]:
    """A contract's versions, the first one first, and its history. Raises NotFoundError."""
    with partners_of(desk).reading() as connection:
        found = stored.versions_of(connection, ContractId(contract_id))
        if not found:
            raise NotFoundError("there is no such contract")
        history = stored.history_of(connection, "contract", contract_id)[::-1]
    return [_version(desk, each, now) for each in found], history


def agree(
    desk: Desk, who: Identity, given: Mapping[str, Written], why: str, now: datetime
) -> Succession:
    """A first version with what is given of `contract_kind`. Raises CatalogError."""
    kind = contract_kind(desk.settings.currency)
    named = {**given, "contract_id": given.get("contract_id") or make_id(kind)}
    values = read_fields(kind, named, zone_of(desk))
    agreement = Agreement(**{"partner_id": "", **values})
    with partners_of(desk).changing(now, who.actor) as changes:
        following = changes.agree_on(agreement, 1, reason(why))
        _witnessed(desk, changes, who, "agree", following.new)
    return following


def extend(
    desk: Desk, who: Identity, contract_id: str, given: Mapping[str, Written], why: str
) -> Succession:
    """A further version that says exactly what is given of `terms_kind`.

    Raises:
        NotFoundError: there is no such contract.
        CatalogError: a term is not as it must be, or it would change the past.
    """
    kind = terms_kind(desk.settings.currency)
    values = read_fields(kind, {**given, "contract_id": contract_id}, zone_of(desk))
    now = datetime.now(zone_of(desk))
    one(desk, contract_id, now)
    with partners_of(desk).changing(now, who.actor) as changes:
        versions = versions_of(changes.connection, ContractId(contract_id))
        last = ([each for each in versions if not is_void(each)] or versions)[-1]
        place = {"app_id": last.app_id, "placement_id": last.placement_id}
        agreement = Agreement(**{**values, **place, "partner_id": last.partner_id})
        agreement = _continued(agreement, last, now)
        following = changes.agree_on(agreement, len(versions) + 1, reason(why))
        _witnessed(desk, changes, who, "extend", following.new)
    return following


def end(desk: Desk, who: Identity, contract_id: str, at: str, why: str) -> list[Contract]:
    """Ends a contract at an instant to come, or at the next midnight; versions planned go too.

    Raises:
        NotFoundError: there is no such contract.
        CatalogError: it would change the past.
    """
    zone = zone_of(desk)
    kind = terms_kind(desk.settings.currency)
    now = datetime.now(zone)
    read = read_fields(kind, {"ends_at": at}, zone)
    one(desk, contract_id, now)
    with partners_of(desk).changing(now, who.actor) as changes:
        moment: datetime = read.get("ends_at") or midnight_after(now, zone)
        versions = versions_of(changes.connection, ContractId(contract_id))
        held = [each for each in versions if not is_void(each)] or versions
        left = [each for each in held if each.ends_at is None or moment < each.ends_at]
        after = [
            changes.end_contract(each, max(moment, each.starts_at), reason(why))
            for each in left or held[-1:]
        ]
        for each in after:
            _witnessed(desk, changes, who, "end", each)
    return after


def _continued(agreement: Agreement, last: Contract, now: datetime) -> Agreement:
    """With a start where the version before it has an end to come, and with its end otherwise."""
    ends_at = last.ends_at
    if ends_at is None or ends_at <= now:
        return agreement
    if agreement.starts_at is None:
        return replace(agreement, starts_at=ends_at)
    if agreement.ends_at is None and agreement.starts_at < ends_at:
        return replace(agreement, ends_at=ends_at)
    return agreement


def _witnessed(
    desk: Desk, changes: PartnerChanges, who: Identity, verb: str, became: Contract
) -> None:
    after = _terms(desk, became) | {"version": became.version}
    audit.record(
        changes.connection, who, verb, "contract", became.contract_id, None, after, changes.now
    )


def _version(desk: Desk, contract: Contract, now: datetime) -> Version:
    return Version(contract, state_of(contract, now), _terms(desk, contract))


def _terms(desk: Desk, contract: Contract) -> dict[str, Any]:
    kind = contract_kind(desk.settings.currency)
    return write_entity(kind, Agreement.of(contract), zone_of(desk))
