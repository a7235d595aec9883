"""`adunion reconcile`: proves that a day's money is that of its events, or lists what differs.

Never here: the comparison (`accounting.ad_reconciliation`), or a repair. The one surprising fact:
exit code 0 is the proof, to the micro; it trusts no sum that was kept.
"""

import sys
from datetime import date

import click

from adserver.accounting.ad_reconciliation import Compared, Difference, reconcile_day
from adserver.commands.ad_books import DAY, opened_ad_books
from adserver.commands.books import AS_JSON
from adserver.commands.catalog_access import print_json, print_list

_BOOKS = {
    "revenue": "posted revenue against raw events",
    "share": "shares against rules and raw events",
    "ledger": "ledger against what was posted",
}
SHOWN = 200


@click.command(epilog="\b\nExample:\n  adunion reconcile --day 2026-10-31")
@click.option("--day", type=DAY, metavar="DAY", help="[default: yesterday]")
@AS_JSON
def command(day: date | None, as_json: bool) -> None:
    """Count a day again from its raw events and compare revenue, shares and ledger with it.

    Exit code 1 where anything differs. `accrue` posts what events and rules say; a difference of
    the ledger itself is a case for `adunion ledger verify`.
    """
    with opened_ad_books() as ads, ads.events() as events:
        day = day or ads.yesterday
        found = reconcile_day(ads.desk, events, day)
    if as_json:
        print_json({"day": day.isoformat(), "equal": not found.differences, **_document(found)})
    else:
        _tell(day, found)
    if found.differences:
        sys.exit(1)


def _document(found: Compared) -> dict[str, object]:
    return {
        "cells": found.cells,
        "rows": found.rows,
        "transactions": found.transactions,
        "differences": [_line(one) for one in found.differences],
    }


def _line(one: Difference) -> dict[str, object]:
    return {
        "book": one.book,
        "where": one.where,
        "what": one.what,
        "expected": one.expected,
        "found": one.found,
    }


def _tell(day: date, found: Compared) -> None:
    told = (
        f"{found.cells:,} sums of raw events, {found.rows:,} shares, "
        f"{found.transactions:,} ledger transactions"
    )
    if not found.differences:
        click.echo(f"reconcile {day}: equal to the micro ({told})")
        return
    click.echo(f"reconcile {day}: {len(found.differences):,} DIFFERENCES ({told})")
    for book, title in _BOOKS.items():
        rows = [_line(one) for one in found.differences if one.book == book]
        if rows:
            columns = ("where", "what", "expected", "found")
            print_list(f"{len(rows)}: {title}", columns, rows[:SHOWN])
