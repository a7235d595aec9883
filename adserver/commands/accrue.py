"""`adunion accrue`: takes days of ad revenue into the books.

Never here: what is posted (`accounting.advertising`). The one surprising fact: it may be run as
often as one likes; each time the day is counted anew and only what differs is posted.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import click

from adserver.accounting.advertising import Accrual, accrue_day
from adserver.commands.ad_books import DAY, AdBooks, opened_ad_books
from adserver.commands.books import AS_JSON
from adserver.commands.catalog_access import print_json
from affiliate.ad_revenue import day_of, days_between

_EPILOG = """\b
Examples:
  adunion accrue
  adunion accrue --day 2026-10-31
  adunion accrue --day 2026-10-01 --until 2026-10-31
The console does this by itself, soon after each day has ended and again for late events."""

KEPT = {
    "no_partner": "apps of the house's own",
    "no_contract": "partners without a contract for it",
    "partner_not_approved": "partners who are not approved",
}


@click.command(epilog=_EPILOG)
@click.option("--day", type=DAY, metavar="DAY", help="[default: yesterday]")
@click.option("--until", type=DAY, metavar="DAY", help="And all days up to this one.")
@click.option(
    "--even-if-less", is_flag=True, help="Even if the event log has lost events since last time."
)
@AS_JSON
def command(day: date | None, until: date | None, even_if_less: bool, as_json: bool) -> None:
    """Turn a day's billable events into revenue: advertisers pay, placements' partners earn.

    A day that was accrued before posts only the difference. Days are those of ADUNION_TIME_ZONE.
    """
    documents: list[dict[str, Any]] = []
    with opened_ad_books() as ads, ads.events() as events:
        first = day or ads.yesterday
        last = until or first
        today = day_of(datetime.now(UTC), ads.desk.zone)
        if last < first or last > today:
            raise click.UsageError("days are given in order, and up to today")
        for one in days_between(first, last):
            found = accrue_day(ads.desk, events, one, datetime.now(UTC), even_if_less=even_if_less)
            if as_json:
                documents.append(document(ads, found))
            else:
                for line in lines(ads, found, unfinished=one == today):
                    click.echo(line)
    if as_json:
        print_json(documents)


def document(ads: AdBooks, found: Accrual) -> dict[str, Any]:
    """An accrual for scripts; amounts are decimal strings."""
    sums = _sums(found)
    return {
        "day": found.revenue.day.isoformat(),
        "currency": ads.desk.currency,
        "revision": found.revision,
        "transactions": found.transactions,
        **{name: ads.shown(amount).replace(",", "") for name, amount in sums.items()},
        "kept": {
            reason: ads.shown(amount).replace(",", "")
            for reason, amount in sorted(found.kept.items())
        },
        "short": [
            {"app_id": row.app_id, "placement_id": row.placement_id, "reason": row.reason}
            for row in found.rows
            if row.contract_id and row.reason
        ],
    }


def lines(ads: AdBooks, found: Accrual, *, unfinished: bool = False) -> Iterator[str]:
    """An accrual for people."""
    done = f"{found.transactions:,} posted" if found.transactions else "nothing new"
    yield f"{found.revenue.day} ({done})"
    if unfinished:
        yield "  the day is not over: accrue it again tomorrow"
    for name, amount in _sums(found).items():
        yield f"  {name:<10} {ads.shown(amount):>20} {ads.desk.currency}"
    for reason, amount in sorted(found.kept.items()):
        if amount:
            whose = KEPT.get(reason, reason)
            yield f"  the house keeps {ads.shown(amount)} of {whose} ({reason})"
    for row in found.rows:
        if row.contract_id and row.reason:
            asked = ads.shown(row.subsidy_wanted_micros)
            yield f"  {row.placement_id} of {row.partner_id}: {row.reason}, asked for {asked}"
    later = sorted({row.day for row in found.changed} - {found.revenue.day.isoformat()})
    if later:
        yield f"  a tier moved: {', '.join(later)} changed too"


def _sums(found: Accrual) -> Counter[str]:
    sums = Counter(
        revenue=sum(cell.revenue_micros for cell in found.revenue.cells),
        invalid=sum(cell.invalid_micros for cell in found.revenue.cells),
        share=sum(row.share_micros for row in found.rows),
        subsidy=sum(row.subsidy_micros for row in found.rows),
        guarantee=sum(row.guarantee_micros for row in found.rows),
    )
    sums["partners"] = sums["share"] + sums["subsidy"] + sums["guarantee"]
    return sums
