"""`adunion product`: what merchants sell: feeds in, products looked at, hot rates, what is hot.

Never here: how feeds are written (`adserver.feeds`) or what a ranking is made of
(`affiliate.hot_products`). The one surprising fact: a hot rate never begins in the past, because a
sale that was paid for keeps the rate of that moment.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy import Connection

from adserver.accounting.feed_intake import FeedIntake
from adserver.commands.catalog_access import print_fields, print_json, print_list
from adserver.commands.entity_commands import AS_JSON
from adserver.commands.feed_import import run_with_bar
from adserver.commands.hot_ranking import Ranking, ranked
from adserver.commands.links import opened_database
from adserver.commands.look_back import span
from adserver.config import Settings, from_environment
from adserver.eventlog import open_store
from adserver.feeds.reading import FeedFormat
from adserver.feeds.record import FeedError
from adserver.marketplace.notation import Notation
from adserver.marketplace.problem import NotationError
from adserver.marketplace.rate_notation import rate as rate_notation, write_minor, write_rate
from adserver.marketplace.time_notation import instant, localised
from adserver.ports import StoreAwayError
from adserver.stores import database, partners, products
from adserver.stores.products import HotRateOverlapError
from affiliate.hot_products import HotProduct, priced
from affiliate.merchandise import HotRate, Merchant, Product
from models.domain.ids import MerchantId, Sku
from models.domain.money import format_amount

MERCHANT = click.option("--merchant", required=True, metavar="MERCHANT", help="Whose feed it is.")
ANY_MERCHANT = click.option("--merchant", default="", metavar="MERCHANT", help="Only its products.")
LIMIT = click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
PRODUCT = click.argument("product", metavar="MERCHANT/SKU")
COLUMNS = ("sku", "title", "price", "category", "in_stock", "rate")
HOT_COLUMNS = ("product", "ecpm", "a_click", "commission", "ctr", "conversion", "seen")


@click.group()
def command() -> None:
    """Products of merchants, by which links, ads and commissions are reckoned.

    A product in `product: MERCHANT/SKU` of a line item with pricing cps competes in ad slots.
    """


@command.command(
    "import",
    epilog="\b\nExamples:\n  adunion product import feed.xml.gz --merchant m_shop --prune\n"
    "  adunion product import products.csv --merchant m_shop",
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@MERCHANT
@click.option("--prune", is_flag=True, help="What this feed no longer names is out of stock.")
@click.option(
    "--format", "form", type=click.Choice([one.value for one in FeedFormat]),
    help="How it is written. [default: as the file begins]",
)  # fmt: skip
@click.option("--encoding", default="", help="Such as gb18030. [default: found out]")
def import_(file: Path, merchant: str, prune: bool, form: str | None, encoding: str) -> None:
    """Put the products of FILE in, by SKU: CSV, JSON lines or Google Merchant XML, also as .gz.

    \b
    Fields: sku or id, title, url or link, price ("12.99 CNY", "1,299.00"), and
    sale_price, category or product_type, image_url or image_link, availability, and
    rate ("8%", or "5.00" a piece) where a product has its own.

    A row that is no product is listed with its line and left out; the rest goes in.
    """
    with opened_database(from_environment()) as engine:
        with database.reading(engine) as connection:
            owner = _merchant(connection, merchant)
        run = FeedIntake(engine, owner, datetime.now(UTC))
        try:
            run_with_bar(run, file, FeedFormat(form) if form else None, encoding, prune=prune)
        except FeedError as trouble:
            raise click.ClickException(f"{file}: {trouble}") from trouble
    _tell(run, file)


@command.command("list", epilog="\b\nExample:\n  adunion product list --merchant m_shop --limit 20")
@MERCHANT
@LIMIT
@click.option("--after", default="", metavar="SKU", help="Go on after this one.")
@AS_JSON
def list_(merchant: str, limit: int, after: str, as_json: bool) -> None:
    """List a merchant's products by SKU."""
    with _reading() as (_, connection):
        owner = _merchant(connection, merchant)
        found = list(products.all_products(connection, owner.merchant_id, after=after, limit=limit))
        every, in_stock = products.count_products(connection, owner.merchant_id)
    rows = [_shown(one, owner) for one in found]
    if as_json:
        print_json(rows)
        return
    print_list(f"Products of {merchant}: {every:,}, in stock {in_stock:,}", COLUMNS, rows)
    if len(found) == limit:
        click.echo(f"Next: adunion product list --merchant {merchant} --after {found[-1].sku!r}")


