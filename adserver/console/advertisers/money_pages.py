"""The balance: what is left, what moved, and announcing a payment.

Never here: confirming one (`adserver.console.operators`). The one surprising fact: the days of the
account are the house's, because the ledger's are.
"""

from adserver.accounting import top_ups
from adserver.accounting.top_ups import DecidedTopUpError, TopUpError, UnknownTopUpError
from adserver.api.problems import NotFoundError
from adserver.console.advertisers import money
from adserver.console.advertisers.campaign_pages import CSV_TYPE
from adserver.console.advertisers.refusals import said
from adserver.console.advertisers.status import Badge
from adserver.console.buyer_desk import own
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Html, Reply, See, Stream
from adserver.console.web.language import N_
from adserver.console.web.tables import csv_pieces
from adserver.marketplace.notation import write_amount
from adserver.stores.account_moves import Move
from adserver.stores.top_ups import TopUpStatus
from affiliate.ledger import Reason
from models.domain.campaign import Advertiser

PAGE_ROWS = 50
ASKED = N_("Announced. The money counts as soon as it has come and an operator has confirmed it.")
WITHDRAWN = N_("Taken back.")
DECIDED = N_("It was decided meanwhile; look at the list.")
CSV_HEAD = ("occurred_at", "reason", "amount", "balance", "currency", "reference")

REASONS = {
    Reason.DEPOSIT: N_("Payment received"),
    Reason.AD_SPEND: N_("Ads of a day"),
    Reason.INVALID_TRAFFIC: N_("Invalid traffic, given back"),
    Reason.REVERSAL: N_("Taken back"),
    Reason.CORRECTION: N_("Correction"),
}
STATUSES = {
    TopUpStatus.ASKED: Badge(N_("Waits for the money"), "warn"),
    TopUpStatus.CONFIRMED: Badge(N_("Confirmed"), "ok"),
    TopUpStatus.REFUSED: Badge(N_("Refused"), "bad"),
    TopUpStatus.WITHDRAWN: Badge(N_("Taken back"), ""),
}


def balance(desk: Desk, call: Call) -> Html:
    """`GET /advertisers/{advertiser_id}/balance`."""
    return _page(desk, call, own(desk, call).advertiser, {})


def ask(desk: Desk, call: Call) -> Reply:
    """`POST /advertisers/{advertiser_id}/balance/top-ups`."""
    advertiser = own(desk, call).advertiser
    amount, note = call.form.get("amount", ""), call.form.get("note", "")
    try:
        money.ask_top_up(desk, call, advertiser.advertiser_id, amount, note)
    except TopUpError as error:
        return _page(desk, call, advertiser, said(call, {error.field: str(error)}))
    return See(_path(advertiser), ASKED)


def withdraw(desk: Desk, call: Call) -> See:
    """`POST /advertisers/{advertiser_id}/balance/top-ups/{top_up_id}/withdraw`."""
    advertiser = own(desk, call).advertiser
    owner, top_up_id = advertiser.advertiser_id, call.params["top_up_id"]
    try:
        top_ups.withdraw(desk.engine, owner, top_up_id, call.identity, call.now)
    except UnknownTopUpError as error:
        raise NotFoundError(str(error)) from error
    except DecidedTopUpError:
        return See(_path(advertiser), DECIDED)
    return See(_path(advertiser), WITHDRAWN)


def moves_csv(desk: Desk, call: Call) -> Stream:
    """`GET /advertisers/{advertiser_id}/balance.csv`: the whole account, newest first."""
    advertiser = own(desk, call).advertiser
    pages = money.all_moves(desk, advertiser.advertiser_id)
    rows = ([_csv_row(one, desk.settings.currency) for one in page] for page in pages)
    return Stream(csv_pieces(CSV_HEAD, rows), CSV_TYPE, "balance.csv")


def reference_of(move: Move) -> str:
    """What a move refers to: the payment's number, the day of the ads."""
    return move.refs.get("payment") or move.refs.get("day") or ""


def _page(desk: Desk, call: Call, advertiser: Advertiser, errors: dict[str, str]) -> Html:
    owner = advertiser.advertiser_id
    purse = money.purse_of(desk, owner)
    before = _seq(call.query.get("before", ""))
    moves = money.moves_of(desk, owner, PAGE_ROWS + 1, before)
    shown = moves[:PAGE_ROWS]
    values = {
        "advertiser": advertiser,
        "root": f"/advertisers/{owner}",
        "currency": desk.settings.currency,
        "purse": purse,
        "exhausted": not money.has_money(advertiser, purse),
        "runway": money.runway_of(desk, owner, purse, call.now),
        "moves": [(one, REASONS.get(one.reason, one.reason), reference_of(one)) for one in shown],
        "older": shown[-1].seq if len(moves) > len(shown) else 0,
        "top_ups": top_ups.list_of(desk.engine, owner, 20),
        "statuses": STATUSES,
        "typed": {"amount": call.form.get("amount", ""), "note": call.form.get("note", "")},
        "errors": errors,
    }
    return Html("advertisers/balance.html", values, 422 if errors else 200)


def _path(advertiser: Advertiser) -> str:
    return f"/advertisers/{advertiser.advertiser_id}/balance"


def _seq(text: str) -> int:
    fits = text.isascii() and text.isdecimal() and len(text) <= 18
    return int(text) if fits else 0


def _csv_row(move: Move, currency: str) -> list[object]:
    at, amount, left = move.occurred_at.isoformat(), move.amount, move.balance
    return [at, move.reason.value, write_amount(amount), write_amount(left), currency,
            reference_of(move)]  # fmt: skip
