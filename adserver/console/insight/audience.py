"""An app's users against the whole network, as it may be shown: made from the last counting.

Never here: the page. The one surprising fact: everything a partner gets passes `shown_of`, numbers
of users are rounded to tens, and who runs the house sees no more than the partner.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.insight.owned import apps_of
from adserver.console.web.exchange import Call
from adserver.reports.portrait import MARKS, NETWORK, OTHERS, PARTS, TOTAL, of_partner
from adserver.reports.suppression import (
    LEAST_USERS,
    Counts,
    Shown,
    marks,
    parts_of_a_whole,
    rounded,
)
from adserver.stores.audiences import Audience, audience_of
from models.domain.money import PPM
from models.domain.placement import App

TOGETHER = "+"
"""The value of those that were put together."""
MOST_SHOWN = 24


@dataclass(frozen=True, slots=True)
class Cell:
    """A value's users, in tens, and its shares. `network_ppm` is None where it may not be shown."""

    dimension: str
    value: str
    users: int
    share_ppm: int
    network_ppm: int | None


@dataclass(frozen=True, slots=True)
class Portrait:
    """An app's audience. `users` is None where there are too few, 0 where nothing was counted.

    `with_network` says of each dimension whether the network may stand beside it.
    """

    app: App
    since: datetime | None = None
    as_of: datetime | None = None
    users: int | None = 0
    requests: int = 0
    opted_out: int = 0
    cells: Mapping[str, list[Cell]] = field(default_factory=dict)


def app_of(desk: Desk, call: Call, app_id: str) -> App:
    """An app of the partner in the path.

    Raises:
        NotFoundError: it is not the partner's.
    """
    for app in apps_of(desk, call.params["partner_id"]):
        if app.app_id == app_id:
            return app
    raise NotFoundError("there is no such app")


def portrait_of(desk: Desk, app: App) -> Portrait:
    """What may be shown of an app's users, from the last counting."""
    owner = of_partner(app.partner_id or "")
    counted = audience_of(desk.engine, app.app_id, (app.app_id, owner, NETWORK))
    if counted is None:
        return Portrait(app)
    total = _counts(counted, (app.app_id, owner), (TOTAL, ""))
    known = (app, counted.since, counted.until)
    if total.app < LEAST_USERS:
        return Portrait(*known, None, counted.requests, counted.opted_out)
    cells = {
        dimension: _cells(dimension, shown_of(counted, (app.app_id, owner), dimension), total)
        for dimension in (*PARTS, *MARKS)
    }
    return Portrait(*known, rounded(total.app), counted.requests, counted.opted_out, cells)


def shown_of(counted: Audience, scopes: tuple[str, str], dimension: str) -> Shown:
    """What may be shown of a dimension; `scopes` are the app and its owner."""
    values = {
        value for cells in counted.scopes.values() for kind, value in cells if kind == dimension
    }
    cells = {value: _counts(counted, scopes, (dimension, value)) for value in values}
    if dimension in MARKS:
        return marks(cells, _counts(counted, scopes, (TOTAL, "")))
    return parts_of_a_whole(_largest(cells))


def _largest(cells: Mapping[str, Counts]) -> dict[str, Counts]:
    """The most frequent values, all others as one: a page is no list of regions."""
    ordered = sorted(cells, key=lambda value: (-cells[value].network, value))
    named = [value for value in ordered if value not in ("", OTHERS)][:MOST_SHOWN]
    kept = {value: cells[value] for value in [*named, *([""] if "" in cells else [])]}
    others = sum((cells[value] for value in ordered if value not in kept), Counts())
    return kept | ({OTHERS: others} if others.network else {})


def _counts(counted: Audience, scopes: tuple[str, str], key: tuple[str, str]) -> Counts:
    app, owner, network = (counted.scopes[name].get(key, 0) for name in (*scopes, NETWORK))
    return Counts(app, owner, network)


def _cells(dimension: str, shown: Shown, total: Counts) -> list[Cell]:
    pairs = sorted(shown.cells.items(), key=lambda pair: (-pair[1].app, pair[0]))
    together = [(TOGETHER, shown.together)] if shown.together else []
    return [
        Cell(
            dimension,
            value,
            rounded(counts.app),
            _share(counts.app, total.app),
            _share(counts.network, total.network) if shown.with_network else None,
        )
        for value, counts in _in_order(dimension, [*pairs, *together])
    ]


def _in_order(dimension: str, pairs: Iterable[tuple[str, Counts]]) -> list[tuple[str, Counts]]:
    """Ages young to old; everything else as it is, the largest first."""
    listed = list(pairs)
    if dimension == "age":
        listed.sort(key=lambda pair: (pair[0] in ("", TOGETHER, OTHERS), pair[0].lstrip(".")))
    return listed


def _share(users: int, of: int) -> int:
    """In ppm, to a tenth of a per cent."""
    return round(1_000 * users / of) * (PPM // 1_000) if of else 0