@command.command(epilog="\b\nExample:\n  adunion product show m_shop/4711")
@PRODUCT
@AS_JSON
def show(product: str, as_json: bool) -> None:
    """Show one product, with what a sale of it pays now and its hot rates."""
    now = datetime.now(UTC)
    with _reading() as (settings, connection):
        owner, found = _product(connection, product)
        hot = products.hot_rates_of(connection, owner.merchant_id, [found.sku]).get(found.sku, [])
    sale = priced(owner, found, hot, now)
    zone = ZoneInfo(settings.time_zone)
    shown = _shown(found, owner) | {
        "rate_now": write_rate(sale.rate, owner.currency),
        "commission": f"{write_minor(sale.commission_minor, owner.currency)} {owner.currency}",
        "hot_rates": [_span(one, owner, zone) for one in hot],
    }
    if as_json:
        print_json(shown)
    else:
        print_fields(f"Product {product}", shown)


@command.group("hot-rate")
def hot_rate() -> None:
    """Rates of hot products: dated, and before any other rate of the merchant's."""


@hot_rate.command(
    "add",
    epilog="\b\nExample:\n  adunion product hot-rate add m_shop/4711 20% --until 2026-12-01",
)
@PRODUCT
@click.argument("rate")
@click.option("--from", "begins", default="", metavar="TIME", help="First moment. [default: now]")
@click.option("--until", "ends", required=True, metavar="TIME", help="First moment after it.")
def add(product: str, rate: str, begins: str, ends: str) -> None:
    """Give a product a RATE of its own (8%, or 5.00 a piece) for a while.

    Times are on the house's clock (ADUNION_TIME_ZONE) unless they have an offset.
    """
    now, settings = datetime.now(UTC), from_environment()
    zone = ZoneInfo(settings.time_zone)
    with opened_database(settings) as engine, database.writing(engine) as connection:
        owner, found = _product(connection, product)
        start = _time("--from", begins, zone) if begins else now
        wanted = HotRate(
            owner.merchant_id,
            found.sku,
            _read("RATE", rate_notation(owner.currency), rate),
            start,
            _time("--until", ends, zone),
        )
        _require_coming(wanted, now)
        try:
            products.add_hot_rate(connection, wanted, now)
        except HotRateOverlapError as refusal:
            raise click.ClickException(str(refusal)) from None
    click.echo(f"Hot: {product} {_span(wanted, owner, zone)}.")


@hot_rate.command("list")
@ANY_MERCHANT
@click.option("--all", "every", is_flag=True, help="Those that are over, too.")
@AS_JSON
def list_hot_rates(merchant: str, every: bool, as_json: bool) -> None:
    """List hot rates that are in force or to come."""
    since = datetime.min.replace(tzinfo=UTC) if every else datetime.now(UTC)
    with _reading() as (settings, connection):
        owners = partners.merchants(connection)
        only = _merchant(connection, merchant).merchant_id if merchant else None
        rates = products.hot_rates(connection, only, since=since)
    zone = ZoneInfo(settings.time_zone)
    rows = [
        {
            "product": f"{one.merchant_id}/{one.sku}",
            "rate": write_rate(one.rate, owners[one.merchant_id].currency),
            "starts_at": _clock(one.starts_at, zone),
            "ends_at": _clock(one.ends_at, zone),
        }
        for one in rates
    ]
    if as_json:
        print_json(rows)
    else:
        print_list("Hot rates", ("product", "rate", "starts_at", "ends_at"), rows)


@command.command(epilog="\b\nExample:\n  adunion product hot --merchant m_shop --limit 10")
@ANY_MERCHANT
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000))
@click.option(
    "--last", callback=span, default="30d", show_default=True, help="How far to look back."
)
@AS_JSON
def hot(merchant: str, limit: int, last: timedelta, as_json: bool) -> None:
    """Rank products by expected earnings: CTR x conversion x rate x price.

    CTR and conversion are those of the product's own ads, links and orders, drawn towards its
    merchant's and the house's the less was seen of it. `a_click` is what a click is expected to
    earn, `ecpm` a thousand impressions; `seen` are impressions / clicks / orders.
    """
    now, settings = datetime.now(UTC), from_environment()
    with opened_database(settings) as engine:
        with database.reading(engine) as connection:
            only = [_merchant(connection, merchant)] if merchant else None
        try:
            with closing(open_store.open_for_reading(settings)) as store:
                found = ranked(engine, store, Ranking(settings.currency, now - last, now, only))
        except StoreAwayError as away:
            raise click.ClickException(str(away)) from away
    rows = [_hot_row(one, found.currency) for one in islice(found.products, limit)]
    if as_json:
        print_json(rows)
    else:
        print_list(f"Hot products, in {found.currency}", HOT_COLUMNS, rows)


