"""A naive book of partners' money: plain dicts, everything counted from scratch at every look.

It knows none of our modules. What it gets are the same facts, contracts and decisions as the real
books; what it answers is what every account must then hold. Slow and obvious on purpose.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
MICROS_PER_FEN = 10_000

Line = tuple[str, str, str]
"""(merchant, order, line)"""


@dataclass(frozen=True)
class Deal:
    """What a partner agreed to from an instant on: percents as ppm, money in fen."""

    partner: str
    version: int
    since: datetime
    rate: int = 100_000
    share: int = 1_000_000
    tiers: tuple[tuple[int, int], ...] = ()
    cap: int | None = None
    hold_days: int = 0
    subsidy: int = 0
    subsidy_cap: int | None = None
    minimum: int = 10_000


@dataclass(frozen=True)
class Told:
    """One version of one line, as the merchant told it."""

    line: Line
    version: int
    status: str
    paid: int
    refunded: int
    moment: datetime
    coupon: str


@dataclass
class Row:
    """What a line has come to."""

    partner: str
    commission: int
    partner_part: int
    gross_commission: int
    received: datetime | None
    paid_month: str
    hold_days: int


def rounded(numerator: int, denominator: int) -> int:
    """Half away from zero, for numbers that are not negative."""
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest >= denominator)


def month_of(moment: datetime) -> str:
    return moment.astimezone(ZONE).strftime("%Y-%m")


def lock_of(month: str) -> datetime:
    year, number = map(int, month.split("-"))
    year, number = (year + 1, 1) if number == 12 else (year, number + 1)
    return datetime(year, number, 10, tzinfo=ZONE)


def joined(line: Line) -> str:
    """A line's name where nothing else is said."""
    return "/".join(line)


