"""What the design page shows: the tokens as the style sheet has them, and a plot of each kind.

Never here: markup. The one surprising fact: tokens are read from tokens.css itself, so the page
cannot say anything that is not so; the figures in the plots are made up.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from markupsafe import Markup

from adserver.console.web import plots
from adserver.console.web.assets import STATIC
from adserver.console.web.language import N_, say
from adserver.console.web.plots import Frame

_TOKEN = re.compile(r"^  --([a-z0-9-]+):\s*([^;]+);", re.MULTILINE)
_SECTION = re.compile(r"^  /\* (.+?) \*/", re.MULTILINE)
_PX_A_REM = 16
_FIRST_DAY = date(2026, 11, 1)


@dataclass(frozen=True, slots=True)
class Token:
    """A custom property of tokens.css. `px` is its length where it is one, else 0."""

    name: str
    value: str
    px: float = 0


@cache
def tokens() -> Mapping[str, tuple[Token, ...]]:
    """All tokens by kind: colour, type, distance, shape."""
    text = re.sub(r",\s*\n\s+", ", ", (STATIC / "tokens.css").read_text("utf-8"))
    found = [Token(name, value, _px(value)) for name, value in _TOKEN.findall(text)]
    kinds: dict[str, list[Token]] = {"colour": [], "type": [], "distance": [], "shape": []}
    for token in found:
        kinds[_kind(token)].append(token)
    return {kind: tuple(members) for kind, members in kinds.items()}


def specimens(language: str) -> dict[str, Any]:
    """The values of `look/design.html`."""
    return {"tokens": tokens(), "drawn": _drawn(language)}


def _kind(token: Token) -> str:
    if token.value.startswith("light-dark(#"):
        return "colour"
    if token.name.startswith(("text-", "font", "mono")):
        return "type"
    return "distance" if re.fullmatch(r"s\d", token.name) else "shape"


def _px(value: str) -> float:
    length = re.fullmatch(r"([\d.]+)(rem|px)", value)
    if length is None:
        return 0
    return float(length[1]) * (_PX_A_REM if length[2] == "rem" else 1)


@cache
def _drawn(language: str) -> Mapping[str, Markup]:
    """A plot of each kind, drawn once per language."""

    def said(text: str) -> str:
        return say(language, text)

    days = [_FIRST_DAY + timedelta(days=at) for at in range(14)]
    lines = [
        {"day": day, "amount": (9 + at + (at * 7) % 5 - kind * 4) * 1_000_000, "of": said(name)}
        for kind, name in enumerate((N_("Splash"), N_("Banner")))
        for at, day in enumerate(days)
    ]
    hours = [
        {"hour": f"{hour:02d}", "shown": 40 + (hour * 53) % 70 + (hour > 17) * 60}
        for hour in range(0, 24, 3)
    ]
    rates = [
        {"day": day, "ctr": 21_000 + (at * 3_700) % 6_000, "low": 16_000, "high": 30_000 - at * 200}
        for at, day in enumerate(days)
    ]
    steps = [
        {"step": said(name), "amount": amount * 100, "total": total}
        for name, amount, total in (
            (N_("Earned"), 5_200, True),
            (N_("Invalid traffic"), -410, False),
            (N_("Returned orders"), -730, False),
            (N_("Subsidy"), 300, False),
            (N_("Payable"), 4_360, True),
        )
    ]
    bins = [{"p": 0.002 * 1.6**at, "seen": 0.0021 * 1.58**at} for at in range(9)]
    bids = [{"bid": bid * 500_000, "won": round(90_000 * (1 - 0.8**bid))} for bid in range(1, 17)]
    return {
        "line": plots.line(lines, "day", "amount", "of",
            Frame(said(N_("Revenue by day")), unit="micros:CNY")),
        "bars": plots.bars(hours, "hour", "shown", None,
            Frame(said(N_("Impressions by hour")), width=plots.HALF)),
        "band": plots.band(rates, "day", "ctr", ("low", "high"),
            Frame(said(N_("Click rate with its interval")), unit="percent", width=plots.HALF)),
        "bridge": plots.bridge(steps, "step", "amount",
            Frame(said(N_("From earned to payable")), unit="minor:CNY", width=plots.HALF)),
        "reliability": plots.reliability(bins, "p", "seen",
            Frame(said(N_("Predicted and observed click rates")), unit="percent",
                  x_unit="percent", x_title=said(N_("Predicted")), y_title=said(N_("Observed")),
                  width=plots.HALF)),
        "curve": plots.curve(bids, "bid", "won", 4_000_000,
            Frame(said(N_("Impressions a day over the bid")), x_unit="micros:CNY",
                  width=plots.HALF)),
    }  # fmt: skip
