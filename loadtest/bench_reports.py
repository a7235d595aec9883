"""Reports over 10 million impressions, and what an ad request feels of ten of them at once.

Run by `make bench`, or alone: python -m loadtest.bench_reports. The one surprising fact: the
readers are a process of their own, because threads beside the clock that measures the worker would
be measured with it.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from adserver import embedded
from adserver.config import Settings
from adserver.console.summing import HourlySums
from adserver.eventlog.ddl import prepare
from adserver.eventlog.open_store import CONSOLE_THREADS, DIRECTORY
from adserver.eventlog.stale_hours import StaleHours
from adserver.eventlog.store_chdb import ChdbStore
from adserver.eventlog.store_console import SOCKET_NAME, ConsoleStore
from adserver.ports import EventStore
from adserver.reports import delivery, requests
from adserver.reports.delivery import EVERYTHING, Dimension, Scope
from adserver.reports.live import live
from adserver.reports.requests import AskedBy, RequestScope
from adserver.reports.span import Span
from loadtest import bench_http
from loadtest.event_history import FOLLOWED, Weeks, fill
from models.domain.ids import AdvertiserId, AppId, LineItemId, PartnerId

IMPRESSIONS = int(os.environ.get("BENCH_IMPRESSIONS", "10000000"))
DAYS = 30
RUNS = 9
READERS = 10
ROUNDS = 5
RATE = 300.0  # ad requests a second: what both cores have time for besides
SECONDS = float(os.environ.get("BENCH_OPEN_S", "20"))
ZONE = ZoneInfo("Asia/Shanghai")
QUIET_S, PATIENCE_S = 2.0, 60.0
QUIET_SHARE = 0.05

Report = Callable[[EventStore], object]


def reports(now: datetime, data_dir: Path) -> dict[str, Report]:
    """Every kind of question that a page asks, over the whole month, for a busy owner."""
    month, week = Span.last_days(DAYS, now, ZONE), Span.last_days(7, now, ZONE)
    item = Scope(AdvertiserId("adv_0"), line_item_id=LineItemId("li_0"))
    item_alone = Scope(line_item_id=LineItemId("li_0"))
    advertiser = Scope(AdvertiserId("adv_0"))
    partner, app = Scope(partner_id=PartnerId("partner_0")), Scope(app_id=AppId("app_0"))
    asked = RequestScope(app_id=AppId("app_0"))
    return {
        "line item: totals": _of(delivery.totals, item, month),
        "line item: by day": _of(delivery.by_day, item, month),
        "line item: by hour of a week": _of(delivery.by_hour, item, week),
        "line item: by hour of the day": _of(delivery.by, Dimension.HOUR_OF_DAY, item, month),
        "line item: by placement": _of(delivery.by, Dimension.PLACEMENT, item, month),
        "line item: by creative": _of(delivery.by, Dimension.CREATIVE, item, month),
        "line item: by region": _of(delivery.by, Dimension.REGION, item, month),
        "line item alone: by placement": _of(delivery.by, Dimension.PLACEMENT, item_alone, month),
        "advertiser: by line item": _of(delivery.by, Dimension.LINE_ITEM, advertiser, month),
        "advertiser: by app": _of(delivery.by, Dimension.APP, advertiser, month),
        "partner: by day": _of(delivery.by_day, partner, month),
        "partner: each app by day": _of(delivery.daily, Dimension.APP, partner, month),
        "app: by placement": _of(delivery.by, Dimension.PLACEMENT, app, month),
        "app: by region": _of(delivery.by, Dimension.REGION, app, month),
        "app: requests by reason": _of(requests.requests_by, AskedBy.REASON, asked, month),
        "app: requests by hour": _of(requests.requests_by_hour, asked, month),
        "house: by day": _of(delivery.by_day, EVERYTHING, month),
        "house: by line item": _of(delivery.by, Dimension.LINE_ITEM, EVERYTHING, month),
        "house: by partner": _of(delivery.by, Dimension.PARTNER, EVERYTHING, month),
        "house: by creative": _of(delivery.by, Dimension.CREATIVE, EVERYTHING, month),
        "house: by region": _of(delivery.by, Dimension.REGION, EVERYTHING, month),
        "house: live": _of(live, data_dir, now),
    }


def _of(report: Callable[..., object], *asked: object) -> Report:
    return lambda store: report(store, *asked)


def filled(data_dir: Path, now: datetime) -> dict[str, float]:
    """A month of events with their sums; answers how long both took, in seconds."""
    weeks = Weeks(int(IMPRESSIONS / FOLLOWED["impressions"][0]), DAYS, now)
    with closing(ChdbStore(data_dir / DIRECTORY, "the benchmark", CONSOLE_THREADS)) as store:
        prepare(store)
        began = perf_counter()
        fill(store, weeks)
        made = perf_counter()
        sums = HourlySums(store, StaleHours(data_dir / "stale_hours.json"))
        while not sums.look(now) or sums.stale.waiting():
            pass
        return {"fill_s": made - began, "sum_s": perf_counter() - made}


def timed(data_dir: Path, now: datetime) -> dict[str, float]:
    """The median milliseconds of each report, alone."""
    medians: dict[str, float] = {}
    with closing(ChdbStore(data_dir / DIRECTORY, "the benchmark", CONSOLE_THREADS)) as store:
        for name, report in reports(now, data_dir).items():
            taken = []
            for _ in range(RUNS):
                began = perf_counter()
                report(store)
                taken.append((perf_counter() - began) * 1000)
            medians[name] = round(statistics.median(taken), 1)
    return medians


def measure() -> dict[str, Any]:
    """`report_ms`, the slowest report's median, and `report_p99_ratio`."""
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        port, console_port = bench_http.free_port(), bench_http.free_port()
        settings = Settings(data_dir=Path(name), port=port, console_port=console_port)
        made = filled(settings.data_dir, now)
        medians = timed(settings.data_dir, now)
        with embedded.redis_running(settings) as redis_url:
            shift = shifted(settings, redis_url)
    slowest = max(medians, key=medians.__getitem__)
    return {
        "report_ms": {"value": medians[slowest], "slowest": slowest, **made, **medians},
        "report_p99_ratio": shift,
    }


