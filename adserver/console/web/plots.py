"""Plots as SVG inside the page: lines, bars, bands, bridges, reliability and curves.

Each takes rows (mappings of names to values) and a `Frame`, and answers markup for `ui.plot`.
Drawn by Vega-Lite in its wheel: no browser, nothing fetched, about 40 ms each, the last ones kept.
Never here: what is counted. The one surprising fact: colours are CSS variables of tokens.css, so
one drawing serves both themes; and every point carries its words for the tooltip and for tests.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any

import vl_convert
from markupsafe import Markup, escape

from adserver.console.web import figures

Row = Mapping[str, Any]
Spec = dict[str, Any]

COLOURS = tuple(f"var(--c{number})" for number in range(1, 7))
HALF = 460
"""The width of a plot that shares its row with another."""

NOTHING_DRAWN = Markup("")
"""For no rows, or gaps alone: `ui.plot` says that there is nothing to draw yet."""

_INK, _GRID = "var(--ink-2)", "var(--line)"
_FONT = "system-ui, Noto Sans CJK SC, sans-serif"
_SIZE = re.compile(r' width="[\d.]+" height="[\d.]+"(?= viewBox)')
_KEPT = 256
_LABEL_PX = 62
_SHORT = "abs(VALUE) < 1000 ? format(VALUE, '.3~r') : replace(format(VALUE, '.3~s'), 'G', 'B')"
_TICK_PX = 90
_WIDE = 0x2E7F


@dataclass(frozen=True, slots=True)
class Frame:
    """What is around a plot.

    `title` is its name for those who cannot see it, `says` a sentence of what it shows. `unit` is
    what y counts: "" numbers, "percent" (ints are ppm, others fractions), "micros:CNY",
    "minor:CNY". `x_unit` the same for x where it is a number. Half a page wide: width HALF.
    """

    title: str
    says: str = ""
    x_title: str = ""
    y_title: str = ""
    unit: str = ""
    x_unit: str = ""
    width: int = 860
    height: int = 240


def line(
    rows: Sequence[Row], x: str, y: str, series: str | None = None, frame: Frame = Frame("")
) -> Markup:
    """A line per series over time (dates, aware or wall-clock datetimes) or over numbers.

    Moments are drawn as their own wall clock says: bring them into the reader's zone first. A y of
    None is a gap.
    """
    return _drawn(_over(rows, x, y, series, frame), frame) if _has(rows, y) else NOTHING_DRAWN


def bars(
    rows: Sequence[Row],
    x: str,
    y: str,
    series: str | None = None,
    frame: Frame = Frame(""),
    beside: bool = False,
) -> Markup:
    """A bar per category, in the order of the rows. Many: lying.

    With series they are stacked, or stand `beside` each other.
    """
    if not _has(rows, y):
        return NOTHING_DRAWN
    names = list(dict.fromkeys(_text(row[x]) for row in rows))
    lying = max(map(len, names)) > (12 if len(names) <= 8 else 5)
    category = {
        "field": "x",
        "type": "nominal",
        "sort": None,
        "title": frame.x_title or None,
        "axis": {
            "labelAngle": 0,
            "labelLimit": 180,
            "labelOverlap": "greedy",
            "grid": False,
            "ticks": False,
            **({"minExtent": min(180, max(map(_label_px, names)))} if lying else {}),
        },
    }
    amount = _levelled(_axis("y", frame.y_title, frame.unit, nice=True), [row[y] for row in rows])
    encoding = {"x": amount, "y": category} if lying else {"x": category, "y": amount}
    encoding |= {"description": {"field": "says"}, **_coloured(rows, series)}
    if beside:
        encoding["yOffset" if lying else "xOffset"] = {"field": "series", "sort": None}
    mark = {
        "type": "bar",
        "cornerRadiusEnd": 0 if series and not beside else 3,
        "color": COLOURS[0],
    }
    values = [_point(row, x, y, series, frame) for row in rows]
    values = [{**value, "x": _text(row[x])} for value, row in zip(values, rows, strict=True)]
    height = max(frame.height, (38 if beside else 26) * len(names)) if lying else frame.height
    return _drawn(
        {"data": {"values": values}, "mark": mark, "encoding": encoding, "height": height}, frame
    )


def band(rows: Sequence[Row], x: str, y: str, spread: tuple[str, str], frame: Frame) -> Markup:
    """A line with its uncertainty: `spread` names the fields of the low and the high value."""
    if not _has(rows, y):
        return NOTHING_DRAWN
    low, high = spread
    spec = _over(rows, x, y, None, frame)
    for value, row in zip(spec["data"]["values"], rows, strict=True):
        value |= {"low": _amount(row[low], frame.unit), "high": _amount(row[high], frame.unit)}
        between = (_said(row[low], frame.unit), _said(row[high], frame.unit))
        value["says"] += " ({} – {})".format(*between)  # noqa: RUF001 - a range
    across = {**spec["layer"][0]["encoding"]["y"], "field": "low"}
    area = {
        "mark": {"type": "area", "color": COLOURS[0], "opacity": 0.16, "aria": False},
        "encoding": {
            "x": spec["layer"][0]["encoding"]["x"],
            "y": across,
            "y2": {"field": "high"},
        },
    }
    spec["layer"].insert(0, area)
    return _drawn(spec, frame)


def bridge(rows: Sequence[Row], x: str, y: str, frame: Frame) -> Markup:
    """From a first amount to a last by steps: each row moves the sum by its y.

    A row with "total" true stands on the ground and shows its y itself.
    """
    if not rows:
        return NOTHING_DRAWN
    values, level = [], 0
    for row in rows:
        start = 0 if row.get("total") else level
        level = start + row[y]
        kind = "total" if row.get("total") else "up" if row[y] >= 0 else "down"
        says = f"{_text(row[x])}: {_said(row[y], frame.unit)}"
        values.append({"x": _text(row[x]), "from": start, "to": level, "kind": kind, "says": says})
    kinds = ["total", "up", "down"]
    encoding = {
        "x": {"field": "x", "type": "nominal", "sort": None, "title": None,
              "axis": {"labelAngle": 0, "labelLimit": 110, "grid": False, "ticks": False}},
        "y": _axis("from", frame.y_title, frame.unit, nice=True),
        "y2": {"field": "to"},
        "color": {"field": "kind", "type": "nominal", "legend": None,
                  "scale": {"domain": kinds, "range": [COLOURS[0], COLOURS[2], COLOURS[1]]}},
        "description": {"field": "says"},
    }  # fmt: skip
    mark = {"type": "bar", "cornerRadius": 2}
    return _drawn({"data": {"values": values}, "mark": mark, "encoding": encoding}, frame)


def reliability(rows: Sequence[Row], x: str, y: str, frame: Frame) -> Markup:
    """Observed against predicted rates, both fractions, logarithmic; on the line is right."""
    shown = [row for row in rows if row[x] > 0 and row[y] > 0]
    if not shown:
        return NOTHING_DRAWN
    ends = [float(row[name]) for row in shown for name in (x, y)]
    domain = [min(ends) / 1.5, min(1.0, max(ends) * 1.5)]
    axis = {"type": "quantitative", "scale": {"type": "log", "domain": domain, "nice": False}}
    steps = [step / 10**power for power in range(7, -1, -1) for step in (1, 2, 5)]
    shown_at = [step for step in steps if domain[0] <= step <= domain[1]]
    as_percent = {"labelExpr": "format(datum.value * 100, '~r') + '%'", "values": shown_at}
    encoding = {
        "x": {**axis, "field": "x", "title": frame.x_title or None, "axis": as_percent},
        "y": {**axis, "field": "y", "title": frame.y_title or None, "axis": as_percent},
    }
    values = [_point(row, x, y, None, frame) for row in shown]
    diagonal = {
        "data": {"values": [{"x": end, "y": end} for end in domain]},
        "mark": {"type": "line", "color": COLOURS[5], "strokeDash": [4, 4], "aria": False},
    }
    points = {
        "data": {"values": values},
        "mark": {"type": "line", "color": COLOURS[0],
                 "point": {"filled": True, "size": 60, "color": COLOURS[0]}},
        "encoding": {"description": {"field": "says"}},
    }  # fmt: skip
    return _drawn({"layer": [diagonal, points], "encoding": encoding}, frame)


def curve(rows: Sequence[Row], x: str, y: str, here: float | None, frame: Frame) -> Markup:
    """What y would be at each x, as the forecast over bids; `here` marks the x that is set."""
    if not _has(rows, y):
        return NOTHING_DRAWN
    spec = _over(rows, x, y, None, frame)
    spec["layer"][0]["mark"] = {
        "type": "area", "color": COLOURS[0], "opacity": 0.12, "interpolate": "monotone",
        "line": {"color": COLOURS[0], "strokeWidth": 2}, "aria": False,
    }  # fmt: skip
    if here is not None:
        rule = {"type": "rule", "color": COLOURS[1], "strokeDash": [4, 3], "strokeWidth": 1.5}
        at = {"x": {"datum": _amount(here, frame.x_unit), "type": "quantitative"}}
        spec["layer"].append({"mark": {**rule, "aria": False}, "encoding": at})
    return _drawn(spec, frame)


def _has(rows: Sequence[Row], y: str) -> bool:
    """Whether there is anything to draw."""
    return any(row[y] is not None for row in rows)


def _over(rows: Sequence[Row], x: str, y: str, series: str | None, frame: Frame) -> Spec:
    """Lines with a point for each value, which shows itself when it is pointed at."""
    values = [_point(row, x, y, series, frame) for row in rows]
    upright = _levelled(_axis("y", frame.y_title, frame.unit, nice=True), [row[y] for row in rows])
    base = {"x": _along(rows, x, frame), "y": upright}
    base |= _coloured(rows, series)
    if not series:
        base.pop("color", None)
    stroke = {"type": "line", "strokeWidth": 2, "strokeCap": "round", "strokeJoin": "round"}
    colour = {} if series else {"color": COLOURS[0]}
    said = {**base, "description": {"field": "says"}}
    dots = {"type": "point", "filled": True, "size": 44, "opacity": 1 if len(rows) == 1 else 0}
    return {
        "data": {"values": values},
        "layer": [
            {"mark": {**stroke, **colour, "aria": False}, "encoding": base},
            {"mark": {**dots, **colour}, "encoding": said},
        ],
    }


def _point(row: Row, x: str, y: str, series: str | None, frame: Frame) -> Spec:
    of = f"{_text(row[series])}, " if series else ""
    says = f"{of}{_said(row[x], frame.x_unit)}: {_said(row[y], frame.unit)}"
    point = {"x": _amount(row[x], frame.x_unit), "y": _amount(row[y], frame.unit), "says": says}
    return point | ({"series": _text(row[series])} if series else {})


def _coloured(rows: Sequence[Row], series: str | None) -> Spec:
    if not series:
        return {}
    names = list(dict.fromkeys(_text(row[series]) for row in rows))
    scale = {"domain": names, "range": [COLOURS[at % len(COLOURS)] for at in range(len(names))]}
    return {"color": {"field": "series", "type": "nominal", "scale": scale, "title": None}}


def _label_px(text: str) -> int:
    """The room of a label in a wide font; the renderer measures it in a narrow one."""
    return sum(13 if ord(sign) > _WIDE else 8 for sign in text)


def _along(rows: Sequence[Row], x: str, frame: Frame) -> Spec:
    """The axis of x: time where the first value is a date or a moment, else numbers."""
    at = [row[x] for row in rows]
    if not isinstance(at[0], date):
        axis = _axis("x", frame.x_title, frame.x_unit, nice=False)
        return {**axis, "axis": {**axis["axis"], "grid": False}}
    clock = _clock(_wall(max(at)) - _wall(min(at)))
    axis = {"format": clock, "grid": False, "labelOverlap": "greedy", "labelFlush": False}
    axis["tickCount"] = max(2, frame.width // _TICK_PX)
    if not isinstance(at[0], datetime):
        axis["format"] = clock if clock.startswith("%Y") else "%m-%d"
        days = sorted(set(at))
        every = -(-len(days) * _LABEL_PX // frame.width)
        axis["values"] = [_amount(day, "") for day in days[::every]]
    return {
        "field": "x",
        "type": "temporal",
        "scale": {"type": "utc"},
        "title": frame.x_title or None,
        "axis": axis,
    }


def _clock(span: timedelta) -> str:
    """How a moment is written on an axis this long; numbers only, the same in every language."""
    if span <= timedelta(minutes=10):
        return "%H:%M:%S"
    if span <= timedelta(days=2):
        return "%H:%M"
    return "%m-%d" if span <= timedelta(days=400) else "%Y-%m"


def _levelled(axis: Spec, amounts: Sequence[Any]) -> Spec:
    """The axis with room above, where all amounts are nothing: else zero floats in the middle."""
    if any(amount for amount in amounts):
        return axis
    return {**axis, "scale": {**axis["scale"], "domainMax": 1, "domainMin": 0}}


def _axis(field: str, title: str, unit: str, *, nice: bool) -> Spec:
    kind, _, _ = unit.partition(":")
    value = {"micros": "datum.value / 1000000", "minor": "datum.value / 100"}.get(
        kind, "datum.value"
    )
    labels = _SHORT.replace("VALUE", f"({value})")
    if kind == "percent":
        labels = "format(datum.value, '~%')"
    axis = {"labelExpr": labels, "tickCount": 5}
    scale = {"zero": nice, "nice": nice}
    return {"field": field, "type": "quantitative", "title": title or None, "axis": axis,
            "scale": scale}  # fmt: skip


def _wall(at: date) -> datetime:
    if isinstance(at, datetime):
        return at.replace(tzinfo=None)
    return datetime(at.year, at.month, at.day)  # noqa: DTZ001 - wall clock, drawn as it stands


def _amount(value: Any, unit: str) -> Any:
    """A value as Vega takes it: a wall clock said to be UTC, ppm as a fraction."""
    if isinstance(value, date):
        return _wall(value).isoformat() + "Z"
    if unit == "percent" and isinstance(value, int):
        return value / 1_000_000
    return float(value) if isinstance(value, Fraction) else value


def _said(value: Any, unit: str) -> str:
    """A value in words, for the tooltip."""
    if value is None or isinstance(value, str):
        return value or figures.NOTHING
    if isinstance(value, date):
        clock = "%Y-%m-%d %H:%M" if isinstance(value, datetime) else "%Y-%m-%d"
        return value.strftime(clock)
    kind, _, currency = unit.partition(":")
    if kind == "percent":
        return figures.percent(value, 2)
    if kind == "micros":
        return figures.micros(round(value), currency)
    if kind == "minor":
        return figures.minor(round(value), currency)
    return figures.number(value, 2)


def _text(value: Any) -> str:
    return str(value)


def _drawn(spec: Spec, frame: Frame) -> Markup:
    whole = {"width": frame.width, "height": frame.height, **spec, "background": None,
             "autosize": {"type": "fit", "contains": "padding"}, "padding": 2,
             "config": _CONFIG}  # fmt: skip
    svg = _svg(json.dumps(whole, ensure_ascii=False, sort_keys=True))
    wide = ' class="plot-wide"' if frame.width > HALF else ""
    name = escape(". ".join(part for part in (frame.title, frame.says) if part))
    head = f'<svg role="img" aria-label="{name}"{wide}'
    described = f"<desc>{escape(frame.says)}</desc>" if frame.says else ""
    bare = _SIZE.sub("", svg, count=1).replace(' class="marks"', "", 1)
    opening, rest = bare.removeprefix("<svg").split(">", 1)
    return Markup(f"{head}{opening}>{described}{rest}")  # noqa: S704 - Vega escapes, see the tests


@lru_cache(maxsize=_KEPT)
def _svg(spec: str) -> str:
    drawn: str = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    return drawn


_CONFIG: Spec = {
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": _INK,
        "titleColor": _INK,
        "gridColor": _GRID,
        "domainColor": _GRID,
        "tickColor": _GRID,
        "labelFontSize": 11.5,
        "titleFontSize": 12,
        "titleFontWeight": 500,
        "labelPadding": 6,
        "titlePadding": 8,
        "domain": False,
        "ticks": False,
    },
    "axisX": {"domain": True},
    "legend": {
        "orient": "top",
        "labelColor": _INK,
        "labelFontSize": 12,
        "symbolType": "circle",
        "symbolSize": 70,
        "padding": 0,
        "offset": 8,
    },
    "bar": {"discreteBandSize": {"band": 0.62}},
}
