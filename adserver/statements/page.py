"""A statement as one HTML file: to read on a screen, light or dark, and to print.

Never here: markup (`statement.html`). The one surprising fact: a page shows the first lines only,
since nobody reads ten thousand; it says how many more there are and that the CSV has all of them.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from functools import cache
from itertools import islice
from typing import NamedTuple, TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from adserver.statements.lines import Line
from adserver.statements.wording import HELD, ITEMS, OUTCOMES, SECTIONS, shown
from adserver.stores.statements import ClosingItem
from affiliate.calendar import begin_of
from affiliate.statement import SECTION_OF, Section, Statement
from models.domain.money import Micros, micros_of

MOST_LINES = 500
T = TypeVar("T")


class Bar(NamedTuple):
    """A step of the bridge with its place in the drawing, in percent of the width."""

    label: str
    lines: int
    amount: Micros
    left: float
    width: float
    total: bool


def html_of(
    statement: Statement, lines: Iterable[Line], items: Iterable[ClosingItem], zone: tzinfo
) -> Iterator[str]:
    """The page, a piece at a time."""
    return _template().generate(
        statement=statement,
        month=begin_of(statement.period, zone),
        numbers=[(SECTIONS[one], statement.total(one)) for one in _NUMBERS],
        bars=_bars(statement),
        payout=micros_of(statement.payout_minor, statement.currency),
        minimum=micros_of(statement.minimum_minor, statement.currency),
        held=HELD[statement.held] if statement.held else "",
        entries=_first(lines),
        waiting=_first(items),
        outcomes=OUTCOMES,
        money=lambda micros: shown(micros, statement.currency),
        day=lambda moment: _day(moment, zone),
    )


_NUMBERS = (Section.ESTIMATED, Section.VALIDATED, Section.PAYABLE)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("adserver.statements", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("statement.html")


def _first(many: Iterable[T]) -> tuple[list[T], int]:
    """The first of many, and how many more there are."""
    each = iter(many)
    first = list(islice(each, MOST_LINES))
    return first, sum(1 for _ in each)


def _bars(statement: Statement) -> list[Bar]:
    """The bridge as a waterfall: steps hang where the ones above them ended, totals stand."""
    spans: list[tuple[str, int, int, int, bool]] = []
    at = 0
    for section in Section:
        for step in statement.steps:
            if SECTION_OF[step.item] is section:
                spans.append((ITEMS[step.item], step.lines, at, at + step.amount, False))
                at += step.amount
        spans.append((SECTIONS[section], 0, 0, at, True))
    low = min(min(start, end) for _, _, start, end, _ in spans)
    high = max(max(start, end) for _, _, start, end, _ in spans)
    width = max(high - low, 1)
    return [
        Bar(
            label,
            lines,
            Micros(end - start),
            round(100 * (min(start, end) - low) / width, 2),
            round(100 * abs(end - start) / width, 2),
            total,
        )
        for label, lines, start, end, total in spans
    ]


def _day(moment: datetime | None, zone: tzinfo) -> str:
    if moment is None:
        return ""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%B %Y}"
