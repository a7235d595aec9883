"""The industry report: fill, eCPM and click rate by app category and format, one's own beside it.

`GET /partners/{partner_id}/industry`, `GET /house/industry`, CSV of both, and REST. Never here:
when a cell may be told (`reports.industry`). The one surprising fact: the house sees every cell,
and of each whether partners see it.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from markupsafe import Markup
from msgspec import Struct

from adserver.console.desk import Desk
from adserver.console.insight.owned import log_of
from adserver.console.insight.paired import paired_bars
from adserver.console.owners import require_partner
from adserver.console.web.exchange import Call, Download, Html, Listed
from adserver.console.web.language import N_
from adserver.console.web.plots import HALF, Frame
from adserver.console.web.routes import OPERATORS, Endpoint, Page
from adserver.console.web.tables import CSV, csv_text
from adserver.ports import StatementRefusedError, StoreAwayError
from adserver.reports.industry import Cell, Done, industry
from adserver.reports.span import Span
from models.domain.ids import PartnerId
from models.domain.marketplace import Marketplace
from models.domain.money import PPM
from models.domain.placement import App, Format, Placement

DAYS = 30
FORMATS = {
    Format.SPLASH: N_("Splash"),
    Format.BANNER: N_("Banner"),
    Format.NATIVE: N_("Native"),
    Format.INTERSTITIAL: N_("Interstitial"),
    Format.REWARDED_VIDEO: N_("Rewarded video"),
}
FILL, ECPM, CTR = N_("Fill rate"), N_("eCPM"), N_("Click rate")
OWN, ALL = N_("Your apps"), N_("All apps")
NO_CATEGORY = N_("Without a category")


class IndustryCell(Struct):
    """A category and format: all partners' figures where they may be told, and one's own.

    Null: nothing to divide by, fewer than five partners, or one with more than 80 per cent.
    """

    category: str
    format: Format
    fill_ppm: int | None
    ecpm_micros: int | None
    ctr_ppm: int | None
    own_fill_ppm: int | None
    own_ecpm_micros: int | None
    own_ctr_ppm: int | None
    currency: str


class HouseCell(Struct):
    """A category and format in full, for the house: what partners see of it, and why not more."""

    category: str
    format: Format
    partners: int
    largest_share_ppm: int
    requests: int
    impressions: int
    fill_ppm: int | None
    ecpm_micros: int | None
    ctr_ppm: int | None
    tells_fill: bool
    tells_ecpm: bool
    tells_ctr: bool
    currency: str


def cells_of(desk: Desk, call: Call) -> list[Cell]:
    """All cells of the last `DAYS` days.

    Raises:
        StoreAwayError: the event log does not answer.
    """
    slots = Marketplace(
        apps=tuple(desk.catalog.find(App, archived=True)),
        placements=tuple(desk.catalog.find(Placement, archived=True)),
    )
    span = Span(call.now - timedelta(days=DAYS), call.now, call.zone)
    try:
        return industry(log_of(desk), slots, span)
    except StatementRefusedError as refusal:  # the sums are not there yet
        raise StoreAwayError(str(refusal)) from refusal


def partner_cells(cells: list[Cell], partner_id: str, currency: str) -> list[IndustryCell]:
    """What a partner may see: cells told to it, and those in which it has apps itself."""
    found = []
    for cell in cells:
        own = cell.by_partner.get(PartnerId(partner_id), Done())
        every = cell.done
        shown = IndustryCell(
            cell.category,
            cell.format,
            every.requests.fill_ppm if cell.tells_fill else None,
            every.figures.ecpm_micros if cell.tells_ecpm else None,
            every.figures.ctr_ppm if cell.tells_ctr else None,
            own.requests.fill_ppm,
            own.figures.ecpm_micros,
            own.figures.ctr_ppm,
            currency,
        )
        if cell.tells_fill or cell.tells_ctr or own.requests.requests:
            found.append(shown)
    return found


def house_cells(cells: list[Cell], currency: str) -> list[HouseCell]:
    """Every cell."""
    return [
        HouseCell(
            cell.category,
            cell.format,
            cell.partners,
            round(cell.largest_share * PPM),
            cell.done.requests.requests,
            cell.done.figures.impressions,
            cell.done.requests.fill_ppm,
            cell.done.figures.ecpm_micros,
            cell.done.figures.ctr_ppm,
            cell.tells_fill,
            cell.tells_ecpm,
            cell.tells_ctr,
            currency,
        )
        for cell in cells
    ]


def _asked(desk: Desk, call: Call) -> list[Cell] | None:
    """The cells for a page; None while the event log is away."""
    try:
        return cells_of(desk, call)
    except StoreAwayError:
        return None


def partner_page(desk: Desk, call: Call) -> Html:
    """`GET /partners/{partner_id}/industry`."""
    require_partner(desk, call)
    found = _asked(desk, call)
    partner_id, currency = call.params["partner_id"], desk.settings.currency
    cells = partner_cells(found or [], partner_id, currency)
    values = {
        "away": found is None,
        "cells": [(_kind(call, cell), cell) for cell in cells],
        "plots": _plots(call, cells, currency),
        "currency": currency,
        "days": DAYS,
        "now": call.now,
        "csv": f"/partners/{partner_id}/industry.csv",
    }
    return Html("insight/industry.html", values)


def house_page(desk: Desk, call: Call) -> Html:
    """`GET /house/industry`."""
    found = _asked(desk, call)
    cells = house_cells(found or [], desk.settings.currency)
    values = {
        "away": found is None,
        "cells": [(_kind(call, cell), cell) for cell in cells],
        "plots": _plots(call, cells, desk.settings.currency),
        "currency": desk.settings.currency,
        "days": DAYS,
        "now": call.now,
        "csv": "/house/industry.csv",
    }
    return Html("insight/house_industry.html", values)


def partner_csv(desk: Desk, call: Call) -> Download:
    """The partner's cells as a table."""
    require_partner(desk, call)
    partner_id = call.params["partner_id"]
    cells = partner_cells(cells_of(desk, call), partner_id, desk.settings.currency)
    return _download(IndustryCell, cells)