@dataclass
class Oracle:
    """The whole truth, kept the simplest way; amounts are fen. `name` breaks ties of time."""

    deals: list[Deal]
    pool: int = 0
    name: Callable[[Line], str] = joined
    facts: dict[Line, dict[int, Told]] = field(default_factory=dict)
    wanted: dict[Line, int] = field(default_factory=dict)
    granted: dict[Line, int] = field(default_factory=dict)
    given: dict[Line, int] = field(default_factory=dict)
    matured: dict[Line, int] = field(default_factory=dict)
    closed: str = ""

    def hear(self, told: Told) -> str:
        """The verdict on a fact."""
        versions = self.facts.setdefault(told.line, {})
        if told.version in versions:
            return "duplicate" if versions[told.version] == told else "conflict"
        versions[told.version] = told
        self._subsidise(told.line)
        return "accepted"

    def rows(self) -> dict[Line, Row]:
        """Every line that belongs to a partner, judged together with its contract's month."""
        scopes: dict[tuple[str, int, str], list[tuple[datetime, Line, Deal]]] = {}
        for line, versions in self.facts.items():
            paid = [told for _, told in sorted(versions.items()) if told.status in MONEY]
            coupon = next((t.coupon for _, t in sorted(versions.items()) if t.coupon), "")
            deal = self.deal(coupon, paid[0].moment) if paid and coupon else None
            if deal is not None:
                key = (deal.partner, deal.version, month_of(paid[0].moment))
                scopes.setdefault(key, []).append((paid[0].moment, line, deal))
        rows: dict[Line, Row] = {}
        for members in scopes.values():
            rows |= self._judged(sorted(members, key=lambda m: (m[0], self.name(m[1]))))
        return rows

    def _judged(self, members: list[tuple[datetime, Line, Deal]]) -> dict[Line, Row]:
        revenue = used = 0
        rows = {}
        for moment, line, deal in members:
            last, refunded = self.last(line), self.refunded(line)
            lives = last.status not in ("cancelled", "placed")
            revenue += (last.paid - refunded) if lives else 0
            rate = deal.rate
            for start, better in sorted(deal.tiers):
                if revenue >= start:
                    rate = better
            gross = rounded(last.paid * rate, 1_000_000) if lives else 0
            if deal.cap is not None:
                gross = min(gross, max(0, deal.cap - used))
            fee = gross * (1_000_000 - deal.share) // 1_000_000
            part = gross * deal.share // 1_000_000
            part += gross - part - fee
            net = gross - back(gross, refunded, last.paid)
            used += net
            versions = sorted(self.facts[line].items())
            received = [told.moment for _, told in versions if told.status == "received"]
            rows[line] = Row(
                partner=deal.partner,
                commission=net,
                partner_part=part - back(part, refunded, last.paid),
                gross_commission=gross,
                received=received[0] if received else None,
                paid_month=month_of(moment),
                hold_days=deal.hold_days,
            )
        return rows

    def deal(self, partner: str, moment: datetime) -> Deal | None:
        """What was agreed with a partner at an instant."""
        mine = [deal for deal in self.deals if deal.partner == partner and deal.since <= moment]
        return max(mine, key=lambda deal: deal.since, default=None)

    def last(self, line: Line) -> Told:
        """The highest version."""
        return self.facts[line][max(self.facts[line])]

    def refunded(self, line: Line) -> int:
        """How much went back; a refund that names no amount is a full one."""
        last = self.last(line)
        whole = last.status == "refunded" and not last.refunded
        return last.paid if whole else last.refunded

    def _subsidise(self, line: Line) -> None:
        """What is wanted in addition is granted as far as cap and pool reach; then refunded."""
        rows = self.rows()
        row = rows.get(line)
        if row is None:
            return
        first = next(t for _, t in sorted(self.facts[line].items()) if t.status in MONEY)
        deal = self.deal(row.partner, first.moment)
        assert deal is not None
        wanted = rounded(row.gross_commission * deal.subsidy, 1_000_000)
        before, granted = self.wanted.get(line, 0), self.granted.get(line, 0)
        if wanted > before:
            room = self.pool_left()
            if deal.subsidy_cap is not None:
                month = [one for one in self.given if rows[one].paid_month == row.paid_month]
                room = min(room, deal.subsidy_cap - sum(self.given[one] for one in month))
            granted += max(0, min(wanted - before, room))
        granted = min(granted, wanted)
        self.wanted[line], self.granted[line] = wanted, granted
        last, held = self.last(line), self.given.get(line, 0)
        due = granted - back(granted, self.refunded(line), last.paid)
        self.given[line] = min(due, held + self.pool_left()) if due > held else due

    def pool_left(self) -> int:
        """What the fund still has."""
        return self.pool - sum(self.given.values())

    def earned(self) -> dict[Line, int]:
        """Each line's money for its partner, its subsidy with it."""
        return {
            line: row.partner_part + self.given.get(line, 0) for line, row in self.rows().items()
        }

    def close(self, month: str) -> None:
        """Everything up to and with this month is closed; what has ripened becomes payable."""
        earned = self.earned()
        for line, row in self.rows().items():
            if row.received is None or row.paid_month > month:
                continue
            if row.received + timedelta(days=row.hold_days) > lock_of(month):
                continue
            self.matured[line] = max(self.matured.get(line, 0), earned[line])
        self.closed = month

    def pending(self, partner: str) -> int:
        """Earned, and not yet payable."""
        return sum(max(0, amount) for amount in self._beyond(partner))

    def settled(self, partner: str) -> int:
        """Made payable by closings, less what was taken back since."""
        mine = {line for line, row in self.rows().items() if row.partner == partner}
        made = sum(amount for line, amount in self.matured.items() if line in mine)
        return made + sum(min(0, amount) for amount in self._beyond(partner))

    def _beyond(self, partner: str) -> list[int]:
        rows = self.rows()
        return [
            amount - self.matured.get(line, 0)
            for line, amount in self.earned().items()
            if rows[line].partner == partner
        ]


MONEY = ("paid", "received")


def back(amount: int, refunded: int, paid: int) -> int:
    """What a refund takes back of an amount."""
    return rounded(amount * refunded, paid) if paid else 0
