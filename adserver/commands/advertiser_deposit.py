"""`adunion advertiser deposit`: what an advertiser has paid in for its ads.

Never here: what it spends (`accounting.advertising`). The one surprising fact: it is safe to
repeat; a payment told twice under one reference is booked once.
"""

import click

from adserver.commands.ad_books import AMOUNT, REFERENCE, opened_ad_books, pay_in
from adserver.commands.catalog_access import opened_catalog
from affiliate.chart_of_accounts import advertiser_prepaid
from models.domain.campaign import Advertiser
from models.domain.ids import AdvertiserId
from models.domain.money import Micros


@click.command(
    "deposit",
    epilog="\b\nExample:\n  adunion advertiser deposit adv_tea --amount 5000 --reference B17",
)
@click.argument("advertiser_id", metavar="ADVERTISER")
@AMOUNT
@REFERENCE
def advertiser_deposit(advertiser_id: str, amount: Micros, reference: str) -> None:
    """Book what an advertiser has paid, in advance or for ads it has had."""
    with opened_catalog() as catalog:
        catalog.get(Advertiser, advertiser_id)
    with opened_ad_books() as ads:
        currency = ads.desk.currency
        account = advertiser_prepaid(AdvertiserId(advertiser_id))
        again, balance = pay_in(ads.books, account, amount, reference, currency)
        done = "Had been booked" if again else "Booked"
        click.echo(f"{done}: {ads.shown(amount)} {currency} of {advertiser_id} ({reference}).")
        owes = "It owes" if balance < 0 else "It has in advance"
        click.echo(f"{owes} {ads.shown(abs(balance))} {currency}.")
