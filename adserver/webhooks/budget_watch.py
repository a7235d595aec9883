"""Budgets that are nearly used up, or are: told from the delivery reports.

Never here: stopping anything; the serving plane does that by itself. The one surprising fact: the
reports are some seconds behind and a budget is used up to its last micro before it stops, so 80 %
and 100 % may come in one look.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from adserver.marketplace.problem import CatalogError
from adserver.ports import EventStore
from adserver.reports import delivery
from adserver.reports.delivery import Dimension, Scope
from adserver.reports.span import Span
from adserver.stores import database, webhooks
from adserver.stores.catalog import SqlCatalog
from adserver.webhooks.happenings import Happening
from adserver.webhooks.watching import put_down, untold
from models.domain.campaign import Advertiser, Campaign, LineItem
from models.domain.ids import AdvertiserId

SHARES = {"budget.used_80": 80, "budget.used_100": 100}


@dataclass(frozen=True, slots=True)
class Spent:
    """What a line item has spent today and ever, in micros; `day` is the advertiser's."""

    item: LineItem
    day: str
    today: int
    ever: int


class BudgetWatcher:
    """Watches the budgets of advertisers who want to be told; one per console."""

    def __init__(self, engine: Engine, catalog: SqlCatalog, store: EventStore) -> None:
        self._engine = engine
        self._catalog = catalog
        self._store = store

    def look(self, now: datetime) -> int:
        """Puts down what is new; answers how much that was. Blocks.

        Raises:
            StoreAwayError: the event log does not answer.
        """
        with database.reading(self._engine) as connection:
            wanted = webhooks.listening(connection)
        owners = {AdvertiserId(owner) for _, owner, kind in wanted if kind in SHARES}
        found = [one for owner in sorted(owners) for one in self._of(owner, now)]
        if not found:
            return 0
        with database.reading(self._engine) as connection:
            new = untold(connection, found, wanted)
        if new:
            with database.writing(self._engine) as connection:
                put_down(connection, new)
        return len(new)

    def _of(self, owner: AdvertiserId, now: datetime) -> Iterator[Happening]:
        try:
            zone = ZoneInfo(self._catalog.get(Advertiser, owner).time_zone)
        except CatalogError:  # an import has left it out
            return
        items = [
            item
            for campaign in self._catalog.find(Campaign, owner)
            for item in self._catalog.find(LineItem, campaign.campaign_id)
            if _is_running(item, now)
        ]
        if not items:
            return
        first = min(item.starts_at for item in items)
        span = Span(max(first, now - timedelta(days=400)), now + timedelta(hours=1), zone)
        days = delivery.daily(self._store, Dimension.LINE_ITEM, Scope(advertiser_id=owner), span)
        today = now.astimezone(zone).date()
        for item in items:
            lines = days.get(item.line_item_id, [])
            ever = sum(line.figures.charged_micros for line in lines)
            of_today = sum(line.figures.charged_micros for line in lines if line.day == today)
            yield from reached(owner, Spent(item, today.isoformat(), of_today, ever), now)


def reached(owner: AdvertiserId, spent: Spent, now: datetime) -> Iterator[Happening]:
    """The shares of its budgets that a line item has reached."""
    item = spent.item
    budgets = (
        ("daily", item.daily_budget_micros, spent.today, spent.day),
        ("total", item.total_budget_micros, spent.ever, "ever"),
    )
    for name, budget, used, when in budgets:
        for kind, share in SHARES.items():
            if budget and used * 100 >= budget * share:
                data = {
                    "line_item_id": item.line_item_id,
                    "name": item.name,
                    "budget": name,
                    "budget_micros": budget,
                    "spent_micros": used,
                }
                cause = f"{kind}/{item.line_item_id}/{name}/{when}/{budget}"
                yield Happening("advertiser", owner, kind, cause, now.astimezone(UTC), data)


def _is_running(item: LineItem, now: datetime) -> bool:
    has_budget = item.daily_budget_micros or item.total_budget_micros
    return (
        bool(has_budget) and item.starts_at <= now and (item.ends_at is None or now < item.ends_at)
    )
