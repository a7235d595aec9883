"""Findings of invalid traffic: what was billed before, what was taken back, and a new finding.

Never here: pages (`invalid_pages`), or who pays for it (`accounting.advertising`). The one
surprising fact: the books know a day's cells (line item, app, placement), and no addresses. What a
finding of whole cells takes is read there; any other is counted from the raw events, by the query
that accrues a day.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from msgspec import Struct

from adserver.accounting.advertising import AdDesk, accrue_day
from adserver.accounts.identity import Identity
from adserver.api.problems import NotFoundError
from adserver.api.traffic import address_key
from adserver.console.desk import Desk
from adserver.console.operators.house import day as day_of_text, zone_of
from adserver.console.operators.paging import Order, Place, moment
from adserver.console.operators.refusals import in_words, refused
from adserver.console.web.language import N_
from adserver.eventlog.revenue import day_revenue
from adserver.marketplace.problem import Sentence
from adserver.reports.span import BEGINNING
from adserver.stores import audit, database, findings, revenue
from adserver.stores.findings import money_around
from adserver.stores.ledger import Journal
from affiliate.ad_revenue import Finding, Invalid, day_of, days_between
from models.domain.ids import AppId, LineItemId, PlacementId

MOST_DAYS = 31
FIRST_DAY = BEGINNING.date()
LONGEST_REASON = 200
LONGEST_ID = 64


class NewFinding(Struct):
    """Traffic to be found invalid: days, and what its events share; all that is named must fit."""

    first_day: str
    reason: str
    last_day: str = ""
    app_id: str = ""
    placement_id: str = ""
    line_item_id: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """Money in micros before findings and after.

    `charged` and `invalid` are the advertisers', `earned` and `taken_back` the partners'.
    """

    impressions: int = 0
    invalid_impressions: int = 0
    charged: int = 0
    invalid: int = 0
    earned: int = 0
    taken_back: int = 0

    @property
    def charged_after(self) -> int:
        """What advertisers pay now."""
        return self.charged - self.invalid

    @property
    def earned_after(self) -> int:
        """What partners have now."""
        return self.earned - self.taken_back


@dataclass(frozen=True, slots=True)
class Found:
    """A finding with what it names one by one (0: a rule).

    `around` is the money of all its days, apps, placements and line items, with everything that
    any finding took there.
    """

    finding: Finding
    by_id: int
    found_at: datetime
    around: Effect

    @property
    def takes_all(self) -> bool:
        """Whether all of the advertisers' money around it is its own: it names whole cells."""
        return not self.by_id and not self.finding.address_key

    @property
    def takes_all_shares(self) -> bool:
        """Whether the partners' money around it is: the books know no shares of line items."""
        return self.takes_all and not self.finding.line_item_id

    @property
    def taken(self) -> int | None:
        """Micros that go back to advertisers for its own events; None where `own_effect` counts."""
        return self.around.invalid if self.takes_all else None

    @property
    def taken_back(self) -> int | None:
        """Micros of partners that its own events took; None where nobody can say."""
        return self.around.taken_back if self.takes_all_shares else None


Known = tuple[Finding, int, datetime]
"""A finding, how many events it names one by one, and when it was found."""


def _place(one: Known) -> Place:
    return moment(one[2]), one[0].finding_id


LATEST_FIRST = Order(_place, falling=True)


def known(desk: Desk) -> list[Known]:
    """All findings, the latest first."""
    with database.reading(desk.engine) as connection:
        return LATEST_FIRST.sorted(findings.all_findings(connection))


def with_money(desk: Desk, some: Sequence[Known]) -> list[Found]:
    """These findings and what they did to money: two sums, however many there are."""
    with database.reading(desk.engine) as connection:
        around = money_around(connection, [one[0].finding_id for one in some])
    return [Found(*one, Effect(*around[one[0].finding_id])) for one in some]


def find(desk: Desk, finding_id: str) -> Found:
    """One finding. Raises NotFoundError."""
    with database.reading(desk.engine) as connection:
        found = findings.find(connection, finding_id)
    if found is None:
        raise NotFoundError("there is no such finding")
    return with_money(desk, [found])[0]


def own_effect(desk: Desk, found: Found, now: datetime) -> Effect:
    """What a finding's own events came to, other findings left aside: the advertisers' side.

    Raises:
        CatalogError: it is about more than `MOST_DAYS` days.
        StoreAwayError: the event log does not answer.
    """
    total, days = Effect(), _days(desk, found.finding, now)
    if len(days) > MOST_DAYS:
        raise refused(Sentence("at most %(most)s days are counted at once", most=MOST_DAYS))
    for day in days:
        total = _added(total, _counted(desk, day, _alone(desk, found, day)))
    return total


