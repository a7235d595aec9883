"""`adunion coupon`: codes by which a sale is one partner's, whoever else was clicked.

Never here: what a sale earns. The one surprising fact: a code that was given is never given to
another partner, not even after its end, so an order that is reported late still finds its owner.
"""

from datetime import UTC, datetime
from typing import Any

import click

from adserver.commands.catalog_access import print_json, print_list
from adserver.commands.contracts import read_time
from adserver.commands.entity_commands import AS_JSON
from adserver.commands.entity_options import field_options
from adserver.commands.partner_access import (
    BY,
    HOUSE_CURRENCY,
    REASON,
    clock,
    given_fields,
    name_of,
    opened_partners,
    say_next,
    written,
)
from adserver.marketplace.partnering import coupon_kind
from adserver.stores import partners as stored
from adserver.stores.partner_changes import SqlPartners, midnight_after
from adserver.stores.partner_lookup import coupon_of, merchant_of
from affiliate.partner import Coupon
from models.domain.ids import MerchantId

_CODE = click.argument("code")
_COLUMNS = ("code", "merchant_id", "partner_id", "starts_at", "ends_at", "rate")


@click.group()
def command() -> None:
    """Codes that are one partner's alone at one merchant.

    A sale with such a code is the partner's, whatever link was clicked before. It earns the code's
    own rate where it has one: coupon or link, never both.
    """


@command.command(
    epilog="\b\nExample:\n  adunion coupon add READER10 --merchant shop \\\n"
    "      --partner p_reader --rate 10%"
)
@_CODE
@field_options(coupon_kind(HOUSE_CURRENCY), required=False)
@REASON
@BY
@AS_JSON
def add(code: str, reason: str, by: str | None, as_json: bool, **given: Any) -> None:
    """Give a code of a merchant to a partner, for good."""
    for name in ("merchant", "partner"):
        if not given[f"{name}_id"]:
            raise click.UsageError(f"Missing option '--{name}'.")
    now = datetime.now(UTC)
    with opened_partners() as partners:
        with partners.changing(now, name_of(by)) as changes:
            merchant = merchant_of(changes.connection, given["merchant_id"])
            kind = coupon_kind(merchant.currency)
            values = {"starts_at": now.replace(second=0, microsecond=0)} | given_fields(
                kind, given, partners
            )
            coupon = changes.add_coupon(Coupon(code=code.strip(), **values), reason)
        if as_json:
            print_json(written(kind, coupon, partners))
            return
        since = clock(coupon.starts_at, partners)
    click.echo(f"{coupon.code} at {coupon.merchant_id} is {coupon.partner_id}'s from {since} on.")
    click.echo(f'The merchant reports it with the order, as "coupon": "{coupon.code}".')


@command.command(
    epilog="\b\nExample:\n  adunion coupon end READER10 --merchant shop --at 2026-12-01"
)
@_CODE
@click.option("--merchant", "merchant_id", required=True, metavar="ID", help="Where it is used.")
@click.option("--at", "at", metavar="TIME", help="When; the next midnight when not given.")
@REASON
@BY
@AS_JSON
def end(
    code: str, merchant_id: str, at: str | None, reason: str, by: str | None, as_json: bool
) -> None:
    """End a code at an instant to come; nobody else gets it afterwards."""
    with opened_partners() as partners:
        moment = read_time(at, partners) if at else midnight_after(datetime.now(UTC), partners.zone)
        with partners.changing(datetime.now(UTC), name_of(by)) as changes:
            found = coupon_of(changes.connection, MerchantId(merchant_id), code)
            coupon = changes.end_coupon(found, moment, reason)
            currency = merchant_of(changes.connection, MerchantId(merchant_id)).currency
        if as_json:
            print_json(written(coupon_kind(currency), coupon, partners))
            return
        click.echo(f"{coupon.code} at {merchant_id} ends at {clock(moment, partners)}.")


@command.command("list")
@click.option("--merchant", "merchant_id", metavar="ID", help="Only those of this merchant.")
@click.option("--partner", "partner_id", metavar="ID", help="Only those of this partner.")
@AS_JSON
def list_(merchant_id: str | None, partner_id: str | None, as_json: bool) -> None:
    """List the codes, those that are over too."""
    with opened_partners() as partners:
        rows = [
            row
            for row in _rows(partners)
            if merchant_id in (None, row["merchant_id"]) and partner_id in (None, row["partner_id"])
        ]
    if as_json:
        print_json(rows)
    elif rows:
        print_list(f"{len(rows)} coupon{'s' * (len(rows) != 1)}", _COLUMNS, rows)
    else:
        click.echo("No coupons here.")
        say_next("adunion coupon add CODE --merchant MERCHANT --partner PARTNER")


def _rows(partners: SqlPartners) -> list[dict[str, Any]]:
    with partners.reading() as connection:
        merchants = stored.merchants(connection)
        return [
            written(coupon_kind(merchants[one.merchant_id].currency), one, partners)
            for one in stored.all_coupons(connection)
        ]
