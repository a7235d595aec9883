"""`adunion partner`: who earns, from the application to the key.

Never here: contracts, without which nobody earns (`commands.contracts`). The one surprising fact:
a suspended partner keeps all that it has earned; only sales from then on earn nothing, and payouts
wait.
"""

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection, select

from adserver.accounts import keys, organisations
from adserver.accounts.identity import COMMAND, Role
from adserver.commands.catalog_access import print_fields, print_json, print_list
from adserver.commands.entity_commands import AS_JSON
from adserver.commands.entity_options import field_options
from adserver.commands.partner_access import (
    BY,
    REASON,
    clear_option,
    cleared,
    given_fields,
    name_of,
    opened_partners,
    print_history,
    say_next,
    state_of,
    written,
    written_history,
)
from adserver.marketplace.partnering import PARTNER
from adserver.marketplace.problem import CatalogError
from adserver.stores import partners as stored
from adserver.stores.catalog import make_id
from adserver.stores.partner_changes import SqlPartners
from adserver.stores.partner_import import export_partners, import_partners
from adserver.stores.partner_lookup import partner_of
from adserver.stores.tables import APPS
from affiliate.partner import Partner, Standing
from models.domain.ids import PartnerId

_PARTNER = click.argument("partner_id", metavar="PARTNER")


@click.group()
def command() -> None:
    """Who earns: with apps that show ads, with links to merchants' products, or both.

    \b
    The life of a partner:
      adunion partner apply      it asks to take part
      adunion partner approve    you let it (or `reject`, with a reason)
      adunion contract add       what it earns; nothing without one
      adunion partner suspend    stop new earnings and payouts; `restore` ends that
    """


@command.command(
    epilog="\b\nExample:\n  adunion partner apply --id p_reader --name Reader \\\n"
    "      --email money@reader.example --site https://reader.example"
)
@field_options(PARTNER, required=True)
@REASON
@BY
@AS_JSON
def apply(reason: str, by: str | None, as_json: bool, **given: Any) -> None:
    """Enter a partner's application; it earns nothing before it is approved."""
    given["partner_id"] = given["partner_id"] or make_id(PARTNER)
    with opened_partners() as partners:
        with partners.changing(datetime.now(UTC), name_of(by)) as changes:
            partner = changes.apply(Partner(**given_fields(PARTNER, given, partners)), reason)
        if as_json:
            print_json(written(PARTNER, partner, partners))
            return
    click.echo(f"Partner {partner.partner_id} has applied.")
    say_next(f"adunion partner approve {partner.partner_id}   (or reject, with --reason)")


def _step(verb: str, summary: str) -> click.Command:
    @click.command(verb, help=summary)
    @_PARTNER
    @REASON
    @BY
    @AS_JSON
    def step(partner_id: str, reason: str, by: str | None, as_json: bool) -> None:
        with opened_partners() as partners:
            now = datetime.now(UTC)
            with partners.changing(now, name_of(by)) as changes:
                before = partner_of(changes.connection, PartnerId(partner_id))
                after = changes.step(verb, PartnerId(partner_id), reason)
            with partners.reading() as connection:
                steps = missing(connection, after, now)
            if as_json:
                print_json(written(PARTNER, after, partners))
                return
        already = "" if before != after else " already; nothing was changed"
        click.echo(f"Partner {partner_id} is {after.standing}{already}.")
        say_next(*steps)

    return step


for _verb, _summary in {
    "approve": "Let an applicant earn.",
    "reject": "Turn an application down; --reason says why.",
    "suspend": "Stop new earnings and payouts; what was earned stays. --reason says why.",
    "restore": "End a suspension; sales from now on earn again.",
}.items():
    command.add_command(_step(_verb, _summary))


@command.command("list")
@click.option("--standing", type=click.Choice([one.value for one in Standing]), help="Only these.")
@AS_JSON
def list_(standing: str | None, as_json: bool) -> None:
    """List the partners."""
    with opened_partners() as partners:
        with partners.reading() as connection:
            everyone = stored.all_partners(connection).values()
        rows = [
            written(PARTNER, one, partners)
            for one in everyone
            if standing is None or one.standing == standing
        ]
    if as_json:
        print_json(rows)
    elif rows:
        columns = ("partner_id", "name", "standing", "email", "sites")
        print_list(f"{len(rows)} partner{'s' * (len(rows) != 1)}", columns, rows)
    else:
        click.echo(f"No partners {f'are {standing}' if standing else 'here'}.")
        say_next("adunion partner apply --name NAME")


@command.command()
@_PARTNER
@AS_JSON
def show(partner_id: str, as_json: bool) -> None:
    """Show one partner: its fields, apps, contracts, history, and what it still needs."""
    with opened_partners() as partners:
        now = datetime.now(UTC)
        with partners.reading() as connection:
            partner = partner_of(connection, PartnerId(partner_id))
            row = _full_row(connection, partner, now, partners)
            lines = written_history(stored.history_of(connection, "partner", partner_id), partners)
            steps = missing(connection, partner, now)
    if as_json:
        print_json({**row, "history": lines, "next": steps})
        return
    print_fields(f"partner {partner_id}", row)
    print_history(lines)
    say_next(*steps)


