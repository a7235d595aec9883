"""How commands about partners' money reach the books, and what they share in words.

Never here: a command. The one surprising fact: what the books refuse is no crash; it becomes one
sentence and exit code 1.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import click
from sqlalchemy import Engine

from adserver.accounting.closing import ClosingRefusedError, Closings, ClosingTooEarlyError
from adserver.accounting.payouts import (
    MonthOpenError,
    PayoutRefusedError,
    Payouts,
    PayoutTooEarlyError,
    UnknownPayoutError,
)
from adserver.accounting.reading_statements import Statements
from adserver.commands.catalog_access import database_answers
from adserver.config import Settings, from_environment
from adserver.stores import database, migrations
from affiliate.calendar import Period, parse_period
from affiliate.settlement import StatementDoesNotFootError

CURRENCY = click.option("--currency", metavar="CODE", help="Of this currency only.")
HINTS: dict[type[Exception], str] = {
    ClosingTooEarlyError: "; --now closes it before that",
    MonthOpenError: ": adunion settle",
    PayoutTooEarlyError: "; --now pays it before that",
    StatementDoesNotFootError: "; adunion ledger verify looks further",
    UnknownPayoutError: ": adunion payout list",
}
"""What to type next, behind what the books say: the books do not know how they are reached."""
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@dataclass(frozen=True, slots=True)
class Books:
    """An open database with the settings that name it."""

    engine: Engine
    settings: Settings
    zone: ZoneInfo

    @property
    def closings(self) -> Closings:
        """Closes months."""
        return Closings(self.engine, self.zone)

    @property
    def payouts(self) -> Payouts:
        """Makes payouts."""
        return Payouts(self.engine, self.zone)

    @property
    def statements(self) -> Statements:
        """Reads statements."""
        return Statements(self.engine)


@contextmanager
def opened_books() -> Iterator[Books]:
    """The books that the environment names, their schema up to date; closed at the end.

    Raises:
        ClickException: the database does not answer, or the books refuse or do not foot.
    """
    settings = from_environment()
    with database_answers():
        engine = database.connect(settings)
        try:
            migrations.upgrade(engine)
            yield Books(engine, settings, ZoneInfo(settings.time_zone))
        except (ClosingRefusedError, PayoutRefusedError, StatementDoesNotFootError) as error:
            raise click.ClickException(f"{error}{HINTS.get(type(error), '')}") from error
        finally:
            engine.dispose()


class MonthType(click.ParamType[Period]):
    """A month as an option or argument: "2026-10"."""

    name = "month"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Period:
        """The month, or a usage error in words."""
        try:
            return parse_period(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


MONTH = MonthType()
