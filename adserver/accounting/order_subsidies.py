"""What funds add to commissions: as far as the partner's cap and the fund reach.

Never here: what a contract promises (`affiliate.commission`). The one surprising fact: who came
while there was money got it, and keeps it. A line that a fund could not serve in full is not served
later; only a commission that rises asks for more, and one that falls gives back.
"""

from collections import Counter
from dataclasses import replace
from datetime import tzinfo

import msgspec
from sqlalchemy import Connection

from adserver.accounting.order_basis import basis_text
from adserver.accounting.order_judging import Case
from adserver.stores.funds import Enrolment, enrolments, fund_of
from adserver.stores.ledger import Journal
from adserver.stores.order_rows import OrderRow
from adserver.stores.orders import subsidised_by_ads_micros, subsidised_minor
from affiliate.attribution import Attributed
from affiliate.calendar import Period, begin_of, end_of, period_of
from affiliate.chart_of_accounts import subsidy_pool
from affiliate.partner import Subsidy
from models.domain.ids import PoolId
from models.domain.money import NO_MONEY, minor_of, reversed_by_refund, whole_minor

POOL_EMPTY = "pool_empty"
CAP_REACHED = "subsidy_cap_reached"
NOT_ENROLLED = "not_enrolled"

_Month = tuple[str, str, str, Period]
"""Partner, fund, currency and month."""


class Funds:
    """The funds as the rows of one database transaction draw on them, one after the other."""

    def __init__(self, connection: Connection, journal: Journal, zone: tzinfo) -> None:
        self._connection = connection
        self._journal = journal
        self._zone = zone
        self._left: dict[tuple[str, str], int] = {}
        self._enrolled: dict[PoolId, list[Enrolment] | None] = {}
        self._had: dict[_Month, int] = {}
        self._given: Counter[tuple[str, str]] = Counter()
        self._given_to: Counter[_Month] = Counter()

    def settled(self, case: Case, row: OrderRow) -> OrderRow:
        """The row with what its fund promised, and what of it is paid as things are."""
        before, held = case.before, 0
        if before is not None and before.subsidy_minor:
            if (before.partner_id, before.pool_id) == (row.partner_id, row.pool_id):
                held = before.subsidy_minor
            else:
                self._give(before, -before.subsidy_minor)
        row = self._granted(case, row)
        if not row.pool_id:
            return row
        paid = _due(case, row)
        if paid > held:
            paid = min(paid, held + self._pool_left(row.pool_id, row.currency))
        self._give(row, paid - held)
        return replace(row, subsidy_minor=paid)

    def _granted(self, case: Case, row: OrderRow) -> OrderRow:
        """What the fund promises: no more than is wanted now, and more only as far as it reaches.

        Only what is wanted in addition is asked for; what was not to be had stays so.
        """
        subsidy, basis, wanted = _subsidy(case), case.basis, case.wanted_subsidy
        if subsidy is None or basis is None or wanted == basis.subsidy_wanted:
            return row
        had = row.subsidy_granted_minor
        granted, short = min(had, wanted), basis.subsidy_short
        if wanted > basis.subsidy_wanted:
            asked = wanted - basis.subsidy_wanted
            cap_left = self._cap_left(row, subsidy, asked)
            pool_left = self._pool_left(subsidy.pool_id, row.currency)
            granted = had + max(0, min(asked, cap_left, pool_left))
            short = short or (POOL_EMPTY if pool_left <= cap_left else CAP_REACHED)
            if not self._may_draw(row, subsidy.pool_id):
                granted, short = had, NOT_ENROLLED
        short = short if granted < wanted else ""
        reason = "" if row.reason == basis.subsidy_short else row.reason
        return replace(
            row,
            subsidy_granted_minor=granted,
            basis=basis_text(
                msgspec.structs.replace(basis, subsidy_wanted=wanted, subsidy_short=short)
            ),
            reason=reason or short,
        )

    def _may_draw(self, row: OrderRow, pool_id: PoolId) -> bool:
        """Whether the fund was open to the partner when the line was paid for."""
        if pool_id not in self._enrolled:
            fund = fund_of(self._connection, pool_id)
            is_limited = fund is not None and fund.enrolment_limit is not None
            self._enrolled[pool_id] = enrolments(self._connection, pool_id) if is_limited else None
        inside, moment = self._enrolled[pool_id], row.paid_at
        assert moment is not None
        return inside is None or any(
            one.partner_id == row.partner_id
            and one.enrolled_at <= moment
            and (one.left_at is None or moment < one.left_at)
            for one in inside
        )

    def _pool_left(self, pool_id: str, currency: str) -> int:
        """Whole minor units that a fund still has."""
        key = (pool_id, currency)
        if key not in self._left:
            balance = self._journal.balance(subsidy_pool(PoolId(pool_id)), currency)
            self._left[key] = whole_minor(max(NO_MONEY, balance.available), currency)[0]
        return self._left[key] - self._given[key]

    def _cap_left(self, row: OrderRow, subsidy: Subsidy, wanted: int) -> int:
        """What the partner may still have of the fund in the month of the sale."""
        if subsidy.cap_minor is None:
            return wanted
        month = self._month(row, subsidy.pool_id)
        if month not in self._had:
            self._had[month] = self._subsidised(month)
        return subsidy.cap_minor - self._had[month] - self._given_to[month]

    def _subsidised(self, month: _Month) -> int:
        """What orders and ads together have had before this database transaction."""
        partner_id, pool_id, currency, period = month
        span = (begin_of(period, self._zone), end_of(period, self._zone))
        by_orders = subsidised_minor(self._connection, partner_id, pool_id, currency, span)
        by_ads = subsidised_by_ads_micros(self._connection, partner_id, pool_id, currency, period)
        return by_orders + minor_of(by_ads, currency)

    def _give(self, row: OrderRow, minor: int) -> None:
        self._given[row.pool_id, row.currency] += minor
        self._given_to[self._month(row, row.pool_id)] += minor

    def _month(self, row: OrderRow, pool_id: str) -> _Month:
        assert row.paid_at is not None
        assert row.partner_id is not None
        return row.partner_id, pool_id, row.currency, period_of(row.paid_at, self._zone)


def _subsidy(case: Case) -> Subsidy | None:
    return case.found.contract.terms.subsidy if isinstance(case.found, Attributed) else None


def _due(case: Case, row: OrderRow) -> int:
    """What of the grant is the partner's as long as nothing else happens."""
    if not case.line.is_live:
        return 0
    granted = row.subsidy_granted_minor
    return granted - reversed_by_refund(granted, row.refunded_minor, row.paid_minor)
