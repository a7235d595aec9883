"""An advertiser's money: what is left, what moved, what it has asked to top up.

Never here: who may decide a top-up (`adserver.accounting.top_ups`). The one surprising fact: what
is left is the ledger's balance less what was charged since its last entry, so it moves all day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from adserver.accounting import top_ups
from adserver.accounting.top_ups import Asked, TopUpError
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call
from adserver.marketplace.buying import LINE_ITEM
from adserver.marketplace.problem import NotationError
from adserver.stores import account_moves, advertiser_money, database
from adserver.stores.account_moves import Move
from adserver.stores.advertiser_money import Purse
from adserver.stores.top_ups import TopUp
from affiliate.ad_revenue import day_of
from affiliate.chart_of_accounts import advertiser_prepaid
from models.domain.campaign import Advertiser
from models.domain.ids import AdvertiserId
from models.domain.money import Micros

AMOUNT = LINE_ITEM.by_name["total_budget"].notation
"""How amounts are typed: decimal text in major units, read without any float."""
LOOK_BACK_DAYS = 7
MOVES_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Runway:
    """How long the money lasts at the pace of the last whole days; None: nothing was spent."""

    a_day: Micros
    days: int | None


def purse_of(desk: Desk, advertiser_id: AdvertiserId) -> Purse:
    """What is left."""
    with database.reading(desk.engine) as connection:
        found = advertiser_money.purses(connection, [advertiser_id], desk.settings.currency)
    return found[advertiser_id]


def has_money(advertiser: Advertiser, purse: Purse) -> bool:
    """Whether it may be shown, as far as money goes."""
    return not advertiser.prepaid or purse.left > 0


def runway_of(desk: Desk, advertiser_id: AdvertiserId, purse: Purse, now: datetime) -> Runway:
    """At the pace of the last seven whole days of the house, as the ledger's are."""
    today = day_of(now, ZoneInfo(desk.settings.time_zone))
    first = today - timedelta(days=LOOK_BACK_DAYS)
    with database.reading(desk.engine) as connection:
        charged = advertiser_money.charged_by_day(connection, advertiser_id, first.isoformat())
    spent = sum(micros for day, micros in charged.items() if day < today.isoformat())
    a_day = Micros(spent // LOOK_BACK_DAYS)
    return Runway(a_day, max(0, purse.left) // a_day if a_day else None)


def moves_of(desk: Desk, advertiser_id: AdvertiserId, limit: int, before_seq: int) -> list[Move]:
    """What moved on the advertiser's account, newest first."""
    account = advertiser_prepaid(advertiser_id)
    with database.reading(desk.engine) as connection:
        return account_moves.moves_of(
            connection, account, desk.settings.currency, limit, before_seq
        )


def all_moves(desk: Desk, advertiser_id: AdvertiserId) -> Iterator[list[Move]]:
    """Every move, newest first, some thousands at a time; what comes meanwhile is not among them.

    Nothing is held open between one page and the next.
    """
    before_seq = 0
    while page := moves_of(desk, advertiser_id, MOVES_AT_ONCE, before_seq):
        yield page
        before_seq = page[-1].seq


def ask_top_up(
    desk: Desk, call: Call, advertiser_id: AdvertiserId, amount: str, note: str
) -> TopUp:
    """Announces a payment; `amount` is decimal text in major units.

    Raises:
        TopUpError: with the field at fault.
    """
    try:
        micros: Micros = AMOUNT.read(amount.strip().replace(",", ""))
    except NotationError as error:
        raise TopUpError(str(error), "amount") from None
    asked = Asked(micros, desk.settings.currency, note.strip())
    return top_ups.ask(desk.engine, advertiser_id, asked, call.identity, call.now)
