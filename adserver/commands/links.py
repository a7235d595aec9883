"""`adunion link`: make short links, look at them, draw their QR codes.

Never here: following a link (`adserver.api.links`). The one surprising fact: a link needs no
command. "partner~merchant" and "partner~merchant~SKU" work as they are, for every approved partner;
a short code is for what people type or scan, for pages that are no product, and for own rates.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection, Engine

from adserver.api.links import ROOT, qr_code
from adserver.commands.catalog_access import (
    database_answers,
    print_fields,
    print_json,
    print_list,
)
from adserver.commands.entity_commands import AS_JSON
from adserver.config import Settings, from_environment
from adserver.marketplace.problem import NotationError
from adserver.marketplace.rate_notation import parse_rate, rate_fault, write_rate
from adserver.stores import database, migrations
from adserver.stores.links import LinkRefusedError, find_links, links_of, make_link, require_sound
from adserver.stores.partners import merchant_of
from affiliate import link as rules
from affiliate.link import Link, Target, plain_code
from affiliate.partner import Rate
from models.domain.ids import LinkCode, MerchantId, PartnerId, Sku

_NO_CODE = LinkCode("")


@click.group()
def command() -> None:
    """Partners' links to merchants: who clicks one and buys earns the partner a commission."""


@command.command(
    epilog="\b\nExamples:\n  adunion link make p_blog m_shop --sku A-1\n"
    "  adunion link make p_blog m_shop --url https://shop.example/sale --name banner --rate 12%"
)
@click.argument("partner")
@click.argument("merchant")
@click.option("--sku", default="", help="Leads to this product. [default: the merchant's home]")
@click.option("--url", default="", help="Leads to this page of the merchant's host.")
@click.option("--name", default="", help="Tells two links to the same page apart.")
@click.option("--sub", "subs", multiple=True, metavar="TEXT", help="Up to five own notes.")
@click.option("--rate", default="", help="What its sales earn: 12%, or 5.00 a piece.")
@AS_JSON
def make(  # noqa: PLR0913 - one argument an option, as click gives them
    partner: str,
    merchant: str,
    sku: str,
    url: str,
    name: str,
    subs: tuple[str, ...],
    rate: str,
    as_json: bool,
) -> None:
    """Make a short link for PARTNER to MERCHANT; the same words make the same link again."""
    settings = from_environment()
    target = Target(PartnerId(partner), MerchantId(merchant), Sku(sku))
    try:
        wanted = Link(_NO_CODE, target, url, _name(name), _subs(subs))
        with opened_database(settings) as engine, database.writing(engine) as connection:
            require_sound(connection, wanted)
            wanted = replace(wanted, rate=_rate(connection, target, rate))
            made = make_link(connection, wanted, datetime.now(UTC))
            shown = _shown(connection, settings, made)
    except (LinkRefusedError, NotationError) as refusal:
        raise click.ClickException(str(refusal)) from None
    if as_json:
        print_json(shown)
        return
    click.echo(shown["address"])
    click.echo(f"Draw its QR code: adunion link qr {made.code} {made.code}.svg", err=True)


@command.command("list", epilog="\b\nExample:\n  adunion link list --partner p_blog")
@click.option("--partner", metavar="ID", help="Of this partner only.")
@click.option("--merchant", metavar="ID", help="To this merchant only.")
@AS_JSON
def list_(partner: str | None, merchant: str | None, as_json: bool) -> None:
    """List short links, in the order in which they were made."""
    with _reading() as (settings, connection):
        found = find_links(
            connection,
            PartnerId(partner) if partner else None,
            MerchantId(merchant) if merchant else None,
        )
        rows = [_shown(connection, settings, one) for one in found]
    if as_json:
        print_json(rows)
    elif rows:
        print_list("Links", ("code", "partner", "merchant", "sku", "url", "name", "rate"), rows)
    else:
        click.echo("No short link was made yet; partner~merchant~SKU works without one.")


@command.command(epilog="\b\nExample:\n  adunion link show p_blog~m_shop~A-1")
@click.argument("code")
@AS_JSON
def show(code: str, as_json: bool) -> None:
    """Show where CODE leads, short or plain, and say if it does not work."""
    with _reading() as (settings, connection):
        link = _require(connection, code)
        shown = _shown(connection, settings, link)
        try:
            require_sound(connection, link)
            shown["works"] = "yes"
        except LinkRefusedError as refusal:
            shown["works"] = f"no: {refusal}"
    if as_json:
        print_json(shown)
    else:
        print_fields(f"Link {code}", shown)


@command.command(epilog="\b\nExample:\n  adunion link qr Ab3dE6g poster.svg")
@click.argument("code")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def qr(code: str, file: Path) -> None:
    """Write the QR code of CODE to FILE, an SVG picture. Set ADUNION_PUBLIC_URL first."""
    with _reading() as (settings, connection):
        address = _address(settings, _require(connection, code).code)
    file.write_bytes(qr_code(address))
    click.echo(f"{file} leads to {address}")


@contextmanager
def opened_database(settings: Settings) -> Iterator[Engine]:
    """The SQL database, its schema brought up to date, closed at the end.

    Raises:
        ClickException: it does not answer, or is none.
    """
    with database_answers():
        engine = database.connect(settings)
        try:
            migrations.upgrade(engine)
            yield engine
        finally:
            engine.dispose()


@contextmanager
def _reading() -> Iterator[tuple[Settings, Connection]]:
    settings = from_environment()
    with opened_database(settings) as engine, database.reading(engine) as connection:
        yield settings, connection


def _require(connection: Connection, code: str) -> Link:
    known = links_of(connection, [LinkCode(code)]).get(LinkCode(code))
    if known is not None:
        return known
    plain = rules.parse_plain(code)
    if plain is None:
        raise click.ClickException(f"there is no link {code}")
    return Link(plain_code(plain), plain)


def _name(name: str) -> str:
    if len(name) > rules.MAX_NAME_CHARS or not name.isprintable():
        raise LinkRefusedError(f"a name has at most {rules.MAX_NAME_CHARS} characters")
    return name


def _subs(given: tuple[str, ...]) -> rules.Subs:
    if len(given) > rules.SUBS:
        raise LinkRefusedError(f"a link has at most {rules.SUBS} sub-ids")
    if any(len(sub) > rules.MAX_SUB_CHARS or not sub.isprintable() for sub in given):
        raise LinkRefusedError(f"a sub-id is text of at most {rules.MAX_SUB_CHARS} characters")
    one, two, three, four, five = (*given, *rules.NO_SUBS)[: rules.SUBS]
    return one, two, three, four, five


def _rate(connection: Connection, target: Target, written: str) -> Rate | None:
    merchant = merchant_of(connection, target.merchant_id)
    if not written or merchant is None:
        return None
    rate = parse_rate(written, merchant.currency)
    if fault := rate_fault(rate):
        raise LinkRefusedError(fault)
    return rate


def _shown(connection: Connection, settings: Settings, link: Link) -> dict[str, Any]:
    merchant = merchant_of(connection, link.target.merchant_id)
    return {
        "code": link.code,
        "address": _address(settings, link.code),
        "partner": link.target.partner_id,
        "merchant": link.target.merchant_id,
        "sku": link.target.sku,
        "url": link.url,
        "name": link.name,
        "subs": list(link.subs) if any(link.subs) else [],
        "rate": write_rate(link.rate, merchant.currency) if link.rate and merchant else "",
    }


def _address(settings: Settings, code: LinkCode) -> str:
    return f"{settings.base_url}{ROOT}{code}"
