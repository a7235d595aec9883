"""The pages and endpoints of invalid traffic: findings, what they did to money, a new one.

Never here: what a finding does (`invalid`).
"""

from datetime import date, datetime

from msgspec import Struct

from adserver.console.desk import Desk
from adserver.console.operators import invalid
from adserver.console.operators.house import paged, text
from adserver.console.operators.invalid import Effect, Found, NewFinding
from adserver.console.operators.refusals import Errors, errors_of
from adserver.console.web.exchange import Call, Html, Listed, Reply, See
from adserver.console.web.language import N_
from adserver.console.web.routes import OPERATORS, Endpoint, Page
from adserver.marketplace.problem import CatalogError

PATH = "/house/invalid-traffic"
FIELDS = NewFinding.__struct_fields__


class FindingOut(Struct):
    """A finding, and the money of the cells that it names, before findings and after, in micros."""

    finding_id: str
    reason: str
    first_day: date
    last_day: date
    app_id: str
    placement_id: str
    line_item_id: str
    by_address: bool
    events_named: int
    found_at: datetime
    charged_micros: int
    charged_after_micros: int
    earned_micros: int
    earned_after_micros: int


class FindingPreview(Struct):
    """What advertisers would be charged for the days of a finding, in micros."""

    charged_micros: int
    invalid_before_micros: int
    invalid_after_micros: int
    invalid_impressions_after: int


class FindingKept(Struct):
    """A finding that was kept, and the days that were accrued again."""

    finding_id: str
    accrued_again: list[date]


def page(desk: Desk, call: Call) -> Html:
    """`GET /house/invalid-traffic`."""
    return _page(desk, call, {}, 200)


def preview(desk: Desk, call: Call) -> Html:
    """`POST /house/invalid-traffic/preview`: what a finding would take, before it is kept."""
    try:
        effects = invalid.preview(desk, _given(call), call.now)
    except CatalogError as error:
        return _page(desk, call, errors_of(error), 422)
    return _page(desk, call, {}, 200, effects)


def keep(desk: Desk, call: Call) -> Reply:
    """`POST /house/invalid-traffic`."""
    try:
        invalid.keep(desk, call.identity, _given(call), call.now)
    except CatalogError as error:
        return _page(desk, call, errors_of(error), 422)
    return See(PATH, N_("The finding is kept, and its days are accrued again."))


def _given(call: Call) -> NewFinding:
    return NewFinding(**{name: text(call, name) for name in FIELDS})


def _page(
    desk: Desk,
    call: Call,
    errors: Errors,
    status: int,
    effects: tuple[Effect, Effect] | None = None,
) -> Html:
    values = {
        "found": invalid.everything(desk),
        "currency": desk.settings.currency,
        "values": {name: text(call, name) for name in FIELDS},
        "effects": effects,
        "errors": errors,
    }
    return Html("operators/invalid.html", values, status)


def listed(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/house/invalid-traffic`, by id."""
    return paged(call, invalid.everything(desk), lambda one: one.finding.finding_id, _out)


def post_preview(desk: Desk, call: Call) -> FindingPreview:
    """`POST /api/v1/house/invalid-traffic/preview`."""
    before, after = invalid.preview(desk, call.data, call.now)
    return FindingPreview(after.charged, before.invalid, after.invalid, after.invalid_impressions)


def post(desk: Desk, call: Call) -> FindingKept:
    """`POST /api/v1/house/invalid-traffic`."""
    finding, again = invalid.keep(desk, call.identity, call.data, call.now)
    return FindingKept(finding.finding_id, again)


def _out(found: Found) -> FindingOut:
    one, effect = found.finding, found.effect
    return FindingOut(
        one.finding_id,
        one.reason,
        one.first_day,
        one.last_day,
        one.app_id,
        one.placement_id,
        one.line_item_id,
        bool(one.address_key),
        found.by_id,
        found.found_at,
        effect.charged,
        effect.charged_after,
        effect.earned,
        effect.earned_after,
    )


PAGES = (
    Page("GET", PATH, page, OPERATORS),
    Page("POST", PATH, keep, OPERATORS),
    Page("POST", f"{PATH}/preview", preview, OPERATORS),
)
_API = "/api/v1/house/invalid-traffic"
ENDPOINTS = (
    Endpoint("GET", _API, "Findings of invalid traffic", listed, OPERATORS, answer=FindingOut,
             listed=True),
    Endpoint("POST", f"{_API}/preview", "What a finding would take", post_preview, OPERATORS,
             body=NewFinding, answer=FindingPreview, problems=(503,)),
    Endpoint("POST", _API, "Keep a finding; its days are accrued again", post, OPERATORS,
             body=NewFinding, answer=FindingKept, status=201, problems=(503,)),
)  # fmt: skip
