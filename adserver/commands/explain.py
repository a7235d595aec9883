"""`adunion explain`: why a line item does or does not deliver, in words.

Never here: the reasons (`ranking.slate`) and their words (`standing`). The one surprising fact:
shares are of sampled requests, about one a second and worker, while what was delivered is counted.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta

import click
from rich.console import Console
from rich.table import Table

from adserver.commands.catalog_access import opened_catalog
from adserver.commands.look_back import span
from adserver.commands.standing import ADVICE, WORDS, obstacles
from adserver.config import from_environment
from adserver.eventlog import open_store, queries
from adserver.eventlog.queries import CensusCount, Delivery
from adserver.ports import EventStore, StoreAwayError
from adserver.stores.promotion import Promotions
from models.domain.campaign import LineItem
from models.domain.ids import LineItemId
from models.domain.money import Micros, format_amount
from ranking.slate import WON

EPILOG = """\b
Examples:
  adunion explain --line-item li_splash
  adunion explain --line-item li_splash --last 24h --placement pl_home"""


@click.command(epilog=EPILOG)
@click.option("--line-item", required=True, help="The line item's id.")
@click.option(
    "--last", callback=span, default="1h", show_default=True, help="How far to look back."
)
@click.option("--placement", default="", help="Only sampled requests of this one.")
def command(line_item: str, last: timedelta, placement: str) -> None:
    """Say why a line item does or does not deliver.

    First whether it can run at all, then what it delivered, then what became of it in the ad
    requests that were sampled.
    """
    settings, console = from_environment(), Console(highlight=False)
    now = datetime.now(UTC)
    with opened_catalog(settings) as catalog:
        marketplace = catalog.load()
        promotions = catalog.promotions(settings.currency, now)
    name = LineItemId(line_item)
    found = {item.line_item_id: item for item in marketplace.line_items}
    if name not in found:
        raise click.ClickException(f"there is no line item {line_item!r}: adunion line-item list")
    if placement and placement not in {one.placement_id for one in marketplace.placements}:
        raise click.ClickException(f"there is no placement {placement!r}: adunion placement list")
    _tell_standing(console, found[name], obstacles(marketplace, name, now, promotions), promotions)
    try:
        store = open_store.open_for_reading(settings)
    except StoreAwayError as error:
        raise click.ClickException(str(error)) from error
    try:
        _tell_delivery(console, store, name, (now - last, now), placement)
    finally:
        store.close()


def _tell_standing(
    console: Console, item: LineItem, wrong: list[str], promotions: Promotions
) -> None:
    console.print(f'[bold]{item.line_item_id}[/bold] "{item.name}", campaign {item.campaign_id}')
    console.print("It can run." if not wrong else "[bold]It cannot run.[/bold] " + " ".join(wrong))
    if item.product and not wrong:
        commission = format_amount(promotions[item.product].commission_micros)
        console.print(f"It promotes {item.product}; a sale is expected to pay {commission}.")


def _tell_delivery(
    console: Console,
    store: EventStore,
    name: LineItemId,
    between: tuple[datetime, datetime],
    placement: str,
) -> None:
    since, until = (int(instant.timestamp() * 1000) for instant in between)
    delivered = queries.delivery(store, since, until).get(name, Delivery())
    console.print(
        f"Since {between[0]:%Y-%m-%d %H:%M} UTC{', in all placements' if placement else ''}: "
        f"{delivered.served:,} served, "
        f"{delivered.impressions:,} impressions, {delivered.clicks:,} clicks, "
        f"{delivered.conversions:,} conversions, "
        f"{format_amount(Micros(delivered.charged_micros))} charged."
    )
    counts = queries.census_of(store, name, since, until)
    told = reasons(counts, placement)
    if not told:
        console.print(
            "No ad request of that time was sampled: did apps ask, is a worker running? "
            "A worker tells of a minute when it is over."
        )
        return
    console.print(_table(told))
    advice = ADVICE.get(next((reason for reason, _ in told if reason != WON), ""))
    if advice:
        console.print(advice)


def reasons(counts: list[CensusCount], placement: str = "") -> list[tuple[str, int]]:
    """Sampled requests by reason, what was shown first and then the most frequent."""
    totals: Counter[str] = Counter()
    for count in counts:
        if not placement or count.placement_id == placement:
            totals[count.reason] += count.requests
    return sorted(totals.items(), key=lambda told: (told[0] != WON, -told[1], told[0]))


def _table(told: list[tuple[str, int]]) -> Table:
    every = sum(requests for _, requests in told)
    table = Table(title=f"Of {every:,} sampled ad requests", title_justify="left", box=None)
    table.add_column("share", justify="right")
    table.add_column("requests", justify="right")
    table.add_column("what became of it")
    for reason, requests in told:
        words = WORDS.get(reason, reason)
        table.add_row(f"{requests / every:.1%}", f"{requests:,}", words)
    return table
