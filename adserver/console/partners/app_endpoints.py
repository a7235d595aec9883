"""Apps, placements, keys, the integration check and own ads over REST.

Never here: the catalog (`apps`) or what arrived (`integration`). The one surprising fact: a PATCH
takes the fields as forms write them ("5.00", ["1080x1920"]), so one reader checks both.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from adserver.console.desk import Desk
from adserver.console.partners import apps, house_ads as own_ads, integration
from adserver.console.partners.lines import page_of
from adserver.console.partners.whose import partner_of
from adserver.console.web.exchange import Call, Listed
from adserver.console.web.routes import Endpoint
from adserver.eventlog.house_events import HouseCounts
from adserver.stores import database, house_ads
from models.domain.placement import App, Placement

_P = "/api/v1/partners/{partner_id}"
_APP = f"{_P}/apps/{{app_id}}"
Text = Annotated[str, Meta(max_length=512)]
Words = Annotated[list[Text], Meta(max_length=5_000)]


class AppOut(Struct):
    """An app."""

    app_id: str
    name: str
    bundle: str
    category: str
    active: bool
    key_generation: int
    blocked_categories: list[str]
    blocked_advertisers: list[str]


class AppWanted(Struct):
    """An app to add."""

    name: Text
    bundle: Text
    category: Text


class AppChange(Struct):
    """What shall be otherwise; what is not given stays."""

    name: Text | UnsetType = UNSET
    bundle: Text | UnsetType = UNSET
    category: Text | UnsetType = UNSET
    blocked_categories: Words | UnsetType = UNSET
    blocked_advertisers: Words | UnsetType = UNSET


class AppKey(Struct):
    """What the app sends as X-App-Key."""

    app_id: str
    key_generation: int
    key: str


class PlacementOut(Struct):
    """A slot of an app. `floor_cpm_micros` is the least that a thousand impressions cost."""

    placement_id: str
    app_id: str
    name: str
    format: str
    sizes: list[str]
    floor_cpm_micros: int
    max_ads: int
    active: bool
    blocked_categories: list[str]
    blocked_advertisers: list[str]


class PlacementWanted(Struct):
    """A slot to add. `sizes` such as "1080x1920"; `floor_cpm` such as "5.00"."""

    name: Text
    format: Text
    sizes: Words = []
    floor_cpm: Text = ""
    max_ads: int = 1


class PlacementChange(Struct):
    """What shall be otherwise; what is not given stays."""

    name: Text | UnsetType = UNSET
    sizes: Words | UnsetType = UNSET
    floor_cpm: Text | UnsetType = UNSET
    max_ads: int | UnsetType = UNSET
    blocked_categories: Words | UnsetType = UNSET
    blocked_advertisers: Words | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class RequestOut(Struct):
    """An ad request that arrived, and what came of it."""

    at: datetime
    placement_id: str
    request_id: str
    ads: int
    no_ad_reason: str
    test: bool


class RefusalOut(Struct):
    """A request that was refused. `why` says it in words."""

    at: datetime
    status: int
    field: str
    why: str


class CheckOut(Struct):
    """What arrived from an app in 24 hours, and what to do about it.

    `refusals` is null while nobody knows.
    """

    requests_seen: int
    filled: int
    tests: int
    impressions: int
    last_request: datetime | None
    advice: list[str]
    requests: list[RequestOut]
    refusals: list[RefusalOut] | None


class HouseAdOut(Struct):
    """An app's own ad, and how often it was shown and tapped in 28 days."""

    house_ad_id: str
    app_id: str
    format: str
    w: int
    h: int
    title: str
    description: str
    cta: str
    landing_url: str
    asset_url: str
    review: str
    review_reason: str
    active: bool
    impressions: int
    clicks: int


def listed(desk: Desk, call: Call) -> Listed:
    """The partner's apps."""
    shown, following = page_of(apps.apps_of(desk, partner_of(desk, call).partner_id), call)
    return Listed([_out(one) for one in shown], following)


def _app(desk: Desk, call: Call) -> App:
    return apps.app_of(desk, partner_of(desk, call).partner_id, call.params["app_id"])


def _out(app: App) -> AppOut:
    return AppOut(
        app.app_id,
        app.name,
        app.bundle,
        app.category,
        app.active,
        app.key_generation,
        sorted(app.blocked_categories),
        sorted(app.blocked_advertisers),
    )


def one(desk: Desk, call: Call) -> AppOut:
    """One app."""
    return _out(_app(desk, call))


def add(desk: Desk, call: Call) -> AppOut:
    """Adds an app."""
    partner_id, given = partner_of(desk, call).partner_id, _given(call.data)
    return _out(apps.add_app(desk, partner_id, call.identity, given, call.now))


def edit(desk: Desk, call: Call) -> AppOut:
    """Changes an app."""
    app = _app(desk, call)
    return _out(apps.edit_app(desk, app, call.identity, _given(call.data), call.now))