def shifted(settings: Settings, redis_url: str) -> dict[str, Any]:
    """The p99 of ad requests while ten reports run, over what it is without."""
    house = bench_http.furnished(settings, redis_url)
    with (
        bench_http.served([sys.executable, "-m", "adserver", "serve"], house, redis_url),
        console(settings, redis_url) as process,
    ):
        bench_http.settle(house)
        quiet(process)
        before, during, told = [], [], 0
        for _ in range(ROUNDS):
            before.append(asyncio.run(bench_http.open_loop(house, RATE, SECONDS)))
            with reading(settings.data_dir) as answered:
                during.append(asyncio.run(bench_http.open_loop(house, RATE, SECONDS)))
            told += answered()
    p99 = [statistics.median(run["p99"] for run in runs) for runs in (before, during)]
    return {
        "value": p99[1] / p99[0],
        "unit": "ratio",
        "numerator_ms": p99[1],
        "denominator_ms": p99[0],
        "before": before,
        "during": during,
        "reports_meanwhile": told,
    }


@contextmanager
def reading(data_dir: Path) -> Iterator[Callable[[], int]]:
    """Ten readers at work while the context is open; afterwards says how many reports they got."""
    # People read elsewhere: what they do with an answer must not cost this machine anything.
    command = ["nice", "-n", "19", sys.executable, "-m", "loadtest.bench_reports", str(data_dir)]
    told: list[bytes] = []
    with subprocess.Popen(  # noqa: S603 - our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as readers:
        time.sleep(QUIET_S)
        yield lambda: int(told[0])
        told.append(readers.communicate(b"stop")[0])


@contextmanager
def console(settings: Settings, redis_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """The console of a data directory, answering on its socket."""
    environment = os.environ | {
        "ADUNION_DATA_DIR": str(settings.data_dir),
        "ADUNION_REDIS_URL": redis_url,
        "ADUNION_CONSOLE_PORT": str(settings.console_port),
        "ADUNION_LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "adserver", "console"]
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603 - our own command
        try:
            until = time.monotonic() + PATIENCE_S
            while not (settings.data_dir / SOCKET_NAME).exists():
                if process.poll() is not None or time.monotonic() > until:
                    raise TimeoutError("the console does not answer")
                time.sleep(0.1)
            yield process
        finally:
            process.terminate()


def quiet(process: subprocess.Popen[bytes]) -> None:
    """Returns when a process has stopped working by itself: what it does at its start is done."""
    until = time.monotonic() + PATIENCE_S
    before = cpu_s(process.pid)
    while time.monotonic() < until:
        time.sleep(QUIET_S)
        now = cpu_s(process.pid)
        if now - before < QUIET_SHARE * QUIET_S:
            return
        before = now


def cpu_s(pid: int) -> float:
    """Seconds of processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read_until_told(data_dir: Path) -> int:
    """`READERS` threads ask one report after another until a byte comes in; how many they got."""
    stop = threading.Event()
    answered = [0] * READERS
    now = datetime.now(UTC) - timedelta(minutes=5)
    asked = list(reports(now, data_dir).values())

    def read(number: int) -> None:
        store = ConsoleStore(data_dir / SOCKET_NAME)
        turn = number
        while not stop.is_set():
            asked[turn % len(asked)](store)
            answered[number] += 1
            turn += 1

    threads = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
    for thread in threads:
        thread.start()
    sys.stdin.buffer.read(1)
    stop.set()
    for thread in threads:
        thread.join()
    return sum(answered)


if __name__ == "__main__":
    print(read_until_told(Path(sys.argv[1])) if sys.argv[1:] else measure())  # noqa: T201 - result
