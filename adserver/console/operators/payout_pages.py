"""The pages and endpoints of payouts: all of them, one, and what the bank said of it.

Never here: making them (`month_pages`), or what confirming books (`accounting.payouts`). The one
surprising fact: bank accounts are shown by their last four characters only; the bank's file has
them whole.
"""

from datetime import datetime

from msgspec import Struct

from adserver.console.desk import Desk
from adserver.console.operators import months
from adserver.console.operators.house import sheet, text
from adserver.console.operators.paging import Order, paged, part_of
from adserver.console.operators.refusals import Errors, errors_of
from adserver.console.web.exchange import Call, Download, Html, Listed, Reply, See
from adserver.console.web.language import N_
from adserver.console.web.routes import OPERATORS, Endpoint, Page
from adserver.marketplace.problem import CatalogError
from affiliate.payout import Payout, State

PATH = "/house/payouts"
ONE = f"{PATH}/{{payout}}"
FILTERS = ("state", "period", "currency")
STATES = {
    State.PENDING: N_("On its way"),
    State.CONFIRMED: N_("Paid"),
    State.FAILED: N_("Failed"),
}
BADGES = {State.PENDING: "warn", State.CONFIRMED: "ok", State.FAILED: "bad"}
VERBS = {
    "confirm": N_("The payout is confirmed: the money has left."),
    "fail": N_("The payout has failed: the money is payable again."),
    "retry": N_("The payout is tried again."),
}


class HousePayout(Struct):
    """A payout as the house sees it; the bank account by its end."""

    payout_id: str
    period: str
    partner_id: str
    currency: str
    amount_minor: int
    state: str
    attempt: int
    bank_account: str
    account_holder: str
    made_at: datetime
    changed_at: datetime
    note: str


class BankAnswer(Struct):
    """The bank's number, or what it said."""

    note: str = ""


_BY_ID: Order[Payout] = Order(lambda one: (one.payout_id,))


def said_states(call: Call) -> dict[State, str]:
    """The states in the caller's language."""
    return {state: call._(name) for state, name in STATES.items()}


def page(desk: Desk, call: Call) -> Html:
    """`GET /house/payouts`."""
    some, further = part_of(call, PATH, _asked(desk, call), months.UNPAID_FIRST, FILTERS)
    values = {
        "payouts": some,
        "next": further,
        "asked": {name: call.query.get(name, "") for name in FILTERS},
        "states": said_states(call),
        "badges": BADGES,
    }
    return Html("operators/payouts.html", values)


def as_csv(desk: Desk, call: Call) -> Download:
    """`GET /house/payouts.csv`: those that were asked for."""
    return sheet("payouts", HousePayout, map(payout_out, _asked(desk, call)))


def _asked(desk: Desk, call: Call) -> list[Payout]:
    """The payouts that the query names, those on their way first."""
    wanted = {name: call.query.get(name, "") for name in FILTERS}
    return [
        one
        for one in months.payouts(desk)
        if all(value in ("", getattr(one, name)) for name, value in wanted.items())
    ]


def one_page(desk: Desk, call: Call) -> Html:
    """`GET /house/payouts/{payout}`."""
    return _one_page(desk, call, {}, 200)


def answer(desk: Desk, call: Call) -> Reply:
    """`POST /house/payouts/{payout}/{verb}`."""
    payout_id, verb = call.params["payout"], call.params["verb"]
    try:
        months.told(desk, call.identity, payout_id, (verb, text(call, "note")), call.now)
    except CatalogError as error:
        return _one_page(desk, call, errors_of(call, error), 422)
    return See(f"{PATH}/{payout_id}", VERBS[verb])


def _one_page(desk: Desk, call: Call, errors: Errors, status: int) -> Html:
    payout, history = months.payout(desk, call.params["payout"])
    values = {
        "payout": payout,
        "history": history,
        "states": said_states(call),
        "badges": BADGES,
        "bank": _masked(payout.bank_account),
        "values": {"note": text(call, "note")},
        "errors": errors,
    }
    return Html("operators/payout.html", values, status)


def _masked(account: str) -> str:
    return f"…{account[-4:]}" if account else ""


def list_payouts(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/house/payouts`, by id."""
    return paged(call, _asked(desk, call), _BY_ID, payout_out)


def post_answer(desk: Desk, call: Call) -> HousePayout:
    """`POST /api/v1/house/payouts/{payout}/{verb}`."""
    given: BankAnswer = call.data
    told = call.params["verb"], given.note
    return payout_out(months.told(desk, call.identity, call.params["payout"], told, call.now))


def payout_out(one: Payout) -> HousePayout:
    """A payout as programs see it."""
    return HousePayout(
        one.payout_id,
        one.period,
        one.partner_id,
        one.currency,
        one.amount_minor,
        one.state.value,
        one.attempt,
        _masked(one.bank_account),
        one.account_holder,
        one.made_at,
        one.changed_at,
        one.note,
    )


PAGES = (
    Page("GET", PATH, page, OPERATORS),
    Page("GET", f"{PATH}.csv", as_csv, OPERATORS),
    Page("GET", ONE, one_page, OPERATORS),
    Page("POST", f"{ONE}/{{verb}}", answer, OPERATORS),
)
_API = "/api/v1/house/payouts"
_STATE = {"type": "string", "enum": [state.value for state in State]}
_MONTH = {"type": "string", "minLength": 7, "maxLength": 7}
_CURRENCY = {"type": "string", "minLength": 3, "maxLength": 3}
ENDPOINTS = (
    Endpoint(
        "GET", _API, "All payouts", list_payouts, OPERATORS, answer=HousePayout, listed=True,
        query={
            "state": (_STATE, "Only those in this state."),
            "period": (_MONTH, "Only of this month, as 2026-10."),
            "currency": (_CURRENCY, "Only in this currency."),
        },
    ),
    Endpoint("POST", f"{_API}/{{payout}}/{{verb}}", "What the bank said: confirm, fail, retry",
             post_answer, OPERATORS, body=BankAnswer, answer=HousePayout),
)  # fmt: skip
