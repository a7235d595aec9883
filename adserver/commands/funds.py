"""`adunion fund`: pools of money that pay partners more than their share.

Never here: who gets what (`affiliate.revenue_share`, `accounting`). The one surprising fact: a fund
cannot be overdrawn and nobody is owed what it did not have; whoever came while there was money got
it.
"""

from datetime import UTC, datetime
from typing import Any

import click
from sqlalchemy import Connection

from adserver.commands.ad_books import AMOUNT, REFERENCE, AdBooks, opened_ad_books, pay_in
from adserver.commands.books import AS_JSON
from adserver.commands.catalog_access import print_fields, print_json, print_list
from adserver.marketplace.notation import identifier
from adserver.stores import database, funds, partners
from adserver.stores.funds import Fund, FundError
from adserver.stores.ledger import Journal
from affiliate.chart_of_accounts import subsidy_pool
from models.domain.ids import PartnerId, PoolId
from models.domain.money import Micros

_LIMIT = click.option(
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help="At most N enrolled partners. Without: everybody whose contract names the fund.",
)
_FUND = click.argument("fund_id", metavar="FUND")
_PARTNER = click.argument("partner_id", metavar="PARTNER")
_COLUMNS = ("fund", "name", "left", "paid_in", "enrolled", "limit")


@click.group()
def command() -> None:
    """Named pools that pay subsidies: a further share, on top of what advertisers' money pays.

    A contract names its fund, as in --subsidy developers:30%, and may cap it. An empty fund pays
    what is left and then nothing.
    """


@command.command(
    epilog='\b\nExample:\n  adunion fund create developers --name "Support" --limit 50'
)
@_FUND
@click.option("--name", default="", metavar="TEXT", help="What people call it.")
@_LIMIT
def create(fund_id: str, name: str, limit: int | None) -> None:
    """Make a fund, empty."""
    fault = identifier().check(fund_id)
    if fault:
        raise click.BadParameter(fault, param_hint="FUND")
    now = datetime.now(UTC)
    with opened_ad_books() as ads, database.writing(ads.books.engine) as connection:
        fund = Fund(PoolId(fund_id), (name or fund_id)[:200], ads.desk.currency, now, limit)
        funds.add_fund(connection, fund)
    click.echo(f"Made fund {fund_id}, empty.")
    click.echo(f"Next: adunion fund deposit {fund_id} --amount 10000 --reference ...")


@command.command(
    epilog="\b\nExample:\n  adunion fund deposit developers --amount 10000 --reference B18"
)
@_FUND
@AMOUNT
@REFERENCE
def deposit(fund_id: str, amount: Micros, reference: str) -> None:
    """Book money that was paid into a fund."""
    with opened_ad_books() as ads:
        with database.writing(ads.books.engine) as connection:
            fund = funds.require(connection, PoolId(fund_id))
        account = subsidy_pool(fund.pool_id)
        again, balance = pay_in(ads.books, account, amount, reference, fund.currency)
        done = "Had been booked" if again else "Booked"
        click.echo(f"{done}: {ads.shown(amount)} {fund.currency} into {fund_id} ({reference}).")
        click.echo(f"It has {ads.shown(balance)} {fund.currency}.")


@command.command(epilog="\b\nExample:\n  adunion fund enrol developers p_reader")
@_FUND
@_PARTNER
def enrol(fund_id: str, partner_id: str) -> None:
    """Let a partner draw on a fund that has a limit, from today on."""
    partner = PartnerId(partner_id)
    with opened_ad_books() as ads, database.writing(ads.books.engine) as connection:
        if not partners.partners_of(connection, [partner]):
            raise FundError(f"there is no partner {partner_id!r}: adunion partner list")
        new = funds.enrol(connection, PoolId(fund_id), partner, datetime.now(UTC))
    click.echo(f"{partner_id} {'is' if new else 'was already'} enrolled in {fund_id}.")


@command.command(epilog="\b\nExample:\n  adunion fund leave developers p_reader")
@_FUND
@_PARTNER
def leave(fund_id: str, partner_id: str) -> None:
    """End a partner's enrolment, which makes room for another. What it had stays its own."""
    with opened_ad_books() as ads, database.writing(ads.books.engine) as connection:
        pool, partner = PoolId(fund_id), PartnerId(partner_id)
        was = funds.leave(connection, pool, partner, datetime.now(UTC))
    click.echo(f"{partner_id} {'has left' if was else 'was not enrolled in'} {fund_id}.")


@command.command(epilog="\b\nExample:\n  adunion fund limit developers --limit 80")
@_FUND
@_LIMIT
def limit(fund_id: str, limit: int | None) -> None:
    """Change how many partners a fund takes. Those who are enrolled stay."""
    with opened_ad_books() as ads, database.writing(ads.books.engine) as connection:
        funds.set_limit(connection, PoolId(fund_id), limit)
    click.echo(f"Fund {fund_id} takes {'everybody' if limit is None else f'{limit} partners'}.")


@command.command("list")
@AS_JSON
def list_(as_json: bool) -> None:
    """List the funds with what is left of them."""
    with opened_ad_books() as ads, database.reading(ads.books.engine) as connection:
        rows = [_row(ads, connection, fund) for fund in funds.all_funds(connection)]
    if as_json:
        print_json(rows)
    elif rows:
        print_list(f"{len(rows)} fund{'' if len(rows) == 1 else 's'}", _COLUMNS, rows)
    else:
        click.echo("No funds yet: adunion fund create")


@command.command()
@_FUND
@AS_JSON
def show(fund_id: str, as_json: bool) -> None:
    """Show one fund: what is left, what was paid in, who is and was enrolled."""
    with opened_ad_books() as ads, database.writing(ads.books.engine) as connection:
        fund = funds.require(connection, PoolId(fund_id))
        row = _row(ads, connection, fund) | {"partners": _partners(ads, connection, fund)}
    if as_json:
        print_json(row)
    else:
        print_fields(f"fund {fund_id}", row)


def _row(ads: AdBooks, connection: Connection, fund: Fund) -> dict[str, Any]:
    journal = Journal(connection, ads.desk.zone)
    left = journal.balance(subsidy_pool(fund.pool_id), fund.currency).posted
    paid_in = funds.paid_in(connection, fund)
    inside = [one for one in funds.enrolments(connection, fund.pool_id) if one.left_at is None]
    return {
        "fund": fund.pool_id,
        "name": fund.name,
        "currency": fund.currency,
        "left": ads.shown(left),
        "paid_in": ads.shown(paid_in),
        "enrolled": len(inside),
        "limit": fund.enrolment_limit,
    }


def _partners(ads: AdBooks, connection: Connection, fund: Fund) -> list[str]:
    told = []
    for one in funds.enrolments(connection, fund.pool_id):
        since = f"{one.enrolled_at.astimezone(ads.desk.zone):%Y-%m-%d}"
        until = f" to {one.left_at.astimezone(ads.desk.zone):%Y-%m-%d}" if one.left_at else ""
        told.append(f"{one.partner_id} since {since}{until}")
    return told
