"""`adunion contract`: what partners earn, dated.

Never here: what may begin when (`affiliate.succession`). The one surprising fact: there is no edit.
A change is a further version that begins later; what was earned under the old one stays.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import click

from adserver.commands.catalog_access import print_fields, print_json, print_list
from adserver.commands.entity_commands import AS_JSON
from adserver.commands.entity_options import field_options
from adserver.commands.partner_access import (
    BY,
    HOUSE_CURRENCY,
    REASON,
    clear_option,
    cleared,
    clock,
    given_fields,
    name_of,
    opened_partners,
    print_history,
    say_next,
    state_of,
    written_contract,
    written_history,
)
from adserver.marketplace.partnering import Agreement, contract_kind, terms_kind
from adserver.marketplace.problem import NotationError
from adserver.marketplace.time_notation import instant, localised
from adserver.stores import partners as stored
from adserver.stores.catalog import make_id
from adserver.stores.funds import enrolments, fund_of
from adserver.stores.partner_changes import SqlPartners, midnight_after
from adserver.stores.partner_lookup import partner_of, versions_of
from affiliate.partner import Contract, Standing
from affiliate.succession import Succession, is_void
from models.domain.ids import ContractId, PartnerId

_CONTRACT = click.argument("contract_id", metavar="CONTRACT")
_OPTIONS = contract_kind(HOUSE_CURRENCY)
_CHANGES = terms_kind(HOUSE_CURRENCY)


@click.group()
def command() -> None:
    """What a partner earns: of sales, of ads in its apps, and what a fund adds.

    A contract is never edited. `extend` adds a version that begins later, and whatever was in force
    at an instant that is over stays in force there, so money that was earned stays earned.

    \b
    How terms are written:
      --share 90%              of each commission; the rest is the house's fee
      --ad-share 70%           of what advertisers pay for ads in its apps
      --rate 12%               of every sale, whatever the product says; 5.00 is flat, a piece
      --rate shop=12%          of the sales of one merchant
      --tier 100000:12%        from 100,000 revenue in a month on
      --subsidy support:30%    a further 30% paid by the fund `support`, so shares may pass 100%
      --window 15d             how long after a click a sale counts
    """


@command.command(
    epilog="\b\nExample:\n  adunion contract add --partner p_reader --share 90% --ad-share 70% \\\n"
    "      --subsidy support:30% --subsidy-cap 5000 --hold-days 7"
)
@field_options(_OPTIONS, required=True)
@REASON
@BY
@AS_JSON
def add(reason: str, by: str | None, as_json: bool, **given: Any) -> None:
    """Agree with a partner; prints the contract's id and from when it holds.

    A contract for an app or a slot counts there before the partner's general one. Where one of the
    same scope is in force, it ends as the new one begins.
    """
    given["contract_id"] = given["contract_id"] or make_id(_OPTIONS)
    with opened_partners() as partners:
        agreement = Agreement(**given_fields(contract_kind(partners.currency), given, partners))
        with partners.changing(datetime.now(UTC), name_of(by)) as changes:
            following = changes.agree_on(agreement, 1, reason)
        _tell(partners, following, as_json)


@command.command(
    epilog="\b\nExample:\n  adunion contract extend c_7x0q2m9c4t --share 95% --starts-at 2026-12-01"
)
@_CONTRACT
@field_options(_CHANGES, required=False)
@clear_option(_CHANGES)
@REASON
@BY
@AS_JSON
def extend(
    contract_id: str,
    clear: tuple[str, ...],
    reason: str,
    by: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Add a version: the terms of the last one, but for what is given.

    Without --starts-at it begins where the last version ends, or at the next midnight when that one
    is open. Without --ends-at it ends where the version ends whose place it takes.
    """
    with opened_partners() as partners:
        kind = terms_kind(partners.currency)
        values = cleared(kind, clear) | given_fields(kind, given, partners)
        with partners.changing(datetime.now(UTC), name_of(by)) as changes:
            versions = versions_of(changes.connection, ContractId(contract_id))
            last = (_not_void(versions) or versions)[-1]
            agreement = replace(Agreement.of(last), starts_at=None, ends_at=None)
            agreement = _continued(replace(agreement, **values), last, changes.now)
            following = changes.agree_on(agreement, len(versions) + 1, reason)
        _tell(partners, following, as_json)


@command.command(epilog="\b\nExample:\n  adunion contract end c_7x0q2m9c4t --at 2027-01-01")
@_CONTRACT
@click.option("--at", "at", metavar="TIME", help="When; the next midnight when not given.")
@REASON
@BY
@AS_JSON
def end(contract_id: str, at: str | None, reason: str, by: str | None, as_json: bool) -> None:
    """End a contract at an instant to come; versions that would begin later never do."""
    with opened_partners() as partners:
        moment = read_time(at, partners) if at else None
        with partners.changing(datetime.now(UTC), name_of(by)) as changes:
            moment = moment or midnight_after(changes.now, changes.zone)
            versions = versions_of(changes.connection, ContractId(contract_id))
            held = _not_void(versions) or versions
            left = [one for one in held if one.ends_at is None or moment < one.ends_at]
            after = [
                changes.end_contract(one, max(moment, one.starts_at), reason)
                for one in left or held[-1:]
            ]
        if as_json:
            print_json([written_contract(one, changes.now, partners) for one in after])
            return
        for one in after:
            click.echo(f"Contract {contract_id} version {one.version} {_until(one, partners)}.")


