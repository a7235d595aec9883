"""Partners as operators see them: who applied, who earns, and the steps between.

Never here: what a partner sees of itself (`console.partners`). The one surprising fact: approving
is not enough to earn; without a contract a partner gets nothing, so pages say what is missing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, select

from adserver.accounts.identity import Identity
from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.operators.house import partners_of, reason, sheet, text, zone_of
from adserver.console.operators.paging import Order, Place, paged, part_of
from adserver.console.operators.refusals import Errors, errors_of
from adserver.console.web.exchange import Call, Download, Html, Listed, Reply, See
from adserver.console.web.language import N_
from adserver.console.web.routes import OPERATORS, Endpoint, Page
from adserver.marketplace.fields import write_entity
from adserver.marketplace.partnering import PARTNER
from adserver.marketplace.problem import CatalogError
from adserver.stores import audit, partners as stored
from adserver.stores.catalog import make_id
from adserver.stores.partner_lookup import partner_of
from adserver.stores.partners import Change
from adserver.stores.tables import APPS
from affiliate.partner import Contract, Partner, Standing
from models.domain.ids import PartnerId

PATH = "/house/partners"
ONE = f"{PATH}/{{partner}}"
STANDINGS = {
    Standing.APPLIED: N_("Waits for a decision"),
    Standing.APPROVED: N_("Approved"),
    Standing.REJECTED: N_("Rejected"),
    Standing.SUSPENDED: N_("Suspended"),
}
KINDS_OF_BADGE = {
    Standing.APPLIED: "warn",
    Standing.APPROVED: "ok",
    Standing.REJECTED: "bad",
    Standing.SUSPENDED: "bad",
}
STEPS = {
    "approve": N_("Approved: it may earn once it has a contract."),
    "reject": N_("Rejected."),
    "suspend": N_("Suspended: nothing new is earned and nothing is paid out."),
    "restore": N_("The suspension is over."),
}
NEEDS_REASON = frozenset({"reject", "suspend"})
POSSIBLE = {
    Standing.APPLIED: ("approve", "reject"),
    Standing.APPROVED: ("suspend",),
    Standing.REJECTED: ("approve",),
    Standing.SUSPENDED: ("restore",),
}


class HousePartner(Struct):
    """A partner as the house sees it; bank accounts by their end only."""

    partner_id: str
    name: str
    standing: str
    standing_reason: str
    email: str
    sites: list[str]
    has_bank_account: bool
    apps: list[str]
    contracts: list[str]


class Application(Struct):
    """A partner that asks to take part."""

    name: str
    email: str
    partner_id: str = ""
    sites: list[str] = []
    reason: str = ""


class StandingStep(Struct):
    """Why a partner is approved, rejected, suspended or restored."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A partner with what belongs to it. `contracts` are those in force or planned."""

    partner: Partner
    apps: tuple[str, ...]
    contracts: tuple[Contract, ...]

    @property
    def lacks(self) -> str:
        """What is missing before it is paid: contract, bank, or ""."""
        if self.partner.standing is not Standing.APPROVED:
            return ""
        if not self.contracts:
            return "contract"
        return "" if self.partner.bank_account else "bank"


def _place(one: Known) -> Place:
    partner = one.partner
    return list(STANDINGS).index(partner.standing), partner.name, partner.partner_id


WAITING_FIRST = Order(_place)
_BY_ID: Order[Known] = Order(lambda one: (one.partner.partner_id,))


def everyone(desk: Desk, now: datetime, standing: str = "") -> list[Known]:
    """All partners, or those of one standing; those who wait first."""
    with partners_of(desk).reading() as connection:
        found = stored.all_partners(connection).values()
        chosen = [one for one in found if standing in ("", one.standing)]
        known = _known(connection, chosen, now)
    return WAITING_FIRST.sorted(known)


