"""How instants and time zones are written.

Never here: what a flight or a day means for an ad. The one surprising fact: a time without an
offset is not refused and not taken for UTC; it is what the advertiser's own clock shows.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from adserver.marketplace.notation import Notation, Raw, plain_text
from adserver.marketplace.problem import NotationError, Sentence

FIRST_YEAR, LAST_YEAR = 2000, 2100
_OUT_OF_RANGE = Sentence("must lie in %(first)s to %(last)s", first=FIRST_YEAR, last=LAST_YEAR)
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?(Z|[+-]\d\d:\d\d)?", re.ASCII
)


def instant() -> Notation:
    """A date, perhaps with a time, perhaps with an offset; without one it is read as local time.

    `read` answers a naive datetime in that case, and `localised` gives it its zone.
    """

    def read(raw: Raw) -> datetime:
        written = plain_text(raw)
        if not _INSTANT.fullmatch(written):
            wanted = "a time such as 2026-11-22 08:00 expected, not %(value)s"
            raise NotationError(Sentence(wanted, value=repr(written[:80])))
        try:
            return datetime.fromisoformat(written)
        except ValueError as error:
            refused = Sentence("%(name)s: %(why)s", name=written, why=error)
            raise NotationError(refused) from None

    def check(value: datetime) -> str | None:
        if value.utcoffset() is None:
            return Sentence("must have a time zone")
        return None if FIRST_YEAR <= value.year <= LAST_YEAR else _OUT_OF_RANGE

    return Notation("TIME", read, _write_instant, check)


def _write_instant(value: datetime) -> str:
    short = not (value.second or value.microsecond)
    return value.isoformat(sep=" ", timespec="minutes" if short else "auto")


def localised(value: datetime, zone: ZoneInfo) -> datetime:
    """The instant in UTC. A time without offset is a wall clock's in `zone`.

    Raises:
        NotationError: an hour that the zone's clocks skip or show twice; a year out of range.
    """
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise NotationError(_OUT_OF_RANGE)
    if value.tzinfo is not None:
        return value.astimezone(UTC)
    first, second = (value.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    shown = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == value
    trouble = (
        "%(time)s is shown twice by the clocks of %(zone)s; add the offset: %(example)s"
        if shown
        else "%(time)s is skipped by the clocks of %(zone)s; add the offset: %(example)s"
    )
    example = _write_instant(value.replace(tzinfo=timezone(first.utcoffset() or timedelta(0))))
    raise NotationError(Sentence(trouble, time=value, zone=zone, example=example))


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo | None:
    """The time zone of an IANA name, None when there is none. Kept, because a file names few."""
    if not re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", name):
        return None
    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError):
        return None


def time_zone() -> Notation:
    """An IANA name."""

    def check(value: str) -> str | None:
        if zone_named(value):
            return None
        wanted = "%(value)s is not an IANA time zone such as Asia/Shanghai"
        return Sentence(wanted, value=repr(value[:80]))

    return Notation("ZONE", plain_text, str, check)