def _alone(desk: Desk, found: Found, day: date) -> Invalid:
    if not found.by_id:
        return Invalid((found.finding,))
    with database.reading(desk.engine) as connection:
        return Invalid(event_ids=findings.named_by(connection, found.finding.finding_id, day))


def preview(desk: Desk, given: NewFinding, now: datetime) -> tuple[Effect, Effect]:
    """What advertisers are charged for its days now, and would be: effects on all of those days.

    Counted from the raw events; partners' money follows when the days are accrued again.

    Raises:
        CatalogError: it is not written as it should be.
        StoreAwayError: the event log does not answer.
    """
    finding = _read(desk, given, now)
    before, after = Effect(), Effect()
    for day in _days(desk, finding, now):
        with database.reading(desk.engine) as connection:
            known = findings.invalid_on(connection, day)
        with_it = replace(known, rules=(*known.rules, finding))
        before = _added(before, _counted(desk, day, known))
        after = _added(after, _counted(desk, day, with_it))
    return before, after


def keep(desk: Desk, who: Identity, given: NewFinding, now: datetime) -> tuple[Finding, list[date]]:
    """Keeps a finding and accrues its days again, as far as they were; answers those days.

    Raises:
        CatalogError: it is not written as it should be.
        StoreAwayError: the event log does not answer; the finding is kept, and the days are
            accrued again within the hour.
    """
    finding = _read(desk, given, now)
    with database.writing(desk.engine) as connection:
        Journal(connection, zone_of(desk)).lock()
        findings.add_rule(connection, finding, now)
        audit.record(
            connection, who, "find_invalid", "finding", finding.finding_id, None, finding, now
        )
    ads = AdDesk(desk.engine, zone_of(desk), desk.settings.currency)
    again = []
    for day in _days(desk, finding, now):
        with database.reading(desk.engine) as connection:
            accrued = revenue.day_posted(connection, day) is not None
        if accrued:
            with in_words():
                accrue_day(ads, desk.store, day, now)
            again.append(day)
    return finding, again


def _read(desk: Desk, given: NewFinding, now: datetime) -> Finding:
    first, last = _read_days(given, day_of(now, zone_of(desk)))
    if not given.reason.strip() or len(given.reason) > LONGEST_REASON:
        raise refused(
            Sentence("say why, in up to %(most)s characters", most=LONGEST_REASON), "reason"
        )
    names = {
        name: getattr(given, name).strip() for name in ("app_id", "placement_id", "line_item_id")
    }
    for name, value in names.items():
        if len(value) > LONGEST_ID:
            raise refused(N_("no id is that long"), name)
    address = _address_key(desk, given.address.strip())
    if not any(names.values()) and not address:
        raise refused(N_("all of a day is too much: name an app, placement, line item or address"))
    return Finding(
        f"inv_{secrets.token_hex(6)}",
        given.reason.strip(),
        first,
        last,
        AppId(names["app_id"]),
        PlacementId(names["placement_id"]),
        LineItemId(names["line_item_id"]),
        address,
    )


def _read_days(given: NewFinding, today: date) -> tuple[date, date]:
    first = day_of_text(given.first_day.strip(), "first_day")
    last = day_of_text(given.last_day.strip(), "last_day") if given.last_day.strip() else first
    for name, day in (("first_day", first), ("last_day", last)):
        if day < FIRST_DAY:
            raise refused(Sentence("not before %(first)s", first=FIRST_DAY.isoformat()), name)
        if day > today:
            raise refused(N_("this day has not begun yet"), name)
    if last < first:
        raise refused(N_("days are given in order"), "last_day")
    if (last - first).days >= MOST_DAYS:
        raise refused(Sentence("at most %(most)s days at once", most=MOST_DAYS), "last_day")
    return first, last


def _address_key(desk: Desk, address: str) -> int:
    if not address:
        return 0
    key = address_key(address, desk.keyring.secret_key)
    if not key:
        raise refused(N_("this is no IP address"), "address")
    return key


def _days(desk: Desk, finding: Finding, now: datetime) -> list[date]:
    """The days of a finding on which there can be events; one kept long ago may name others."""
    today = day_of(now, zone_of(desk))
    return list(days_between(max(finding.first_day, FIRST_DAY), min(finding.last_day, today)))


def _counted(desk: Desk, day: date, invalid: Invalid) -> Effect:
    """A day from its raw events, the advertisers' side."""
    cells = day_revenue(desk.store, day, zone_of(desk), invalid).cells
    return Effect(
        sum(cell.impressions for cell in cells),
        sum(cell.invalid_impressions for cell in cells),
        sum(cell.revenue_micros for cell in cells),
        sum(cell.invalid_micros for cell in cells),
    )


def _added(one: Effect, other: Effect) -> Effect:
    names = Effect.__slots__
    return Effect(*(getattr(one, name) + getattr(other, name) for name in names))
