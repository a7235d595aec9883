"""Reading a statement with everything that belongs to it, in one state of the database.

Never here: layout (`adserver.statements`), or writing. The one surprising fact: the statement's own
rows hold sums only. Its lines are the ledger's entries of the month, which nobody can change.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from adserver.marketplace.problem import Sentence
from adserver.stores import database, statements
from adserver.stores.statements import ClosingItem
from affiliate.calendar import Period
from affiliate.ledger import Entry
from affiliate.settlement import StatementDoesNotFootError
from affiliate.statement import Statement
from models.domain.ids import PartnerId


@dataclass(frozen=True, slots=True)
class Opened:
    """A statement, the ledger's entries of its month, and its lines that were open at the closing.

    Both are read while they are walked through, once.
    """

    statement: Statement
    entries: Iterable[Entry]
    items: Iterable[ClosingItem]


class Statements:
    """The statements of a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(
        self,
        *,
        period: Period | None = None,
        partner_id: PartnerId | None = None,
        currency: str | None = None,
    ) -> list[Statement]:
        """Statements by month, currency and partner; all that are not named."""
        with database.reading(self._engine) as connection:
            return statements.find(
                connection, period=period, partner_id=partner_id, currency=currency
            )

    @contextmanager
    def opened(self, statement: Statement) -> Iterator[Opened]:
        """What a statement is made of, as long as the context is open.

        Raises:
            StatementDoesNotFootError: the ledger's entries no longer lead from its opening to its
                closing balances, so somebody has changed them.
        """
        one = statement
        with database.reading(self._engine) as connection:
            _require_footing(connection, one)
            mine = one.period, one.currency, one.partner_id
            entries = statements.entries(connection, *mine)
            items = statements.items(connection, *mine)
            yield Opened(one, entries, items)


def _require_footing(connection: Connection, one: Statement) -> None:
    moved = statements.moved(connection, one.period, one.currency, one.partner_id)
    for name, opening, change, closing in zip(
        one.opening._fields, one.opening, moved, one.closing, strict=True
    ):
        if opening + change != closing:
            raise StatementDoesNotFootError(
                Sentence(
                    "%(partner)s, %(period)s, %(currency)s: the ledger's entries lead from "
                    "%(opening)s to %(reached)s micros %(name)s, the statement says %(closing)s",
                    partner=one.partner_id,
                    period=one.period,
                    currency=one.currency,
                    opening=opening,
                    reached=opening + change,
                    name=name,
                    closing=closing,
                )
            )
