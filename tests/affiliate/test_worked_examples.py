"""Sums that others have published, with their exact numbers; each names where it is from.

Those that need books and closings run on SQLite.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from adserver.accounting.closing import ClosingRefusedError, Closings
from adserver.accounting.deposits import deposit
from adserver.stores import database, migrations, statements
from adserver.stores.ledger import Journal, SqlLedger
from affiliate.attribution import Attributed, Unearned, attribute
from affiliate.calendar import Period, closes_at, period_of
from affiliate.chart_of_accounts import BANK, AccountName, merchant_receivable, subsidy_pool
from affiliate.commission import Amounts, Claim, earn
from affiliate.ledger import Balance, Phase, Posting, Reason, Refusal, Refused, Taken, Transaction
from affiliate.order import Status
from affiliate.partner import Rate, Subsidy, Terms
from affiliate.statement import Item, Section, Statement
from models.domain.ids import PoolId
from models.domain.money import Micros, allocate, micros_of, reversed_by_refund, share_out
from tests.adserver.accounting.shop import SHANGHAI, Shop, opened
from tests.affiliate.sales import (
    ANN,
    M1,
    claim,
    coupon,
    earned,
    earning,
    evidence,
    fact,
    flat,
    line,
    merchant,
    percent,
    touch,
)

DAY = timedelta(days=1)
TEN_PERCENT_FEE = Terms(commission_share_ppm=900_000)


def at(rate: Rate) -> dict[str, Any]:
    return {"merchant": merchant(default_rate=rate)}


def test_1_alimama_269_yuan_at_3_1_percent_and_a_tenth_of_it_for_the_platform() -> None:
    answer = earning(line(paid_minor=26_900), TEN_PERCENT_FEE, **at(percent(3.1)))
    assert (answer.net.commission, answer.net.fee) == (834, 83)


def test_2_alimama_19_80_yuan_at_9_1_percent() -> None:
    answer = earning(line(paid_minor=1_980), TEN_PERCENT_FEE, **at(percent(9.1)))
    assert (answer.net.commission, answer.net.fee) == (180, 18)


@pytest.mark.parametrize(
    ("paid", "rate", "commission"), [(1_000, 20, 200), (1_900, 10, 190), (7, 20, 1), (2, 20, 0)]
)
def test_3_dub_a_percentage_of_small_amounts(paid: int, rate: int, commission: int) -> None:
    assert earning(line(paid_minor=paid), **at(percent(rate))).net.commission == commission


@pytest.mark.parametrize(
    ("rate", "quantity", "commission"),
    [(percent(20), 5, 200), (flat(500), 2, 1_000), (flat(500), 0, 0)],
)
def test_4_dub_a_percentage_is_of_the_line_and_a_flat_rate_of_the_unit(
    rate: Rate, quantity: int, commission: int
) -> None:
    answer = earning(line(paid_minor=1_000, quantity=quantity), **at(rate))
    assert answer.net.commission == commission


def test_5_dub_two_lines_of_one_order_at_their_own_rates() -> None:
    claims = [
        claim(line(line_id="1", paid_minor=10_000), row="1", **at(percent(40))),
        claim(line(line_id="2", paid_minor=5_000), row="2", **at(percent(10))),
    ]
    assert sum(one.net.commission for one in earned(claims)) == 4_500


def test_6_formance_99_in_two_and_in_five_equal_parts() -> None:
    assert allocate(99, [500_000, 500_000]) == [50, 49]
    assert share_out(99, [1, 1, 1, 1, 1]) == [20, 20, 20, 20, 19]


def test_7_formance_15_in_80_8_and_12_percent() -> None:
    assert allocate(15, [800_000, 80_000, 120_000]) == [13, 1, 1]


def test_8_formance_the_seller_gets_what_the_platform_leaves_and_the_odd_cent() -> None:
    assert allocate(100, [None, 125_000]) == [88, 12]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = database.connect_url(f"sqlite:///{tmp_path / 'books.sqlite'}")
    migrations.upgrade(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def ledger(engine: Engine) -> SqlLedger:
    return SqlLedger(engine, SHANGHAI)


NOW = datetime(2026, 10, 20, 4, tzinfo=UTC)
FUND = subsidy_pool(PoolId("a"))


def transfer(
    key: str, source: AccountName, target: AccountName, amount: int, **changes: Any
) -> Transaction:
    postings = (Posting(source, Micros(-amount)), Posting(target, Micros(amount)))
    plain = Transaction(key, "CNY", Reason.CORRECTION, NOW, postings)
    return replace(plain, **changes)


def test_9_tigerbeetle_what_was_too_much_goes_back_by_further_transfers(ledger: SqlLedger) -> None:
    x, y = AccountName("partner_pending:x"), AccountName("partner_pending:y")
    ledger.submit([transfer("x", BANK, x, 10_000), transfer("y", BANK, y, 50)], NOW)
    wrong = list(ledger.entries("CNY"))
    put_right = [transfer("x back", x, BANK, 1_000), transfer("y back", y, BANK, 5)]
    assert all(isinstance(one, Taken) for one in ledger.submit(put_right, NOW + DAY))
    assert list(ledger.entries("CNY"))[:2] == wrong
    assert len(list(ledger.entries("CNY"))) == 4
    assert [ledger.balance(one, "CNY").posted for one in (BANK, x, y)] == [-9_045, 9_000, 45]
    assert ledger.verify("CNY").faults == ()


def test_10_tigerbeetle_what_would_go_below_zero_is_refused_already_when_pending(
    ledger: SqlLedger,
) -> None:
    partner = AccountName("partner_pending:x")
    ledger.submit([transfer("in", BANK, FUND, 100), transfer("out", FUND, partner, 70)], NOW)
    held = transfer("held", FUND, partner, 50, phase=Phase.PENDING)
    (refused,) = ledger.submit([held], NOW)
    assert isinstance(refused, Refused)
    assert refused.refusal is Refusal.BELOW_ZERO
    assert ledger.balance(FUND, "CNY") == Balance(FUND, Micros(30), Micros(0))


SOLD = datetime(2026, 10, 5, 4, tzinfo=UTC)
OCTOBER, NOVEMBER = Period("2026-10"), Period("2026-11")
FEN = 10_000


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Ann gets 30 % of what her coupon sells, and the shop has paid for it in advance."""
    with opened(f"sqlite:///{tmp_path / 'shop.sqlite'}") as shop:
        shop.furnish(rates=((M1, percent(30)),))
        with database.writing(shop.engine) as connection:
            account, much = merchant_receivable(M1), micros_of(100_000, "CNY")
            journal = Journal(connection, SHANGHAI)
            deposit(journal, account, much, currency="CNY", key="1", now=SOLD - DAY)
        yield shop


