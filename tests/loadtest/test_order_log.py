"""The shop's log as facts: what is matched, what is not, and what is left out."""

import gzip
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from loadtest.order_log import Fact, OrderLog, read_log, understand

HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


def log_of(tmp_path: Path, *rows: str) -> OrderLog:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress((HEAD + "".join(f"{row}\n" for row in rows)).encode()))
    return understand(read_log(path))


def facts_of(log: OrderLog) -> list[Fact]:
    return [fact for facts in log.by_month().values() for fact in facts]


def told(facts: Sequence[Fact]) -> list[tuple[str, int, int]]:
    return [(fact["status"], fact["version"], fact["refunded_minor"]) for fact in facts]


SALE = "536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom"


def test_a_sale_is_paid_and_received_three_days_later(tmp_path: Path) -> None:
    paid, received = facts_of(log_of(tmp_path, SALE))
    assert (paid["order_id"], paid["line_id"], paid["sku"]) == ("536365", "1", "85123A")
    assert (paid["paid_minor"], paid["quantity"], paid["customer_ref"]) == (1530, 6, "17850")
    assert paid["occurred_at"] == "2010-12-01T08:26:00+00:00"
    assert told([paid, received]) == [("paid", 1, 0), ("received", 2, 0)]
    assert received["occurred_at"] == "2010-12-04T08:26:00+00:00"


def test_a_cancellation_is_a_refund_of_the_latest_sale_with_enough_left(tmp_path: Path) -> None:
    later = SALE.replace("536365", "536400").replace("12-01", "12-02")
    back = "C536500,85123A,HEART,-8,2010-12-20 10:00:00,2.55,17850.0,United Kingdom"
    log = log_of(tmp_path, SALE, later, back)
    assert log.matched_lines == 1
    first, second = log.sales
    assert told(first.facts()) == [("paid", 1, 0), ("received", 2, 0), ("refunded", 3, 510)]
    assert told(second.facts()) == [("paid", 1, 0), ("received", 2, 0), ("refunded", 3, 1530)]


def test_what_went_back_whole_before_it_arrived_is_never_received(tmp_path: Path) -> None:
    back = "C536500,85123A,HEART,-6,2010-12-02 10:00:00,2.55,17850.0,United Kingdom"
    (sale,) = log_of(tmp_path, SALE, back).sales
    assert told(sale.facts()) == [("paid", 1, 0), ("refunded", 2, 1530)]


def test_a_part_that_went_back_before_arrival_stays_back_when_the_rest_arrives(
    tmp_path: Path,
) -> None:
    back = "C536500,85123A,HEART,-2,2010-12-02 10:00:00,2.55,17850.0,United Kingdom"
    (sale,) = log_of(tmp_path, SALE, back).sales
    assert told(sale.facts()) == [("paid", 1, 0), ("refunded", 2, 510), ("received", 3, 510)]


def test_a_cancellation_without_a_sale_is_a_refund_of_an_unknown_order(tmp_path: Path) -> None:
    back = "C536379,D,Discount,-1,2010-12-01 09:41:00,27.5,14527.0,United Kingdom"
    other = "C536380,85123A,HEART,-6,2010-12-01 09:45:00,2.55,99999.0,United Kingdom"
    log = log_of(tmp_path, SALE, back, other)
    assert [line.invoice for line in log.unmatched] == ["C536379", "C536380"]
    unknown = [fact for fact in facts_of(log) if fact["order_id"] == "C536379"]
    assert told(unknown) == [("refunded", 1, 2750)]
    assert unknown[0]["paid_minor"] == 2750


def test_a_cancellation_of_more_than_was_sold_is_matched_to_nothing(tmp_path: Path) -> None:
    back = "C536500,85123A,HEART,-7,2010-12-20 10:00:00,2.55,17850.0,United Kingdom"
    log = log_of(tmp_path, SALE, back)
    assert (log.matched_lines, len(log.unmatched), log.sales[0].left) == (0, 1, 6)


def test_adjustments_are_no_orders_and_free_lines_are(tmp_path: Path) -> None:
    log = log_of(
        tmp_path,
        "A563185,B,Adjust bad debt,1,2011-08-12 14:50:00,11062.06,,United Kingdom",
        "A563186,B,Adjust bad debt,1,2011-08-12 14:51:00,-11062.06,,United Kingdom",
        "536589,21777,,-10,2010-12-01 16:50:00,0.0,,United Kingdom",
        "536414,22139,,56,2010-12-01 11:52:00,0.0,,United Kingdom",
    )
    assert log.left_out == {"accounting adjustment": 2, "stock adjustment (negative quantity)": 1}
    assert [sale.line.price for sale in log.sales] == [Decimal("0.0")]


def test_lines_of_an_invoice_are_numbered_and_months_follow_the_shops_clock(
    tmp_path: Path,
) -> None:
    log = log_of(
        tmp_path,
        "540000,20725,BAG,1,2011-06-30 23:30:00,1.655,1.0,France",
        "540000,20725,BAG,3,2011-06-30 23:30:00,1.655,1.0,France",
    )
    assert [sale.line.number for sale in log.sales] == [1, 2]
    assert [sale.line.minor for sale in log.sales] == [166, 497]
    assert {month: len(facts) for month, facts in log.by_month().items()} == {
        "2011-06": 2,
        "2011-07": 2,
    }
