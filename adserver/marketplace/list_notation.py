"""How values with parts are written: sizes, frequency caps, and lists and sets of single values.

Never here: targeting, which has a page of its own.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from adserver.marketplace.notation import Notation, Raw, plain_text
from adserver.marketplace.problem import NotationError, Sentence
from models.domain.campaign import CapLevel, CapPeriod, FrequencyCap

MOST_PIXELS = 20_000
MOST_CAPPED = 65_535
_SIZE = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")
_CAP = re.compile(r"([0-9]{1,9})/([a-z]+)(?:/([a-z_]+))?")


def size() -> Notation:
    """ "1080x1920", or the two numbers as a list."""

    def read(raw: Raw) -> tuple[int, int]:
        written = "x".join(map(plain_text, raw)) if isinstance(raw, list) else plain_text(raw)
        found = _SIZE.fullmatch(written)
        if not found:
            wanted = "a size such as 1080x1920 expected, not %(value)s"
            raise NotationError(Sentence(wanted, value=repr(written[:80])))
        return int(found[1]), int(found[2])

    def check(value: tuple[int, int]) -> str | None:
        fits = all(1 <= pixels <= MOST_PIXELS for pixels in value)
        most = MOST_PIXELS
        return None if fits else Sentence("each side must be 1 to %(most)s pixels", most=most)

    return Notation("WxH", read, lambda value: f"{value[0]}x{value[1]}", check)


def cap() -> Notation:
    """ "3/day" or "10/lifetime/campaign": impressions, period, and at which level they are summed.

    A mapping {impressions, period, level} is read as well.
    """

    def check(value: FrequencyCap) -> str | None:
        fits = 1 <= value.impressions <= MOST_CAPPED
        most = MOST_CAPPED
        return None if fits else Sentence("must allow 1 to %(most)s impressions", most=most)

    return Notation("N/PERIOD[/LEVEL]", _read_cap, _write_cap, check)


def _read_cap(raw: Raw) -> FrequencyCap:
    if isinstance(raw, dict):
        unknown = raw.keys() - {"impressions", "period", "level"}
        if unknown:
            parts = Sentence("a cap has impressions, period and level")
            raise NotationError(parts, min(unknown))
        raw = "/".join(
            plain_text(raw[name]) for name in ("impressions", "period", "level") if name in raw
        )
    written = plain_text(raw).lower().replace("-", "_")
    found = _CAP.fullmatch(written)
    if not found:
        wanted = "a cap such as 3/day or 10/lifetime/campaign expected, not %(value)s"
        raise NotationError(Sentence(wanted, value=repr(written[:80])))
    try:
        level = CapLevel(found[3]) if found[3] else CapLevel.LINE_ITEM
        return FrequencyCap(int(found[1]), CapPeriod(found[2]), level)
    except ValueError:
        known = "%(value)s: periods are %(periods)s; levels are %(levels)s"
        periods, levels = ", ".join(CapPeriod), ", ".join(CapLevel)
        refused = Sentence(known, value=written, periods=periods, levels=levels)
        raise NotationError(refused) from None


def _write_cap(value: FrequencyCap) -> str:
    level = "" if value.level is CapLevel.LINE_ITEM else f"/{value.level}"
    return f"{value.impressions}/{value.period}{level}"


def list_of(one: Notation, most: int, *, key: Callable[[Any], Any] | None = None) -> Notation:
    """A tuple of up to `most` different values. `key` says what makes two the same (the value)."""

    def check(value: tuple[Any, ...]) -> str | None:
        keys = [key(item) if key else item for item in value]
        if len(set(keys)) < len(keys):
            return Sentence("names the same thing twice")
        return _too_many(value, most) or _first(one.check(item) for item in value)

    return Notation(
        one.metavar,
        lambda raw: tuple(read_each(one, raw)),
        lambda value: [one.write(item) for item in value],
        check,
        many=True,
    )


def set_of(one: Notation, most: int) -> Notation:
    """A set of up to `most` values, written in order."""

    def check(value: frozenset[Any]) -> str | None:
        return _too_many(value, most) or _first(one.check(item) for item in sorted(value))

    return Notation(
        one.metavar,
        lambda raw: frozenset(read_each(one, raw)),
        lambda value: [one.write(item) for item in sorted(value)],
        check,
        many=True,
    )


def read_each(one: Notation, raw: Raw) -> list[Any]:
    """The values of a list; a single scalar counts as a list of one.

    Raises:
        NotationError: with the place in the list.
    """
    if not isinstance(raw, list):
        return [read_checked(one, raw)]
    values = []
    for place, item in enumerate(raw):
        try:
            values.append(read_checked(one, item))
        except NotationError as error:
            raise error.within(place) from None
    return values


def read_checked(one: Notation, raw: Raw) -> Any:
    """A value read and checked at once, so that what is wrong has its place in the list.

    Raises:
        NotationError: not written as it should be, or not allowed.
    """
    value = one.read(raw)
    message = one.check(value)
    if message:
        raise NotationError(message)
    return value


def _too_many(values: Iterable[Any], most: int) -> str | None:
    count = len(tuple(values))
    if count <= most:
        return None
    held = "holds %(number)s values; at most %(most)s are allowed"
    return Sentence(held, number=count, most=most)


def _first(messages: Iterable[str | None]) -> str | None:
    return next((message for message in messages if message), None)
