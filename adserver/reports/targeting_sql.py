"""A line item's targeting as a condition over `decisions`: the requests that it would let pass.

What a rule's text means is `models.domain.rule_words`, which the engine reads too; a property test
holds that both let the same requests pass. Never here: what is asked of those requests. The one
surprising fact: hours of the week are not asked of the engine's calendar but listed as quarters of
an hour, since every zone's offset is a multiple of them, and the oldest server knows few zones.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from models.domain.campaign import Rule, Targeting
from models.domain.rule_words import (
    Version,
    connections,
    device_types,
    half_open,
    language,
    numbers,
    word,
)

QUARTER_MS = 900_000
WEEK_HOURS = 168
MOST = 255
"""Ages, devices and connections are bytes in the log; 0 is what nobody knows."""
LARGEST_PART = 10**18
"""Of a version; what is larger in a rule is as large."""

_SPACE = (
    r"[\\s\\x0b\\x1c-\\x1f\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}"
    r"\\x{202f}\\x{205f}\\x{3000}]+"
)
"""What Python strips, as RE2 spells it."""


def _stripped(column: str) -> str:
    return f"replaceRegexpAll({column}, '^{_SPACE}|{_SPACE}$', '')"


_LANGUAGE = f"replaceAll({_stripped('language')}, '_', '-')"
_VERSION_TEXT = f"extract({_stripped('os_version')}, '^[0-9]+(?:\\\\.[0-9]+)*')"
# Closing zeros do not count. A part of more than 18 digits is larger than any that a rule names.
_VERSION = (
    "arrayMap(part -> if(length(replaceRegexpOne(part, '^0+', '')) > 18, toUInt64(-1),"
    " toUInt64OrZero(part)), arrayFilter(part -> part != '', splitByChar('.',"
    f" replaceRegexpOne({_VERSION_TEXT}, '(?:^|\\\\.)0+(?:\\\\.0+)*$', ''))))"
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition for WHERE and the parameters that it names; "1" lets everything pass."""

    sql: str = "1"
    parameters: Mapping[str, Any] = field(default_factory=dict)


def matching(targeting: Targeting, zone: ZoneInfo, since_ms: int, until_ms: int) -> Condition:
    """What targeting asks of the requests of [since_ms, until_ms), but for app and placement.

    `zone` is the advertiser's, whose hours of the week count. Rules over `app_category` and
    `placement` are asked of the catalog (`reports.fitting`), which knows what an app is.
    """
    parameters: dict[str, Any] = {}
    parts: list[str] = []
    for name, translate in _ATTRIBUTES.items():
        rule: Rule = getattr(targeting, name)
        if rule.include or rule.exclude:
            parts += translate(_Names(name, parameters), rule)
    if targeting.hour_of_week.include or targeting.hour_of_week.exclude:
        quarters = _quarters(targeting.hour_of_week, zone, since_ms, until_ms)
        parts.append(
            _in(_Names("hour", parameters), f"intDiv(occurred_ms, {QUARTER_MS})", quarters)
        )
    return Condition(" AND ".join(f"({part})" for part in parts) or "1", parameters)


@dataclass(slots=True)
class _Names:
    """Names parameters after their attribute, and keeps their values."""

    attribute: str
    parameters: dict[str, Any]
    used: int = 0

    def of(self, value: Any) -> str:
        name = f"{self.attribute}_{self.used}"
        self.parameters[name] = value
        self.used += 1
        return f"%({name})s"


Translate = Callable[[_Names, Rule], list[str]]


def _in(names: _Names, expression: str, values: Iterable[Any]) -> str:
    listed = tuple(sorted(values))
    return f"{expression} IN {names.of(listed)}" if listed else "0"


def _listed(
    read: Callable[[str], Iterable[Any]], match: Callable[[_Names, set[Any]], str]
) -> Translate:
    """A rule that lists values: one is among the included ones, and none among the excluded."""

    def translate(names: _Names, rule: Rule) -> list[str]:
        included = {value for text in rule.include for value in read(text)}
        excluded = {value for text in rule.exclude for value in read(text)}
        parts = [match(names, included)] if rule.include else []
        return [*parts, f"NOT ({match(names, excluded)})"] if excluded else parts

    return translate


