"""The pages and endpoints of contracts; every term is explained beside its field.

Never here: what a contract may say (`agreements`). The one surprising fact: a further version's
form holds all the terms of the last one, and what is emptied there is gone from the new version.
"""

from typing import Any

from msgspec import Struct

from adserver.console.desk import Desk
from adserver.console.operators import agreements
from adserver.console.operators.agreements import BADGES, BY_PARTNER, STATES, Version
from adserver.console.operators.house import sheet, text, zone_of
from adserver.console.operators.paging import Order, paged, part_of
from adserver.console.operators.refusals import Errors, errors_of
from adserver.console.operators.written_fields import Written, boxes, label_of, of_form, shown
from adserver.console.web.exchange import Call, Download, Html, Listed, Reply, See
from adserver.console.web.language import N_
from adserver.console.web.routes import OPERATORS, Endpoint, Page
from adserver.marketplace.partnering import Agreement, contract_kind, terms_kind
from adserver.marketplace.problem import CatalogError
from affiliate.partner import Contract

PATH = "/house/contracts"
ONE = f"{PATH}/{{contract}}"
GROUPS = (
    (N_("When it holds"), ("starts_at", "ends_at")),
    (
        N_("What sales earn"),
        (
            "commission_share", "window", "rates", "same_merchant_rate", "cross_merchant_rate",
            "tiers", "cap",
        ),
    ),
    (N_("What ads earn"), ("ad_share", "ad_tiers", "ad_tier_kind", "guaranteed_ecpm")),
    (
        N_("Subsidy and payout"),
        ("subsidy", "subsidy_cap", "hold_days", "minimum_payout"),
    ),
)  # fmt: skip
WHOM = (N_("Whom it is with"), ("partner_id", "contract_id", "app_id", "placement_id"))
LIVE = ("in force", "planned")
NOT_AGAIN = frozenset({"starts_at", "ends_at"})


class ContractVersion(Struct):
    """A version of a contract; `terms` are written as the catalog file writes them."""

    contract_id: str
    version: int
    partner_id: str
    state: str
    terms: dict[str, Any]


class NewContract(Struct):
    """A contract: terms by name, each a text, or a list of texts where it takes many."""

    terms: dict[str, str | list[str]]
    reason: str = ""


class EndOfContract(Struct):
    """When it ends ("" for the next midnight), and why."""

    at: str = ""
    reason: str = ""


_BY_ID: Order[Version] = Order(lambda one: (one.contract.contract_id, one.contract.version))


def page(desk: Desk, call: Call) -> Html:
    """`GET /house/contracts`."""
    some, further = part_of(call, PATH, _asked(desk, call), BY_PARTNER, ("all",))
    values = {
        "versions": some,
        "next": further,
        "over": _wants_all(call),
        "states": _states(call),
        "badges": BADGES,
    }
    return Html("operators/contracts.html", values)


def as_csv(desk: Desk, call: Call) -> Download:
    """`GET /house/contracts.csv`: those in force and planned, or all versions."""
    return sheet("contracts", ContractVersion, map(_out, _asked(desk, call)))


def _asked(desk: Desk, call: Call) -> list[Version]:
    every = agreements.everything(desk, call.now)
    return [one for one in every if _wants_all(call) or one.state in LIVE]


def _wants_all(call: Call) -> bool:
    return call.query.get("all", "") == "1"


def new_page(desk: Desk, call: Call) -> Html:
    """`GET /house/contracts/new`."""
    first = {"partner_id": call.query.get("partner", "")[:64]}
    plain = shown(contract_kind(desk.settings.currency), _nothing_agreed(), zone_of(desk))
    return _new_page(desk, call, plain | first, {}, 200)


def add(desk: Desk, call: Call) -> Reply:
    """`POST /house/contracts`."""
    given = of_form(contract_kind(desk.settings.currency), call)
    try:
        made = agreements.agree(desk, call.identity, given, text(call, "reason"), call.now)
    except CatalogError as error:
        return _new_page(desk, call, given, errors_of(call, error), 422)
    return See(f"{PATH}/{made.new.contract_id}", N_("The contract is agreed."))


def _new_page(desk: Desk, call: Call, values: dict[str, Any], errors: Errors, status: int) -> Html:
    groups = _groups(desk, call, values, errors, first=True)
    shown_values = {"groups": groups, "errors": errors, "reason": text(call, "reason")}
    return Html("operators/contract_new.html", shown_values, status)


def one_page(desk: Desk, call: Call) -> Html:
    """`GET /house/contracts/{contract}`."""
    return _one_page(desk, call, None, {}, 200)


def extend(desk: Desk, call: Call) -> Reply:
    """`POST /house/contracts/{contract}/versions`."""
    contract_id = call.params["contract"]
    given = of_form(terms_kind(desk.settings.currency), call)
    try:
        agreements.extend(desk, call.identity, contract_id, given, text(call, "reason"))
    except CatalogError as error:
        return _one_page(desk, call, given, errors_of(call, error), 422)
    return See(f"{PATH}/{contract_id}", N_("The new version is agreed."))


