"""The pages and endpoints of the settlement calendar.

Never here: what closing does (`months`), or what the bank says of a payout (`payout_pages`). The
one surprising fact: closing before its day asks for a tick, because nothing in the books undoes it.
"""

from datetime import date, datetime

from msgspec import Struct

from adserver.api.problems import NotFoundError
from adserver.console.desk import Desk
from adserver.console.operators import months
from adserver.console.operators.house import month as month_of, sheet, text
from adserver.console.operators.months import Month
from adserver.console.operators.paging import Order, paged, part_of
from adserver.console.operators.payout_pages import BADGES, HousePayout, payout_out, said_states
from adserver.console.operators.refusals import Errors, errors_of, refused
from adserver.console.web.exchange import Call, Download, Html, Listed, Reply, See
from adserver.console.web.language import N_
from adserver.console.web.routes import OPERATORS, Endpoint, Page
from adserver.marketplace.problem import CatalogError
from adserver.statements.bank_file import bank_csv
from affiliate.payout import Held, State

PATH = "/house/settlement"
ONE = f"{PATH}/{{period}}/{{currency}}"
WHY_HELD = {
    Held.NOTHING_PAYABLE: N_("There is nothing to pay out."),
    Held.NOT_APPROVED: N_("The partner is not approved."),
    Held.BELOW_MINIMUM: N_("It is below the smallest payout and stays for the next month."),
    Held.NO_BANK_ACCOUNT: N_("There is no bank account to pay to."),
}


class MonthOut(Struct):
    """A month of the settlement calendar. `closed_at` null: it is open."""

    period: str
    currency: str
    closes_at: datetime
    pays_at: datetime
    extended: bool
    closed_at: datetime | None
    statements: int
    payouts_pending: int
    payouts_confirmed: int
    payouts_failed: int


class OutlookOut(Struct):
    """What closing a month has before it, in micros, and days of ads that nobody accrued."""

    period: str
    currency: str
    partners: int
    pending_micros: int
    payable_micros: int
    clawback_micros: int
    missing_days: list[date]


class CloseMonth(Struct):
    """`early` closes a month before its day."""

    early: bool = False


class ExtendMonth(Struct):
    """Why the month closes a month later."""

    why: str


class BatchOut(Struct):
    """What a payout batch made, and who is not paid and why."""

    made: list[HousePayout]
    earlier: int
    held: dict[str, str]


NEWEST_FIRST: Order[Month] = Order(lambda one: (one.period,), falling=True)


def page(desk: Desk, call: Call) -> Html:
    """`GET /house/settlement`."""
    codes = months.currencies(desk)
    currency = _currency(call, codes)
    every = months.everything(desk, currency, call.now)
    some, further = part_of(call, PATH, every, NEWEST_FIRST, ("currency",))
    values = {
        "months": some,
        "next": further,
        "currencies": codes,
        "currency": currency,
        "pending": State.PENDING,
        "confirmed": State.CONFIRMED,
        "failed": State.FAILED,
    }
    return Html("operators/settlement.html", values)


def _currency(call: Call, codes: list[str]) -> str:
    asked = call.query.get("currency", "")
    return asked if asked in codes else codes[0]


def as_csv(desk: Desk, call: Call) -> Download:
    """`GET /house/settlement.csv`: all months of a currency."""
    currency = _currency(call, months.currencies(desk))
    every = months.everything(desk, currency, call.now)
    return sheet(f"settlement-{currency}", MonthOut, [_out(one) for one in every])


def one_page(desk: Desk, call: Call) -> Html:
    """`GET /house/settlement/{period}/{currency}`."""
    return _one_page(desk, call, {}, 200)


def close(desk: Desk, call: Call) -> Reply:
    """`POST /house/settlement/{period}/{currency}/close`."""
    month = _month(desk, call)
    early = call.now < month.closes_at
    try:
        if early and not call.form.get("sure"):
            raise refused(N_("Tick this to close it before its day."), "sure")
        key = (month.period, month.currency)
        closed = months.close(desk, call.identity, key, call.now, early=early)
    except CatalogError as error:
        return _one_page(desk, call, errors_of(call, error), 422)
    said = N_("It had been closed already.") if closed.again else N_("The month is closed.")
    return See(_path(month), said)


def extend(desk: Desk, call: Call) -> Reply:
    """`POST /house/settlement/{period}/{currency}/extend`."""
    month = _month(desk, call)
    try:
        months.extend(desk, call.identity, month.period, text(call, "why"), call.now)
    except CatalogError as error:
        return _one_page(desk, call, errors_of(call, error), 422)
    return See(_path(month), N_("The month closes a month later now."))


def batch(desk: Desk, call: Call) -> Reply:
    """`POST /house/settlement/{period}/{currency}/payouts`."""
    month = _month(desk, call)
    early = call.now < month.pays_at
    try:
        if early and not call.form.get("sure"):
            raise refused(N_("Tick this to pay before its day."), "sure_pay")
        key = (month.period, month.currency)
        made = months.batch(desk, call.identity, key, call.now, early=early)
    except CatalogError as error:
        return _one_page(desk, call, errors_of(call, error), 422)
    held = [(str(who), call._(WHY_HELD[one.held])) for who, one in made.held if one.held]
    return _one_page(desk, call, {}, 200, made=len(made.made), held=held)