def tell(shop: Shop, version: int, status: Status, when: datetime, refunded: int = 0) -> None:
    said = fact(
        version=version, status=status, paid_minor=4_900, refunded_minor=refunded,
        occurred_at=when, coupon=coupon().code,
    )  # fmt: skip
    assert shop.tell(said, now=when) == ["accepted"]


def close(shop: Shop, period: Period, extensions: int = 0) -> None:
    Closings(shop.engine, SHANGHAI).close(period, "CNY", closes_at(period, extensions, SHANGHAI))


def statement(shop: Shop, period: Period) -> Statement:
    with database.reading(shop.engine) as connection:
        return statements.find(connection, period=period, partner_id=ANN)[0]


def test_11_tolt_49_at_30_percent_is_14_70(shop: Shop) -> None:
    tell(shop, 1, Status.PAID, SOLD)
    close(shop, OCTOBER)
    assert statement(shop, OCTOBER).of(Item.COMMISSIONS) == 1_470 * FEN


def test_11_tolt_what_is_refunded_before_the_closing_comes_to_nothing(shop: Shop) -> None:
    tell(shop, 1, Status.RECEIVED, SOLD)
    tell(shop, 2, Status.REFUNDED, SOLD + DAY, refunded=4_900)
    close(shop, OCTOBER)
    october = statement(shop, OCTOBER)
    assert october.of(Item.COMMISSIONS) == 1_470 * FEN
    assert october.of(Item.REFUNDS) == -1_470 * FEN
    assert october.total(Section.PAYABLE) == 0


