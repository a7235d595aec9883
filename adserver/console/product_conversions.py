"""Sales of promoted products as conversions of their ads, so that pCVR learns of them.

Never here: commissions. The one surprising fact: these conversions are in no event table. A sale
may be cancelled weeks later, and the log never takes anything back; so they are counted from the
order rows each time, and only where each click belongs is remembered.
"""

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import Engine

from adserver.eventlog.product_clicks import cells_of
from adserver.ports import EventStore
from adserver.stores import database
from adserver.stores.product_sales import AdSale, ad_sales

TABLE = "conversions"
LONGEST_WINDOW = timedelta(days=60)
"""Clicks that are older than this before their order are not looked for."""


class ProductConversions:
    """Remembers the sales of the last `days`; one per console, called by one thread."""

    def __init__(self, engine: Engine, store: EventStore, days: int) -> None:
        self._engine, self._store = engine, store
        self._kept = timedelta(days=days)
        self._seq = 0
        self._sales: dict[str, AdSale] = {}
        self._cells: dict[str, tuple[str, str]] = {}

    def refresh(self, now: datetime) -> Counter[tuple[str, str, str]]:
        """Conversions by (creative, placement, table), as `history_counts` has them.

        Raises:
            StoreAwayError: the event store does not answer; the next call goes on.
        """
        self._read_rows(now)
        self._find_cells(now)
        counts: Counter[tuple[str, str, str]] = Counter()
        for sale in self._sales.values():
            if sale.click_id in self._cells:
                counts[(*self._cells[sale.click_id], TABLE)] += 1
        return counts

    def _read_rows(self, now: datetime) -> None:
        with database.reading(self._engine) as connection:
            changed = ad_sales(connection, self._seq)
        for sale in changed:
            self._seq = sale.modified_seq
            self._sales.pop(sale.row_id, None)
            if sale.counts:
                self._sales[sale.row_id] = sale
        self._sales = {
            row: sale
            for row, sale in self._sales.items()
            if sale.paid_at is not None and sale.paid_at > now - self._kept
        }

    def _find_cells(self, now: datetime) -> None:
        """Looks up what is not known yet: a click may be shipped after its order has come."""
        wanted = {sale.click_id for sale in self._sales.values()}
        self._cells = {click: cell for click, cell in self._cells.items() if click in wanted}
        since = now - self._kept - LONGEST_WINDOW
        missing = wanted - self._cells.keys()
        if missing:
            self._cells |= cells_of(self._store, missing, int(since.timestamp() * 1000))