def find(desk: Desk, partner_id: str, now: datetime) -> tuple[Known, list[Change]]:
    """One partner and its history, newest first. Raises NotFoundError."""
    with partners_of(desk).reading() as connection:
        found = stored.partners_of(connection, [PartnerId(partner_id)])
        if not found:
            raise NotFoundError("there is no such partner")
        (known,) = _known(connection, list(found.values()), now)
        return known, stored.history_of(connection, "partner", partner_id)[::-1]


def apply(desk: Desk, who: Identity, partner: Partner, why: str, now: datetime) -> Partner:
    """Enters an application. Raises CatalogError."""
    with partners_of(desk).changing(now, who.actor) as changes:
        made = changes.apply(partner, reason(why))
        audit.record(
            changes.connection, who, "apply", "partner", made.partner_id, None, _plain(made), now
        )
    return made


def step(desk: Desk, call: Call, why: str) -> Partner:
    """The step that the path names, a key of `STEPS`. Raises NotFoundError, CatalogError."""
    verb, partner_id, who = call.params["verb"], call.params["partner"], call.identity
    if verb not in STEPS:
        raise NotFoundError("nothing lives at this path")
    find(desk, partner_id, call.now)
    why = reason(why, needed=verb in NEEDS_REASON)
    with partners_of(desk).changing(call.now, who.actor) as changes:
        before = partner_of(changes.connection, PartnerId(partner_id))
        after = changes.step(verb, PartnerId(partner_id), why)
        if after != before:
            told = _plain(before), _plain(after)
            audit.record(changes.connection, who, verb, "partner", partner_id, *told, call.now)
    return after


def _plain(partner: Partner) -> dict[str, Any]:
    return {
        "name": partner.name,
        "standing": partner.standing.value,
        "standing_reason": partner.standing_reason,
        "email": partner.email,
    }


def _known(connection: Connection, chosen: list[Partner], now: datetime) -> list[Known]:
    ids = [one.partner_id for one in chosen]
    contracts = stored.contracts_of(connection, ids)
    query = select(APPS.c.partner_id, APPS.c.app_id).where(
        APPS.c.partner_id.is_not(None), APPS.c.removed_at.is_(None)
    )
    apps: dict[str, list[str]] = {}
    for owner, app_id in connection.execute(query.order_by(APPS.c.app_id)):
        apps.setdefault(owner, []).append(app_id)
    return [
        Known(
            one,
            tuple(apps.get(one.partner_id, ())),
            tuple(
                held
                for held in contracts.get(one.partner_id, ())
                if held.ends_at is None or held.ends_at > max(now, held.starts_at)
            ),
        )
        for one in chosen
    ]


def page(desk: Desk, call: Call) -> Html:
    """`GET /house/partners`."""
    return _list_page(desk, call, {}, {}, 200)


def add(desk: Desk, call: Call) -> Reply:
    """`POST /house/partners`: enters an application."""
    given = {name: text(call, name) for name in ("name", "email", "sites", "reason")}
    try:
        partner = Partner(
            PartnerId(make_id(PARTNER)),
            name=given["name"],
            email=given["email"],
            sites=tuple(given["sites"].split()),
        )
        made = apply(desk, call.identity, partner, given["reason"], call.now)
    except CatalogError as error:
        return _list_page(desk, call, given, errors_of(call, error), 422)
    return See(f"{PATH}/{made.partner_id}", N_("The application is entered."))


def _list_page(desk: Desk, call: Call, given: dict[str, str], errors: Errors, status: int) -> Html:
    standing = _standing(call)
    found = everyone(desk, call.now, standing)
    some, further = part_of(call, PATH, found, WAITING_FIRST, ("standing",))
    values = {
        "partners": some,
        "next": further,
        "standing": standing,
        "standings": {one: call._(name) for one, name in STANDINGS.items()},
        "badges": KINDS_OF_BADGE,
        "values": {name: given.get(name, "") for name in ("name", "email", "sites", "reason")},
        "errors": errors,
    }
    return Html("operators/partners.html", values, status)


def _standing(call: Call) -> str:
    standing = call.query.get("standing", "")
    return standing if standing in {one.value for one in STANDINGS} else ""