def _given(data: Struct) -> dict[str, Any]:
    given: dict[str, Any] = msgspec.to_builtins(data)
    return given


def key(desk: Desk, call: Call) -> AppKey:
    """The app's key."""
    app = _app(desk, call)
    return AppKey(app.app_id, app.key_generation, apps.key_of(desk, app))


def rotate(desk: Desk, call: Call) -> AppKey:
    """Gives the app a new key."""
    app = apps.rotate_key(desk, _app(desk, call), call.identity, call.now)
    return AppKey(app.app_id, app.key_generation, apps.key_of(desk, app))


def placements(desk: Desk, call: Call) -> Listed:
    """The placements of an app, archived ones too."""
    found = apps.placements_of(desk, _app(desk, call), archived=True)
    shown, following = page_of(found, call)
    return Listed([_slot(one) for one in shown], following)


def _slot(slot: Placement) -> PlacementOut:
    return PlacementOut(
        placement_id=slot.placement_id,
        app_id=slot.app_id,
        name=slot.name,
        format=slot.format,
        sizes=[f"{w}x{h}" for w, h in slot.sizes],
        floor_cpm_micros=slot.floor_cpm_micros,
        max_ads=slot.max_ads,
        active=slot.active,
        blocked_categories=sorted(slot.blocked_categories),
        blocked_advertisers=sorted(slot.blocked_advertisers),
    )


def add_placement(desk: Desk, call: Call) -> PlacementOut:
    """Adds a placement."""
    app, given = _app(desk, call), _given(call.data)
    return _slot(apps.add_placement(desk, app, call.identity, given, call.now))


def edit_placement(desk: Desk, call: Call) -> PlacementOut:
    """Changes a placement."""
    app, given = _app(desk, call), _given(call.data)
    slot = apps.placement_of(desk, app, call.params["placement_id"])
    active = given.pop("active", None)
    if given:
        slot = apps.edit_placement(desk, slot, call.identity, given, call.now)
    if active is not None:
        slot = apps.archive_placement(desk, slot, call.identity, call.now, active=active)
    return _slot(slot)


def check(desk: Desk, call: Call) -> CheckOut:
    """The integration check."""
    found = integration.check_of(desk, _app(desk, call), call.now)
    seen = found.traffic
    return CheckOut(
        requests_seen=seen.requests if seen else 0,
        filled=seen.filled if seen else 0,
        tests=seen.tests if seen else 0,
        impressions=seen.impressions if seen else 0,
        last_request=seen.last_request if seen else None,
        advice=integration.advice(found, call._),
        requests=[
            RequestOut(r.at, r.placement_id, r.request_id, r.ads, r.reason, r.test)
            for r in found.requests
        ],
        refusals=None
        if found.refusals is None
        else [
            RefusalOut(
                integration.moment_of(r),
                r.status,
                r.field,
                integration.refusal_in_words(r, call._),
            )
            for r in found.refusals
        ],
    )


def own(desk: Desk, call: Call) -> Listed:
    """The app's own ads."""
    app = _app(desk, call)
    with database.reading(desk.engine) as connection:
        found = house_ads.of_app(connection, app.app_id)
    counts = own_ads.counts_of(desk, app, call.now)
    shown, following = page_of(found, call)
    names = HouseAdOut.__struct_fields__[:-2]
    rows = []
    for ad in shown:
        seen = counts.get(ad.house_ad_id, HouseCounts())
        told = {name: getattr(ad, name) for name in names}
        rows.append(HouseAdOut(**told, impressions=seen.impressions, clicks=seen.clicks))
    return Listed(rows, following)


ENDPOINTS = (
    Endpoint("GET", f"{_P}/apps", "A partner's apps", listed, answer=AppOut, listed=True),
    Endpoint("POST", f"{_P}/apps", "Add an app", add, body=AppWanted, answer=AppOut),
    Endpoint("GET", _APP, "One app", one, answer=AppOut),
    Endpoint("PATCH", _APP, "Change an app", edit, body=AppChange, answer=AppOut),
    Endpoint("GET", f"{_APP}/key", "The app's key", key, answer=AppKey),
    Endpoint("POST", f"{_APP}/key", "Make a new key for the app", rotate, answer=AppKey),
    Endpoint("GET", f"{_APP}/check", "The integration check", check, answer=CheckOut),
    Endpoint("GET", f"{_APP}/house-ads", "The app's own ads", own, answer=HouseAdOut, listed=True),
    Endpoint(
        "GET",
        f"{_APP}/placements",
        "The placements of an app",
        placements,
        answer=PlacementOut,
        listed=True,
    ),
    Endpoint(
        "POST",
        f"{_APP}/placements",
        "Add a placement",
        add_placement,
        body=PlacementWanted,
        answer=PlacementOut,
    ),
    Endpoint(
        "PATCH",
        f"{_APP}/placements/{{placement_id}}",
        "Change a placement",
        edit_placement,
        body=PlacementChange,
        answer=PlacementOut,
    ),
)
