"""Kill switches: stop everything, an app, an advertiser, a campaign, a line item or a creative.

Never here: what workers do about it (`adserver.switchboard`). The one surprising fact: a page that
says "off" says what is in the database; workers follow within two seconds.
"""

from datetime import datetime

from msgspec import Struct

from adserver.accounts.identity import Identity
from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.operators.house import sheet, text
from adserver.console.operators.paging import Order, Place, moment, paged, part_of
from adserver.console.operators.refusals import Errors, errors_of, in_words, refused
from adserver.console.web.exchange import Call, Download, Html, Listed, Reply, See
from adserver.console.web.language import N_
from adserver.console.web.routes import OPERATORS, Endpoint, Page
from adserver.marketplace.problem import CatalogError, Sentence
from adserver.stores import database, switches
from adserver.stores.switches import Switch, SwitchKind

PATH = "/house/switches"
KINDS = {
    SwitchKind.CREATIVE: N_("A creative"),
    SwitchKind.LINE_ITEM: N_("A line item"),
    SwitchKind.CAMPAIGN: N_("A campaign"),
    SwitchKind.ADVERTISER: N_("An advertiser"),
    SwitchKind.APP: N_("An app"),
    SwitchKind.EVERYTHING: N_("Everything"),
}


class SwitchOut(Struct):
    """Something that is switched off. `entity_id` is "" for everything."""

    kind: str
    entity_id: str
    reason: str
    switched_by: str
    switched_at: datetime


class SwitchOff(Struct):
    """What to switch off and why: everything, an app, advertiser, campaign, line_item, creative."""

    kind: str
    reason: str
    entity_id: str = ""


class SwitchOn(Struct):
    """What to switch on again."""

    kind: str
    entity_id: str = ""


def _place(one: Switch) -> Place:
    return moment(one.switched_at), one.kind, one.entity_id


NEWEST_FIRST = Order(_place, falling=True)
_BY_ID: Order[Switch] = Order(lambda one: (one.kind, one.entity_id))


def all_off(desk: Desk) -> list[Switch]:
    """What is off, the newest first."""
    with database.reading(desk.engine) as connection:
        return NEWEST_FIRST.sorted(switches.all_switches(connection))


def switch_off(
    desk: Desk, who: Identity, wanted: tuple[str, str], reason: str, now: datetime
) -> Switch:
    """Switches off by (kind, id). Raises CatalogError."""
    target = _kind(wanted[0]), wanted[1]
    with in_words(), database.writing(desk.engine) as connection:
        return switches.switch_off(connection, target, reason, who, now)


def switch_on(desk: Desk, who: Identity, wanted: tuple[str, str], now: datetime) -> bool:
    """Switches on by (kind, id); False when it was not off. Raises CatalogError."""
    target = _kind(wanted[0]), wanted[1]
    with database.writing(desk.engine) as connection:
        return switches.switch_on(connection, target, who, now)


def _kind(given: str) -> SwitchKind:
    try:
        return SwitchKind(given)
    except ValueError:
        raise refused(Sentence("one of %(kinds)s", kinds=", ".join(SwitchKind)), "kind") from None


def page(desk: Desk, call: Call) -> Html:
    """`GET /house/switches`."""
    return _shown(desk, call, {}, 200)


def off(desk: Desk, call: Call) -> Reply:
    """`POST /house/switches/off`."""
    wanted = text(call, "what"), text(call, "entity_id")
    if wanted[0] == SwitchKind.EVERYTHING and not call.form.get("sure"):
        return _shown(desk, call, {"sure": call._(N_("Tick this to stop all ads."))}, 422)
    try:
        switch_off(desk, call.identity, wanted, text(call, "reason"), call.now)
    except CatalogError as error:
        return _shown(desk, call, errors_of(call, error), 422)
    return See(PATH, N_("It is off. Workers follow within two seconds."))


def on(desk: Desk, call: Call) -> Reply:
    """`POST /house/switches/on`."""
    wanted = text(call, "what"), text(call, "entity_id")
    try:
        switch_on(desk, call.identity, wanted, call.now)
    except CatalogError as error:
        return _shown(desk, call, errors_of(call, error), 422)
    return See(PATH, N_("It is on again. Workers follow within two seconds."))


def _shown(desk: Desk, call: Call, errors: Errors, status: int) -> Html:
    given = {name: text(call, name) for name in ("what", "entity_id", "reason")}
    asked = {name: call.query.get(name, "") for name in ("what", "entity_id")}
    values = {name: value or asked.get(name, "") for name, value in given.items()}
    found = all_off(desk)
    some, further = part_of(call, PATH, found, NEWEST_FIRST)
    shown = {
        "off": some,
        "next": further,
        "everything": any(one.kind is SwitchKind.EVERYTHING for one in found),
        "kinds": [(kind.value, call._(name)) for kind, name in KINDS.items()],
        "kind_names": {kind: call._(name) for kind, name in KINDS.items()},
        "values": values,
        "errors": errors,
    }
    return Html("operators/switches.html", shown, status)


def listed(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/house/switches`."""
    return paged(call, all_off(desk), _BY_ID, _out)


def as_csv(desk: Desk, _: Call) -> Download:
    """`GET /house/switches.csv`: what is off."""
    return sheet("switches", SwitchOut, map(_out, all_off(desk)))


def post_off(desk: Desk, call: Call) -> SwitchOut:
    """`POST /api/v1/house/switches/off`."""
    given: SwitchOff = call.data
    wanted = given.kind, given.entity_id
    return _out(switch_off(desk, call.identity, wanted, given.reason, call.now))


def post_on(desk: Desk, call: Call) -> None:
    """`POST /api/v1/house/switches/on`. Raises NotFoundError: it is not off."""
    given: SwitchOn = call.data
    if not switch_on(desk, call.identity, (given.kind, given.entity_id), call.now):
        raise NotFoundError("this is not switched off", "/entity_id")


def _out(one: Switch) -> SwitchOut:
    return SwitchOut(one.kind.value, one.entity_id, one.reason, one.switched_by, one.switched_at)


PAGES = (
    Page("GET", PATH, page, OPERATORS),
    Page("GET", f"{PATH}.csv", as_csv, OPERATORS),
    Page("POST", f"{PATH}/off", off, OPERATORS),
    Page("POST", f"{PATH}/on", on, OPERATORS),
)
_API = "/api/v1/house/switches"
ENDPOINTS = (
    Endpoint("GET", _API, "What is switched off", listed, OPERATORS, answer=SwitchOut, listed=True),
    Endpoint(
        "POST", f"{_API}/off", "Stop everything, or something, within two seconds", post_off,
        OPERATORS, body=SwitchOff, answer=SwitchOut,
    ),
    Endpoint(
        "POST", f"{_API}/on", "Let something run again", post_on, OPERATORS, body=SwitchOn,
        status=204,
    ),
)  # fmt: skip
