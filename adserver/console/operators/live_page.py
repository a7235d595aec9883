"""The house right now: requests a second, how fast, why not filled, what waits, each worker.

Never here: how it is measured (`reports.live`). The one surprising fact: while the event log is not
ready the page says so and shows the loops, which need no log.
"""

from datetime import timedelta
from typing import Any

from msgspec import Struct

from adserver.console import loops
from adserver.console.desk import Desk
from adserver.console.web import plots
from adserver.console.web.exchange import Call, Html
from adserver.console.web.language import N_
from adserver.console.web.plots import HALF, Frame
from adserver.console.web.routes import OPERATORS, Endpoint, Page
from adserver.ports import StatementRefusedError, StoreAwayError
from adserver.reports import live as reports
from adserver.reports.live import Live

PATH = "/house/live"
_STEP = timedelta(seconds=reports.STEP_S)


class WorkerOut(Struct):
    """One serving worker."""

    name: str
    is_alive: bool
    requests_per_s: float
    p99_us: int | None
    waiting_rows: int
    is_current: bool


class LiveOut(Struct):
    """The last five minutes of all workers. Latencies in microseconds, fill in parts per million.

    `failing_loops` maps the console's loops whose last round failed to what went wrong.
    """

    requests_per_s: float
    fill_ppm: int | None
    p50_us: int | None
    p90_us: int | None
    p99_us: int | None
    no_ads: dict[str, int]
    waiting_rows: int
    lag_s: float
    snapshot_age_s: float | None
    workers: list[WorkerOut]
    failing_loops: dict[str, str]


def now_of(desk: Desk, call: Call) -> Live | None:
    """What is measured now; None while the event log is away or not ready."""
    if not desk.is_ready():
        return None
    try:
        return reports.live(desk.store, desk.settings.data_dir, call.now)
    except (StoreAwayError, StatementRefusedError):
        return None


def page(desk: Desk, call: Call) -> Html:
    """`GET /house/live`."""
    live = now_of(desk, call)
    values = {"live": live, "failing": loops.failing(), **(_drawn(call, live) if live else {})}
    return Html("operators/live.html", values)


def _drawn(call: Call, live: Live) -> dict[str, Any]:
    steps = [
        {
            "at": one.at.astimezone(call.zone),
            "rate": one.requests / reports.STEP_S,
            "p99": None if one.p99_us is None else one.p99_us / 1000,
        }
        for one in live.moments
        if one.at + _STEP <= call.now
    ]
    reasons = [{"why": one.reason, "requests": one.requests} for one in live.no_ads]
    return {
        "rates": plots.line(
            steps, "at", "rate", frame=Frame(call._(N_("Requests a second")), width=HALF)
        ),
        "latencies": plots.line(
            steps,
            "at",
            "p99",
            frame=Frame(call._(N_("99th percentile in milliseconds")), width=HALF),
        ),
        "reasons": plots.bars(
            reasons, "why", "requests", frame=Frame(call._(N_("Requests without an ad, by reason")))
        ),
    }


def get(desk: Desk, call: Call) -> LiveOut:
    """`GET /api/v1/house/live`. Raises StoreAwayError."""
    live = now_of(desk, call)
    if live is None:
        raise StoreAwayError("the event log is not ready")
    times = live.latency
    return LiveOut(
        live.requests_per_s,
        live.fill_ppm,
        times.p50_us,
        times.p90_us,
        times.p99_us,
        {one.reason: one.requests for one in live.no_ads},
        live.waiting_rows,
        live.lag_s,
        live.snapshot_age_s,
        [
            WorkerOut(
                one.name,
                one.is_alive,
                one.requests_per_s,
                one.latency.p99_us,
                one.waiting_rows,
                one.is_current,
            )
            for one in live.workers
        ],
        {one.loop: one.failure for one in loops.failing()},
    )


PAGES = (Page("GET", PATH, page, OPERATORS),)
ENDPOINTS = (
    Endpoint("GET", "/api/v1/house/live", "The last five minutes", get, OPERATORS, answer=LiveOut,
             problems=(503,)),
)  # fmt: skip
