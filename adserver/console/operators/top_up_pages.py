"""Top-ups that wait: an operator who sees the money at the bank confirms, or refuses in words.

Never here: what confirming books (`accounting.top_ups`). The one surprising fact: confirming under
a bank's number that the command line booked before books nothing again, and still confirms.
"""

from datetime import UTC, datetime
from urllib.parse import urlencode

from msgspec import Struct

from adserver.accounting import top_ups
from adserver.accounting.top_ups import DecidedTopUpError, UnknownTopUpError
from adserver.accounts.identity import Identity
from adserver.api.problems import BadRequestError, NotFoundError
from adserver.console.desk import Desk
from adserver.console.operators.house import sheet, text, zone_of
from adserver.console.operators.paging import PAGE_ROWS
from adserver.console.operators.refusals import Errors, errors_of, in_words
from adserver.console.web.exchange import Call, Download, Html, Listed, Reply, See
from adserver.console.web.language import N_
from adserver.console.web.problems import ConflictError
from adserver.console.web.routes import OPERATORS, Endpoint, Page
from adserver.marketplace.problem import CatalogError
from adserver.stores.top_ups import TopUp

PATH = "/house/top-ups"


class HouseTopUp(Struct):
    """Money that an advertiser announced, in micros, and what became of it."""

    top_up_id: str
    advertiser_id: str
    amount_micros: int
    currency: str
    note: str
    asked_by: str
    asked_at: datetime
    status: str
    reference: str
    reason: str


class ConfirmTopUp(Struct):
    """The bank's number of the payment."""

    reference: str


class RefuseTopUp(Struct):
    """Why: the advertiser reads it."""

    reason: str


def decide(
    desk: Desk, who: Identity, top_up_id: str, verdict: tuple[str, str], now: datetime
) -> TopUp:
    """Confirms under the bank's number or refuses for a reason: ("confirm" | "refuse", words).

    Raises:
        NotFoundError: there is no such top-up.
        ConflictError: somebody has decided it already.
        CatalogError: the words will not do.
    """
    verb, words = verdict
    try:
        with in_words():
            if verb == "confirm":
                return top_ups.confirm(desk.engine, zone_of(desk), top_up_id, words, who, now)
            return top_ups.refuse(desk.engine, top_up_id, words, who, now)
    except CatalogError as error:
        if isinstance(error.__cause__, UnknownTopUpError):
            raise NotFoundError(error.problems[0].message) from error
        if isinstance(error.__cause__, DecidedTopUpError):
            raise ConflictError(error.problems[0].message) from error
        raise


def page(desk: Desk, call: Call) -> Html:
    """`GET /house/top-ups`."""
    return _page(desk, call, {}, 200)


def confirm(desk: Desk, call: Call) -> Reply:
    """`POST /house/top-ups/{top_up}/confirm`."""
    told = "confirm", text(call, "reference")
    return _decided(desk, call, told, N_("The money is booked. The advertiser can spend it."))


def refuse(desk: Desk, call: Call) -> Reply:
    """`POST /house/top-ups/{top_up}/refuse`."""
    told = "refuse", text(call, "reason")
    return _decided(desk, call, told, N_("The top-up is refused; the advertiser reads why."))


def _decided(desk: Desk, call: Call, verdict: tuple[str, str], said: str) -> Reply:
    try:
        decide(desk, call.identity, call.params["top_up"], verdict, call.now)
    except CatalogError as error:
        return _page(desk, call, errors_of(call, error), 422)
    except ConflictError as error:
        return _page(desk, call, {"": call._(error.detail)}, 409)
    return See(PATH, said)


def _page(desk: Desk, call: Call, errors: Errors, status: int) -> Html:
    after = call.query.get("after", "")
    found = top_ups.list_pending(desk.engine, PAGE_ROWS + 1, _place(after))
    shown = found[:PAGE_ROWS]
    further = urlencode({"after": _cursor(shown[-1])}) if len(found) > PAGE_ROWS else ""
    values = {
        "waiting": shown,
        "asked": f"?{urlencode({'after': after})}" if after else "",
        "next": f"{PATH}?{further}" if further else "",
        "at": call.params.get("top_up", ""),
        "values": {name: text(call, name) for name in ("reference", "reason")},
        "errors": errors,
    }
    return Html("operators/top_ups.html", values, status)


def as_csv(desk: Desk, _: Call) -> Download:
    """`GET /house/top-ups.csv`: all that wait."""
    return sheet("top-ups", HouseTopUp, map(_out, top_ups.list_pending(desk.engine)))


def _cursor(one: TopUp) -> str:
    return f"{one.asked_at.isoformat()}~{one.top_up_id}"


def _place(cursor: str) -> tuple[datetime, str] | None:
    """Where a page begins. Raises BadRequestError: no cursor of ours."""
    if not cursor:
        return None
    at, _, top_up_id = cursor.partition("~")
    try:
        return datetime.fromisoformat(at).astimezone(UTC), top_up_id
    except (ValueError, OverflowError):
        raise BadRequestError("this is no cursor of ours", "/cursor") from None


def listed(desk: Desk, call: Call) -> Listed:
    """`GET /api/v1/house/top-ups`: those that wait, the oldest first."""
    found = top_ups.list_pending(desk.engine, call.limit + 1, _place(call.cursor))
    shown = found[: call.limit]
    more = _cursor(shown[-1]) if len(found) > call.limit else ""
    return Listed([_out(one) for one in shown], more)


def post_confirm(desk: Desk, call: Call) -> HouseTopUp:
    """`POST /api/v1/house/top-ups/{top_up}/confirm`."""
    given: ConfirmTopUp = call.data
    told = "confirm", given.reference
    return _out(decide(desk, call.identity, call.params["top_up"], told, call.now))


def post_refuse(desk: Desk, call: Call) -> HouseTopUp:
    """`POST /api/v1/house/top-ups/{top_up}/refuse`."""
    given: RefuseTopUp = call.data
    told = "refuse", given.reason
    return _out(decide(desk, call.identity, call.params["top_up"], told, call.now))


def _out(one: TopUp) -> HouseTopUp:
    return HouseTopUp(
        one.top_up_id,
        one.advertiser_id,
        one.amount_micros,
        one.currency,
        one.note,
        one.asked_by,
        one.asked_at,
        one.status.value,
        one.reference,
        one.reason,
    )


PAGES = (
    Page("GET", PATH, page, OPERATORS),
    Page("GET", f"{PATH}.csv", as_csv, OPERATORS),
    Page("POST", f"{PATH}/{{top_up}}/confirm", confirm, OPERATORS),
    Page("POST", f"{PATH}/{{top_up}}/refuse", refuse, OPERATORS),
)
_API = "/api/v1/house/top-ups"
ENDPOINTS = (
    Endpoint("GET", _API, "Top-ups that wait for a decision", listed, OPERATORS,
             answer=HouseTopUp, listed=True),
    Endpoint("POST", f"{_API}/{{top_up}}/confirm", "The money has come: book it", post_confirm,
             OPERATORS, body=ConfirmTopUp, answer=HouseTopUp),
    Endpoint("POST", f"{_API}/{{top_up}}/refuse", "Close a top-up without money", post_refuse,
             OPERATORS, body=RefuseTopUp, answer=HouseTopUp),
)  # fmt: skip
