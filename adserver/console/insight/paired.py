"""Bars in pairs: of each category one bar for oneself and one for everybody, in two colours.

Never here: what is compared. The one surprising fact: a category may stand on an axis once only, so
its further bars have a name that differs by characters that nobody sees.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from adserver.console.web import plots
from adserver.console.web.plots import Frame

LONGEST_LABEL = 20
_UNSEEN = "\u200b"


def paired_bars(
    rows: Sequence[Mapping[str, Any]], names: tuple[str, str, str], frame: Frame
) -> Markup:
    """A bar for each row, in the order of the rows; `names` are category, amount and series."""
    what, amount, series = names
    seen: dict[str, int] = {}
    shown = []
    for row in rows:
        label = short(str(row[what]))
        seen[label] = seen.get(label, 0) + 1
        unique = label + _UNSEEN * (seen[label] - 1)
        shown.append({"x": unique, "y": row[amount], "series": row[series]})
    return plots.bars(shown, "x", "y", "series", frame)


def short(text: str) -> str:
    """A label that leaves room for the bars; the table below a plot has it whole."""
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}\u2026"
