"""`adunion merchant`: shops that pay commissions, and the keys by which they report orders.

Never here: their products (`commands.products`) or their payments. The one surprising fact: a
change of a merchant's rates is for sales that are reported first after it; what a row was judged by
stays with the row.
"""

import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import click

from adserver import keyring
from adserver.commands.catalog_access import print_fields, print_json, print_list
from adserver.commands.entity_commands import AS_JSON
from adserver.commands.entity_options import field_options
from adserver.commands.key_commands import ROTATE
from adserver.commands.merchant_deposit import command as deposit
from adserver.commands.partner_access import (
    BY,
    HOUSE_CURRENCY,
    REASON,
    clear_option,
    cleared,
    given_fields,
    name_of,
    opened_partners,
    print_history,
    say_next,
    written,
    written_history,
)
from adserver.config import from_environment
from adserver.marketplace.partnering import merchant_kind
from adserver.stores import partners as stored
from adserver.stores.catalog import make_id
from adserver.stores.partner_changes import SqlPartners
from adserver.stores.partner_lookup import merchant_of
from affiliate.merchandise import Merchant
from models.domain.ids import MerchantId

_MERCHANT = click.argument("merchant_id", metavar="MERCHANT")
_OPTIONS = merchant_kind(HOUSE_CURRENCY)

SIGNING = """\
key={key}
secret={secret}
body='{{"orders": [{{"order_id": "A-1", "line_id": "1", "version": 1, "status": "paid",
  "sku": "", "category": "", "quantity": 1, "paid_minor": 26900, "currency": "{currency}",
  "occurred_at": "'$(date -u +%Y-%m-%dT%H:%M:%SZ)'"}}]}}'
t=$(date +%s)
v1=$(printf '%s.%s' "$t" "$body" | openssl dgst -sha256 -hmac "$secret" | sed 's/.*= *//')
curl -sS {url}/v1/orders --data-binary "$body" \\
  -H "Authorization: Bearer $key" -H "X-Signature: t=$t,v1=$v1" \\
  -H "Content-Type: application/json"
"""


@click.group()
def command() -> None:
    """Shops that pay commissions on what partners sell for them.

    \b
    From nothing to the first commission:
      adunion merchant add       the shop and what its sales earn
      adunion product import     what it sells, where products have rates of their own
      adunion merchant key       with which its server reports orders, and an example
    """


command.add_command(deposit)


@command.command(
    epilog="\b\nExample:\n  adunion merchant add --id shop --name Shop \\\n"
    "      --home-url https://shop.example --rate 8% --category-rate phone=3.1% \\\n"
    "      --gift-category gift-card"
)
@field_options(_OPTIONS, required=True)
@REASON
@BY
@AS_JSON
def add(reason: str, by: str | None, as_json: bool, **given: Any) -> None:
    """Add a merchant; prints its id."""
    given["merchant_id"] = given["merchant_id"] or make_id(_OPTIONS)
    with opened_partners() as partners:
        given["currency"] = given["currency"] or partners.currency
        kind = merchant_kind(given["currency"])
        merchant = Merchant(**given_fields(kind, given, partners))
        with partners.changing(datetime.now(UTC), name_of(by)) as changes:
            changes.add_merchant(merchant, reason)
        if as_json:
            print_json(written(kind, merchant, partners))
            return
    click.echo(f"Added merchant {merchant.merchant_id}.")
    say_next(
        f"adunion merchant key {merchant.merchant_id}   (for the server that reports its orders)",
        f"adunion product import FILE --merchant {merchant.merchant_id}",
    )


