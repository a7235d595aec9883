"""A shop that reports orders, and a house that has a partner or two, for tests of the order desk.

Click ids are written "click:NAME" and stand for touches that the test has made; all else is real.
The one surprising fact: `books` are every row and balance without the marks of when they changed,
so that two houses that heard the same in another order can be compared.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select

from adserver.accounting.deposits import deposit
from adserver.accounting.orders import OrderDesk, Verdict
from adserver.stores import database, migrations, orders, partners, products
from adserver.stores.ledger import Journal, SqlLedger
from adserver.stores.order_rows import OrderRow, row_id_of
from adserver.stores.order_tables import ORDER_ROWS
from affiliate.chart_of_accounts import (
    AccountName,
    partner_payable,
    partner_pending,
    subsidy_pool,
)
from affiliate.ledger import Posting, Reason, Taken, Transaction
from affiliate.merchandise import Product
from affiliate.order import OrderFact, Touch
from affiliate.partner import Contract, Terms
from models.domain.ids import ContractId, MerchantId, PartnerId, PoolId
from models.domain.money import Micros, micros_of
from tests.affiliate import sales
from tests.affiliate.sales import ANN, BOB, M1, M2, SOLD_AT

SHANGHAI = ZoneInfo("Asia/Shanghai")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NOW = SOLD_AT + timedelta(days=60)
POOL = PoolId("support")
OF_A_MOMENT = ("modified_at", "modified_seq", "postings")


@dataclass
class Shop:
    """The merchant "m1" and the house's books, over one database."""

    engine: Engine
    touches: dict[str, Touch] = field(default_factory=dict)
    log: list[Touch] = field(default_factory=list)
    lookups: int = 0
    desk: OrderDesk = field(init=False)

    def __post_init__(self) -> None:
        migrations.upgrade(self.engine)
        self.desk = OrderDesk(self.engine, SHANGHAI, self.read_receipt, self.find_clicks)

    def read_receipt(self, click_id: str) -> Touch | None:
        return self.touches.get(click_id.removeprefix("click:"))

    def find_clicks(
        self, merchant_id: MerchantId, refs: Collection[str], since: datetime, until: datetime
    ) -> Iterable[Touch]:
        self.lookups += 1
        return [
            touch
            for touch in self.log
            if touch.customer_ref in refs
            and touch.merchant_id == merchant_id
            and since <= touch.clicked_at <= until
        ]

    def furnish(self, **terms: Any) -> "Shop":
        """Two merchants, Ann and Bob with a contract of these terms each, a coupon of Ann's."""
        agreed = replace(Terms(), **terms)
        with database.writing(self.engine) as connection:
            for merchant_id in (M1, M2):
                shop = sales.merchant(merchant_id=merchant_id)
                partners.add_merchant(connection, shop, LONG_AGO)
            for number, name in enumerate((ANN, BOB), 1):
                contract = Contract(ContractId(f"c{number}"), 1, name, LONG_AGO, agreed)
                partners.add_partner(connection, sales.partner(partner_id=name), LONG_AGO)
                partners.add_contract(connection, contract, LONG_AGO)
            partners.add_coupon(connection, sales.coupon(), LONG_AGO)
        return self

    def sells(self, *offered: Product) -> None:
        with database.writing(self.engine) as connection:
            products.upsert(connection, offered, LONG_AGO)

    def change_partner(self, moment: datetime, **changes: Any) -> None:
        with database.writing(self.engine) as connection:
            partners.put_partner(connection, sales.partner(**changes), moment)

    def fill_fund(self, minor: int, pool: PoolId = POOL) -> None:
        with database.writing(self.engine) as connection:
            journal = Journal(connection, SHANGHAI)
            amount = micros_of(minor, "CNY")
            account = subsidy_pool(pool)
            deposit(journal, account, amount, currency="CNY", key=f"{minor}", now=LONG_AGO)

    def click(self, name: str = "t1", **changes: Any) -> str:
        """The click id of a touch: Ann's link to "s1", an hour before the sale."""
        self.touches[name] = sales.touch(**({"touch_id": name} | changes))
        return f"click:{name}"

    def tell(self, *facts: OrderFact, now: datetime = NOW) -> list[str]:
        """Reports facts in one batch; answers the kinds of their verdicts."""
        return [verdict.kind.value for verdict in self.hear(facts, now)]

    def hear(self, facts: Sequence[OrderFact], now: datetime = NOW) -> list[Verdict]:
        return self.desk.take(M1, facts, now)

    def mature(self, order_id: str = "o1") -> None:
        """Makes what an order's line has earned payable, as a closing does."""
        row = self.row(order_id)
        amount = micros_of(row.earned_minor, row.currency)
        partner = PartnerId(row.partner_id or "")
        moved = (
            Posting(partner_pending(partner), Micros(-amount)),
            Posting(partner_payable(partner), amount),
        )
        with database.writing(self.engine) as connection:
            journal = Journal(connection, SHANGHAI)
            journal.lock()
            made = Transaction(f"mature:{order_id}", "CNY", Reason.MATURITY, NOW, moved)
            assert isinstance(journal.append([made], NOW)[0], Taken)
            orders.put_rows(connection, [replace(row, matured_minor=row.earned_minor)])

    def row(self, order_id: str = "o1", line_id: str = "1") -> OrderRow:
        row_id = row_id_of(M1, order_id, line_id)
        with database.reading(self.engine) as connection:
            return orders.rows_by_id(connection, [row_id])[row_id]

    def rows(self) -> list[OrderRow]:
        with database.reading(self.engine) as connection:
            query = select(*orders.row_selection()).order_by(ORDER_ROWS.c.row_id)
            return [OrderRow(*row) for row in connection.execute(query)]

    def orders(self) -> set[str]:
        """The ids of all orders that there are."""
        return {row.order_id for row in self.rows()}

    def balances(self, currency: str = "CNY") -> dict[AccountName, int]:
        """What accounts hold in micros; those with nothing are left out."""
        held = SqlLedger(self.engine, SHANGHAI).balances(currency)
        return {one.account: one.posted for one in held if one.posted}

    def books(self) -> tuple[list[dict[str, Any]], dict[AccountName, int]]:
        rows = [
            {
                name: value
                for name in OrderRow.__slots__
                if name not in OF_A_MOMENT and (value := getattr(row, name)) is not None
            }
            for row in self.rows()
        ]
        return rows, self.balances()


@contextmanager
def opened(address: str) -> Iterator[Shop]:
    """A furnished shop on a database, closed at the end."""
    engine = database.connect_url(address)
    try:
        yield Shop(engine)
    finally:
        engine.dispose()


def yuan(amount: float) -> int:
    """Micros."""
    return round(amount * 1_000_000)
