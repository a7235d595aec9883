"""`adunion advertiser deposit` and `deposits`: what advertisers have paid in for their ads.

Never here: what it spends (`accounting.advertising`). The one surprising fact: both are safe to
repeat; a payment told twice under one reference is booked once.
"""

import csv
from collections.abc import Iterator
from typing import TextIO

import click

from adserver.commands.ad_books import (
    AMOUNT,
    REFERENCE,
    AdBooks,
    AmountType,
    opened_ad_books,
    pay_in,
)
from adserver.commands.catalog_access import opened_catalog
from affiliate.chart_of_accounts import advertiser_prepaid
from models.domain.campaign import Advertiser
from models.domain.ids import AdvertiserId
from models.domain.money import Micros

COLUMNS = ("advertiser", "amount", "reference")


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
        again, balance = _paid(ads, advertiser_id, amount, reference)
        currency = ads.desk.currency
        done = "Had been booked" if again else "Booked"
        click.echo(f"{done}: {ads.shown(amount)} {currency} of {advertiser_id} ({reference}).")
        owes = "It owes" if balance < 0 else "It has in advance"
        click.echo(f"{owes} {ads.shown(abs(balance))} {currency}.")


@click.command("deposits", epilog="\b\nExample:\n  adunion advertiser deposits november.csv")
@click.argument("file", type=click.File(encoding="utf-8-sig"))
def advertiser_deposits(file: TextIO) -> None:
    """Book the payments in FILE, the bank's list as CSV: advertiser, amount, reference.

    A line that is no payment is listed and left out; the rest is booked. Exit code 1 then.
    """
    with opened_catalog() as catalog:
        known = {one.advertiser_id for one in catalog.find(Advertiser, archived=True)}
    booked = again = 0
    faults = []
    with opened_ad_books() as ads:
        for number, row in _rows(file):
            try:
                had_been, _ = _read_and_paid(ads, row, known)
            except (click.ClickException, ValueError) as error:
                faults.append(f"line {number}: {error}")
                continue
            again += had_been
            booked += not had_been
    click.echo(f"{booked} booked, {again} had been booked, {len(faults)} left out.")
    if faults:
        raise click.ClickException("\n".join(faults))


def _rows(file: TextIO) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(file)
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise click.ClickException(f"line 1 names the columns; {', '.join(missing)} missing")
    for row in reader:
        yield reader.line_num, {name: (row[name] or "").strip() for name in COLUMNS}


def _read_and_paid(
    ads: AdBooks, row: dict[str, str], known: set[AdvertiserId]
) -> tuple[bool, Micros]:
    if row["advertiser"] not in known:
        raise ValueError(f"there is no advertiser {row['advertiser']!r}")
    amount: Micros = AmountType().convert(row["amount"], None, None)
    return _paid(ads, row["advertiser"], amount, row["reference"])


def _paid(ads: AdBooks, advertiser_id: str, amount: Micros, reference: str) -> tuple[bool, Micros]:
    account = advertiser_prepaid(AdvertiserId(advertiser_id))
    return pay_in(ads.books, account, amount, reference, ads.desk.currency)