@command.command("list")
@click.option("--partner", "partner_id", metavar="ID", help="Only those of this partner.")
@click.option("--all", "over", is_flag=True, help="Versions that are over too.")
@AS_JSON
def list_(partner_id: str | None, over: bool, as_json: bool) -> None:
    """List the versions that are in force or planned."""
    now = datetime.now(UTC)
    with opened_partners() as partners:
        with partners.reading() as connection:
            if partner_id:
                partner_of(connection, PartnerId(partner_id))
            found = stored.all_contracts(connection)
        rows = [
            written_contract(one, now, partners)
            for owner in sorted(found)
            for one in found[owner]
            if partner_id in (None, owner) and (over or state_of(one, now) in _LIVE)
        ]
    if as_json:
        print_json(rows)
    elif rows:
        title = f"{len(rows)} version{'s' * (len(rows) != 1)} of contracts"
        print_list(title, _COLUMNS, rows)
    else:
        click.echo("No contracts here" + ("." if over else "; --all shows those that are over."))
        say_next(f"adunion contract add --partner {partner_id or 'PARTNER'} --share 90%")


@command.command()
@_CONTRACT
@AS_JSON
def show(contract_id: str, as_json: bool) -> None:
    """Show a contract, version by version, and its history."""
    now = datetime.now(UTC)
    with opened_partners() as partners, partners.reading() as connection:
        versions = versions_of(connection, ContractId(contract_id))
        rows = [written_contract(one, now, partners) for one in versions]
        lines = written_history(stored.history_of(connection, "contract", contract_id), partners)
    if as_json:
        print_json({"contract_id": contract_id, "versions": rows, "history": lines})
        return
    for row in rows:
        print_fields(f"contract {contract_id} version {row['version']}", row)
    print_history(lines)


_LIVE = ("in force", "planned")
_COLUMNS = (
    "contract_id", "version", "partner_id", "state", "starts_at", "ends_at", "app_id",
    "placement_id", "commission_share", "ad_share", "subsidy",
)  # fmt: skip


def read_time(given: str, partners: SqlPartners, option: str = "--at") -> datetime:
    """An instant from the command line, on the house's clock.

    Raises:
        UsageError: not written as a time.
    """
    try:
        return localised(instant().read(given), partners.zone)
    except NotationError as error:
        raise click.UsageError(f"{option}: {error}") from None


def _not_void(versions: list[Contract]) -> list[Contract]:
    return [one for one in versions if not is_void(one)]


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


def _tell(partners: SqlPartners, following: Succession, as_json: bool) -> None:
    now, new = datetime.now(UTC), following.new
    if as_json:
        print_json(written_contract(new, now, partners))
        return
    since = clock(new.starts_at, partners)
    name = f"Contract {new.contract_id} version {new.version}"
    click.echo(f"{name} with {new.partner_id} holds from {since} on.")
    if new.ends_at is not None:
        click.echo(f"It {_until(new, partners)}.")
    for one in following.ended:
        click.echo(f"{one.contract_id} version {one.version} {_until(one, partners)}.")
    with partners.reading() as connection:
        partner = partner_of(connection, new.partner_id)
    if partner.standing is not Standing.APPROVED:
        click.echo(f"{partner.partner_id} is {partner.standing} and earns nothing yet.")
        say_next(f"adunion partner show {partner.partner_id}")
    _tell_of_fund(partners, new)


def _tell_of_fund(partners: SqlPartners, new: Contract) -> None:
    """Says that a subsidy has nobody to pay it; the fund may well be made later."""
    if new.terms.subsidy is None:
        return
    pool = new.terms.subsidy.pool_id
    with partners.reading() as connection:
        fund = fund_of(connection, pool)
        enrolled = {one.partner_id for one in enrolments(connection, pool) if one.left_at is None}
    if fund is None:
        click.echo(f"There is no fund {pool}, so its subsidy pays nothing yet.")
        say_next(f"adunion fund create {pool} --name NAME")
    elif fund.enrolment_limit is not None and new.partner_id not in enrolled:
        click.echo(f"{new.partner_id} is not enrolled in {pool}, so its subsidy pays nothing yet.")
        say_next(f"adunion fund enrol {pool} {new.partner_id}")


def _until(contract: Contract, partners: SqlPartners) -> str:
    if contract.ends_at == contract.starts_at:
        return "never comes into force"
    return f"ends at {clock(contract.ends_at or contract.starts_at, partners)}"
