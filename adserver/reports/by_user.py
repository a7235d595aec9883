"""`requests_by_user`: the decisions once more, sorted by user, so that a few users are read alone.

What forecasts and audiences read on a large log. A loop of the console copies whole hours from
`decisions`, the newest first. Never here: what is asked of them. The one surprising fact: a copy is
made once. A request that reaches the log more than `LATE_MS` after its hour is not in it, which
statistics can bear and sums of money could not.
"""

from collections.abc import Sequence

from adserver.eventlog.binding import bind
from adserver.eventlog.ddl import Dialect, add_missing, create
from adserver.eventlog.schema import BY_NAME, EVENT_ID, Column, Table
from adserver.ports import EventStore

HOUR_MS = 3_600_000
LATE_MS = 300_000
BUCKETS = 1_024
BUCKET = f"(if(user_key != 0, intHash64(user_key), cityHash64(request_id)) %% {BUCKETS})"
"""The bucket of a row of `decisions` or `ads_served`: all of a user's are in one."""
OPTED_OUT = "(personalized = 0 AND worker != '')"
"""Rows from before this was logged say neither that nor which worker answered."""

_COPIED = (
    "occurred_ms", "app_id", "partner_id", "placement_id", "request_id", "user_known",
    "profile_loaded", "country", "region", "city", "os", "device_type", "connection", "os_version",
    "make", "carrier", "language", "gender", "age", "interests", "user_key", "floor_micros",
    "top_ecpm_micros",
)  # fmt: skip
_DECIDED = {column.name: column for column in BY_NAME["decisions"].columns}

TABLE = Table(
    "requests_by_user",
    "Decisions once more, sorted by user; tests are not in it. Made by the console.",
    (
        Column("bucket", "UInt32", "A hash of the user, or of the request where there is none"),
        EVENT_ID,
        *(_DECIDED[name] for name in _COPIED),
        Column("opted_out", "UInt8", "1 when the user opted out of personalisation"),
    ),
    "occurred_ms",
    ("bucket", "occurred_ms", "event_id"),
    money=False,
)

_FILL = """
INSERT INTO requests_by_user (bucket, event_id, {copied}, opted_out)
SELECT {bucket} AS bucket, event_id, {copied}, {opted_out} AS opted_out
FROM decisions WHERE occurred_ms >= %(since)s AND occurred_ms < %(until)s AND test = 0"""

_HOURS = """
SELECT DISTINCT intDiv(occurred_ms, 3600000) AS hour FROM {table}
WHERE occurred_ms >= %(since)s AND occurred_ms < %(until)s ORDER BY hour DESC"""


def prepare(store: EventStore, cluster: str = "", retention_days: int = 0) -> None:
    """Makes the table where it is missing, and columns that a newer release brought."""
    dialect = Dialect(store.version(), cluster, retention_days)
    for statement in create(TABLE, dialect):
        store.execute(statement)
    found = store.query(
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = %(table)s",
        {"table": TABLE.name},
    )
    for statement in add_missing(TABLE, set(found["name"]), dialect):
        store.execute(statement)


def hours_in(store: EventStore, table: str, since_ms: int, until_ms: int) -> list[int]:
    """The hours (since 1970) of [since, until) of which a table has rows, the newest first."""
    found = store.query(_HOURS.format(table=table), {"since": since_ms, "until": until_ms})
    return [int(hour) for hour in found["hour"]]


def complete_hours(hours: Sequence[int], now_ms: int) -> list[int]:
    """Those that are over, and of which nothing is expected any more."""
    return [hour for hour in hours if (hour + 1) * HOUR_MS + LATE_MS <= now_ms]


def fill(store: EventStore, hour: int) -> None:
    """Copies an hour. To be called once for each.

    Raises:
        StoreAwayError, StatementRefusedError: it is not copied.
    """
    span = {"since": hour * HOUR_MS, "until": (hour + 1) * HOUR_MS}
    copied = ", ".join(_COPIED)
    store.execute(bind(_FILL.format(copied=copied, bucket=BUCKET, opted_out=OPTED_OUT), span))