def bank_file(desk: Desk, call: Call) -> Download:
    """`GET /house/settlement/{period}/{currency}/bank-file`: what is on its way."""
    month = _month(desk, call)
    found = months.payouts(desk, month.period, month.currency)
    pending = [one for one in found if one.state is State.PENDING]
    name = f"payouts-{month.period}-{month.currency}.csv"
    return Download(bank_csv(pending).encode(), "text/csv; charset=utf-8", name)


def _month(desk: Desk, call: Call) -> Month:
    try:
        period = month_of(call.params["period"])
    except CatalogError as error:
        raise NotFoundError(str(error)) from error
    return months.find(desk, period, call.params["currency"], call.now)


def _path(month: Month) -> str:
    return f"{PATH}/{month.period}/{month.currency}"


def _one_page(
    desk: Desk,
    call: Call,
    errors: Errors,
    status: int,
    made: int | None = None,
    held: list[tuple[str, str]] | None = None,
) -> Html:
    month = _month(desk, call)
    made_so_far = months.payouts(desk, month.period, month.currency)
    some, further = part_of(call, _path(month), made_so_far, months.UNPAID_FIRST)
    values = {
        "month": month,
        "outlook": None if month.closing else months.outlook(desk, month, call.now),
        "payouts": some,
        "next": further,
        "states": said_states(call),
        "badges": BADGES,
        "now": call.now,
        "made": made,
        "held": held or [],
        "values": {"why": text(call, "why")},
        "errors": errors,
    }
    return Html("operators/month.html", values, status)


def listed(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/house/settlement`, newest first."""
    currency = call.query.get("currency", desk.settings.currency)
    found = months.everything(desk, currency, call.now)
    return paged(call, found, NEWEST_FIRST, _out)


def get_outlook(desk: Desk, call: Call) -> OutlookOut:
    """`GET /api/v1/house/settlement/{period}/{currency}`."""
    month = _month(desk, call)
    found = months.outlook(desk, month, call.now)
    sums = (found.pending, found.payable, found.clawback)
    return OutlookOut(month.period, month.currency, found.partners, *sums, list(found.missing_days))


def post_close(desk: Desk, call: Call) -> MonthOut:
    """`POST /api/v1/house/settlement/{period}/{currency}/close`."""
    given: CloseMonth = call.data
    month = _month(desk, call)
    key = (month.period, month.currency)
    months.close(desk, call.identity, key, call.now, early=given.early)
    return _out(_month(desk, call))


def post_extend(desk: Desk, call: Call) -> MonthOut:
    """`POST /api/v1/house/settlement/{period}/{currency}/extend`."""
    given: ExtendMonth = call.data
    months.extend(desk, call.identity, _month(desk, call).period, given.why, call.now)
    return _out(_month(desk, call))


def post_batch(desk: Desk, call: Call) -> BatchOut:
    """`POST /api/v1/house/settlement/{period}/{currency}/payouts`."""
    given: CloseMonth = call.data
    month = _month(desk, call)
    key = (month.period, month.currency)
    made = months.batch(desk, call.identity, key, call.now, early=given.early)
    held = {str(who): one.held.value for who, one in made.held if one.held}
    return BatchOut([payout_out(one) for one in made.made], len(made.earlier), held)


def _out(month: Month) -> MonthOut:
    closing = month.closing
    return MonthOut(
        month.period,
        month.currency,
        month.closes_at,
        month.pays_at,
        month.extended,
        closing.closed_at if closing else None,
        closing.statements if closing else 0,
        *(month.payouts.get(state, 0) for state in (State.PENDING, State.CONFIRMED, State.FAILED)),
    )


PAGES = (
    Page("GET", PATH, page, OPERATORS),
    Page("GET", f"{PATH}.csv", as_csv, OPERATORS),
    Page("GET", ONE, one_page, OPERATORS),
    Page("POST", f"{ONE}/close", close, OPERATORS),
    Page("POST", f"{ONE}/extend", extend, OPERATORS),
    Page("POST", f"{ONE}/payouts", batch, OPERATORS),
    Page("GET", f"{ONE}/bank-file", bank_file, OPERATORS),
)
_API = "/api/v1/house/settlement"
_ONE = f"{_API}/{{period}}/{{currency}}"
_CURRENCY = {"type": "string", "minLength": 3, "maxLength": 3}
ENDPOINTS = (
    Endpoint(
        "GET", _API, "The settlement calendar", listed, OPERATORS, answer=MonthOut, listed=True,
        query={"currency": (_CURRENCY, "Of this currency; the house's when not given.")},
    ),
    Endpoint("GET", _ONE, "What closing a month has before it", get_outlook, OPERATORS,
             answer=OutlookOut),
    Endpoint("POST", f"{_ONE}/close", "Close a month", post_close, OPERATORS, body=CloseMonth,
             answer=MonthOut),
    Endpoint("POST", f"{_ONE}/extend", "Give a month one month more, once", post_extend, OPERATORS,
             body=ExtendMonth, answer=MonthOut),
    Endpoint("POST", f"{_ONE}/payouts", "Make the payouts of a closed month", post_batch,
             OPERATORS, body=CloseMonth, answer=BatchOut),
)  # fmt: skip
