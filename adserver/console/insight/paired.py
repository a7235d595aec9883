"""Bars in pairs: of each category one bar for oneself and one for everybody, in two colours.

Never here: what is compared. The one surprising fact: labels are cut short, since the table below
each plot has them whole.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from adserver.console.web import plots
from adserver.console.web.plots import Frame

LONGEST_LABEL = 20


def paired_bars(
    rows: Sequence[Mapping[str, Any]], names: tuple[str, str, str], frame: Frame
) -> Markup:
    """A bar for each row, in the order of the rows; `names` are category, amount and series."""
    what, amount, series = names
    shown = [{"x": short(str(row[what])), "y": row[amount], "series": row[series]} for row in rows]
    return plots.bars(shown, "x", "y", "series", frame, beside=True)


def short(text: str) -> str:
    """A label that leaves room for the bars; the table below a plot has it whole."""
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}\u2026"
