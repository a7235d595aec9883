"""A shop's till and an ad counter for tests of settlement: rows and the ledger, written together.

Never here: attribution or rates. What a row earns is said by the test. The one surprising fact:
every call says how a row *is*; what is posted is the difference, exactly as orders do it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, DateTime, Engine, Table, insert, select, update

from adserver.accounting.deposits import deposit
from adserver.stores import database, partners
from adserver.stores.ledger import Journal
from adserver.stores.order_tables import ORDER_ROWS
from adserver.stores.revenue_tables import AD_SHARES
from affiliate.calendar import Period
from affiliate.chart_of_accounts import (
    PLATFORM_FEE,
    PLATFORM_REVENUE,
    AccountName,
    merchant_receivable,
    partner_clawback,
    partner_pending,
    subsidy_pool,
)
from affiliate.ledger import Balance, Outcome, Posting, Reason, Taken, Transaction
from affiliate.maturity import standing
from affiliate.merchandise import Merchant
from affiliate.partner import Contract, Partner, Standing, Terms
from models.domain.ids import ContractId, MerchantId, PartnerId, PoolId
from models.domain.money import Micros, micros_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
P1, SHOP, POOL = PartnerId("p1"), MerchantId("shop"), PoolId("support")


def at(day: str, hour: int = 12) -> datetime:
    """A moment in Shanghai: "2026-10-05"."""
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=SHANGHAI)


@dataclass
class Till:
    """Writes rows as R3 and R7 do, on a database whose schema is there."""

    engine: Engine

    @contextmanager
    def writing(self) -> Iterator[tuple[Connection, Journal]]:
        with database.writing(self.engine) as connection:
            yield connection, Journal(connection, SHANGHAI)

    def merchant(self, merchant_id: str = SHOP, *, trusted: bool = True) -> None:
        home = "https://shop.example/"
        merchant = Merchant(MerchantId(merchant_id), "Shop", home, trusted=trusted)
        with self.writing() as (connection, _):
            partners.add_merchant(connection, merchant, at("2026-01-01"))

    def partner(self, partner_id: str = P1, *, minimum: int = 10_000, **changes: Any) -> None:
        known: dict[str, Any] = {
            "name": f"Partner {partner_id}",
            "standing": Standing.APPROVED,
            "bank_account": "6222000011112222",
            "account_holder": "Li Lei",
        }
        partner = Partner(PartnerId(partner_id), **{**known, **changes})
        contract = Contract(
            ContractId(f"c-{partner_id}"),
            1,
            PartnerId(partner_id),
            at("2026-01-01"),
            Terms(minimum_payout_minor=minimum),
        )
        with self.writing() as (connection, _):
            partners.add_partner(connection, partner, at("2026-01-01"))
            partners.add_contract(connection, contract, at("2026-01-01"))

    def edit_partner(self, partner_id: str = P1, **changes: Any) -> None:
        with self.writing() as (connection, _):
            (partner,) = partners.partners_of(connection, [PartnerId(partner_id)]).values()
            partners.put_partner(connection, replace(partner, **changes), at("2026-01-02"))

    def balance(self, account: AccountName, currency: str = "CNY") -> Balance:
        with self.writing() as (_, journal):
            return journal.balance(account, currency)

    def pay_in(self, account: AccountName, minor: int, key: str, now: datetime) -> Outcome:
        with self.writing() as (_, journal):
            amount = micros_of(minor, "CNY")
            return deposit(journal, account, amount, currency="CNY", key=key, now=now)

    def sell(self, row: str, moment: datetime, **state: Any) -> None:
        """How a row is now: `earns` for the partner, `fee`, `subsidy`, in minor units.

        Named columns of order_rows besides; `moment` is when that became known and happened.
        """
        with self.writing() as (connection, journal):
            journal.lock()
            query = select(ORDER_ROWS).where(ORDER_ROWS.c.row_id == row)
            before = connection.execute(query).mappings().first()
            after = _order_row(row, moment, state, before)
            reason = Reason(state.get("why", Reason.COMMISSION))
            transaction = _difference(before or {}, after, reason, moment)
            if transaction:
                after["postings"] += 1
                outcomes = journal.append([transaction], moment)
                assert all(isinstance(one, Taken) for one in outcomes), outcomes
            _put(connection, ORDER_ROWS, after, {"row_id": row}, there=before is not None)

    def show_ads(self, day: str, moment: datetime, **state: Any) -> None:
        """How a day of pl1 in app1 is now: `share`, `subsidy`, `guarantee` in micros."""
        with self.writing() as (connection, journal):
            journal.lock()
            mine = {"day": day, "app_id": "app1", "placement_id": "pl1", "partner_id": P1}
            mine["partner_id"] = state.get("partner_id", P1)
            query = select(AD_SHARES).where(*(AD_SHARES.c[k] == v for k, v in mine.items()))
            before = connection.execute(query).mappings().first()
            after = _share_row(mine, moment, state, before)
            outcomes = journal.append(_share_differences(before or {}, after, moment), moment)
            assert all(isinstance(one, Taken) for one in outcomes), outcomes
            _put(connection, AD_SHARES, after, mine, there=before is not None)


def _blank(table: Table) -> dict[str, Any]:
    """A row of nothing."""

    def nothing(column: Any) -> Any:
        if column.nullable:
            return None
        return at("2026-01-01") if isinstance(column.type, DateTime) else column.type.python_type()

    instants = {"modified_at"}
    return {
        column.name: at("2026-01-01") if column.name in instants else nothing(column)
        for column in table.columns
    }


def _order_row(
    row: str, moment: datetime, state: dict[str, Any], before: Mapping[str, Any] | None
) -> dict[str, Any]:
    earns = state.get("earns", before["partner_minor"] if before else 0)
    fee = state.get("fee", before["fee_minor"] if before else 0)
    subsidy = state.get("subsidy", before["subsidy_minor"] if before else 0)
    new = {
        "merchant_id": SHOP,
        "order_id": f"order-{row}",
        "line_id": "1",
        "status": "paid",
        "currency": "CNY",
        "partner_id": P1,
        "paid_at": moment,
        "pool_id": POOL,
        "rule": "contract c-p1 v1: 10 % of the base",
        "rate_ppm": 100_000,
        "estimated_commission_minor": earns + fee,
        "estimated_partner_minor": earns,
    }
    columns = {name: value for name, value in state.items() if name in ORDER_ROWS.c}
    amounts = {
        "partner_minor": earns,
        "fee_minor": fee,
        "commission_minor": earns + fee,
        "subsidy_minor": subsidy,
        "modified_at": moment,
    }
    start = dict(before) if before else _blank(ORDER_ROWS) | new
    return start | columns | amounts | {"row_id": row}


def _difference(
    before: Mapping[str, Any], after: dict[str, Any], reason: Reason, moment: datetime
) -> Transaction | None:
    def of(name: str) -> int:
        return micros_of(after[name] - before.get(name, 0), after["currency"])

    matured = after["matured_minor"]
    was = standing(before.get("partner_minor", 0) + before.get("subsidy_minor", 0), matured)
    now = standing(after["partner_minor"] + after["subsidy_minor"], matured)
    partner, currency = PartnerId(after["partner_id"]), after["currency"]
    amounts = {
        merchant_receivable(MerchantId(after["merchant_id"])): -of("commission_minor"),
        PLATFORM_FEE: of("fee_minor"),
        partner_pending(partner): micros_of(now.pending - was.pending, currency),
        partner_clawback(partner): micros_of(now.clawback - was.clawback, currency),
        subsidy_pool(PoolId(after["pool_id"])): -of("subsidy_minor"),
    }
    postings = tuple(Posting(name, Micros(amount)) for name, amount in amounts.items() if amount)
    if not postings:
        return None
    n = before.get("postings", 0) + 1
    refs = (("row", after["row_id"]), ("order", after["order_id"]), ("line", after["line_id"]))
    refs += (("merchant", after["merchant_id"]), ("rule", after["rule"]))
    refs += (("rate", f"{after['rate_ppm']} ppm"), ("base", str(after["base_minor"])))
    refs += (("contract", f"c-{partner} v1"),)
    key = f"order:{after['row_id']}:{n}"
    return Transaction(key, currency, reason, moment, postings, refs=refs)


def _share_row(
    mine: dict[str, Any],
    moment: datetime,
    state: dict[str, Any],
    before: Mapping[str, Any] | None,
) -> dict[str, Any]:
    new = {"currency": "CNY", "period": Period(mine["day"][:7]), "pool_id": POOL}
    columns = {f"{name}_micros": state.get(name, 0) for name in ("share", "subsidy", "guarantee")}
    new |= {"contract_id": f"c-{mine['partner_id']}", "contract_version": 1, "rule": "70 % of it"}
    start = dict(before) if before else _blank(AD_SHARES) | new
    start["revision"] += 1
    return start | mine | columns | {"modified_at": moment}


def _share_differences(
    before: Mapping[str, Any], after: dict[str, Any], moment: datetime
) -> list[Transaction]:
    """Share and guarantee from the platform, subsidy from the fund, each a transaction."""
    named = ("day", "app_id", "placement_id", "partner_id", "revision")
    place = ":".join(str(after[name]) for name in named)
    earned, found = sum(before.get(f"{name}_micros", 0) for name in _FUNDERS), []
    matured = after["matured_micros"]
    for name, (reason, funder) in _FUNDERS.items():
        change = after[f"{name}_micros"] - before.get(f"{name}_micros", 0)
        was, now = standing(earned, matured), standing(earned + change, matured)
        earned += change
        amounts = {
            funder: -change,
            partner_pending(PartnerId(after["partner_id"])): now.pending - was.pending,
            partner_clawback(PartnerId(after["partner_id"])): now.clawback - was.clawback,
        }
        postings = tuple(Posting(k, Micros(v)) for k, v in amounts.items() if v)
        if change:
            key = f"adshare:{place}:{name}"
            refs = (("day", after["day"]), ("app", "app1"), ("placement", "pl1"))
            refs += (("rule", after["rule"]), ("base", str(after["revenue_micros"])))
            found.append(Transaction(key, after["currency"], reason, moment, postings, refs=refs))
    return found


_FUNDERS = {
    "share": (Reason.AD_SHARE, PLATFORM_REVENUE),
    "subsidy": (Reason.SUBSIDY, subsidy_pool(POOL)),
    "guarantee": (Reason.GUARANTEE, PLATFORM_REVENUE),
}


def _put(
    connection: Connection,
    table: Table,
    row: dict[str, Any],
    mine: dict[str, Any],
    *,
    there: bool,
) -> None:
    if there:
        where = [table.c[name] == value for name, value in mine.items()]
        connection.execute(update(table).where(*where).values(row))
    else:
        connection.execute(insert(table), [row])
