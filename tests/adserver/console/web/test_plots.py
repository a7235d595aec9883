import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from markupsafe import Markup

from adserver.console.web import plots
from adserver.console.web.plots import NOTHING_DRAWN, Frame

DAY = date(2026, 11, 1)
DAYS = [{"day": DAY + timedelta(days=at), "shown": at * at} for at in range(5)]
HOSTILE = '</svg><script>alert("1")</script>&amp;'


def said(svg: Markup) -> list[str]:
    """What the points say."""
    tree = ET.fromstring(svg)
    roles = ("point", "bar", "rect")
    return [
        each.attrib["aria-label"]
        for each in tree.iter()
        if each.get("aria-roledescription") in roles and "aria-label" in each.attrib
    ]


def test_each_point_of_a_line_says_its_value() -> None:
    svg = plots.line(DAYS, "day", "shown", None, Frame("Shown by day"))
    assert said(svg)[2] == "2026-11-03: 4"
    assert len(said(svg)) == len(DAYS)


def test_a_plot_has_a_name_scales_and_brings_no_styles() -> None:
    svg = plots.line(DAYS, "day", "shown", None, Frame("Shown by day", "It grows."))
    root = ET.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == "Shown by day. It grows."
    assert "width" not in root.attrib
    assert "viewBox" in root.attrib
    assert "style" not in svg
    assert "var(--c1)" in svg


@pytest.mark.parametrize("draw", [plots.line, plots.bars])
def test_texts_of_strangers_stay_texts(draw: Callable[..., Markup]) -> None:
    rows = [{"x": DAY, "y": at, "of": f"{HOSTILE}{at}"} for at in range(2)]
    if draw is plots.bars:
        rows = [{**row, "x": f"{HOSTILE}{row['y']}"} for row in rows]
    svg = draw(rows, "x", "y", "of", Frame(HOSTILE, HOSTILE, HOSTILE, HOSTILE))
    ET.fromstring(svg)
    assert "<script" not in svg
    assert svg.count("<svg") == svg.count("</svg>") == 1


def test_money_and_shares_are_said_with_their_units() -> None:
    money = [{"day": DAY, "paid": 1_234_560_000}]
    assert said(plots.line(money, "day", "paid", None, Frame("", unit="micros:CNY"))) == [
        "2026-11-01: 1,234.56 CNY"
    ]
    share = [{"of": "a", "part": Fraction(1, 8)}, {"of": "b", "part": 125_000}]
    assert said(plots.bars(share, "of", "part", None, Frame("", unit="percent"))) == [
        "a: 12.50 %",
        "b: 12.50 %",
    ]


def test_moments_are_drawn_as_the_clock_on_the_wall_says_them() -> None:
    at = datetime(2026, 11, 1, 16, tzinfo=UTC).astimezone(ZoneInfo("Asia/Shanghai"))
    rows = [{"hour": at + timedelta(hours=hour), "shown": hour} for hour in range(6)]
    svg = plots.line(rows, "hour", "shown", None, Frame(""))
    assert said(svg)[0] == "2026-11-02 00:00: 0"
    assert ">00:00<" in svg


def test_each_series_has_its_colour() -> None:
    rows = [{**row, "of": of} for of in ("a", "b") for row in DAYS]
    svg = plots.line(rows, "day", "shown", "of", Frame(""))
    assert said(svg)[0] == "a, 2026-11-01: 0"
    assert {"var(--c1)", "var(--c2)"} <= set(re.findall(r"var\(--c\d\)", svg))


def test_a_band_says_how_sure_it_is() -> None:
    rows = [{"day": DAY, "ctr": 20_000, "low": 15_000, "high": 26_000}]
    svg = plots.band(rows, "day", "ctr", ("low", "high"), Frame("", unit="percent"))
    assert said(svg)[-1] == "2026-11-01: 2.00 % (1.50 % – 2.60 %)"  # noqa: RUF001


def test_a_bridge_goes_from_step_to_step() -> None:
    rows = [
        {"step": "earned", "sum": 500, "total": True},
        {"step": "back", "sum": -120},
        {"step": "payable", "sum": 380, "total": True},
    ]
    svg = plots.bridge(rows, "step", "sum", Frame("", unit="minor:CNY"))
    assert said(svg) == ["earned: 5.00 CNY", "back: -1.20 CNY", "payable: 3.80 CNY"]


def test_reliability_leaves_out_what_a_logarithm_cannot_show() -> None:
    rows = [{"p": 0.0, "seen": 0.1}, {"p": 0.01, "seen": 0.012}, {"p": 0.1, "seen": 0.09}]
    svg = plots.reliability(rows, "p", "seen", Frame("", unit="percent", x_unit="percent"))
    assert said(svg) == ["1.00 %: 1.20 %", "10.00 %: 9.00 %"]


def test_a_curve_marks_where_it_stands() -> None:
    rows = [{"bid": at * 1_000_000, "won": at} for at in range(1, 6)]
    there = plots.curve(rows, "bid", "won", 2_000_000, Frame("", x_unit="micros:CNY"))
    nowhere = plots.curve(rows, "bid", "won", None, Frame("", x_unit="micros:CNY"))
    assert there.count("mark-rule role-mark") == nowhere.count("mark-rule role-mark") + 1


def test_without_rows_nothing_is_drawn() -> None:
    frame = Frame("")
    assert plots.line([], "x", "y", None, frame) == NOTHING_DRAWN
    assert plots.line([{"x": DAY, "y": None}], "x", "y", None, frame) == NOTHING_DRAWN
    assert plots.bars([], "x", "y", None, frame) == NOTHING_DRAWN
    assert plots.band([], "x", "y", ("l", "h"), frame) == NOTHING_DRAWN
    assert plots.bridge([], "x", "y", frame) == NOTHING_DRAWN
    assert plots.reliability([], "x", "y", frame) == NOTHING_DRAWN
    assert plots.curve([], "x", "y", None, frame) == NOTHING_DRAWN


def test_one_value_and_gaps_can_be_drawn() -> None:
    gaps = [{"day": DAY, "shown": None}, {"day": DAY + timedelta(days=1), "shown": 3}]
    drawn = plots.line(gaps, "day", "shown", None, Frame("", unit="micros:CNY"))
    assert said(drawn) == ["2026-11-02: 0.000003 CNY"]
    assert said(plots.line(DAYS[:1], "day", "shown", None, Frame(""))) == ["2026-11-01: 0"]


@pytest.mark.parametrize(
    ("most", "labels"),
    [
        (0, {"0", "0.2", "1"}),
        (0.4, {"0", "0.2", "0.4"}),
        (800, {"0", "200", "800"}),
        (4_000_000, {"0", "1M", "4M"}),
        (4_000_000_000, {"0", "1B", "4B"}),
    ],
)
def test_an_axis_counts_in_short_words(most: float, labels: set[str]) -> None:
    rows = [{"day": DAY + timedelta(days=at), "shown": most * at} for at in range(2)]
    svg = plots.line(rows, "day", "shown", None, Frame(""))
    assert labels | {"11-01", "11-02"} <= set(re.findall(r">([^<]+)</text>", svg))