def test_11_tolt_what_is_refunded_after_the_closing_is_a_line_of_the_next_statement(
    shop: Shop,
) -> None:
    tell(shop, 1, Status.RECEIVED, SOLD)
    close(shop, OCTOBER)
    before = statement(shop, OCTOBER)
    assert before.total(Section.PAYABLE) == 1_470 * FEN
    tell(shop, 2, Status.REFUNDED, SOLD + 40 * DAY, refunded=4_900)
    close(shop, NOVEMBER)
    assert statement(shop, OCTOBER) == before
    november = statement(shop, NOVEMBER)
    assert november.of(Item.OVERPAID) == -1_470 * FEN
    assert november.total(Section.PAYABLE) == 0


def test_12_gumroad_half_of_197_is_99_taken_back_and_98_kept() -> None:
    assert reversed_by_refund(197, 50, 100) == 99
    half = line({}, {"status": Status.REFUNDED, "refunded_minor": 5_000})
    answer = earning(half, **at(flat(197)))
    assert (answer.gross.commission, answer.net) == (197, Amounts(98, 98, 0))


def test_13_cj_a_sale_of_december_locks_on_the_tenth_of_january_and_a_month_later_if_extended(
    engine: Engine,
) -> None:
    december = period_of(datetime(2026, 12, 3, 12, tzinfo=SHANGHAI), SHANGHAI)
    closings = Closings(engine, SHANGHAI)
    assert closings.closes_at(december) == datetime(2027, 1, 10, tzinfo=SHANGHAI)
    closings.extend(december, NOW)
    assert closings.closes_at(december) == datetime(2027, 2, 10, tzinfo=SHANGHAI)
    with pytest.raises(ClosingRefusedError, match="it may be extended once"):
        closings.extend(december, NOW)
    assert closings.closes_at(december) == datetime(2027, 2, 10, tzinfo=SHANGHAI)


def test_14_enlistly_a_link_earns_1_00_and_with_the_code_of_the_same_partner_0_90() -> None:
    def sold(**how: Any) -> int:
        paid = 900 if "coupon" in how else 1_000
        order = line(paid_minor=paid)
        found = attribute(order, evidence(clicked=touch(), **how))
        assert isinstance(found, Attributed)
        mine: Claim = replace(claim(order, link_rate=percent(10)), found=found)
        return earn([mine], Terms())[0].net.commission

    assert sold() == 100
    assert sold(coupon=coupon(rate=percent(10))) == 90


def test_15_dub_a_cap_leaves_300_of_500_and_then_nothing() -> None:
    sales = [
        claim(line(paid_minor=paid, occurred_at=NOW + number * DAY), row=str(number))
        for number, paid in enumerate([9_700_000, 500_000, 500_000])
    ]
    answers = earned(sales, Terms(cap_minor=1_000_000))
    assert [(one.net.commission, one.reason) for one in answers] == [
        (970_000, None),
        (30_000, Unearned.CAP_REACHED),
        (0, Unearned.CAP_REACHED),
    ]


def test_16_jd_a_subsidy_comes_on_top_of_the_own_share() -> None:
    terms = Terms(commission_share_ppm=900_000, subsidy=Subsidy(PoolId("fund"), 300_000))
    answer = earning(line(paid_minor=10_000), terms, **at(percent(10)))
    assert (answer.net.partner, answer.subsidy_wanted) == (900, 300)
    assert answer.net.partner + answer.subsidy_wanted == 1_200
