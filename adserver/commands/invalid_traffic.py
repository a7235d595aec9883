"""`adunion invalid-traffic`: what was found to be invalid after it had been billed.

Never here: what it costs whom (`accounting.advertising`). The one surprising fact: a finding
changes no event; it is kept beside the log, and the days it touches are accrued again, which posts
the deductions.
"""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import click

from adserver import keyring
from adserver.accounting.advertising import accrue_day
from adserver.api.traffic import address_key
from adserver.commands.accrue import lines
from adserver.commands.ad_books import DAY, AdBooks, opened_ad_books
from adserver.commands.books import AS_JSON
from adserver.commands.catalog_access import print_json, print_list
from adserver.eventlog.revenue import arrivals
from adserver.ports import EventStore
from adserver.stores import database, findings, revenue
from adserver.stores.ledger import Journal
from affiliate.ad_revenue import Finding, day_of, days_between
from models.domain.ids import AppId, LineItemId, PlacementId

_EPILOG = """\b
Examples:
  adunion invalid-traffic add --day 2026-10-31 --app app_reader --reason "click farm"
  adunion invalid-traffic add --day 2026-10-01 --until 2026-10-31 \\
      --address 203.0.113.9 --reason "data centre"
  adunion invalid-traffic add --events-file ids.txt --reason "bought traffic"
All that is named must fit: with --app and --address, events of that app from that address."""
SHOWN_LINES = 10


@click.group()
def command() -> None:
    """Traffic that was billed and should not have been: advertisers get it back.

    Before a month closes it is a deduction in the partner's statement of that month; afterwards in
    the open one, with a reference.
    """


@dataclass(frozen=True, slots=True)
class Named:
    """What `add` was told, as far as it is a rule."""

    day: date | None
    until: date | None
    app: str
    placement: str
    line_item: str
    address: str

    @property
    def is_rule(self) -> bool:
        """Whether anything but a file was named."""
        return any((self.day, self.until, self.app, self.placement, self.line_item, self.address))


@command.command(epilog=_EPILOG)
@click.option(
    "--events-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Event ids, one a line; # begins a remark.",
)
@click.option("--day", type=DAY, metavar="DAY", help="The day, or the first one.")
@click.option("--until", type=DAY, metavar="DAY", help="The last day.")
@click.option("--app", default="", metavar="ID", help="Only of this app.")
@click.option("--placement", default="", metavar="ID", help="Only of this placement.")
@click.option("--line-item", default="", metavar="ID", help="Only of this line item.")
@click.option("--address", default="", metavar="IP", help="Only from this address.")
@click.option("--reason", required=True, metavar="TEXT", help="Why it is invalid; kept.")
def add(events_file: Path | None, reason: str, **given: object) -> None:
    """Keep a finding, and accrue the days it touches again, as far as they were accrued."""
    named = Named(**given)  # type: ignore[arg-type]
    if (events_file is None) is not named.is_rule:
        raise click.UsageError("name events by --events-file, or by --day and what they share")
    now = datetime.now(UTC)
    with opened_ad_books() as ads, ads.events() as events:
        if events_file is None:
            touched = _keep_rule(ads, named, reason, now)
        else:
            touched = _keep_events(ads, events, events_file, reason, now)
        _accrue_again(ads, events, touched)


@command.command("list")
@AS_JSON
def list_(as_json: bool) -> None:
    """List all findings, the latest first."""
    with opened_ad_books() as ads, database.reading(ads.books.engine) as connection:
        rows = [
            {
                "finding": one.finding_id,
                "found": f"{found_at.astimezone(ads.desk.zone):%Y-%m-%d %H:%M}",
                "days": _span(one),
                "what": f"{by_id:,} events" if by_id else _rule(one),
                "reason": one.reason,
            }
            for one, by_id, found_at in findings.all_findings(connection)
        ]
    if as_json:
        print_json(rows)
    elif rows:
        print_list("Findings", ("finding", "found", "days", "what", "reason"), rows)
    else:
        click.echo("Nothing was found to be invalid.")


