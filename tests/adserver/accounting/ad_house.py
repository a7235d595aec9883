"""A house with partners, contracts, funds and days of ad revenue, for tests of what they earn.

Never here: events; a test says what a day's cells are. The one surprising fact: `Ads.balances` are
whole yuan where they can be, so a test reads like the contract.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, func, select

from adserver.accounting.advertising import Accrual, AdDesk
from adserver.accounting.deposits import deposit
from adserver.stores import database, funds, partners, revenue
from adserver.stores.funds import Fund
from adserver.stores.ledger import Journal
from adserver.stores.ledger_tables import LEDGER_TRANSACTIONS
from adserver.stores.ledger_verify import verify
from adserver.stores.revenue import ShareRow
from affiliate.ad_revenue import Cell, DayRevenue
from affiliate.chart_of_accounts import BANK, AccountName, subsidy_pool
from affiliate.ledger import Entry, Posting, Reason, Taken, Transaction
from affiliate.partner import Contract, Partner, Standing, Terms
from models.domain.ids import (
    AdvertiserId,
    AppId,
    ContractId,
    LineItemId,
    PartnerId,
    PlacementId,
    PoolId,
)
from models.domain.money import Micros

SHANGHAI = ZoneInfo("Asia/Shanghai")
CNY = "CNY"
YUAN = 1_000_000
POOL = PoolId("developers")
D1 = date(2026, 10, 5)
D2 = D1 + timedelta(days=1)
D3 = D1 + timedelta(days=2)
LONG_AGO = datetime(2026, 1, 1, tzinfo=SHANGHAI)


def at(day: date, hour: int = 12) -> datetime:
    """A moment in Shanghai."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=SHANGHAI)


def cell(revenue: int = 0, impressions: int = 0, **changes: Any) -> Cell:
    """A cell of p1's placement pl1, `revenue` in yuan; `invalid` too."""
    known = {
        "advertiser_id": AdvertiserId("adv1"), "line_item_id": LineItemId("li1"),
        "app_id": AppId("app1"), "placement_id": PlacementId("pl1"), "partner_id": PartnerId("p1"),
    }  # fmt: skip
    invalid = changes.pop("invalid", 0)
    numbers = {
        "events": revenue,
        "revenue_micros": Micros(revenue * YUAN),
        "impressions": impressions,
        "invalid_events": invalid,
        "invalid_micros": Micros(invalid * YUAN),
    }
    return Cell(**{**known, **numbers, **changes})


def day_of(day: date, *cells: Cell) -> DayRevenue:
    return DayRevenue(day, tuple(sorted(cells, key=lambda one: one.key)))


