"""Orders, contracts, closings and payouts in any sequence, against a naive book that knows nothing.

`ADUNION_TEST_MONEY_SEQUENCES` says how many sequences of 50 steps (200 in `make test`, 10,000 in
`make test-long`). After every step every account must hold what the naive book says.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.engine import make_url

from adserver.accounting.closing import Closings
from adserver.accounting.deposits import deposit
from adserver.accounting.orders import OrderDesk
from adserver.accounting.payouts import Payouts
from adserver.stores import database, migrations, partners
from adserver.stores.ledger import Journal, SqlLedger
from adserver.stores.order_rows import row_id_of
from adserver.stores.order_tables import ORDER_ROWS
from adserver.stores.partner_changes import SqlPartners
from adserver.stores.settlement_tables import STATEMENTS
from affiliate import calendar
from affiliate.calendar import Period
from affiliate.chart_of_accounts import (
    BANK,
    PAYOUT_CLEARING,
    PLATFORM_FEE,
    AccountName,
    merchant_receivable,
    partner_clawback,
    partner_payable,
    partner_pending,
    subsidy_pool,
)
from affiliate.merchandise import Merchant
from affiliate.order import OrderFact, Status
from affiliate.partner import Contract, Coupon, Partner, Rate, Standing, Subsidy, Terms, Tier
from affiliate.payout import State
from models.domain.ids import ContractId, MerchantId, PartnerId, PoolId, Sku
from models.domain.money import micros_of
from tests.money_oracle import ZONE, Deal, Line, Oracle, Told

SEQUENCES = int(os.environ.get("ADUNION_TEST_MONEY_SEQUENCES", "200"))
ON_POSTGRES = max(1, SEQUENCES // 20)
STEPS = 50

BEGIN = datetime(2025, 1, 1, tzinfo=ZONE)
START = datetime(2026, 1, 20, 12, tzinfo=UTC)
SHOP = MerchantId("shop")
POOL = PoolId("support")
POOL_MINOR = 4_000
NAMES = ("ann", "bob", "cat")
FIRST_DEALS = (
    Deal("ann", 1, BEGIN, share=900_000, hold_days=7),
    Deal("bob", 1, BEGIN, tiers=((30_000, 150_000),), cap=9_000, minimum=1),
    Deal("cat", 1, BEGIN, share=900_000, subsidy=300_000, subsidy_cap=2_500, minimum=1),
)
AMOUNTS = st.sampled_from((0, 1, 99, 1_980, 10_000, 26_900, 123_457))


def terms_of(deal: Deal) -> Terms:
    """The deal as its contract says it."""
    return Terms(
        rates=((MerchantId(""), Rate(ppm=deal.rate)),),
        tiers=tuple(Tier(*tier) for tier in deal.tiers),
        cap_minor=deal.cap,
        commission_share_ppm=deal.share,
        subsidy=Subsidy(POOL, deal.subsidy, deal.subsidy_cap) if deal.subsidy else None,
        hold_days=deal.hold_days,
        minimum_payout_minor=deal.minimum,
    )


def contract_of(deal: Deal) -> Contract:
    name = PartnerId(deal.partner)
    return Contract(ContractId(f"c-{name}"), deal.version, name, deal.since, terms_of(deal))


def furnish(engine: Engine) -> None:
    """A merchant that is trusted, three partners with a contract and a coupon each, and a fund."""
    migrations.upgrade(engine)
    with database.writing(engine) as connection:
        shop = Merchant(SHOP, "Shop", "https://shop.example/", trusted=True)
        partners.add_merchant(connection, shop, BEGIN)
        for deal in FIRST_DEALS:
            name = PartnerId(deal.partner)
            person = Partner(name, name, standing=Standing.APPROVED)
            payee = replace(person, bank_account="6222001", account_holder=name)
            partners.add_partner(connection, payee, BEGIN)
            partners.add_contract(connection, contract_of(deal), BEGIN)
            partners.add_coupon(connection, Coupon(name.upper(), SHOP, name, BEGIN), BEGIN)
        journal = Journal(connection, ZONE)
        amount = micros_of(POOL_MINOR, "CNY")
        deposit(journal, subsidy_pool(POOL), amount, currency="CNY", key="fund", now=BEGIN)


class MoneyMachine(RuleBasedStateMachine):
    """The real books beside the naive one; `opened` makes a furnished database of its own."""

    opened: ClassVar[Callable[[], AbstractContextManager[Engine]]]

    @initialize()
    def begin(self) -> None:
        self.stack = self.opened()
        self.engine = self.stack.__enter__()
        self.now = START
        self.oracle = Oracle(list(FIRST_DEALS), POOL_MINOR, lambda line: row_id_of(*line))
        self.desk = OrderDesk(self.engine, ZONE, lambda _click_id: None)
        self.told: list[OrderFact] = []
        self.paid: dict[str, int] = {}
        self.statements: dict[tuple[str, ...], tuple[object, ...]] = {}

    def teardown(self) -> None:
        if not hasattr(self, "stack"):
            return
        assert self.statements.items() <= {row[:3]: row for row in self._statements()}.items()
        verified = SqlLedger(self.engine, ZONE).verify("CNY")
        self.stack.__exit__(None, None, None)
        assert verified.faults == ()

    @rule(
        order=st.integers(0, 5),
        line=st.integers(1, 2),
        version=st.integers(1, 6),
        status=st.sampled_from(("placed", "paid", "paid", "received", "cancelled", "refunded")),
        paid=AMOUNTS,
        refund_percent=st.sampled_from((0, 0, 1, 33, 50, 100)),
        days_ago=st.integers(0, 45),
        named=st.booleans() | st.just(value=True),
    )
    def a_report_comes(  # noqa: PLR0913 - a report has that many sides
        self, order: int, line: int, version: int, status: str, paid: int,
        refund_percent: int, days_ago: int, named: bool,
    ) -> None:  # fmt: skip
        partner = NAMES[order % len(NAMES)]
        told = Told(
            line=(SHOP, f"o{order}", str(line)),
            version=version,
            status=status,
            paid=paid,
            refunded=paid * refund_percent // 100 if status in ("received", "refunded") else 0,
            moment=self.now - timedelta(days=days_ago),
            coupon=partner if named else "",
        )
        self._hear([told])

    @rule(order=st.integers(0, 5), paid=st.sampled_from((26_900, 90_000, 123_457)))
    def a_sale_goes_well(self, order: int, paid: int) -> None:
        """Paid some days ago and received since."""
        line: Line = (SHOP, f"sale{order}-{len(self.told)}", "1")
        partner = NAMES[order % len(NAMES)]
        for version, (status, days) in enumerate((("paid", 12), ("received", 9)), 1):
            moment = self.now - timedelta(days=days)
            self._hear([Told(line, version, status, paid, 0, moment, partner)])

    @precondition(lambda self: self.told)
    @rule(data=st.data(), percent=st.sampled_from((1, 50, 100)))
    def a_sale_goes_back(self, data: st.DataObject, percent: int) -> None:
        """A later version of any line: a part of it, or all, is refunded."""
        fact = data.draw(st.sampled_from(self.told))
        line: Line = (fact.merchant_id, fact.order_id, fact.line_id)
        last = self.oracle.last(line)
        refunded = max(self.oracle.refunded(line), last.paid * percent // 100)
        version = last.version + 1
        self._hear([Told(line, version, "refunded", last.paid, refunded, self.now, "")])

    @precondition(lambda self: self.told)
    @rule(data=st.data(), size=st.integers(1, 5))
    def earlier_reports_come_again(self, data: st.DataObject, size: int) -> None:
        again = [data.draw(st.sampled_from(self.told)) for _ in range(size)]
        kinds = [one.kind.value for one in self.desk.take(SHOP, again, self.now)]
        assert set(kinds) == {"duplicate"}

    @rule(first=AMOUNTS, second=AMOUNTS, order=st.integers(0, 5))
    def a_batch_reports_a_line_twice(self, first: int, second: int, order: int) -> None:
        """Paid and received in one batch, the later version first; not for whom a fund pays."""
        partner = NAMES[order % len(NAMES)]
        if partner == "cat":
            return
        line: Line = (SHOP, f"batch{order}-{len(self.told)}", "1")
        moment = self.now - timedelta(days=3)
        self._hear(
            [
                Told(line, 2, "received", second, 0, self.now, partner),
                Told(line, 1, "paid", first, 0, moment, partner),
            ]
        )

    def _hear(self, reports: list[Told]) -> None:
        facts = [self._fact(told) for told in reports]
        expected = [self.oracle.hear(told) for told in reports]
        kinds = [one.kind.value for one in self.desk.take(SHOP, facts, self.now)]
        assert kinds == expected
        self.told += [f for f, kind in zip(facts, kinds, strict=True) if kind == "accepted"]

    def _fact(self, told: Told) -> OrderFact:
        merchant, order, line = told.line
        return OrderFact(
            MerchantId(merchant), order, line, told.version, Status(told.status), Sku("s"), "",
            1, told.paid, "CNY", told.moment, told.refunded, coupon=told.coupon.upper(),
        )  # fmt: skip

    @rule(days=st.sampled_from((1, 8, 20, 31)))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(
        name=st.sampled_from(("ann", "bob")),
        rate=st.sampled_from((31_000, 91_000, 200_000)),
        cap=st.none() | st.integers(0, 20_000),
        hold=st.integers(0, 20),
    )
    def a_contract_changes(self, name: str, rate: int, cap: int | None, hold: int) -> None:
        """From the next month on; a month that has a change already is left as it is."""
        period = calendar.period_of(self.now, ZONE)
        since = calendar.end_of(period, ZONE)
        last = max(deal.since for deal in self.oracle.deals if deal.partner == name)
        if last >= since:
            return
        version = sum(deal.partner == name for deal in self.oracle.deals) + 1
        deal = Deal(name, version, since, rate, cap=cap, hold_days=hold, minimum=5_000)
        with SqlPartners(self.engine, "CNY", ZONE).changing(self.now) as changes:
            changes.agree(contract_of(deal))
        self.oracle.deals.append(deal)

    @rule(pays=st.booleans())
    def the_month_closes(self, *, pays: bool) -> None:
        """The first open month that has entries, on its day or later; twice for good measure."""
        closings = Closings(self.engine, ZONE)
        period = self._first_open()
        if period is None or period > calendar.period_of(self.now, ZONE):
            return
        self.now = max(self.now, closings.closes_at(period))
        first = closings.close(period, "CNY", self.now)
        assert not first.again
        assert closings.close(period, "CNY", self.now).again
        self.oracle.close(period)
        for row in self._statements():
            assert self.statements.setdefault(row[:3], row) == row
        if pays:
            self.payouts_are_made()

    def _first_open(self) -> Period | None:
        ledger = SqlLedger(self.engine, ZONE)
        periods = {entry.period for entry in ledger.entries("CNY")}
        return min((Period(one) for one in periods if one > self.oracle.closed), default=None)

    def _statements(self) -> list[tuple[object, ...]]:
        with database.reading(self.engine) as connection:
            return [tuple(row) for row in connection.execute(select(STATEMENTS))]

    def payouts_are_made(self) -> None:
        """The batch of the month that was closed last."""
        before = {name: self._available(name) for name in NAMES}
        payouts = Payouts(self.engine, ZONE)
        batch = payouts.batch(Period(self.oracle.closed), "CNY", self.now, early=True)
        for made in batch.made:
            deal = self.oracle.deal(made.partner_id, self.now)
            assert deal is not None
            assert made.amount_minor == before[made.partner_id] >= deal.minimum
            self.paid[made.payout_id] = made.amount_minor

    @precondition(lambda self: self.paid)
    @rule(data=st.data(), state=st.sampled_from(("confirm", "confirm", "fail", "retry")))
    def the_bank_answers(self, data: st.DataObject, state: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.paid)))
        payouts = Payouts(self.engine, ZONE)
        (payout,) = [one for one in payouts.find() if one.payout_id == name]
        newest = max(
            one.period for one in payouts.find() if one.partner_id == payout.partner_id
        ) == payout.period  # fmt: skip
        if state == "retry":
            enough = self._available(payout.partner_id) >= payout.amount_minor
            if payout.state is State.FAILED and newest and enough:
                payouts.retry(name, self.now)
        elif payout.state is State.PENDING:
            for _ in range(2):
                getattr(payouts, state)(name, self.now)

    def _available(self, name: str) -> int:
        account = partner_payable(PartnerId(name))
        return SqlLedger(self.engine, ZONE).balance(account, "CNY").available // 10_000

    @invariant()
    def every_account_holds_what_the_naive_book_says(self) -> None:
        if not hasattr(self, "engine"):
            return
        balances = {one.account: one for one in SqlLedger(self.engine, ZONE).balances("CNY")}
        held = {account: one.posted // 10_000 for account, one in balances.items()}
        assert sum(one.posted for one in balances.values()) == 0
        rows = self.oracle.rows()
        left = {one.payout_id: one for one in Payouts(self.engine, ZONE).find()}
        gone = sum(one.amount_minor for one in left.values() if one.state is State.CONFIRMED)
        expected: dict[AccountName, int] = {
            merchant_receivable(SHOP): -sum(row.commission for row in rows.values()),
            PLATFORM_FEE: sum(row.commission - row.partner_part for row in rows.values()),
            subsidy_pool(POOL): self.oracle.pool_left(),
            PAYOUT_CLEARING: 0,
            BANK: gone - POOL_MINOR,
        }
        for name in NAMES:
            partner = PartnerId(name)
            expected[partner_pending(partner)] = self.oracle.pending(name)
            sent = sum(
                one.amount_minor
                for one in left.values()
                if one.partner_id == name and one.state is State.CONFIRMED
            )
            payable, owed = partner_payable(partner), partner_clawback(partner)
            settled = held.get(payable, 0) + held.get(owed, 0) + sent
            assert settled == self.oracle.settled(name)
        assert {account: held.get(account, 0) for account in expected} == expected
        for account, one in balances.items():
            if account.startswith(("subsidy_pool", "partner_payable", "payout_clearing")):
                assert one.available >= 0

    @invariant()
    def every_row_earns_what_the_naive_book_says(self) -> None:
        if not hasattr(self, "engine"):
            return
        with database.reading(self.engine) as connection:
            found = {
                (row.merchant_id, row.order_id, row.line_id): (
                    row.partner_id, row.commission_minor, row.partner_minor, row.subsidy_minor,
                    row.matured_minor,
                )
                for row in connection.execute(select(ORDER_ROWS))
                if row.scope
            }  # fmt: skip
        assert found == {
            line: (
                row.partner, row.commission, row.partner_part, self.oracle.given.get(line, 0),
                self.oracle.matured.get(line, 0),
            )
            for line, row in self.oracle.rows().items()
        }  # fmt: skip


QUIET = settings(
    deadline=None,
    stateful_step_count=STEPS,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


@pytest.mark.timeout(0)
def test_any_sequence_ends_as_the_naive_book_says_on_sqlite(tmp_path: Path) -> None:
    template = tmp_path / "template.sqlite"
    made = database.connect_url(f"sqlite:///{template}")
    furnish(made)
    with made.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    made.dispose()

    @contextmanager
    def copied() -> Iterator[Engine]:
        with tempfile.TemporaryDirectory(dir=tmp_path) as name:
            own = Path(name) / "books.sqlite"
            shutil.copy(template, own)
            with closing_engine(database.connect_url(f"sqlite:///{own}")) as engine:
                yield engine

    class OnSqlite(MoneyMachine):
        opened = staticmethod(copied)

    run_state_machine_as_test(OnSqlite, settings=settings(QUIET, max_examples=SEQUENCES))


@pytest.mark.timeout(0)
def test_any_sequence_ends_as_the_naive_book_says_on_postgresql(postgres_url: str) -> None:
    url = make_url(postgres_url).set(drivername="postgresql+psycopg")
    with closing_engine(create_engine(url, isolation_level="AUTOCOMMIT")) as server:
        with server.connect() as connection:
            connection.execute(text("CREATE DATABASE money_template"))
        with closing_engine(_named(postgres_url, "money_template")) as template:
            furnish(template)

        @contextmanager
        def copied() -> Iterator[Engine]:
            with server.connect() as connection:
                connection.execute(text("DROP DATABASE IF EXISTS money_books"))
                connection.execute(text("CREATE DATABASE money_books TEMPLATE money_template"))
            with closing_engine(_named(postgres_url, "money_books")) as engine:
                yield engine

        class OnPostgres(MoneyMachine):
            opened = staticmethod(copied)

        run_state_machine_as_test(OnPostgres, settings=settings(QUIET, max_examples=ON_POSTGRES))


def _named(address: str, name: str) -> Engine:
    url = make_url(address).set(database=name)
    return database.connect_url(url.render_as_string(hide_password=False))


@contextmanager
def closing_engine(engine: Engine) -> Iterator[Engine]:
    try:
        yield engine
    finally:
        engine.dispose()
