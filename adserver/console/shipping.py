"""The shipper's thread in the console, and what it tells the operator.

Never here: how rows are shipped (`eventlog.shipper`). The one surprising fact: the tables are made
here and not when the console starts, because the console must start, and publish catalogs, while
the event store is away.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from adserver.config import Settings
from adserver.eventlog.ddl import prepare
from adserver.eventlog.shipper import SHIPPED, Shipper
from adserver.eventlog.stale_hours import StaleHours
from adserver.ports import EventStore

log = logging.getLogger(__name__)

TELL_EVERY_S = 60.0
STALE_FILE = "stale_hours.json"


class Shipping:
    """Runs a shipper beside the event loop. `prepared` is set once the tables are there.

    `stale` knows the hours whose sums are behind what was shipped.
    """

    def __init__(self, settings: Settings, store: EventStore) -> None:
        self._interval_s = settings.ship_interval_ms / 1000
        self._shipper = Shipper(
            settings.data_dir / "outbox",
            store,
            settings.ship_batch_rows,
            partial(prepare, store, settings.clickhouse_cluster, settings.log_retention_days),
        )
        self.stale = StaleHours(settings.data_dir / STALE_FILE)
        self._shipper.note = self.stale.note
        self.prepared = self._shipper.prepared
        self._stop = threading.Event()
        self._told = 0.0

    def take_touched_hours(self) -> set[int]:
        """Hours whose ads had rows shipped since the last call."""
        return self._shipper.take_touched_hours()

    async def tell(self) -> None:
        """One line in the log if anything was shipped since the last one, or if rows wait."""
        total = sum(
            sample.value
            for family in SHIPPED.collect()
            for sample in family.samples
            if sample.name.endswith("_total")
        )
        shipped, self._told = total - self._told, total
        waiting = self._shipper.waiting
        if shipped or waiting:
            log.info(
                "last %.0f s: %s rows shipped, %s waiting",
                *(TELL_EVERY_S, f"{int(shipped):,}", f"{waiting:,}"),
            )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Ships for as long as the context is open; what a shipment has begun it ends."""
        thread = threading.Thread(target=self._run, name="shipper", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            await asyncio.to_thread(thread.join)

    def _run(self) -> None:
        self._shipper.run(self._interval_s, self._stop)
        self._shipper.close()
