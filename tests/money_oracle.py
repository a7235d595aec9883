"""A naive book of partners' money: plain dicts, everything counted from scratch at every look.

It knows none of our modules. What it gets are the same facts, contracts and decisions as the real
books; what it answers is what every account must then hold. Slow and obvious on purpose.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
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


@dataclass
class Oracle:
    """The whole truth, kept the simplest way."""

    deals: list[Deal]
    pool: int = 0
    facts: dict[Line, dict[int, Told]] = field(default_factory=dict)
    granted: dict[Line, int] = field(default_factory=dict)
    matured: dict[Line, int] = field(default_factory=dict)
    payable: dict[str, int] = field(default_factory=dict)
    netted: dict[str, int] = field(default_factory=dict)
    payouts: dict[str, tuple[str, int, str]] = field(default_factory=dict)
    closed: str = ""

    def hear(self, told: Told) -> str:
        """The verdict on a fact."""
        versions = self.facts.setdefault(told.line, {})
        if told.version in versions:
            return "duplicate" if versions[told.version] == told else "conflict"
        versions[told.version] = told
        self._grant(told.line)
        return "accepted"

    def rows(self) -> dict[Line, Row]:
        """Every line that belongs to a partner, judged together with its contract's month."""
        scopes: dict[Any, list[tuple[datetime, Line, Deal]]] = {}
        for line, versions in self.facts.items():
            paid = [told for _, told in sorted(versions.items()) if told.status in _MONEY]
            coupon = next((t.coupon for _, t in sorted(versions.items()) if t.coupon), "")
            deal = self._deal(coupon, paid[0].moment) if paid and coupon else None
            if deal is not None:
                key = (deal.partner, deal.version, month_of(paid[0].moment))
                scopes.setdefault(key, []).append((paid[0].moment, line, deal))
        rows: dict[Line, Row] = {}
        for members in scopes.values():
            rows |= self._judged(sorted(members, key=lambda m: (m[0], ROW_KEY(m[1]))))
        return rows

    def _judged(self, members: list[tuple[datetime, Line, Deal]]) -> dict[Line, Row]:
        revenue = used = 0
        rows = {}
        for moment, line, deal in members:
            last = self.facts[line][max(self.facts[line])]
            lives = last.status not in ("cancelled", "placed")
            refunded = last.refunded
            if last.status == "refunded" and not refunded:
                refunded = last.paid
            revenue += (last.paid - refunded) if lives else 0
            rate = deal.rate
            for start, better in sorted(deal.tiers):
                if revenue >= start:
                    rate = better
            gross = rounded(last.paid * rate, 1_000_000) if lives else 0
            if deal.cap is not None:
                gross = min(gross, max(0, deal.cap - used))
            part = (gross * deal.share) // 1_000_000
            fee = (gross * (1_000_000 - deal.share)) // 1_000_000
            part += gross - part - fee
            net = gross - (rounded(gross * refunded, last.paid) if last.paid else 0)
            net_part = part - (rounded(part * refunded, last.paid) if last.paid else 0)
            used += net
            received = [t.moment for _, t in sorted(self.facts[line].items())
                        if t.status == "received"]  # fmt: skip
            rows[line] = Row(
                deal.partner, net, net_part, gross, received[0] if received else None,
                month_of(moment), deal.hold_days,
            )  # fmt: skip
        return rows

    def _deal(self, partner: str, moment: datetime) -> Deal | None:
        mine = [deal for deal in self.deals if deal.partner == partner and deal.since <= moment]
        return max(mine, key=lambda deal: deal.since, default=None)

    def _grant(self, line: Line) -> None:
        """A subsidy is granted once, when its line first earns, as far as cap and pool reach."""
        row = self.rows().get(line)
        if row is None or line in self.granted or not row.gross_commission:
            return
        first = next(t for _, t in sorted(self.facts[line].items()) if t.status in _MONEY)
        deal = self._deal(row.partner, first.moment)
        assert deal is not None
        if not deal.subsidy:
            return
        wanted = rounded(row.gross_commission * deal.subsidy, 1_000_000)
        left = self.pool - sum(self.subsidy(other) for other in self.granted)
        if deal.subsidy_cap is not None:
            all_rows = self.rows()
            same = [o for o in self.granted
                    if all_rows[o].partner == row.partner
                    and all_rows[o].paid_month == row.paid_month]  # fmt: skip
            left = min(left, deal.subsidy_cap - sum(self.subsidy(o) for o in same))
        self.granted[line] = max(0, min(wanted, left))

    def subsidy(self, line: Line) -> int:
        """What is left of a line's subsidy after its refunds."""
        granted = self.granted.get(line, 0)
        last = self.facts[line][max(self.facts[line])]
        if last.status in ("cancelled", "placed"):
            return 0
        refunded = last.refunded
        if last.status == "refunded" and not refunded:
            refunded = last.paid
        return granted - (rounded(granted * refunded, last.paid) if last.paid else 0)

    def earned(self) -> dict[Line, int]:
        """Each line's money for its partner, its subsidy with it."""
        return {line: row.partner_part + self.subsidy(line) for line, row in self.rows().items()}

    def close(self, month: str) -> None:
        """Everything up to and with this month is closed; what has ripened becomes payable."""
        earned = self.earned()
        for line, row in self.rows().items():
            if row.received is None or row.paid_month > month:
                continue
            if row.received + timedelta(days=row.hold_days) > lock_of(month):
                continue
            ripe = earned[line] - self.matured.get(line, 0)
            if ripe > 0:
                self.matured[line] = earned[line]
                self.payable[row.partner] = self.payable.get(row.partner, 0) + ripe
        for partner in {deal.partner for deal in self.deals}:
            owed = self.clawback(partner)
            have = self.payable.get(partner, 0)
            take = min(have, -owed) if owed < 0 else -owed
            self.payable[partner] = have - take
            self.netted[partner] = self.netted.get(partner, 0) + take
        self.closed = month

    def pending(self, partner: str) -> int:
        return sum(max(0, amount) for amount in self._over(partner))

    def clawback(self, partner: str) -> int:
        """Below zero: what was made payable and has to come back."""
        return sum(min(0, a) for a in self._over(partner)) + self.netted.get(partner, 0)

    def _over(self, partner: str) -> list[int]:
        rows = self.rows()
        return [
            amount - self.matured.get(line, 0)
            for line, amount in self.earned().items()
            if rows[line].partner == partner
        ]

    def pay(self, payout: str, partner: str, amount: int) -> None:
        """A payout leaves: the amount waits for the bank."""
        self.payable[partner] -= amount
        self.payouts[payout] = (partner, amount, "pending")

    def due(self, partner: str, minimum: int) -> int:
        """What a batch would pay now."""
        have = self.payable.get(partner, 0)
        return have if have >= minimum and have > 0 else 0

    def confirm(self, payout: str) -> None:
        partner, amount, _ = self.payouts[payout]
        self.payouts[payout] = (partner, amount, "paid")

    def fail(self, payout: str) -> None:
        partner, amount, _ = self.payouts[payout]
        self.payouts[payout] = (partner, amount, "failed")
        self.payable[partner] += amount


_MONEY = ("paid", "received")


def ROW_KEY(line: Line) -> str:  # noqa: N802 - replaced by the tests, which know how rows are named
    """What breaks ties of time."""
    return "\x1f".join(line)
