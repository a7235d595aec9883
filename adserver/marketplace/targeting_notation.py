"""How targeting is written: per attribute a list to include, or {include: [...], exclude: [...]}.

Never here: how a request is matched (`ranking.eligibility`). The one surprising fact: hours of the
week are read as people say them ("mon-fri 9..17") and kept as numbers from Monday 00:00.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import fields

from adserver.marketplace.list_notation import read_each
from adserver.marketplace.notation import Notation, Raw, plain_text, text
from adserver.marketplace.problem import NotationError, Sentence
from models.domain.campaign import Rule, Targeting

ATTRIBUTES = tuple(field.name for field in fields(Targeting))
DEVICE_TYPES = ("phone", "tablet", "tv", "pc", "connected_device", "set_top_box", "mobile", "ooh")
CONNECTIONS = ("ethernet", "wifi", "cellular", "2g", "3g", "4g", "5g")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_VALUES = 5_000

_DAYS = "|".join(DAYS)
_HOURS = re.compile(
    rf"(?:({_DAYS})(?:-({_DAYS}))?)?(?:(?:^|\s+)([0-9]{{1,3}})(?:\.\.([0-9]{{1,3}}))?)?"
)
_FREE_TEXT = text(100, least=1)
_PATTERNS: dict[str, tuple[re.Pattern[str], str]] = {
    "country": (re.compile(r"[A-Za-z]{3}"), Sentence("a three-letter country code such as CHN")),
    "os_version": (
        re.compile(r"(?=.*[0-9])([0-9]+(\.[0-9]+){0,3})?\.\.([0-9]+(\.[0-9]+){0,3})?"),
        Sentence("a range of versions such as 12.. or 14.0..17.2"),
    ),
    "language": (
        re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"),
        Sentence("a language code such as zh"),
    ),
    "gender": (re.compile(r"[FMOfmo]"), Sentence("F, M or O")),
    "age": (
        re.compile(r"(?=.*[0-9])([0-9]{1,3})?\.\.([0-9]{1,3})?"),
        Sentence("a range of years such as 18..24 or 60.."),
    ),
}
_RANGES = frozenset({"age", "os_version"})
_NAMES = {"device_type": DEVICE_TYPES, "connection": CONNECTIONS}
_NUMBERS = {
    "device_type": (1, 8),
    "connection": (0, 7),
    "interest": (1, 65_535),
    "hour_of_week": (0, 167),
}


def targeting() -> Notation:
    """All attributes of a `Targeting` as one mapping."""
    return Notation("ATTRIBUTE=VALUE,...", read_targeting, write_targeting, check_targeting)


def read_targeting(raw: Raw) -> Targeting:
    """A mapping of attributes to lists, or to mappings of include and exclude lists.

    Raises:
        NotationError: with the path to what is wrong.
    """
    if not isinstance(raw, dict):
        raise NotationError(Sentence("a mapping such as {country: [CHN]} expected"))
    rules = {}
    for name, written in raw.items():
        require_attribute(name)
        try:
            rules[name] = _read_rule(name, written)
        except NotationError as error:
            raise error.within(name) from None
    return Targeting(**rules)


def require_attribute(name: str) -> None:
    """Raises NotationError when targeting has no such attribute."""
    if name not in ATTRIBUTES:
        known, unknown = ", ".join(ATTRIBUTES), repr(name[:80])
        refused = Sentence("targeting knows %(names)s; not %(value)s", names=known, value=unknown)
        raise NotationError(refused, name)


def _read_rule(name: str, raw: Raw) -> Rule:
    if not isinstance(raw, dict):
        return Rule(include=read_values(name, raw))
    lists = {}
    for side, written in raw.items():
        if side not in {"include", "exclude"}:
            raise NotationError(Sentence("include and exclude lists are expected here"), side)
        try:
            lists[side] = read_values(name, written)
        except NotationError as error:
            raise error.within(side) from None
    return Rule(**lists)


def read_values(name: str, raw: Raw) -> frozenset[str]:
    """The values of one list of attribute `name`."""
    if name == "hour_of_week":
        per_item = read_each(Notation("HOURS", _read_hours, str), raw)
        return frozenset(str(hour) for hours in per_item for hour in hours)
    one = Notation("VALUE", _value_reader(name), str, lambda value: check_value(name, value))
    return frozenset(read_each(one, raw))


def _value_reader(name: str) -> Callable[[Raw], str]:
    if name in _RANGES:  # "18" means exactly 18; it is kept as the range it is
        return lambda raw: (
            written if ".." in (written := plain_text(raw)) else f"{written}..{written}"
        )
    if name in _NUMBERS:
        return lambda raw: str(int(v)) if re.fullmatch("[0-9]{1,9}", v := plain_text(raw)) else v
    return plain_text


def _read_hours(raw: Raw) -> list[int]:
    """ "mon-fri 9..17", "sat", "0..23" or "167": hours, both ends included."""
    written = plain_text(raw).lower()
    found = _HOURS.fullmatch(written)
    if not found or not written:
        wanted = "hours such as mon-fri 9..17, sat, or 0..167 expected, not %(value)s"
        raise NotationError(Sentence(wanted, value=repr(written)))
    first_day, last_day, first, last = found.groups()
    if first_day is None:
        return _span(int(first), int(last or first), 167, written)
    hours = _span(int(first or 0), int(last or first or 23), 23, written)
    begin, end = DAYS.index(first_day), DAYS.index(last_day or first_day)
    return [day * 24 + hour for day in _span(begin, end, 6, written) for hour in hours]


def _span(first: int, last: int, most: int, written: str) -> list[int]:
    if not first <= last <= most:
        wanted = "%(value)s: from the smaller to the larger, up to %(most)s"
        raise NotationError(Sentence(wanted, value=repr(written), most=most))
    return list(range(first, last + 1))


def write_targeting(value: Targeting) -> dict[str, object]:
    """Only the attributes that restrict anything; only an include list is written bare."""
    written: dict[str, object] = {}
    for name in ATTRIBUTES:
        rule = getattr(value, name)
        sides = {"include": rule.include, "exclude": rule.exclude}
        lists = {side: _write_values(name, values) for side, values in sides.items() if values}
        if lists:
            written[name] = lists if "exclude" in lists else lists["include"]
    return written


def _write_values(name: str, values: frozenset[str]) -> list[str] | list[str | int]:
    if name == "hour_of_week":
        return list(_say_hours(frozenset(int(value) for value in values)))
    if name in _NUMBERS:
        ordered = sorted(values, key=lambda value: (len(value), value))
        return [int(value) if value.isdecimal() else value for value in ordered]
    return sorted(values)


def _say_hours(hours: frozenset[int]) -> Iterator[str]:
    """Hours of the week by day, neighbouring days with the same hours together."""
    by_day = [tuple(hour for hour in range(24) if day * 24 + hour in hours) for day in range(7)]
    start = 0
    for day in range(1, 8):
        if day < 7 and by_day[day] == by_day[start]:
            continue
        days = DAYS[start] if day - start == 1 else f"{DAYS[start]}-{DAYS[day - 1]}"
        for first, last in _runs(by_day[start]):
            span = str(first) if first == last else f"{first}..{last}"
            yield days if (first, last) == (0, 23) else f"{days} {span}"
        start = day


def _runs(hours: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """(0, 1, 2, 9) as (0, 2) and (9, 9)."""
    start = 0
    for place in range(1, len(hours) + 1):
        if place == len(hours) or hours[place] != hours[place - 1] + 1:
            yield hours[start], hours[place - 1]
            start = place


def check_targeting(value: Targeting) -> str | None:
    """What is wrong, the attribute named first."""
    for name in ATTRIBUTES:
        message = check_rule(name, getattr(value, name))
        if message:
            return Sentence("%(name)s: %(why)s", name=name, why=message)
    return None


def check_rule(name: str, rule: Rule) -> str | None:
    """What is wrong with the rule of attribute `name`, or None."""
    if not rule.include and not rule.exclude:
        return None
    if len(rule.include) + len(rule.exclude) > MOST_VALUES:
        return Sentence("at most %(most)s values are allowed", most=MOST_VALUES)
    both = {v.lower() for v in rule.include} & {v.lower() for v in rule.exclude}
    if both:
        return Sentence("%(value)s is both included and excluded", value=min(both))
    for value in sorted(rule.include | rule.exclude):
        message = check_value(name, value)
        if message:
            return message
    return None


def check_value(name: str, value: str) -> str | None:
    """What is wrong with one value of attribute `name`, or None."""
    if name in _PATTERNS:
        pattern, meaning = _PATTERNS[name]
        if not pattern.fullmatch(value):
            return Sentence("%(value)s is not %(meaning)s", value=repr(value[:80]), meaning=meaning)
        if name in _RANGES and _is_empty(value):
            empty = "%(value)s holds nothing: write it from the smaller to the larger"
            return Sentence(empty, value=value)
        return None
    if value.lower() in _NAMES.get(name, ()):
        return None
    if name in _NUMBERS:
        least, most = _NUMBERS[name]
        fits = re.fullmatch(r"0|[1-9][0-9]{0,4}", value) and least <= int(value) <= most
        known = Sentence("%(least)s to %(most)s", least=least, most=most)
        for other in _NAMES.get(name, ()):
            known = Sentence("%(one)s or %(other)s", one=known, other=other)
        wrong = "%(value)s is not %(meaning)s"
        return None if fits else Sentence(wrong, value=repr(value[:80]), meaning=known)
    return _FREE_TEXT.check(value)


def _is_empty(value: str) -> bool:
    """Whether a range ends before it begins. "14.2..14" does not: its end is all that is 14."""
    ends = [[int(part) for part in end.split(".")] for end in value.split("..") if end]
    return len(ends) == 2 and ends[0][: len(ends[1])] > ends[1]