def _words(column: str) -> Translate:
    return _listed(lambda text: (word(text),), lambda names, values: _in(names, column, values))


def _bytes(column: str) -> Callable[[_Names, set[Any]], str]:
    return lambda names, values: _in(names, column, {value for value in values if value <= MOST})


def _spoken(names: _Names, values: set[Any]) -> str:
    """zh-cn is also zh."""
    primary = f"splitByChar('-', {_LANGUAGE})[1]"
    return f"{_in(names, _LANGUAGE, values)} OR {_in(names, primary, values)}"


def _interested(names: _Names, values: set[Any]) -> str:
    wanted = [str(value) for value in sorted(values)]
    return f"hasAny(interests, {names.of(wanted)})" if wanted else "0"


def _versions(names: _Names, rule: Rule) -> list[str]:
    """A version that nobody knows passes where nothing is included."""
    parts = []
    if rule.include:
        parts.append(f"{_VERSION_TEXT} != '' AND ({_within_any(names, rule.include)})")
    if rule.exclude:
        parts.append(f"NOT ({_VERSION_TEXT} != '' AND ({_within_any(names, rule.exclude)}))")
    return parts


def _within_any(names: _Names, texts: Iterable[str]) -> str:
    spans = sorted(_spans(texts), key=repr)
    return " OR ".join(_within(names, low, high) for low, high in spans) or "0"


def _within(names: _Names, low: Version, high: Version | None) -> str:
    parts = [f"{_VERSION} >= {_array(names, low)}"] if low else ["1"]
    if high is not None:
        parts.append(f"{_VERSION} < {_array(names, high)}")
    return f"({' AND '.join(parts)})"


def _array(names: _Names, version: Version) -> str:
    parts = ", ".join(f"toUInt64({names.of(min(part, LARGEST_PART))})" for part in version)
    return f"[{parts}]" if parts else "emptyArrayUInt64()"


def _spans(texts: Iterable[str]) -> Iterator[tuple[Version, Version | None]]:
    yield from {ends for text in texts if (ends := half_open(text)) is not None}


def _ages(names: _Names, rule: Rule) -> list[str]:
    """Ages are whole and few, so each range is the list of its years."""
    parts = [_in(names, "age", _years(rule.include))] if rule.include else []
    excluded = _years(rule.exclude)
    return [*parts, f"NOT ({_in(names, 'age', excluded)})"] if excluded else parts


def _years(texts: Iterable[str]) -> list[int]:
    spans = list(_spans(texts))
    return [
        age
        for age in range(1, MOST + 1)
        if any(low <= (age,) and (high is None or (age,) < high) for low, high in spans)
    ]


_ATTRIBUTES: dict[str, Translate] = {
    "country": _words("country"),
    "region": _words("region"),
    "city": _words("city"),
    "os": _words("os"),
    "os_version": _versions,
    "make": _words("make"),
    "device_type": _listed(device_types, _bytes("device_type")),
    "connection": _listed(connections, _bytes("connection")),
    "carrier": _words("carrier"),
    "language": _listed(lambda text: (language(text),), _spoken),
    "gender": _words("gender"),
    "age": _ages,
    "interest": _listed(numbers, _interested),
}


def hours_allowed(rule: Rule) -> frozenset[int]:
    """The hours of the week, from Monday 00:00, that a rule allows."""
    wanted = {hour for text in rule.include for hour in numbers(text)}
    allowed = wanted if rule.include else set(range(WEEK_HOURS))
    return frozenset(allowed - {hour for text in rule.exclude for hour in numbers(text)})


def _quarters(rule: Rule, zone: ZoneInfo, since_ms: int, until_ms: int) -> list[int]:
    """The quarters of an hour since 1970 that lie in an hour of the week that is allowed."""
    allowed = hours_allowed(rule)
    span = range(since_ms // QUARTER_MS, -(-until_ms // QUARTER_MS))
    return [quarter for quarter in span if _hour_of_week(quarter, zone) in allowed]


def _hour_of_week(quarter: int, zone: ZoneInfo) -> int:
    local = datetime.fromtimestamp(quarter * QUARTER_MS // 1000, UTC).astimezone(zone)
    return local.weekday() * 24 + local.hour
