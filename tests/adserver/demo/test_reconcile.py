"""The reconciliation: equal to the event and to the micro, or it fails and says where."""

from adserver.demo.reconcile import Check, LogBooks, checks, invoice
from models.domain.event import EventKind
from models.domain.ids import LineItemId
from models.domain.money import Micros
from tests.builders import line_item


def log_books(**changes: object) -> LogBooks:
    plain: dict[str, object] = {
        "counted": {EventKind.IMPRESSION: 10, EventKind.CLICK: 2},
        "doubted": {EventKind.IMPRESSION: 1},
        "per_item": {("served", "li1"): 12, ("impression", "li1"): 10, ("click", "li1"): 2},
        "charged": {"li1": 500},
        "invoiced": {("li1", 20_000): 500},
    }
    return LogBooks(**(plain | changes))  # type: ignore[arg-type]  # tests name what they change


SENT = {EventKind.IMPRESSION: 11, EventKind.CLICK: 2}


def failed(found: list[Check]) -> list[str]:
    return [check.name for check in found if not check.holds]


def test_books_that_agree_hold() -> None:
    assert failed(checks(SENT, log_books(), {"li1": 500}, {"li1": 500})) == []


def test_a_lost_beacon_is_found() -> None:
    sent = SENT | {EventKind.IMPRESSION: 12}
    (name,) = failed(checks(sent, log_books(), {"li1": 500}, {"li1": 500}))
    assert name == "beacons sent = log counted + suspect"


def test_a_beacon_counted_twice_is_found() -> None:
    sent = SENT | {EventKind.CLICK: 1}
    assert len(failed(checks(sent, log_books(), {"li1": 500}, {"li1": 500}))) == 1


def test_one_micro_more_in_redis_is_found_and_named() -> None:
    found = checks(SENT, log_books(), {"li1": 501}, {"li1": 500})
    (wrong,) = [check for check in found if not check.holds]
    assert "Redis" in wrong.name
    assert wrong.detail == "li1: 500 and 501 (1 differ)"


def test_a_line_item_with_more_clicks_than_impressions_is_found() -> None:
    per_item = {("served", "li1"): 5, ("impression", "li1"): 1, ("click", "li1"): 2}
    found = failed(checks(SENT, log_books(per_item=per_item), {"li1": 500}, {"li1": 500}))
    assert found == ["impression >= click, for every line item"]


def test_an_invoice_adds_the_days_and_stops_at_the_budgets() -> None:
    daily = line_item(line_item_id=LineItemId("li1"), daily_budget_micros=Micros(400))
    total = line_item(line_item_id=LineItemId("li2"), total_budget_micros=Micros(700))
    free = line_item(line_item_id=LineItemId("li3"))
    invoiced = {
        ("li1", 1): 500,
        ("li1", 2): 300,
        ("li2", 1): 500,
        ("li2", 2): 300,
        ("li3", 1): 900,
    }
    owed = invoice(log_books(invoiced=invoiced), [daily, total, free])
    assert owed == {"li1": 700, "li2": 700, "li3": 900}
