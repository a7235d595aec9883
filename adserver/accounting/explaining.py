"""The story of one earning, from the order or the day to the payout, out of what the books keep.

Never here: words for it (`commands.explain_earning`), or a computation of money: every amount is
one that was booked. The one surprising fact: a name is enough. A row's id, "merchant/order/line",
"day/app/placement" or the key of any ledger entry leads to the same story.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

from sqlalchemy import Connection, Engine, RowMapping

from adserver.stores import database, orders, payouts, revenue, settlement, statements
from adserver.stores.ledger import Journal
from adserver.stores.order_rows import OrderRow, row_id_of
from adserver.stores.payouts import Event
from adserver.stores.revenue import ShareRow
from adserver.stores.statements import ClosingItem
from affiliate.ledger import Entry
from affiliate.order import OrderFact
from affiliate.payout import Payout, State
from affiliate.settlement import Outcome
from models.domain.ids import MerchantId

AD_PARTS = ("share", "subsidy", "guarantee", "invalid")


class UnknownEarningError(LookupError):
    """Nothing in the books has this name."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What one closing found for it; `funding` is what its merchant had paid, where that counts."""

    item: ClosingItem
    funding: RowMapping | None


@dataclass(frozen=True, slots=True)
class PaidWith:
    """The payout that took its money along, and what happened to it."""

    payout: Payout
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class OrderStory:
    """An order line: what was told, what it is now, what was booked, judged and paid."""

    row: OrderRow
    facts: tuple[OrderFact, ...]
    entries: tuple[Entry, ...]
    judged: tuple[Judged, ...]
    paid: tuple[PaidWith, ...]


@dataclass(frozen=True, slots=True)
class AdStory:
    """A placement's day of one partner: what it is, what was booked, judged and paid."""

    row: ShareRow
    entries: tuple[Entry, ...]
    judged: tuple[Judged, ...]
    paid: tuple[PaidWith, ...]


@dataclass(frozen=True, slots=True)
class EntryStory:
    """An entry of the ledger that is neither an order's nor a day's: a closing's, a payout's."""

    entry: Entry
    paid: tuple[PaidWith, ...]


Story = OrderStory | AdStory | EntryStory


def explain(engine: Engine, zone: tzinfo, name: str) -> list[Story]:
    """What there is of that name: one story, or one for each partner of a placement's day.

    Raises:
        UnknownEarningError: nothing is called that.
    """
    with database.reading(engine) as connection:
        journal = Journal(connection, zone)
        found = (
            _orders(connection, journal, name)
            or _days(connection, journal, name)
            or _entries(connection, journal, name)
        )
    if not found:
        raise UnknownEarningError(name)
    return found


def _orders(connection: Connection, journal: Journal, name: str) -> list[Story]:
    row_id = name.split(":")[1] if name.startswith("order:") else name
    parts = name.split("/")
    wanted = {row_id, row_id_of(*parts)} if len(parts) == 3 else {row_id}
    return [
        _order(connection, journal, row) for row in orders.rows_by_id(connection, wanted).values()
    ]


def _order(connection: Connection, journal: Journal, row: OrderRow) -> OrderStory:
    facts = orders.facts_of(connection, MerchantId(row.merchant_id), {row.row_id: row})
    keys = [f"order:{row.row_id}:{number}" for number in range(1, row.postings + 1)]
    judged = _judged(connection, row.row_id, row.merchant_id)
    return OrderStory(
        row,
        tuple(fact for _, fact in sorted(facts[row.row_id].items())),
        _booked(journal, keys),
        judged,
        _paid(connection, judged),
    )


def _days(connection: Connection, journal: Journal, name: str) -> list[Story]:
    if name.startswith("adshare:"):
        parts = name.removeprefix("adshare:").split(":")[:4]
    else:
        parts = name.split("/")
    if len(parts) not in (3, 4) or not _is_day(parts[0]):
        return []
    rows = revenue.shares_of_day(connection, date.fromisoformat(parts[0]))
    return [_day(connection, journal, row) for row in rows if row.key[: len(parts)] == tuple(parts)]


def _day(connection: Connection, journal: Journal, row: ShareRow) -> AdStory:
    place = ":".join(row.key)
    keys = [
        f"adshare:{place}:{number}:{part}"
        for number in range(1, row.revision + 1)
        for part in AD_PARTS
    ]
    judged = tuple(
        one
        for one in _judged(connection, f"{row.day}/{row.app_id}/{row.placement_id}")
        if one.item.partner_id == row.partner_id
    )
    return AdStory(row, _booked(journal, keys), judged, _paid(connection, judged))


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _entries(connection: Connection, journal: Journal, name: str) -> list[Story]:
    entry = journal.entry(name) or journal.entry(f"payout:{name}")
    if entry is None:
        return []
    named = dict(entry.transaction.refs).get("payout")
    paid = payouts.find(connection, payout_id=named) if named else []
    return [EntryStory(entry, tuple(_with_events(connection, one) for one in paid))]


def _booked(journal: Journal, keys: Sequence[str]) -> tuple[Entry, ...]:
    found = (journal.entry(key) for key in keys)
    return tuple(sorted((one for one in found if one), key=lambda one: one.seq))


def _judged(connection: Connection, ref: str, merchant_id: str = "") -> tuple[Judged, ...]:
    return tuple(
        Judged(
            item,
            statements.funding_of(connection, item.period, item.currency, merchant_id),
        )
        for item in statements.items_of_line(connection, ref)
    )


def _paid(connection: Connection, judged: Sequence[Judged]) -> tuple[PaidWith, ...]:
    """The payouts that took along what closings made payable, in their order, each once."""
    found: dict[str, PaidWith] = {}
    for one in judged:
        if one.item.outcome is not Outcome.PAYABLE:
            continue
        payout = _first_payout_since(connection, one.item)
        if payout is not None and payout.payout_id not in found:
            found[payout.payout_id] = _with_events(connection, payout)
    return tuple(found.values())


def _first_payout_since(connection: Connection, item: ClosingItem) -> Payout | None:
    """The payout of a balance holds all that was payable then; a failed one gave it back."""
    closing = settlement.closing_of(connection, item.period, item.currency)
    later: list[Payout] = [
        one
        for one in payouts.find(connection, partner_id=item.partner_id, currency=item.currency)
        if closing is not None and one.made_at >= closing.closed_at
    ]
    later.sort(key=lambda one: (one.state is State.FAILED, one.made_at))
    return later[0] if later else None


def _with_events(connection: Connection, payout: Payout) -> PaidWith:
    return PaidWith(payout, tuple(payouts.events_of(connection, payout.payout_id)))
