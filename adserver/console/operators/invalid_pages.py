"""The pages and endpoints of invalid traffic: findings, what they did to money, a new one.

Never here: what a finding does (`invalid`).
"""

from datetime import date, datetime

from msgspec import Struct

from adserver.console.desk import Desk
from adserver.console.operators import invalid
from adserver.console.operators.house import sheet, text
from adserver.console.operators.invalid import LATEST_FIRST, Effect, Found, Known, NewFinding
from adserver.console.operators.paging import Order, part_of
from adserver.console.operators.refusals import Errors, errors_of
from adserver.console.web.exchange import Call, Download, Html, Listed, Reply, See
from adserver.console.web.language import N_
from adserver.console.web.routes import OPERATORS, Endpoint, Page
from adserver.marketplace.problem import CatalogError

PATH = "/house/invalid-traffic"
FIELDS = NewFinding.__struct_fields__


class FindingOut(Struct):
    """A finding; amounts in micros.

    `charged_` and `earned_` are advertisers' and partners' money of all its days, apps, placements
    and line items, before findings and after all of them. Of that, `taken_micros` goes back to
    advertisers for the finding's own events and `taken_back_micros` was partners'. Null: the books
    do not part it from the rest (an address, single events; partners' shares of a line item).
    """

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
    taken_micros: int | None
    taken_back_micros: int | None


class FindingCount(Struct):
    """What the events that a finding names came to, counted from the event log, in micros.

    `charged_micros` and `taken_by_all_micros` are of all its days, apps, placements and line items.
    """

    finding_id: str
    taken_micros: int
    invalid_impressions: int
    charged_micros: int
    taken_by_all_micros: int


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


_BY_ID: Order[Known] = Order(lambda one: (one[0].finding_id,))


def page(desk: Desk, call: Call) -> Html:
    """`GET /house/invalid-traffic`; `count` in the query names a finding to be counted alone."""
    try:
        return _page(desk, call, {}, 200, counted=_counted(desk, call))
    except CatalogError as error:
        return _page(desk, call, errors_of(call, error), 422)


def preview(desk: Desk, call: Call) -> Html:
    """`POST /house/invalid-traffic/preview`: what a finding would take, before it is kept."""
    try:
        effects = invalid.preview(desk, _given(call), call.now)
    except CatalogError as error:
        return _page(desk, call, errors_of(call, error), 422)
    return _page(desk, call, {}, 200, effects)


def keep(desk: Desk, call: Call) -> Reply:
    """`POST /house/invalid-traffic`."""
    try:
        invalid.keep(desk, call.identity, _given(call), call.now)
    except CatalogError as error:
        return _page(desk, call, errors_of(call, error), 422)
    return See(PATH, N_("The finding is kept, and its days are accrued again."))


def _given(call: Call) -> NewFinding:
    return NewFinding(**{name: text(call, name) for name in FIELDS})


def _page(
    desk: Desk,
    call: Call,
    errors: Errors,
    status: int,
    effects: tuple[Effect, Effect] | None = None,
    counted: tuple[Found, Effect] | None = None,
) -> Html:
    some, further = part_of(call, PATH, invalid.known(desk), LATEST_FIRST)
    values = {
        "found": invalid.with_money(desk, some),
        "next": further,
        "counted": counted,
        "currency": desk.settings.currency,
        "values": {name: text(call, name) for name in FIELDS},
        "effects": effects,
        "errors": errors,
    }
    return Html("operators/invalid.html", values, status)


def _counted(desk: Desk, call: Call) -> tuple[Found, Effect] | None:
    """The finding that the query names, if any, and what its own events came to."""
    wanted = call.query.get("count", "")
    if not wanted:
        return None
    found = invalid.find(desk, wanted)
    return found, invalid.own_effect(desk, found, call.now)


def as_csv(desk: Desk, _: Call) -> Download:
    """`GET /house/invalid-traffic.csv`."""
    every = invalid.with_money(desk, invalid.known(desk))
    return sheet("invalid-traffic", FindingOut, map(_out, every))


def listed(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/house/invalid-traffic`, by id."""
    some, more = _BY_ID.piece(invalid.known(desk), call.cursor, call.limit)
    return Listed([_out(one) for one in invalid.with_money(desk, some)], more)


def get_count(desk: Desk, call: Call) -> FindingCount:
    """`GET /api/v1/house/invalid-traffic/{finding}/count`."""
    found = invalid.find(desk, call.params["finding"])
    own = invalid.own_effect(desk, found, call.now)
    around = found.around
    return FindingCount(
        found.finding.finding_id,
        own.invalid,
        own.invalid_impressions,
        around.charged,
        around.invalid,
    )


def post_preview(desk: Desk, call: Call) -> FindingPreview:
    """`POST /api/v1/house/invalid-traffic/preview`."""
    before, after = invalid.preview(desk, call.data, call.now)
    return FindingPreview(after.charged, before.invalid, after.invalid, after.invalid_impressions)


def post(desk: Desk, call: Call) -> FindingKept:
    """`POST /api/v1/house/invalid-traffic`."""
    finding, again = invalid.keep(desk, call.identity, call.data, call.now)
    return FindingKept(finding.finding_id, again)


def _out(found: Found) -> FindingOut:
    one, around = found.finding, found.around
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
        around.charged,
        around.charged_after,
        around.earned,
        around.earned_after,
        found.taken,
        found.taken_back,
    )


PAGES = (
    Page("GET", PATH, page, OPERATORS),
    Page("GET", f"{PATH}.csv", as_csv, OPERATORS),
    Page("POST", PATH, keep, OPERATORS),
    Page("POST", f"{PATH}/preview", preview, OPERATORS),
)
_API = "/api/v1/house/invalid-traffic"
ENDPOINTS = (
    Endpoint("GET", _API, "Findings of invalid traffic", listed, OPERATORS, answer=FindingOut,
             listed=True),
    Endpoint("GET", f"{_API}/{{finding}}/count", "What a finding's own events came to", get_count,
             OPERATORS, answer=FindingCount, problems=(503,)),
    Endpoint("POST", f"{_API}/preview", "What a finding would take", post_preview, OPERATORS,
             body=NewFinding, answer=FindingPreview, problems=(503,)),
    Endpoint("POST", _API, "Keep a finding; its days are accrued again", post, OPERATORS,
             body=NewFinding, answer=FindingKept, status=201, problems=(503,)),
)  # fmt: skip