@dataclass
class Ads:
    """The books of a house whose schema is there."""

    engine: Engine

    @property
    def desk(self) -> AdDesk:
        return AdDesk(self.engine, SHANGHAI, CNY)

    def partner(self, partner_id: str = "p1", terms: Terms | None = None, **changes: Any) -> None:
        """An approved partner, with a contract of these terms."""
        made = Partner(PartnerId(partner_id), partner_id, standing=Standing.APPROVED)
        with database.writing(self.engine) as connection:
            partners.add_partner(connection, replace(made, **changes), LONG_AGO)
        if terms is not None:
            self.contract(terms, partner_id=PartnerId(partner_id))

    def contract(self, terms: Terms, **changes: Any) -> None:
        owner = changes.get("partner_id", PartnerId("p1"))
        made = Contract(ContractId(f"c-{owner}"), 1, owner, LONG_AGO, terms)
        with database.writing(self.engine) as connection:
            partners.add_contract(connection, replace(made, **changes), LONG_AGO)

    def standing(self, standing: Standing, now: datetime, partner_id: str = "p1") -> None:
        with database.writing(self.engine) as connection:
            one = partners.partners_of(connection, [PartnerId(partner_id)])[PartnerId(partner_id)]
            partners.put_partner(connection, replace(one, standing=standing), now)

    def fund(self, yuan: int, limit: int | None = None, pool: PoolId = POOL) -> None:
        with database.writing(self.engine) as connection:
            funds.add_fund(connection, Fund(pool, "Support", CNY, LONG_AGO, limit))
        self.pay_in(subsidy_pool(pool), yuan, "first")

    def enrol(self, partner_id: str, now: datetime) -> None:
        with database.writing(self.engine) as connection:
            funds.enrol(connection, POOL, PartnerId(partner_id), now)

    def leave(self, partner_id: str, now: datetime) -> None:
        with database.writing(self.engine) as connection:
            funds.leave(connection, POOL, PartnerId(partner_id), now)

    def limit(self, limit: int) -> None:
        with database.writing(self.engine) as connection:
            funds.set_limit(connection, POOL, limit)

    def pay_in(self, account: AccountName, yuan: int, key: str) -> None:
        with database.writing(self.engine) as connection:
            journal = Journal(connection, SHANGHAI)
            amount = Micros(yuan * YUAN)
            deposit(journal, account, amount, currency=CNY, key=key, now=at(date(2026, 10, 1)))

    def pay_out_of_fund(self, yuan: int) -> None:
        """Takes money out of the fund, so that little is left."""
        postings = (
            Posting(subsidy_pool(POOL), Micros(-yuan * YUAN)), Posting(BANK, Micros(yuan * YUAN)),
        )  # fmt: skip
        taken = Transaction("drain", CNY, Reason.CORRECTION, LONG_AGO, postings)
        with database.writing(self.engine) as connection:
            [outcome] = Journal(connection, SHANGHAI).append([taken], LONG_AGO)
        assert isinstance(outcome, Taken), outcome

    def accrue(self, day: date, *cells: Cell, now: datetime | None = None, **how: Any) -> Accrual:
        return self.desk.accrue(day_of(day, *cells), now or at(day + timedelta(days=1)), **how)

    def balance(self, account: str) -> float:
        """In yuan."""
        with database.reading(self.engine) as connection:
            found = Journal(connection, SHANGHAI).balance(AccountName(account), CNY)
        return found.posted / YUAN

    def balances(self, *accounts: str) -> list[float]:
        return [self.balance(account) for account in accounts]

    def rows(self, day: date) -> list[ShareRow]:
        with database.reading(self.engine) as connection:
            return revenue.shares_of_day(connection, day)

    def row(self, day: date) -> ShareRow:
        [row] = self.rows(day)
        return row

    def row_of(self, placement: str, day: date = D1) -> ShareRow:
        [row] = [row for row in self.rows(day) if row.placement_id == placement]
        return row

    def posted(self, prefix: str = "ad") -> list[str]:
        """The keys of the ledger's transactions, in their order."""
        table = LEDGER_TRANSACTIONS.c
        query = select(table.key).where(table.key.startswith(prefix)).order_by(table.seq)
        with database.reading(self.engine) as connection:
            return list(connection.execute(query).scalars())

    def size(self) -> int:
        with database.reading(self.engine) as connection:
            query = select(func.count()).select_from(LEDGER_TRANSACTIONS)
            return connection.execute(query).scalar_one()

    def entry(self, key: str) -> Entry:
        with database.reading(self.engine) as connection:
            found = Journal(connection, SHANGHAI).entry(key)
        assert found is not None, key
        return found

    def require_sound(self) -> None:
        """The ledger verifies."""
        with database.reading(self.engine) as connection:
            verified = verify(connection, CNY, lambda _done: None)
        assert verified.faults == ()

    def earned(self, rows: Sequence[ShareRow]) -> list[tuple[int, int, int]]:
        """(share, subsidy, guarantee) of rows, in whole yuan."""
        return [
            (
                row.share_micros // YUAN,
                row.subsidy_micros // YUAN,
                row.guarantee_micros // YUAN,
            )
            for row in rows
        ]
