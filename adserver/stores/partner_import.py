"""A file of merchants, partners, contracts and coupons taken in, whole or not at all.

Never here: the file's format (`marketplace.partner_file`). The one surprising fact: an import
goes through the same steps as a person would, so its contracts change the past as little as
anybody's, and the same file a second time changes nothing.
"""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Any

from adserver.marketplace.partner_file import (
    Currencies,
    Entry,
    Holdings,
    read_partners,
    write_partners,
)
from adserver.marketplace.partnering import Agreement
from adserver.marketplace.problem import CatalogError, Problem
from adserver.stores import partners as stored
from adserver.stores.partner_changes import STEPS, PartnerChanges, SqlPartners
from adserver.stores.partner_lookup import refusal
from affiliate.merchandise import Merchant
from affiliate.partner import Contract, Coupon, Partner, Standing
from affiliate.succession import is_void
from models.domain.ids import ContractId, MerchantId, PartnerId

Done = dict[str, Counter[str]]
"""How many were added, changed and unchanged, for each list of the file."""


class NothingIsWrittenError(Exception):
    """Ends a dry run; the transaction is rolled back."""


def import_partners(
    partners: SqlPartners,
    text: str | bytes,
    now: datetime,
    *,
    who: str = "",
    dry_run: bool = False,
) -> Done:
    """Takes a file in; answers what was added, changed, and there already.

    Raises:
        CatalogError: the first thing that is refused, or every mistake of the file; with lines.
    """
    with partners.reading() as connection:
        known = {
            str(one.merchant_id): one.currency for one in stored.merchants(connection).values()
        }
    entries = read_partners(text, Currencies(partners.currency, known), partners.zone)
    done: Done = {entry.kind.plural: Counter() for entry in entries}
    try:
        with partners.changing(now, who) as changes:
            for entry in sorted(entries, key=_order):
                done[entry.kind.plural][_taken(changes, entry)] += 1
            _end(dry_run)
    except NothingIsWrittenError:
        pass
    return done


def _end(dry_run: bool) -> None:
    if dry_run:
        raise NothingIsWrittenError


def export_partners(partners: SqlPartners, *, banks: bool = False) -> str:
    """A file of all that there is, but for contract versions that never came into force."""
    with partners.reading() as connection:
        contracts = stored.all_contracts(connection)
        held = Holdings(
            list(stored.merchants(connection).values()),
            list(stored.all_partners(connection).values()),
            [one for owner in sorted(contracts) for one in contracts[owner] if not is_void(one)],
            stored.all_coupons(connection),
        )
    return write_partners(held, partners.currency, partners.zone, banks=banks)


_RANK = {"merchant": 0, "partner": 1, "contract": 2, "coupon": 3}


def _order(entry: Entry) -> tuple[int, bool, float]:
    """Merchants, partners, contracts by their start (those without one last), coupons."""
    starts_at = entry.values.get("starts_at")
    return _RANK[entry.kind.name], starts_at is None, starts_at.timestamp() if starts_at else 0.0


def _taken(changes: PartnerChanges, entry: Entry) -> str:
    """What became of an entry: added, changed or unchanged; a refusal is told its line."""
    take = {
        "merchant": _take_merchant,
        "partner": _take_partner,
        "contract": _take_contract,
        "coupon": _take_coupon,
    }[entry.kind.name]
    try:
        _require_all(entry)
        return take(changes, entry)
    except CatalogError as error:
        located = (replace(one, line=one.line or entry.line) for one in error.problems)
        raise CatalogError(*located) from None


def _take_merchant(changes: PartnerChanges, entry: Entry) -> str:
    before = stored.merchant_of(changes.connection, MerchantId(entry.entity_id))
    if before is None:
        values = {"currency": changes.currency} | entry.values
        changes.add_merchant(Merchant(**values))
        return "added"
    after = changes.edit_merchant(before.merchant_id, lambda one: replace(one, **entry.values))
    return "unchanged" if after == before else "changed"


def _take_partner(changes: PartnerChanges, entry: Entry) -> str:
    who, values = PartnerId(entry.entity_id), dict(entry.values)
    standing, why = values.pop("standing", None), values.pop("standing_reason", "")
    before = stored.partners_of(changes.connection, [who]).get(who)
    if before is None:
        after = changes.apply(Partner(**values))
    else:
        after = changes.edit(who, lambda one: replace(one, **values))
    for verb in _verbs(after, standing or after.standing):
        after = changes.step(verb, who, why or "as imported")
    if before is None:
        return "added"
    return "unchanged" if after == before else "changed"


def _verbs(partner: Partner, to: Standing) -> list[str]:
    """The shortest way from where a partner is.

    Raises:
        CatalogError: there is none.
    """
    ways: dict[Standing, list[str]] = {partner.standing: []}
    for _ in Standing:
        for verb, step in STEPS.items():
            for whence in step.whence & ways.keys():
                ways.setdefault(step.to, [*ways[whence], verb])
    if to not in ways:
        message = f"is {partner.standing} and cannot become {to} again"
        raise refusal("partner", partner.partner_id, message, "standing")
    return ways[to]


def _take_contract(changes: PartnerChanges, entry: Entry) -> str:
    agreement = Agreement(**entry.values)
    versions = stored.versions_of(changes.connection, ContractId(entry.entity_id))
    there = _version_like(versions, agreement)
    if there is not None:
        if agreement.ends_at in (None, there.ends_at):
            return "unchanged"
        changes.end_contract(there, agreement.ends_at or changes.now)
        return "changed"
    changes.agree_on(agreement, len(versions) + 1, "as imported")
    return "changed" if versions else "added"


def _version_like(versions: list[Contract], agreement: Agreement) -> Contract | None:
    """The version that an entry speaks of: of its start (or the last), saying the same."""
    starts_at = agreement.starts_at or (versions[-1].starts_at if versions else None)
    for one in versions:
        if is_void(one):
            continue
        same = Agreement.of(replace(one, ends_at=agreement.ends_at))
        if same == replace(agreement, starts_at=starts_at):
            return one
    return None


def _take_coupon(changes: PartnerChanges, entry: Entry) -> str:
    values: dict[str, Any] = {"starts_at": changes.now.replace(second=0, microsecond=0)}
    values |= entry.values
    coupon = Coupon(**values)
    own = stored.coupons_of(changes.connection, coupon.merchant_id, [coupon.code])
    before = own.get(coupon.code)
    if before is None or before.partner_id != coupon.partner_id:
        changes.add_coupon(coupon)
        return "added"
    named = replace(before, **entry.values)
    if named == before:
        return "unchanged"
    if named.ends_at is None or replace(before, ends_at=named.ends_at) != named:
        message = "keeps its start and its rate; only an end to come can be given"
        raise refusal("coupon", coupon.code, message)
    changes.end_coupon(before, named.ends_at)
    return "changed"


def _require_all(entry: Entry) -> None:
    """Every field that has no default is named, but the start of a coupon.

    An entry of something that is there already names it too: a file should read by itself.
    """
    for field in entry.kind.fields:
        optional = not entry.kind.is_required(field) or field.attribute_name == "starts_at"
        if not optional and field.attribute_name not in entry.values:
            problem = Problem(entry.kind.name, entry.entity_id, field.name, "is missing")
            raise CatalogError(problem)
