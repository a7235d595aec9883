"""What funds pay of a day's rows: what is open to whom, what is left, and the row that comes of it.

Never here: the rules (`affiliate.revenue_share.draw`). The one surprising fact: rows draw one after
the other in the order of day, app, placement and partner, so it is defined who comes too late.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, tzinfo

from sqlalchemy import Connection

from adserver.accounting.ad_shares import Claim
from adserver.stores import funds
from adserver.stores.ledger import Journal
from adserver.stores.orders import subsidised_by_ads_micros, subsidised_minor
from adserver.stores.revenue import ShareRow
from affiliate.ad_revenue import begin_of_day, end_of_day
from affiliate.calendar import Period, begin_of, end_of
from affiliate.chart_of_accounts import subsidy_pool
from affiliate.partner import Subsidy
from affiliate.revenue_share import Drawn, Owed, Room, Shortfall, draw
from models.domain.ids import PoolId
from models.domain.money import micros_of


@dataclass(slots=True)
class AdFunds:
    """The funds while the rows of one database transaction draw on them."""

    connection: Connection
    journal: Journal
    zone: tzinfo
    left: dict[tuple[str, str], int] = field(default_factory=dict)
    had: dict[tuple[str, str, str, str], int] = field(default_factory=dict)
    given: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    open_to: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    def look(self, claims: Iterable[Claim]) -> None:
        """Notes which funds are open to the partners of these rows, day by day."""
        days: dict[str, set[tuple[str, str]]] = {}
        for claim in claims:
            if claim.row.pool_id:
                pairs = days.setdefault(claim.row.day, set())
                pairs.add((claim.row.pool_id, claim.row.partner_id))
        for day, pairs in days.items():
            on = date.fromisoformat(day)
            span = begin_of_day(on, self.zone), end_of_day(on, self.zone)
            self.open_to[day] = funds.may_draw(self.connection, pairs, *span)

    def settled(self, claim: Claim) -> ShareRow:
        """The row as it should be: its dues, what its fund has for it, and the bridge."""
        row, owed = claim.row, claim.owed
        if owed is None:
            return row
        drawn, closed = self._drawn(claim, owed)
        reason = drawn.reason or (Shortfall.NOT_ENROLLED if closed else None)
        return _bridged(
            replace(
                row,
                share_micros=owed.valid.share,
                guarantee_micros=owed.valid.guarantee,
                subsidy_micros=drawn.net,
                invalid_share_micros=owed.billed.share - owed.valid.share,
                invalid_guarantee_micros=owed.billed.guarantee - owed.valid.guarantee,
                invalid_subsidy_micros=drawn.returned,
                subsidy_wanted_micros=drawn.wanted,
                rule=owed.rule,
                reason=reason.value if reason else "",
            )
        )

    def _drawn(self, claim: Claim, owed: Owed) -> tuple[Drawn, bool]:
        """What the row has from its fund, and whether the fund is closed to its partner."""
        row, subsidy = claim.row, claim.terms.subsidy
        if subsidy is None or not (owed.billed.subsidy or row.subsidy_wanted_micros):
            return Drawn(), False
        if not self._is_open(row):
            return Drawn(), True
        drawn = draw(owed.billed.subsidy, owed.valid.subsidy, row.drawn, self._room(row, subsidy))
        self._give(row, drawn.net - row.drawn.net)
        return drawn, False

    def _is_open(self, row: ShareRow) -> bool:
        """Decided when a row first asks, whatever limits are set later."""
        if row.subsidy_wanted_micros or row.reason == Shortfall.NOT_ENROLLED:
            return row.reason != Shortfall.NOT_ENROLLED
        return (row.pool_id, row.partner_id) in self.open_to[row.day]

    def _room(self, row: ShareRow, subsidy: Subsidy) -> Room:
        fund = (row.pool_id, row.currency)
        if fund not in self.left:
            balance = self.journal.balance(subsidy_pool(PoolId(row.pool_id)), row.currency)
            self.left[fund] = balance.available
        if subsidy.cap_minor is None:
            return Room(self.left[fund])
        return Room(self.left[fund], micros_of(subsidy.cap_minor, row.currency) - self._had(row))

    def _had(self, row: ShareRow) -> int:
        """What the partner has of the fund in the month, by orders and ads together."""
        month = _month(row)
        if month not in self.had:
            period = Period(row.period)
            span = begin_of(period, self.zone), end_of(period, self.zone)
            by_orders = subsidised_minor(self.connection, *month[:3], span)
            by_ads = subsidised_by_ads_micros(self.connection, *month)
            self.had[month] = by_ads + micros_of(by_orders, row.currency)
        return self.had[month] + self.given[month]

    def _give(self, row: ShareRow, micros: int) -> None:
        self.left[row.pool_id, row.currency] -= micros
        self.given[_month(row)] += micros


def _month(row: ShareRow) -> tuple[str, str, str, str]:
    return row.partner_id, row.pool_id, row.currency, row.period


def _bridged(row: ShareRow) -> ShareRow:
    """The row with its three numbers: estimated when it is first posted, never changed then."""
    invalid = row.invalid_share_micros + row.invalid_subsidy_micros + row.invalid_guarantee_micros
    billed = row.earned + invalid
    estimated = row.estimated_micros if row.revision else billed
    return replace(
        row,
        estimated_micros=estimated,
        restated_micros=billed - estimated,
        invalid_micros=invalid,
    )