@command.command(
    epilog="\b\nExample:\n  adunion partner edit p_reader --bank-account '6222 0212 3456 7890' \\\n"
    "      --account-holder 'Reader Ltd'"
)
@_PARTNER
@field_options(PARTNER, required=False)
@clear_option(PARTNER)
@REASON
@BY
@AS_JSON
def edit(
    partner_id: str,
    clear: tuple[str, ...],
    reason: str,
    by: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Change fields of one partner; the others stay as they are."""
    with opened_partners() as partners:
        values = cleared(PARTNER, clear) | given_fields(PARTNER, given, partners)
        with partners.changing(datetime.now(UTC), name_of(by)) as changes:
            before = partner_of(changes.connection, PartnerId(partner_id))
            after = changes.edit(PartnerId(partner_id), lambda one: replace(one, **values), reason)
        if as_json:
            print_json(written(PARTNER, after, partners))
            return
    done = "Changed" if after != before else "Nothing to change in"
    click.echo(f"{done} partner {partner_id}.")


@command.command(epilog="\b\nExample:\n  adunion partner key p_reader --name 'Nightly pull'")
@_PARTNER
@click.option("--name", default="made at the command line", help="What the key is for.")
@AS_JSON
def key(partner_id: str, name: str, as_json: bool) -> None:
    """Make an API key with which a partner's programs read its own things; shown this once.

    Keys are listed and revoked in the console (/account/keys) or by DELETE /api/v1/keys/KEY_ID.
    """
    now = datetime.now(UTC)
    with opened_partners() as partners, partners.changing(now, name_of(None)) as changes:
        connection = changes.connection
        partner_of(connection, PartnerId(partner_id))
        own = organisations.ensure(connection, Role.PARTNER, partner_id, COMMAND, now)
        record, made = keys.make_within(connection, own.organisation_id, name, COMMAND, now)
    if as_json:
        print_json({"partner_id": partner_id, "key_id": record.key_id, "key": made})
        return
    click.echo(f"Authorization: Bearer {made}")


@command.command()
@_PARTNER
@AS_JSON
def apps(partner_id: str, as_json: bool) -> None:
    """List the apps that are a partner's; their ads earn for it by its contracts."""
    with opened_partners() as partners, partners.reading() as connection:
        partner_of(connection, PartnerId(partner_id))
        rows = _apps_of(connection, partner_id)
    if as_json:
        print_json(rows)
    elif rows:
        columns = ("app_id", "name", "bundle")
        print_list(f"{len(rows)} app{'s' * (len(rows) != 1)}", columns, rows)
    else:
        click.echo(f"Partner {partner_id} has no apps.")
        say_next(f"adunion app edit APP --partner {partner_id}")


@command.command("import", epilog="\b\nExample:\n  adunion partner import partners.yaml --dry-run")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@BY
@AS_JSON
def import_(file: Path, dry_run: bool, by: str | None, as_json: bool) -> None:
    """Take in merchants, partners, contracts and coupons from a YAML FILE ("-": standard input).

    Lists `merchants`, `partners`, `contracts`, `coupons`; fields are those that `show --json`
    prints, so `adunion partner export` writes an example. It is taken in whole or not at all; what
    the file does not name stays; the same file again changes nothing. A contract that says
    something new becomes its next version.
    """
    text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    with opened_partners() as partners:
        try:
            done = import_partners(
                partners, text, datetime.now(UTC), who=name_of(by), dry_run=dry_run
            )
        except CatalogError as error:
            raise click.ClickException(f"{file} was not taken in:\n{error}") from None
    if as_json:
        print_json(done)
        return
    for part, counts in done.items():
        told = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
        click.echo(f"{part}: {told}{' (dry run)' * dry_run}")
    if not any(done.values()):
        click.echo(f"{file} names nothing.")


@command.command(epilog="\b\nExample:\n  adunion partner export > partners.yaml")
@click.option("--with-bank-accounts", "banks", is_flag=True, help="Whole, not masked: keep safe.")
def export(banks: bool) -> None:
    """Write merchants, partners, contracts and coupons as a file that `import` takes."""
    with opened_partners() as partners:
        click.echo(export_partners(partners, banks=banks), nl=False)


def missing(connection: Connection, partner: Partner, now: datetime) -> list[str]:
    """The commands that are still to be given before a partner is paid."""
    who = partner.partner_id
    if partner.standing in (Standing.APPLIED, Standing.REJECTED):
        return [f"adunion partner approve {who}"]
    if partner.standing is Standing.SUSPENDED:
        return [f"adunion partner restore {who}"]
    steps = []
    contracts = stored.contracts_of(connection, [who])[who]
    if not any(state_of(one, now) in ("in force", "planned") for one in contracts):
        steps.append(f"adunion contract add --partner {who} --share 90% --ad-share 70%")
    if not partner.bank_account:
        steps.append(
            f"adunion partner edit {who} --bank-account NUMBER --account-holder NAME"
            "   (nothing is paid out without)"
        )
    return steps


def _full_row(
    connection: Connection, partner: Partner, now: datetime, partners: SqlPartners
) -> dict[str, Any]:
    contracts = stored.contracts_of(connection, [partner.partner_id])[partner.partner_id]
    return {
        **written(PARTNER, partner, partners),
        "apps": [row["app_id"] for row in _apps_of(connection, partner.partner_id)],
        "contracts": [
            f"{one.contract_id} version {one.version}"
            for one in contracts
            if state_of(one, now) == "in force"
        ],
    }


def _apps_of(connection: Connection, partner_id: str) -> list[dict[str, Any]]:
    query = select(APPS.c.app_id, APPS.c.name, APPS.c.bundle).where(
        APPS.c.partner_id == partner_id, APPS.c.removed_at.is_(None)
    )
    return sorted((dict(row) for row in connection.execute(query).mappings()), key=str)
