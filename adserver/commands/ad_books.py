"""How commands about ad revenue reach books and event log, and what they share in words.

Never here: a command. The one surprising fact: the event log is opened only by those who count, for
it may have to wait for a console that is just starting.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import click

from adserver.accounting.advertising import AdDesk, DayRefusedError
from adserver.accounting.deposits import deposit, why_refused
from adserver.commands.books import Books, opened_books
from adserver.eventlog.open_store import open_for_reading
from adserver.ports import EventStore, StatementRefusedError, StoreAwayError
from adserver.stores import database
from adserver.stores.funds import FundError, UnknownFundError
from adserver.stores.ledger import Journal
from affiliate.ad_revenue import day_of
from affiliate.chart_of_accounts import AccountName
from affiliate.ledger import Refused
from models.domain.money import Micros, format_amount, minor_digits, parse_amount


class DayType(click.ParamType[date]):
    """A day of the house's time zone: "2026-10-31"."""

    name = "day"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """The day, or a usage error in words."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a day: write it as 2026-10-31", param, ctx)


class AmountType(click.ParamType[Micros]):
    """An amount above 0 in units of a currency: "5000.00"."""

    name = "amount"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Micros:
        """Micros, or a usage error in words."""
        try:
            micros = parse_amount(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if micros <= 0:
            self.fail("what is paid in is above 0", param, ctx)
        return micros


DAY = DayType()
AMOUNT = click.option(
    "--amount", type=AmountType(), required=True, metavar="UNITS", help="In units, as 5000.00."
)
REFERENCE = click.option(
    "--reference", required=True, metavar="TEXT", help="The bank's number; told twice, booked once."
)


@dataclass(frozen=True, slots=True)
class AdBooks:
    """The books, and the desk at which days of ad revenue are taken into them."""

    books: Books
    desk: AdDesk

    @property
    def yesterday(self) -> date:
        """The house's last whole day."""
        return day_of(datetime.now(UTC), self.desk.zone) - timedelta(days=1)

    @contextmanager
    def events(self) -> Iterator[EventStore]:
        """The event log, closed at the end."""
        store = open_for_reading(self.books.settings)
        try:
            yield store
        finally:
            store.close()

    def shown(self, micros: int) -> str:
        """An amount as a person reads it, exactly: with the currency's decimals or more."""
        least = minor_digits(self.desk.currency)
        exact = format_amount(Micros(micros), 6)
        whole, _, decimals = exact.partition(".")
        kept = decimals.rstrip("0").ljust(least, "0")
        return f"{whole}.{kept}" if kept else whole


@contextmanager
def opened_ad_books() -> Iterator[AdBooks]:
    """The books that the environment names; closed at the end.

    Raises:
        ClickException: a database or the event log does not answer, or refuses, in words.
    """
    with opened_books() as books:
        desk = AdDesk(books.engine, books.zone, books.settings.currency)
        try:
            yield AdBooks(books, desk)
        except (DayRefusedError, FundError, StoreAwayError, StatementRefusedError) as error:
            hint = ": adunion fund list" if isinstance(error, UnknownFundError) else ""
            raise click.ClickException(f"{error}{hint}") from error


def pay_in(
    books: Books, account: AccountName, amount: Micros, reference: str, currency: str
) -> tuple[bool, Micros]:
    """Books money from the bank; answers whether it had been booked, and the balance.

    Raises:
        ClickException: the ledger refuses it.
    """
    with database.writing(books.engine) as connection:
        journal = Journal(connection, books.zone)
        now = datetime.now(UTC)
        outcome = deposit(journal, account, amount, currency=currency, key=reference, now=now)
        if isinstance(outcome, Refused):
            raise click.ClickException(f"not booked: {why_refused(outcome, reference)}")
        return outcome.again, journal.balance(account, currency).posted