def end(desk: Desk, call: Call) -> Reply:
    """`POST /house/contracts/{contract}/end`."""
    contract_id = call.params["contract"]
    at, why = text(call, "at"), text(call, "why")
    try:
        agreements.end(desk, call.identity, contract_id, at, why)
    except CatalogError as error:
        found = {"at": next(iter(errors_of(call, error).values()))}
        return _one_page(desk, call, None, found, 422)
    return See(f"{PATH}/{contract_id}", N_("The contract ends."))


def _one_page(
    desk: Desk, call: Call, given: dict[str, Written] | None, errors: Errors, status: int
) -> Html:
    versions, history = agreements.one(desk, call.params["contract"], call.now)
    last = versions[-1].contract
    if given is None:
        kind = contract_kind(desk.settings.currency)
        terms = shown(kind, Agreement.of(last), zone_of(desk))
        given = {name: value for name, value in terms.items() if name not in NOT_AGAIN}
    values = {
        "versions": versions[::-1],
        "last": last,
        "history": history,
        "groups": _groups(desk, call, given, errors, first=False),
        "labels": {
            field.name: call._(label_of(field))
            for field in contract_kind(desk.settings.currency).fields
        },
        "states": _states(call),
        "badges": BADGES,
        "errors": errors,
        "values": {
            "at": text(call, "at"),
            "why": text(call, "why"),
            "reason": text(call, "reason"),
        },
    }
    return Html("operators/contract.html", values, status)


def _groups(
    desk: Desk, call: Call, values: dict[str, Any], errors: Errors, *, first: bool
) -> list[tuple[str, list[dict[str, Any]]]]:
    fields = contract_kind(desk.settings.currency).by_name
    groups = (WHOM, *GROUPS) if first else GROUPS
    return [
        (call._(title), boxes(call, [fields[name] for name in names], values, errors))
        for title, names in groups
    ]


def _nothing_agreed() -> Agreement:
    """A contract of which nothing has been said yet: what a new form shows."""
    return Agreement(contract_id="", partner_id="")  # type: ignore[arg-type]


def _states(call: Call) -> dict[str, str]:
    return {state: call._(name) for state, name in STATES.items()}


def listed(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/house/contracts`, by contract and version."""
    return paged(call, agreements.everything(desk, call.now), _BY_ID, _out)


def post(desk: Desk, call: Call) -> ContractVersion:
    """`POST /api/v1/house/contracts`."""
    given: NewContract = call.data
    made = agreements.agree(desk, call.identity, given.terms, given.reason, call.now)
    return _found(desk, call, made.new)


def post_version(desk: Desk, call: Call) -> ContractVersion:
    """`POST /api/v1/house/contracts/{contract}/versions`."""
    given: NewContract = call.data
    contract_id = call.params["contract"]
    made = agreements.extend(desk, call.identity, contract_id, given.terms, given.reason)
    return _found(desk, call, made.new)


def post_end(desk: Desk, call: Call) -> ContractVersion:
    """`POST /api/v1/house/contracts/{contract}/end`."""
    given: EndOfContract = call.data
    contract_id = call.params["contract"]
    after = agreements.end(desk, call.identity, contract_id, given.at, given.reason)
    return _found(desk, call, after[-1])


def _found(desk: Desk, call: Call, made: Contract) -> ContractVersion:
    versions, _ = agreements.one(desk, made.contract_id, call.now)
    return _out(next(one for one in versions if one.contract.version == made.version))


def _out(one: Version) -> ContractVersion:
    held = one.contract
    return ContractVersion(held.contract_id, held.version, held.partner_id, one.state, one.terms)


PAGES = (
    Page("GET", PATH, page, OPERATORS),
    Page("GET", f"{PATH}.csv", as_csv, OPERATORS),
    Page("POST", PATH, add, OPERATORS),
    Page("GET", f"{PATH}/new", new_page, OPERATORS),
    Page("GET", ONE, one_page, OPERATORS),
    Page("POST", f"{ONE}/versions", extend, OPERATORS),
    Page("POST", f"{ONE}/end", end, OPERATORS),
)
_API = "/api/v1/house/contracts"
ENDPOINTS = (
    Endpoint(
        "GET", _API, "Every version of every contract", listed, OPERATORS, answer=ContractVersion,
        listed=True,
    ),
    Endpoint(
        "POST", _API, "Agree with a partner", post, OPERATORS, body=NewContract,
        answer=ContractVersion, status=201,
    ),
    Endpoint(
        "POST", f"{_API}/{{contract}}/versions", "A further version, with all its terms",
        post_version, OPERATORS, body=NewContract, answer=ContractVersion, status=201,
    ),
    Endpoint(
        "POST", f"{_API}/{{contract}}/end", "End a contract", post_end, OPERATORS,
        body=EndOfContract, answer=ContractVersion,
    ),
)  # fmt: skip