@command.command(epilog="\b\nExample:\n  adunion merchant edit shop --rate 9% --trusted true")
@_MERCHANT
@field_options(_OPTIONS, required=False)
@clear_option(_OPTIONS)
@REASON
@BY
@AS_JSON
def edit(
    merchant_id: str,
    clear: tuple[str, ...],
    reason: str,
    by: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Change fields of one merchant; the others stay as they are."""
    with opened_partners() as partners:
        with partners.reading() as connection:
            before = merchant_of(connection, MerchantId(merchant_id))
        kind = merchant_kind(before.currency)
        values = cleared(kind, clear) | given_fields(kind, given, partners)
        after = _changed(partners, merchant_id, lambda one: replace(one, **values), by, reason)
        if as_json:
            print_json(written(kind, after, partners))
            return
    done = "Changed" if after != before else "Nothing to change in"
    click.echo(f"{done} merchant {merchant_id}.")


@command.command("list")
@click.option("--all", "archived", is_flag=True, help="Archived ones too.")
@AS_JSON
def list_(archived: bool, as_json: bool) -> None:
    """List the merchants."""
    with opened_partners() as partners:
        with partners.reading() as connection:
            found = stored.merchants(connection).values()
        rows = [
            written(merchant_kind(one.currency), one, partners)
            for one in found
            if archived or one.active
        ]
    if as_json:
        print_json(rows)
    elif rows:
        columns = ("merchant_id", "name", "home_url", "currency", "default_rate", "trusted")
        title = f"{len(rows)} merchant{'s' * (len(rows) != 1)}"
        print_list(title, (*columns, "active") if archived else columns, rows)
    else:
        click.echo("No merchants here.")
        say_next("adunion merchant add --name NAME --home-url https://SHOP --rate 8%")


@command.command()
@_MERCHANT
@AS_JSON
def show(merchant_id: str, as_json: bool) -> None:
    """Show one merchant, field by field, and its history."""
    with opened_partners() as partners, partners.reading() as connection:
        merchant = merchant_of(connection, MerchantId(merchant_id))
        row = written(merchant_kind(merchant.currency), merchant, partners)
        lines = written_history(stored.history_of(connection, "merchant", merchant_id), partners)
    if as_json:
        print_json({**row, "history": lines})
        return
    print_fields(f"merchant {merchant_id}", row)
    print_history(lines)


@command.command(epilog="\b\nExample:\n  adunion merchant key shop --rotate")
@_MERCHANT
@ROTATE
@AS_JSON
def key(merchant_id: str, rotate: bool, as_json: bool) -> None:
    """Print the key and the signing secret of a merchant's server, and how to use them.

    The example at the end reports one order; it needs openssl and curl and can be pasted as it is.
    """
    settings = from_environment()
    with opened_partners(settings) as partners:
        if rotate:
            merchant = _changed(partners, merchant_id, _rotated, None, "key rotated")
        else:
            with partners.reading() as connection:
                merchant = merchant_of(connection, MerchantId(merchant_id))
    keys, generation = keyring.load(settings), merchant.key_generation
    made = keys.api_key("merchant", merchant_id, generation)
    secret = keys.signing_secret("merchant", merchant_id, generation)
    if as_json:
        print_json(
            {
                "merchant_id": merchant_id,
                "key_generation": generation,
                "key": made,
                "signing_secret": secret,
            }
        )
        return
    click.echo(f"Authorization: Bearer {made}")
    click.echo(f"Signing secret: {secret}")
    click.echo("\nHow an order is reported, signed with the secret:\n")
    click.echo(signing_example(made, secret, merchant.currency, settings.base_url), nl=False)


def signing_example(key: str, secret: str, currency: str, url: str) -> str:
    """A script for the shell that reports one order to the worker at `url`."""
    return SIGNING.format(
        key=shlex.quote(key), secret=shlex.quote(secret), currency=currency, url=shlex.quote(url)
    )


@command.command()
@_MERCHANT
@REASON
@BY
def archive(merchant_id: str, reason: str, by: str | None) -> None:
    """Take a merchant out of use: its links lead nowhere; it may still report refunds.

    Nothing is deleted.
    """
    with opened_partners() as partners:
        _changed(partners, merchant_id, lambda one: replace(one, active=False), by, reason)
    click.echo(f"Archived merchant {merchant_id}; `restore` brings it back.")


@command.command()
@_MERCHANT
@REASON
@BY
def restore(merchant_id: str, reason: str, by: str | None) -> None:
    """Take an archived merchant into use again."""
    with opened_partners() as partners:
        _changed(partners, merchant_id, lambda one: replace(one, active=True), by, reason)
    click.echo(f"Restored merchant {merchant_id}.")


def _changed(
    partners: SqlPartners,
    merchant_id: str,
    change: Callable[[Merchant], Merchant],
    by: str | None,
    reason: str,
) -> Merchant:
    with partners.changing(datetime.now(UTC), name_of(by)) as changes:
        return changes.edit_merchant(MerchantId(merchant_id), change, reason)


def _rotated(merchant: Merchant) -> Merchant:
    return replace(merchant, key_generation=merchant.key_generation + 1)