@contextmanager
def _reading() -> Iterator[tuple[Settings, Connection]]:
    settings = from_environment()
    with opened_database(settings) as engine, database.reading(engine) as connection:
        yield settings, connection


def _merchant(connection: Connection, merchant_id: str) -> Merchant:
    found = partners.merchant_of(connection, MerchantId(merchant_id))
    if found is None:
        raise click.ClickException(
            f"there is no merchant {merchant_id!r}: adunion merchant list, adunion merchant add"
        )
    return found


def _product(connection: Connection, product: str) -> tuple[Merchant, Product]:
    merchant_id, slash, sku = product.partition("/")
    if not slash:
        raise click.ClickException(f"a product is written MERCHANT/SKU, not {product!r}")
    owner = _merchant(connection, merchant_id)
    found = products.products_of(connection, owner.merchant_id, [Sku(sku)]).get(Sku(sku))
    if found is None:
        raise click.ClickException(f"there is no product {product!r}: adunion product list")
    return owner, found


def _tell(run: FeedIntake, file: Path) -> None:
    done = run.done
    click.echo(
        f"{run.taken:,} products: {done.added:,} new, {done.changed:,} changed, "
        f"{done.same:,} as they were."
    )
    if run.pruned is not None:
        click.echo(f"{run.pruned:,} that this feed no longer names are out of stock.")
    for fault in run.first_bad:
        click.echo(f"{file}:{fault.line}: {fault.words}", err=True)
    if run.broke_off:
        raise click.ClickException(
            f"{file}: {run.broke_off}. What came before is in; nothing was taken out of stock."
        )
    if run.bad:
        raise click.ClickException(f"{run.bad:,} rows were left out.")


def _shown(product: Product, owner: Merchant) -> dict[str, Any]:
    return {
        "sku": product.sku,
        "title": product.title,
        "price": f"{write_minor(product.price_minor, owner.currency)} {owner.currency}",
        "category": product.category,
        "in_stock": product.in_stock,
        "rate": write_rate(product.rate, owner.currency) if product.rate else "",
        "url": product.url,
        "image_url": product.image_url,
    }


def _hot_row(one: HotProduct, currency: str) -> dict[str, Any]:
    product, seen = one.priced.product, one.signals
    return {
        "product": f"{product.merchant_id}/{product.sku}",
        "title": product.title,
        "ecpm": format_amount(one.per_thousand, 3),
        "a_click": format_amount(one.per_click, 3),
        "commission": write_minor(one.priced.commission_minor, currency),
        "ctr": f"{float(one.expected.ctr):.3%}",
        "conversion": f"{float(one.expected.conversion):.3%}",
        "seen": f"{seen.impressions} / {seen.clicks} / {seen.orders}",
    }


def _require_coming(wanted: HotRate, now: datetime) -> None:
    if wanted.starts_at < now:
        raise click.ClickException("a hot rate cannot begin in the past")
    if wanted.ends_at <= wanted.starts_at:
        raise click.ClickException("--until must be later than --from")


def _time(option: str, written: str, zone: ZoneInfo) -> datetime:
    try:
        return localised(instant().read(written), zone)
    except NotationError as error:
        raise click.UsageError(f"{option}: {error}") from None


def _read(option: str, notation: Notation, written: str) -> Any:
    try:
        value = notation.read(written)
        fault = notation.check(value)
    except NotationError as error:
        raise click.UsageError(f"{option}: {error}") from None
    if fault:
        raise click.UsageError(f"{option}: {fault}")
    return value


def _span(one: HotRate, owner: Merchant, zone: ZoneInfo) -> str:
    written = write_rate(one.rate, owner.currency)
    return f"{written} from {_clock(one.starts_at, zone)} until {_clock(one.ends_at, zone)}"


def _clock(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")