def _keep_rule(ads: AdBooks, named: Named, reason: str, now: datetime) -> list[date]:
    first = named.day
    if first is None:
        raise click.UsageError("a rule is about days: name --day, and --until for more")
    last = named.until or first
    if last < first:
        raise click.UsageError("days are given in order")
    if not any((named.app, named.placement, named.line_item, named.address)):
        raise click.UsageError("all of a day is too much: name an app, placement or address")
    finding = Finding(
        _new_id(),
        reason[:200],
        first,
        last,
        AppId(named.app),
        PlacementId(named.placement),
        LineItemId(named.line_item),
        _address_key(ads, named.address),
    )
    with database.writing(ads.books.engine) as connection:
        Journal(connection, ads.desk.zone).lock()
        findings.add_rule(connection, finding, now)
    click.echo(f"Kept finding {finding.finding_id}: {_rule(finding)}, {_span(finding)}.")
    return list(days_between(first, min(last, day_of(now, ads.desk.zone))))


def _address_key(ads: AdBooks, address: str) -> int:
    if not address:
        return 0
    key = address_key(address, keyring.load(ads.books.settings).secret_key)
    if not key:
        raise click.BadParameter(f"{address!r} is not an IP address", param_hint="--address")
    return key


def _keep_events(
    ads: AdBooks, events: EventStore, path: Path, reason: str, now: datetime
) -> list[date]:
    wanted, broken = _ids(path.read_text(errors="replace").splitlines())
    known = arrivals(events, wanted.keys(), ads.desk.zone)
    broken |= {line: "no such event" for one, line in wanted.items() if one not in known}
    for line in sorted(broken)[:SHOWN_LINES]:
        click.echo(f"line {line}: {broken[line]}", err=True)
    if len(broken) > SHOWN_LINES:
        click.echo(f"and {len(broken) - SHOWN_LINES:,} more lines", err=True)
    if not known:
        raise click.ClickException(f"{path} names no event of the log")
    days = sorted(set(known.values()))
    finding = Finding(_new_id(), reason[:200], days[0], days[-1])
    with database.writing(ads.books.engine) as connection:
        Journal(connection, ads.desk.zone).lock()
        new = findings.add_events(connection, finding, known, now)
    if new:
        click.echo(f"Kept finding {finding.finding_id}: {new:,} events, {_span(finding)}.")
    else:
        click.echo("All of these events had been found to be invalid before.")
    return days


def _ids(lines: Iterable[str]) -> tuple[dict[str, int], dict[int, str]]:
    """Event ids with the line they stand in, and what is wrong with other lines."""
    ids: dict[str, int] = {}
    broken: dict[int, str] = {}
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            ids.setdefault(str(UUID(text)), number)
        except ValueError:
            broken[number] = f"{text[:60]!r} is not an event id"
    return ids, broken


def _accrue_again(ads: AdBooks, events: EventStore, days: Iterable[date]) -> None:
    for day in days:
        with database.reading(ads.books.engine) as connection:
            accrued = revenue.day_posted(connection, day) is not None
        if not accrued:
            click.echo(f"{day} was not accrued yet; the finding counts when it is.")
            continue
        for line in _lines(ads, events, day):
            click.echo(line)


def _lines(ads: AdBooks, events: EventStore, day: date) -> Iterator[str]:
    yield from lines(ads, accrue_day(ads.desk, events, day, datetime.now(UTC)))


def _new_id() -> str:
    return f"inv_{secrets.token_hex(6)}"


def _span(finding: Finding) -> str:
    if finding.first_day == finding.last_day:
        return finding.first_day.isoformat()
    return f"{finding.first_day} to {finding.last_day}"


def _rule(finding: Finding) -> str:
    parts = {
        "app": finding.app_id,
        "placement": finding.placement_id,
        "line item": finding.line_item_id,
        "address key": str(finding.address_key or ""),
    }
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value)
