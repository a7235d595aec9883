"""The audience report: `GET /partners/{partner_id}/audience`, its CSV, and the same over REST.

Never here: what may be shown (`audience`). The one surprising fact: app and network stand beside
each other as shares, since an app of a thousand users and a network of a million have no axis in
common.
"""

from datetime import datetime
from typing import Any

from markupsafe import Markup
from msgspec import Struct

from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.insight import audience_words as words
from adserver.console.insight.audience import Cell, Portrait, app_of, portrait_of
from adserver.console.insight.owned import apps_of
from adserver.console.insight.paired import paired_bars
from adserver.console.owners import require_partner
from adserver.console.web import figures
from adserver.console.web.exchange import Call, Download, Html, Listed
from adserver.console.web.plots import HALF, Frame
from adserver.console.web.routes import Endpoint
from adserver.console.web.tables import CSV, csv_text

MOST_BARS = 10


def page(desk: Desk, call: Call) -> Html:
    """One app's audience; the first app where none is asked for.

    Raises:
        NotFoundError: there is no such partner, or it has no such app.
    """
    require_partner(desk, call)
    apps = apps_of(desk, call.params["partner_id"])
    wanted = call.query.get("app", "")
    chosen = app_of(desk, call, wanted) if wanted else next(iter(apps), None)
    found = portrait_of(desk, chosen) if chosen else None
    base = f"/partners/{call.params['partner_id']}"
    values = {
        "base": base,
        "portrait": found,
        "apps": [(one.app_id, one.name) for one in apps],
        "sections": _sections(call, found) if found else [],
        "csv": f"{base}/audience.csv?app={chosen.app_id}" if chosen else "",
        "together": words.PUT_TOGETHER,
    }
    return Html("insight/audience.html", values)


def as_csv(desk: Desk, call: Call) -> Download:
    """The cells of an app, as on the page."""
    found = portrait_of(desk, app_of(desk, call, call.query.get("app", "")))
    head = ("dimension", "value", "users", "share_ppm", "network_ppm", "as_of")
    rows = [
        (cell.dimension, cell.value, cell.users, cell.share_ppm, cell.network_ppm, _stamp(found))
        for cells in found.cells.values()
        for cell in cells
    ]
    return Download(csv_text(head, rows).encode(), CSV, f"audience-{found.app.app_id}.csv")


def _stamp(found: Portrait) -> str:
    return found.as_of.isoformat() if found.as_of else ""


def _sections(call: Call, found: Portrait) -> list[dict[str, Any]]:
    """A section for each dimension: its title, plot, rows, and whether the network is beside it."""
    return [
        {
            "title": call._(words.DIMENSIONS[dimension]),
            "plot": _plot(call, dimension, cells),
            "rows": [_row(call, cell) for cell in cells],
            "with_network": all(cell.network_ppm is not None for cell in cells),
        }
        for dimension, cells in found.cells.items()
    ]


def _row(call: Call, cell: Cell) -> list[str]:
    return [
        words.value_text(call, cell.dimension, cell.value),
        figures.number(cell.users),
        figures.percent(cell.share_ppm),
        figures.percent(cell.network_ppm),
    ]


def _plot(call: Call, dimension: str, cells: list[Cell]) -> Markup:
    """A bar for the app, and where it may be shown one for the network below it."""
    rows = []
    for cell in cells[:MOST_BARS]:
        what = words.value_text(call, dimension, cell.value)
        rows.append({"what": what, "share": cell.share_ppm, "of": call._(words.APP)})
        if cell.network_ppm is not None:
            network = call._(words.WHOLE_NETWORK)
            rows.append({"what": what, "share": cell.network_ppm, "of": network})
    frame = Frame(call._(words.DIMENSIONS[dimension]), unit="percent", width=HALF)
    return paired_bars(rows, ("what", "share", "of"), frame)


class AudienceCell(Struct):
    """Users of an app by one value, in tens; shares to a tenth of a per cent.

    The value "" is unknown, "*" all rarer values, "+" groups too small to be shown one by one.
    `network_ppm` is null where it would tell of too few users elsewhere.
    """

    dimension: str
    value: str
    users: int
    share_ppm: int
    network_ppm: int | None
    as_of: datetime


class AudienceView(Struct):
    """How much is known of an app's audience; `users` null: fewer than 50, so no cell is told.

    `opted_out_requests` came from users who opted out; nothing else is kept of them.
    """

    app_id: str
    since: datetime | None
    as_of: datetime | None
    users: int | None
    requests: int
    opted_out_requests: int


def tell(desk: Desk, call: Call) -> AudienceView:
    """The figures of the whole app."""
    found = portrait_of(desk, app_of(desk, call, call.params["app_id"]))
    return AudienceView(
        app_id=found.app.app_id,
        since=found.since,
        as_of=found.as_of,
        users=found.users,
        requests=found.requests,
        opted_out_requests=found.opted_out,
    )


def tell_cells(desk: Desk, call: Call) -> Listed:
    """The cells, dimension by dimension; there are few, but pages all the same."""
    found = portrait_of(desk, app_of(desk, call, call.params["app_id"]))
    cells = [cell for several in found.cells.values() for cell in several]
    start = int(call.cursor) if call.cursor.isdecimal() else 0
    page_of = cells[start : start + call.limit]
    end = start + len(page_of)
    items = [
        AudienceCell(
            dimension=cell.dimension,
            value=cell.value,
            users=cell.users,
            share_ppm=cell.share_ppm,
            network_ppm=cell.network_ppm,
            as_of=found.as_of or call.now,
        )
        for cell in page_of
    ]
    return Listed(items, str(end) if end < len(cells) else "")


_APP = "/api/v1/partners/{partner_id}/apps/{app_id}/audience"
ENDPOINTS = (
    Endpoint(
        "GET",
        _APP,
        "How many users an app has",
        tell,
        answer=AudienceView,
        problems=(NotFoundError.status,),
    ),
    Endpoint(
        "GET",
        f"{_APP}/cells",
        "An app's users by gender, age, region, device and interests, against the network",
        tell_cells,
        answer=AudienceCell,
        listed=True,
        problems=(NotFoundError.status,),
    ),
)
