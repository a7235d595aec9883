"""A partner's apps and placements: added, changed, their keys shown and rotated.

Never here: what may stand in the catalog (`adserver.marketplace`). The one surprising fact: an app
of another partner does not exist here; every function begins by asking whose it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from adserver.accounts.identity import Identity
from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call
from adserver.marketplace.fields import Kind
from adserver.marketplace.problem import CatalogError, NotationError, Problem
from adserver.marketplace.selling import APP, PLACEMENT
from adserver.stores.catalog import make_id
from models.domain.campaign import Advertiser
from models.domain.ids import AppId, PartnerId, PlacementId
from models.domain.placement import App, Placement

UTC = ZoneInfo("UTC")
APP_FIELDS = ("name", "bundle", "category")
BLOCK_FIELDS = ("blocked_categories", "blocked_advertisers")
PLACEMENT_FIELDS = ("name", "format", "sizes", "floor_cpm", "max_ads")
"""What a partner may write; `blocked_` lists come on top."""


def apps_of(desk: Desk, partner_id: PartnerId) -> list[App]:
    """The partner's apps in use, by id."""
    return [one for one in desk.catalog.find(App) if one.partner_id == partner_id]


def app_of(desk: Desk, partner_id: PartnerId, app_id: str) -> App:
    """One app of the partner.

    Raises:
        NotFoundError: there is none, or it is another's.
    """
    try:
        found = desk.catalog.get(App, app_id)
    except CatalogError:
        raise NotFoundError("you have no such app") from None
    if found.partner_id != partner_id:
        raise NotFoundError("you have no such app")
    return found


def placements_of(desk: Desk, app: App, *, archived: bool = False) -> list[Placement]:
    """The placements of an app, by id."""
    return desk.catalog.find(Placement, app.app_id, archived=archived)


def placement_of(desk: Desk, app: App, placement_id: str) -> Placement:
    """One placement of an app.

    Raises:
        NotFoundError: there is none, or it is another app's.
    """
    try:
        found = desk.catalog.get(Placement, placement_id)
    except CatalogError:
        raise NotFoundError("the app has no such placement") from None
    if found.app_id != app.app_id:
        raise NotFoundError("the app has no such placement")
    return found


def add_app(
    desk: Desk, partner_id: PartnerId, who: Identity, given: Mapping[str, str], now: datetime
) -> App:
    """Adds an app of the partner.

    Raises:
        CatalogError: a field is not as it must be.
    """
    values = read(APP, given, APP_FIELDS)
    app = App(app_id=AppId(make_id(APP)), partner_id=partner_id, **values)
    desk.catalog.acting_for(who).add(app, now)
    return app


def edit_app(desk: Desk, app: App, who: Identity, given: Mapping[str, Any], now: datetime) -> App:
    """Changes what is given of an app.

    Raises:
        CatalogError: a field is not as it must be.
    """
    names = [name for name in (*APP_FIELDS, *BLOCK_FIELDS) if name in given]
    values = read(APP, given, names)
    catalog = desk.catalog.acting_for(who)
    return catalog.edit(App, app.app_id, lambda one: replace(one, **values), now)


def rotate_key(desk: Desk, app: App, who: Identity, now: datetime) -> App:
    """Gives an app a new key; the old one is refused as soon as workers have heard of it."""
    return desk.catalog.acting_for(who).edit(
        App, app.app_id, lambda one: replace(one, key_generation=one.key_generation + 1), now
    )


def key_of(desk: Desk, app: App) -> str:
    """What the app sends as X-App-Key."""
    return desk.keyring.api_key("app", app.app_id, app.key_generation)


def add_placement(
    desk: Desk, app: App, who: Identity, given: Mapping[str, Any], now: datetime
) -> Placement:
    """Adds a placement to an app.

    Raises:
        CatalogError: a field is not as it must be.
    """
    names = [name for name in PLACEMENT_FIELDS if given.get(name)]
    values = read(PLACEMENT, given, {"name", "format", *names})
    placement_id = PlacementId(make_id(PLACEMENT))
    placement = Placement(placement_id=placement_id, app_id=app.app_id, **values)
    desk.catalog.acting_for(who).add(placement, now)
    return placement


def edit_placement(
    desk: Desk, placement: Placement, who: Identity, given: Mapping[str, Any], now: datetime
) -> Placement:
    """Changes what is given of a placement; its format stays.

    Raises:
        CatalogError: a field is not as it must be.
    """
    able = (*(name for name in PLACEMENT_FIELDS if name != "format"), *BLOCK_FIELDS)
    values = read(PLACEMENT, given, [name for name in able if name in given])
    catalog = desk.catalog.acting_for(who)
    return catalog.edit(Placement, placement.placement_id, lambda one: replace(one, **values), now)


def archive_placement(
    desk: Desk, placement: Placement, who: Identity, now: datetime, *, active: bool
) -> Placement:
    """Takes a placement out of use, or back into it."""
    catalog = desk.catalog.acting_for(who)
    move = catalog.restore if active else catalog.archive
    return move(Placement, placement.placement_id, now)


def advertisers(desk: Desk) -> list[tuple[str, str]]:
    """Whom a partner may block: (id, name), by name."""
    found = [(one.advertiser_id, one.name) for one in desk.catalog.find(Advertiser)]
    return sorted(found, key=lambda one: (one[1].casefold(), one[0]))


def read(kind: Kind, given: Mapping[str, Any], names: Sequence[str] | set[str]) -> dict[str, Any]:
    """Fields of a form or a body as the domain has them.

    Raises:
        CatalogError: a value is not written as its field asks; every one of them is named.
    """
    values: dict[str, Any] = {}
    problems = []
    for field in kind.fields:
        if field.name not in names:
            continue
        raw = _written(given.get(field.name, ""), many=field.notation.many)
        if raw == "" and field.attribute_name in kind.defaults:
            values[field.attribute_name] = kind.defaults[field.attribute_name]
            continue
        try:
            values[field.attribute_name] = field.read(raw, UTC)
        except NotationError as error:
            problems.append(Problem(kind.name, "", field.name, str(error)))
    if problems:
        raise CatalogError(*problems)
    return values


def _written(raw: Any, *, many: bool) -> Any:
    """A value as notations read it; a form writes lists with commas or blanks between."""
    if isinstance(raw, (list, tuple)):
        return [str(one) for one in raw]
    text = str(raw).strip()
    return text.replace(",", " ").split() if many else text


def errors_of(call: Call, error: CatalogError) -> dict[str, str]:
    """What is wrong by field, in the caller's language; list positions are left out."""
    found: dict[str, str] = {}
    for problem in error.problems:
        found.setdefault(problem.field.partition("[")[0], call._(problem.message))
    return found
