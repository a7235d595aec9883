"""Balance, top-ups and postbacks over REST.

Never here: deciding top-ups, which is the operators' (`adserver.console.operators`).
"""

from datetime import datetime

from adserver.accounting import top_ups
from adserver.accounting.top_ups import Asked
from adserver.api.problems import BadRequestError
from adserver.console.advertisers import money, postbacks
from adserver.console.advertisers.refusals import said_to_programs
from adserver.console.advertisers.wire import (
    BalanceView,
    MoveView,
    PostbackKeys,
    PostbackTest,
    PostbackView,
    TopUpView,
)
from adserver.console.buyer_desk import own
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Listed
from adserver.stores.account_moves import Move
from adserver.stores.top_ups import TopUp
from models.domain.money import Micros

LARGEST_SEQ = 2**63 - 1


def show_balance(desk: Desk, call: Call) -> BalanceView:
    """What is left to spend."""
    advertiser = own(desk, call).advertiser
    purse = money.purse_of(desk, advertiser.advertiser_id)
    return BalanceView(
        currency=desk.settings.currency,
        left_micros=purse.left,
        booked_micros=purse.booked,
        unbooked_micros=purse.unbooked,
        prepaid=advertiser.prepaid,
        shown=money.has_money(advertiser, purse),
        counted_at=purse.counted_at,
    )


def list_moves(desk: Desk, call: Call) -> Listed:
    """What moved on the account, newest first."""
    advertiser = own(desk, call).advertiser
    before = _seq(call.cursor)
    found = money.moves_of(desk, advertiser.advertiser_id, call.limit + 1, before)
    page = found[: call.limit]
    following = str(page[-1].seq) if len(found) > len(page) else ""
    return Listed([_move(desk, one) for one in page], following)


def list_top_ups(desk: Desk, call: Call) -> Listed:
    """Payments that were announced, the latest first."""
    owner = own(desk, call).advertiser.advertiser_id
    found = top_ups.list_of(desk.engine, owner, call.limit + 1, _after(call.cursor))
    page = found[: call.limit]
    last = page[-1] if len(found) > len(page) else None
    following = f"{last.asked_at.isoformat()}|{last.top_up_id}" if last else ""
    return Listed([top_up_view(one) for one in page], following)


def ask_top_up(desk: Desk, call: Call) -> TopUpView:
    """Announces a payment; an operator confirms it when it has come."""
    owner = own(desk, call).advertiser.advertiser_id
    asked = Asked(Micros(call.data.amount_micros), desk.settings.currency, call.data.note.strip())
    with said_to_programs():
        return top_up_view(top_ups.ask(desk.engine, owner, asked, call.identity, call.now))


def withdraw_top_up(desk: Desk, call: Call) -> TopUpView:
    """Takes back what was announced."""
    owner = own(desk, call).advertiser.advertiser_id
    with said_to_programs():
        gone = top_ups.withdraw(
            desk.engine, owner, call.params["top_up_id"], call.identity, call.now
        )
    return top_up_view(gone)


def show_postbacks(desk: Desk, call: Call) -> PostbackView:
    """Where conversions are posted, and which key is in force."""
    keys = postbacks.keys_of(desk, own(desk, call).advertiser)
    return PostbackView(keys.url, keys.generation, keys.masked)


def rotate_postbacks(desk: Desk, call: Call) -> PostbackKeys:
    """Makes new keys; the old ones stop working within two seconds."""
    changed = postbacks.rotate(desk, call, own(desk, call).advertiser)
    keys = postbacks.keys_of(desk, changed)
    return PostbackKeys(keys.url, keys.generation, keys.key, keys.secret)


def test_postbacks(desk: Desk, call: Call) -> PostbackTest:
    """Sends a signed test conversion to the ad server and answers what it said."""
    tried = postbacks.send_test(postbacks.keys_of(desk, own(desk, call).advertiser), call.now)
    return PostbackTest(
        tried.ok, tried.verdict, tried.sent, tried.status, tried.answer, tried.took_ms
    )


def top_up_view(top_up: TopUp) -> TopUpView:
    """A top-up for a program."""
    return TopUpView(
        top_up.top_up_id,
        top_up.amount_micros,
        top_up.currency,
        top_up.note,
        top_up.status,
        top_up.asked_by,
        top_up.asked_at,
        top_up.decided_at,
        top_up.reference,
        top_up.reason,
    )


def _move(desk: Desk, move: Move) -> MoveView:
    currency = desk.settings.currency
    return MoveView(
        move.seq, move.occurred_at, move.reason, move.amount, move.balance, currency, move.refs
    )


def _seq(cursor: str) -> int:
    """The number in a cursor; 0 at the beginning."""
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdecimal()) or not 0 < int(cursor) <= LARGEST_SEQ:
        raise BadRequestError("this is no cursor of ours", "/cursor")
    return int(cursor)


def _after(cursor: str) -> tuple[datetime, str] | None:
    if not cursor:
        return None
    at, _, top_up_id = cursor.partition("|")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not top_up_id:
        raise BadRequestError("this is no cursor of ours", "/cursor")
    return moment, top_up_id
