"""`adunion settle`: closes a month, or shows which months are closed and which comes next.

Never here: what a closing does (`accounting.closing`). The one surprising fact: it may be run as
often as one likes, also twice at the same time; a month is closed once.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import click

from adserver.accounting.closing import Closed
from adserver.commands.books import AS_JSON, CURRENCY, MONTH, Books, opened_books
from adserver.commands.catalog_access import print_json, print_list
from adserver.statements.wording import shown
from adserver.stores import database, revenue
from adserver.stores.settlement import Closing
from affiliate.ad_revenue import day_of, days_between
from affiliate.calendar import Period, period_of, shifted
from affiliate.statement import Section

_EPILOG = """\b
Examples:
  adunion settle --period 2026-10
  adunion settle --period 2026-10 --extend --why "the merchant's report is late"
  adunion settle
A month closes on the 10th of the next one and pays on the 20th; it may be extended once."""


@click.command(epilog=_EPILOG)
@click.option("--period", type=MONTH, metavar="MONTH", help="The month to close, as 2026-10.")
@CURRENCY
@click.option("--now", "early", is_flag=True, help="Close it before its day.")
@click.option("--extend", is_flag=True, help="Do not close it: give it one month more, once.")
@click.option("--why", default="", metavar="TEXT", help="Why it is extended.")
@AS_JSON
def command(
    period: Period | None,
    currency: str | None,
    early: bool,
    extend: bool,
    why: str,
    as_json: bool,
) -> None:
    """Close a month: money that is ripe becomes payable, and every partner gets a statement.

    Without --period it shows what is closed and which month is next.
    """
    now = datetime.now(UTC)
    with opened_books() as books:
        if period is None:
            _show(books, now, as_json)
        elif extend:
            moment = books.closings.extend(period, now, why).astimezone(books.zone)
            click.echo(f"{period} now closes on {moment.day} {moment:%B %Y}.")
        else:
            codes = [currency] if currency else _currencies(books)
            closed = [books.closings.close(period, code, now, early=early) for code in codes]
            _tell(books, closed, as_json)
            _tell_days_without_ads(books, period, now)


def _tell_days_without_ads(books: Books, period: Period, now: datetime) -> None:
    """Days of the month that nobody accrued: what they bring will stand in the next statement."""
    with database.reading(books.engine) as connection:
        known = revenue.days_posted(connection)
    if not known:
        return
    first = max(min(known), date.fromisoformat(f"{period}-01"))
    last = min(day_of(now, books.zone), date.fromisoformat(f"{shifted(period, 1)}-01"))
    missing = [day for day in days_between(first, last - timedelta(days=1)) if day not in known]
    if missing:
        span = str(missing[0]) if len(missing) == 1 else f"{missing[0]} to {missing[-1]}"
        click.echo(
            f"Not accrued yet: {len(missing)} days of ads ({span}). What they bring will stand in "
            f"the next statement: adunion accrue --day {missing[0]}",
            err=True,
        )


def _currencies(books: Books) -> list[str]:
    return books.closings.currencies() or [books.settings.currency]


def _show(books: Books, now: datetime, as_json: bool) -> None:
    done = books.closings.done()
    if as_json:
        print_json([_document(books, one) for one in done])
        return
    if done:
        print_list("Closed months", _COLUMNS, [_row(books, one) for one in done])
    last = max((one.period for one in done), default=None)
    upcoming = shifted(last, 1) if last else period_of(now, books.zone)
    moment = books.closings.closes_at(upcoming).astimezone(books.zone)
    click.echo(f"{upcoming} closes on {moment.day} {moment:%B %Y}.")


_COLUMNS = ("month", "currency", "statements", "closed", "pays")


def _row(books: Books, one: Closing) -> dict[str, Any]:
    return {
        "month": one.period,
        "currency": one.currency,
        "statements": one.statements,
        "closed": f"{one.closed_at.astimezone(books.zone):%Y-%m-%d %H:%M}",
        "pays": f"{one.pays_at.astimezone(books.zone):%Y-%m-%d}",
    }


def _document(books: Books, one: Closing) -> dict[str, Any]:
    return _row(books, one) | {"head_hash": one.head_hash}


def _tell(books: Books, closed: list[Closed], as_json: bool) -> None:
    documents = []
    for one in closed:
        closing = one.closing
        sums = _sums(books, closing)
        documents.append(_document(books, closing) | sums | {"again": one.again})
        if as_json:
            continue
        again = "had been closed" if one.again else "is closed"
        many = "statement" if closing.statements == 1 else "statements"
        made = f"{closing.statements:,} {many}"
        click.echo(f"{closing.period} {again} in {closing.currency}: {made}")
        for name, amount in sums.items():
            click.echo(f"  {name:<10} {amount:>20}")
        click.echo(f"  ledger hash {closing.head_hash or '(empty)'}")
    if as_json:
        print_json(documents)
    elif closed:
        click.echo(f"Next: adunion statement list --period {closed[0].closing.period}")


def _sums(books: Books, closing: Closing) -> dict[str, str]:
    found = books.statements.find(period=closing.period, currency=closing.currency)
    sections = (Section.ESTIMATED, Section.VALIDATED, Section.PAYABLE)
    return {
        section.value: shown(sum(one.total(section) for one in found), closing.currency)
        for section in sections
    }
