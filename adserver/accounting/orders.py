"""The desk where merchants' reports become rows and ledger entries, a batch at a time.

Never here: bytes (`adserver.api.order_wire`) or rules about money (`affiliate`). The one surprising
fact: a batch is one database transaction with all that follows from it, and what follows is the
difference between what rows are now and what they should be. So a kill at any moment, a repetition
and any shuffling of reports leave no trace.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from sqlalchemy import Engine

from adserver.accounting.order_evidence import Clicks, ReadReceipt
from adserver.accounting.order_hearing import Hearing
from adserver.stores import database, orders
from adserver.stores.ledger import Journal
from adserver.stores.order_rows import body_hash, row_id_of_fact
from adserver.stores.partners import merchant_life
from affiliate.order import OrderFact, Touch
from models.domain.ids import MerchantId

LONGEST_LOOK_BACK = timedelta(days=400)
"""How long before an order a click may be for the click log to be asked about it."""

LOOK_AGAIN_FOR = timedelta(hours=6)
"""How long after its last change a sale that is nobody's is looked at again."""

FindClicks = Callable[[MerchantId, Collection[str], datetime, datetime], Iterable[Touch]]
"""A merchant's customers' clicks between two instants. May raise `StoreAwayError`."""


class UnknownMerchantError(LookupError):
    """Nobody of that id reports orders here."""


class Kind(StrEnum):
    """What became of one report."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one report. `reason` says more about a conflict."""

    order_id: str
    line_id: str
    version: int
    kind: Kind
    reason: str = ""


OTHER_BODY = "this version was told before, with another body"
OTHER_CURRENCY = "the line was told before in another currency"


def no_clicks(
    _merchant: MerchantId, _refs: Collection[str], _since: datetime, _until: datetime
) -> Iterable[Touch]:
    """For a house without a click log."""
    return ()


class OrderDesk:
    """Takes reports for a database. Plain calls; several threads may call at once."""

    def __init__(
        self,
        engine: Engine,
        zone: tzinfo,
        read_receipt: ReadReceipt,
        find_clicks: FindClicks = no_clicks,
    ) -> None:
        self._engine = engine
        self._zone = zone
        self._read_receipt = read_receipt
        self._find_clicks = find_clicks

    def take(
        self, merchant_id: MerchantId, facts: Sequence[OrderFact], now: datetime
    ) -> list[Verdict]:
        """Books a merchant's reports, durable when it answers; the verdicts in their order.

        Raises:
            UnknownMerchantError: there is no such merchant.
            CommissionTooLargeError: what a line would earn is no amount of money any more.
            StoreAwayError: a customer's clicks had to be looked up and nobody answers.
        """
        clicks = self._clicks(merchant_id, facts)
        return self._taken(merchant_id, facts, clicks, now)

    def look_again(self, now: datetime) -> int:
        """Asks the click log once more about sales of the last hours that are still nobody's.

        A click may have reached the log after the order that it led to. Answers how many customers
        it knew.

        Raises:
            StoreAwayError: nobody answers.
        """
        with database.reading(self._engine) as connection:
            open_sales = orders.unattributed_sales(connection, now - LOOK_AGAIN_FOR)
        found = 0
        for merchant_id, sales in open_sales.items():
            times = [paid_at for _, paid_at in sales]
            refs = {ref for ref, _ in sales}
            clicks = self._found(merchant_id, refs, min(times) - LONGEST_LOOK_BACK, max(times))
            if clicks:
                self._taken(merchant_id, (), clicks, now)
                found += len(clicks)
        return found

    def _taken(
        self, merchant_id: MerchantId, facts: Sequence[OrderFact], clicks: Clicks, now: datetime
    ) -> list[Verdict]:
        with database.writing(self._engine) as connection:
            journal = Journal(connection, self._zone)
            journal.lock()
            life = merchant_life(connection, merchant_id)
            if life is None:
                raise UnknownMerchantError(f"there is no merchant {merchant_id}")
            rows = orders.rows_by_id(connection, {row_id_of_fact(fact) for fact in facts})
            known = orders.facts_of(connection, merchant_id, rows)
            verdicts, fresh = _sorted_out(facts, known)
            if fresh or clicks:
                hearing = Hearing(connection, journal, life, self._zone, now)
                hearing.open(merchant_id, self._read_receipt)
                hearing.hear(rows, known, fresh, clicks)
                hearing.book()
        return verdicts

    def _clicks(self, merchant_id: MerchantId, facts: Sequence[OrderFact]) -> Clicks:
        """What the click log knows about the customers of these orders; asked before any lock."""
        refs = {fact.customer_ref for fact in facts} - {""}
        if self._find_clicks is no_clicks or not facts:
            return {}
        with database.reading(self._engine) as connection:
            told = {fact.order_id for fact in facts}
            refs |= orders.customers_of_orders(connection, merchant_id, told)
        if not refs:
            return {}
        times = [fact.occurred_at for fact in facts]
        return self._found(merchant_id, refs, min(times) - LONGEST_LOOK_BACK, max(times))

    def _found(
        self, merchant_id: MerchantId, refs: Collection[str], since: datetime, until: datetime
    ) -> Clicks:
        found: dict[str, list[Touch]] = {}
        for touch in self._find_clicks(merchant_id, refs, since, until):
            found.setdefault(touch.customer_ref, []).append(touch)
        return found


def _sorted_out(
    facts: Sequence[OrderFact], known: Mapping[str, Mapping[int, OrderFact]]
) -> tuple[list[Verdict], list[OrderFact]]:
    """The verdict on each report, and those that say something new."""
    seen: dict[tuple[str, int], OrderFact] = {
        (row_id, version): fact
        for row_id, versions in known.items()
        for version, fact in versions.items()
    }
    currencies = {row_id: fact.currency for (row_id, _), fact in seen.items()}
    verdicts, fresh = [], []
    for fact in facts:
        row_id = row_id_of_fact(fact)
        before = seen.get((row_id, fact.version))
        kind, reason = Kind.ACCEPTED, ""
        if before is not None and body_hash(before) == body_hash(fact):
            kind = Kind.DUPLICATE
        elif before is not None:
            kind, reason = Kind.CONFLICT, OTHER_BODY
        elif currencies.setdefault(row_id, fact.currency) != fact.currency:
            kind, reason = Kind.CONFLICT, OTHER_CURRENCY
        else:
            seen[row_id, fact.version] = fact
            fresh.append(fact)
        verdicts.append(Verdict(fact.order_id, fact.line_id, fact.version, kind, reason))
    return verdicts, fresh