def as_csv(desk: Desk, call: Call) -> Download:
    """`GET /house/partners.csv`: all, or those of one standing."""
    found = everyone(desk, call.now, _standing(call))
    return sheet("partners", HousePartner, map(_out, found))


def one_page(desk: Desk, call: Call) -> Html:
    """`GET /house/partners/{partner}`."""
    return _one_page(desk, call, {}, 200)


def take_step(desk: Desk, call: Call) -> Reply:
    """`POST /house/partners/{partner}/{verb}`."""
    try:
        step(desk, call, text(call, "reason"))
    except CatalogError as error:
        return _one_page(desk, call, errors_of(call, error), 422)
    return See(f"{PATH}/{call.params['partner']}", STEPS[call.params["verb"]])


def _one_page(desk: Desk, call: Call, errors: Errors, status: int) -> Html:
    known, history = find(desk, call.params["partner"], call.now)
    partner = known.partner
    values = {
        "known": known,
        "partner": partner,
        "fields": write_entity(PARTNER, partner, zone_of(desk)),
        "steps": POSSIBLE[partner.standing],
        "standing": call._(STANDINGS[partner.standing]),
        "badge": KINDS_OF_BADGE[partner.standing],
        "history": history,
        "values": {"reason": text(call, "reason")},
        "errors": errors,
    }
    return Html("operators/partner.html", values, status)


def listed(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/house/partners`, by id."""
    found = everyone(desk, call.now, call.query.get("standing", ""))
    return paged(call, found, _BY_ID, _out)


def get(desk: Desk, call: Call) -> HousePartner:
    """`GET /api/v1/house/partners/{partner}`."""
    return _out(find(desk, call.params["partner"], call.now)[0])


def post(desk: Desk, call: Call) -> HousePartner:
    """`POST /api/v1/house/partners`."""
    given: Application = call.data
    partner = Partner(
        PartnerId(given.partner_id or make_id(PARTNER)),
        name=given.name,
        email=given.email,
        sites=tuple(given.sites),
    )
    made = apply(desk, call.identity, partner, given.reason, call.now)
    return _out(find(desk, made.partner_id, call.now)[0])


def post_step(desk: Desk, call: Call) -> HousePartner:
    """`POST /api/v1/house/partners/{partner}/{verb}`."""
    given: StandingStep = call.data
    step(desk, call, given.reason)
    return _out(find(desk, call.params["partner"], call.now)[0])


def _out(known: Known) -> HousePartner:
    partner = known.partner
    return HousePartner(
        partner.partner_id,
        partner.name,
        partner.standing.value,
        partner.standing_reason,
        partner.email,
        list(partner.sites),
        bool(partner.bank_account),
        list(known.apps),
        [f"{one.contract_id} version {one.version}" for one in known.contracts],
    )


PAGES = (
    Page("GET", PATH, page, OPERATORS),
    Page("GET", f"{PATH}.csv", as_csv, OPERATORS),
    Page("POST", PATH, add, OPERATORS),
    Page("GET", ONE, one_page, OPERATORS),
    Page("POST", f"{ONE}/{{verb}}", take_step, OPERATORS),
)
_API = "/api/v1/house/partners"
_STANDING = {"type": "string", "enum": [one.value for one in Standing]}
ENDPOINTS = (
    Endpoint(
        "GET", _API, "All partners", listed, OPERATORS, answer=HousePartner, listed=True,
        query={"standing": (_STANDING, "Only those of this standing.")},
    ),
    Endpoint(
        "POST", _API, "Enter a partner's application", post, OPERATORS, body=Application,
        answer=HousePartner, status=201,
    ),
    Endpoint("GET", f"{_API}/{{partner}}", "One partner", get, OPERATORS, answer=HousePartner),
    Endpoint(
        "POST", f"{_API}/{{partner}}/{{verb}}", "Approve, reject, suspend or restore a partner",
        post_step, OPERATORS, body=StandingStep, answer=HousePartner,
    ),
)  # fmt: skip
