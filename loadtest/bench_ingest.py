"""How fast events travel: appended durably by a worker, and from its outbox to chDB.

Run by `make bench`, or alone: python -m loadtest.bench_ingest. The one surprising fact: the first
figure measures the disk (its fsync), the second the processor.
"""

import asyncio
import statistics
import tempfile
from contextlib import closing
from pathlib import Path
from time import perf_counter

from adserver.eventlog.ddl import prepare
from adserver.eventlog.outbox import WorkerOutbox
from adserver.eventlog.outbox_file import Batch, OutboxFile
from adserver.eventlog.rows import pack_rows, settled_row
from adserver.eventlog.shipper import Shipper
from adserver.eventlog.store_chdb import ChdbStore
from models.domain.campaign import PricingModel
from models.domain.event import Booked, EventKind, Offer, Tracked, Verdict, event_id, offer_id
from models.domain.ids import (
    AdvertiserId,
    AppId,
    CampaignId,
    CreativeId,
    LineItemId,
    PlacementId,
    UserKey,
)
from models.domain.money import Micros
from models.domain.placement import Format

ROWS = 300_000
ROWS_A_BATCH = 200
SHIP_ROWS = 50_000
RUNS = 3
APPENDS = 10_000
AT_ONCE = 64
SERVED_MS = 1_795_000_000_000


def event(number: int) -> Tracked:
    """The `number`-th impression of a few hundred line items."""
    offer = Offer(
        offer_id=offer_id(AppId("app_reader"), f"request-{number}", 0),
        served_ms=SERVED_MS + number,
        app_id=AppId("app_reader"),
        placement_id=PlacementId(f"pl_{number % 12}"),
        format=Format.SPLASH,
        advertiser_id=AdvertiserId(f"adv_{number % 40}"),
        campaign_id=CampaignId(f"cmp_{number % 100}"),
        line_item_id=LineItemId(f"li_{number % 400}"),
        creative_id=CreativeId(f"cr_{number % 800}"),
        pricing=PricingModel.CPM,
        price_micros=Micros(20_000),
        reserved_micros=Micros(20_000),
        utc_offset_s=28_800,
        user_key=UserKey(number * 7919 % 1_000_003),
    )
    return Tracked(
        event_id=event_id(offer.offer_id, EventKind.IMPRESSION),
        kind=EventKind.IMPRESSION,
        offer=offer,
        occurred_ms=SERVED_MS + number + 900,
        received_ms=SERVED_MS + number + 900,
        address_key=number % 65_536,
    )


def fill(path: Path) -> None:
    """An outbox with settled impressions, as a worker under load leaves it."""
    with closing(OutboxFile(path)) as file:
        for first in range(0, ROWS, ROWS_A_BATCH):
            rows = []
            for number in range(first, first + ROWS_A_BATCH):
                settled = settled_row(event(number), Booked(Verdict.COUNTED, Micros(20_000)))
                assert settled is not None
                rows.append(settled[1])
            file.write((), (), [Batch("impressions", len(rows), pack_rows(rows))])


def ship(directory: Path) -> float:
    """Rows a second from a full outbox to chDB until it is empty."""
    fill(directory / "w0.sqlite")
    with closing(ChdbStore(directory / "events", "the benchmark")) as store:
        prepare(store)
        shipper = Shipper(directory, store, SHIP_ROWS)
        began = perf_counter()
        while shipper.ship_once():
            pass
        seconds = perf_counter() - began
        shipper.close()
        found = store.query("SELECT uniqExact(event_id) AS n FROM impressions")["n"][0]
    assert found == ROWS, f"{found} of {ROWS} rows arrived"
    return ROWS / seconds


async def append(directory: Path) -> tuple[float, float]:
    """Durable appends a second with `AT_ONCE` beacons in flight, and the median wait in ms."""
    outbox = WorkerOutbox(directory, "bench", 10 * APPENDS)
    waits: list[float] = []

    async def beacons(first: int) -> None:
        for number in range(first, APPENDS, AT_ONCE):
            began = perf_counter()
            await outbox.append(event(number))
            waits.append(perf_counter() - began)

    began = perf_counter()
    await asyncio.gather(*(beacons(first) for first in range(AT_ONCE)))
    seconds = perf_counter() - began
    outbox.close()
    return APPENDS / seconds, statistics.median(waits) * 1000


def measure() -> dict[str, float]:
    """The median of three runs: `ingest_rows_s`, `outbox_appends_s`, `outbox_append_ms`."""
    shipped, appends, waits = [], [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory(prefix="ad-bench-") as name:
            shipped.append(ship(Path(name)))
            rate, wait = asyncio.run(append(Path(name)))
            appends.append(rate)
            waits.append(wait)
    return {
        "ingest_rows_s": statistics.median(shipped),
        "outbox_appends_s": statistics.median(appends),
        "outbox_append_ms": statistics.median(waits),
    }


if __name__ == "__main__":
    print(measure())  # noqa: T201 - the one result of running this file