def house_csv(desk: Desk, call: Call) -> Download:
    """All cells as a table."""
    return _download(HouseCell, house_cells(cells_of(desk, call), desk.settings.currency))


def _download(kind: Any, cells: list[Any]) -> Download:
    head = kind.__struct_fields__
    rows = [[getattr(cell, name) for name in head] for cell in cells]
    return Download(csv_text(head, rows).encode(), CSV, "industry.csv")


def _kind(call: Call, cell: IndustryCell | HouseCell) -> str:
    category = cell.category.upper() if cell.category.startswith("iab") else cell.category
    return f"{category or call._(NO_CATEGORY)} · {call._(FORMATS[cell.format])}"


Figure = Callable[[Any], int | None]
_FIGURES: tuple[tuple[str, str, Figure, Figure], ...] = (
    (FILL, "percent", lambda cell: cell.fill_ppm, lambda cell: cell.own_fill_ppm),
    (ECPM, "micros", lambda cell: cell.ecpm_micros, lambda cell: cell.own_ecpm_micros),
    (CTR, "percent", lambda cell: cell.ctr_ppm, lambda cell: cell.own_ctr_ppm),
)


def _plots(
    call: Call, cells: list[IndustryCell] | list[HouseCell], currency: str
) -> list[tuple[str, Markup]]:
    """A plot for each figure: of all apps, and below that of one's own."""
    found = []
    for title, unit, of_all, of_own in _FIGURES:
        rows = []
        for cell in cells:
            mine = of_own(cell) if isinstance(cell, IndustryCell) else None
            both = ((ALL, of_all(cell)), (OWN, mine))
            rows += [
                {"what": _kind(call, cell), "amount": value, "whose": call._(whose)}
                for whose, value in both
                if value is not None
            ]
        said = call._(title)
        in_units = f"micros:{currency}" if unit == "micros" else unit
        frame = Frame(said, unit=in_units, width=HALF)
        found.append((said, paired_bars(rows, ("what", "amount", "whose"), frame)))
    return found


def tell_partner(desk: Desk, call: Call) -> Listed:
    """The partner's cells over REST."""
    require_partner(desk, call)
    cells = cells_of(desk, call)
    return _paged(partner_cells(cells, call.params["partner_id"], desk.settings.currency), call)


def tell_house(desk: Desk, call: Call) -> Listed:
    """All cells over REST."""
    return _paged(house_cells(cells_of(desk, call), desk.settings.currency), call)


def _paged(cells: list[Any], call: Call) -> Listed:
    start = int(call.cursor) if call.cursor.isdecimal() else 0
    end = start + call.limit
    return Listed(cells[start:end], str(end) if end < len(cells) else "")


PAGES = (
    Page("GET", "/partners/{partner_id}/industry", partner_page),
    Page("GET", "/partners/{partner_id}/industry.csv", partner_csv),
    Page("GET", "/house/industry", house_page, OPERATORS),
    Page("GET", "/house/industry.csv", house_csv, OPERATORS),
)
ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/partners/{partner_id}/industry",
        "Fill, eCPM and click rate by app category and format, with one's own",
        tell_partner,
        answer=IndustryCell,
        listed=True,
        problems=(503,),
    ),
    Endpoint(
        "GET",
        "/api/v1/industry",
        "Fill, eCPM and click rate by app category and format, in full",
        tell_house,
        OPERATORS,
        answer=HouseCell,
        listed=True,
        problems=(503,),
    ),
)
