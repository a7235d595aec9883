"""`adunion merchant deposit`: what a merchant has paid, which lets its lines become payable.

Never here: which lines (`accounting.closing`). The one surprising fact: the reference makes it
safe to repeat; the same payment told twice is booked once.
"""

from datetime import UTC, datetime

import click

from adserver.accounting.deposits import deposit, why_refused
from adserver.commands.books import opened_books
from adserver.stores import database, partners
from adserver.stores.ledger import Journal
from affiliate.chart_of_accounts import merchant_receivable
from affiliate.ledger import Refused
from models.domain.ids import MerchantId
from models.domain.money import Micros, format_amount, parse_amount


@click.command(
    "deposit", epilog="\b\nExample:\n  adunion merchant deposit shop --amount 5000 --reference B17"
)
@click.argument("merchant_id", metavar="MERCHANT")
@click.option("--amount", required=True, metavar="UNITS", help="In units, such as 5000.00.")
@click.option("--reference", required=True, metavar="TEXT", help="The bank's number of it.")
@click.option("--currency", metavar="CODE", help="[default: the merchant's]")
def command(merchant_id: str, amount: str, reference: str, currency: str | None) -> None:
    """Book what a merchant has paid, in advance or for commissions that it owes."""
    merchant, now = MerchantId(merchant_id), datetime.now(UTC)
    account = merchant_receivable(merchant)
    try:
        micros = parse_amount(amount)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--amount") from None
    if micros <= 0:
        raise click.BadParameter("what is paid in is above 0", param_hint="--amount")
    with opened_books() as books, database.writing(books.engine) as connection:
        known = partners.merchant_of(connection, merchant)
        if known is None:
            raise click.ClickException(f"there is no merchant {merchant_id!r}")
        code = known.currency
        if currency not in (None, code):
            raise click.ClickException(f"{merchant_id} pays in {code}, not in {currency}")
        journal = Journal(connection, books.zone)
        outcome = deposit(journal, account, micros, currency=code, key=reference, now=now)
        if isinstance(outcome, Refused):
            raise click.ClickException(f"not booked: {why_refused(outcome, reference)}")
        balance = journal.balance(account, code).posted
    done = "Had been booked" if outcome.again else "Booked"
    click.echo(f"{done}: {format_amount(micros)} {code} of {merchant_id} ({reference}).")
    owes = "It owes" if balance < 0 else "It has in advance"
    click.echo(f"{owes} {format_amount(Micros(abs(balance)))} {code}.")
