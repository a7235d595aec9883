"""The report: figures from the log's rows, tables for people, and what counts as learned."""

import json
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from adserver.demo import chart
from adserver.demo.closing import Closed
from adserver.demo.figures import PhaseFigures, Shown, summed
from adserver.demo.partner_report import PartnerReport
from adserver.demo.reconcile import Check
from adserver.demo.report import Report


def phase(name: str, clicks: int, predicted: float, revenue: int) -> PhaseFigures:
    splash = Shown(impressions=600, clicks=clicks, predicted=predicted, hidden=clicks * 1.1)
    native = Shown(impressions=400, clicks=10, predicted=10.0, hidden=9.0)
    return PhaseFigures(
        name=name,
        model="",
        requests=1_000,
        filled=900,
        ads=1_100,
        conversions=1,
        revenue_micros=revenue,
        total=summed([splash, native]),
        by_format={"splash": splash, "native": native},
        latency_ms={"p50": 1.0, "p90": 2.0, "p99": 3.0, "beacon_p99": 2.5},
        refusals={"floor": 100},
        funnel=[("catalog", 600.0), ("won", 1.1)],
    )


def report() -> Report:
    return Report(
        seed=1,
        served=[
            phase("before", 30, 80.0, 20_000_000),
            phase("between", 50, 45.0, 25_000_000),
            phase("after", 60, 62.0, 30_000_000),
        ],
        best=phase("best possible", 90, 99.0, 50_000_000),
        checks=[Check("log = Redis", holds=True, detail="1 = 1")],
        partners=PartnerReport({"bought": 3}, Closed(fund={"fund": "f", "left": "1.00"})),
    )


def test_figures_are_per_impression_and_per_thousand_requests() -> None:
    before = phase("before", 30, 80.0, 20_000_000)
    assert before.fill_rate == 0.9
    assert before.total.ctr == 0.04
    assert before.total.calibration == 2.25
    assert before.revenue_per_thousand == 20.0


def test_learning_is_more_clicks_more_money_and_honest_predictions() -> None:
    assert report().learned == {"ctr_rises": True, "revenue_rises": True, "calibrated": True}
    before, between, _ = report().served
    worse = replace(report(), served=[before, between, phase("after", 20, 62.0, 10_000_000)])
    assert not any(worse.learned.values())


def test_the_report_holds_only_if_every_check_does() -> None:
    assert report().holds
    bad = Check("log = invoice", holds=False, detail="1 and 2")
    assert not replace(report(), checks=[*report().checks, bad]).holds


def test_the_file_has_all_phases_and_every_check(tmp_path: Path) -> None:
    report().write(tmp_path / "report.json")
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["holds"] is True
    assert list(content["phases"]) == ["before", "between", "after", "best possible"]
    assert content["phases"]["after"]["revenue_per_1000_requests"] == 30.0
    assert content["checks"] == [{"name": "log = Redis", "holds": True, "detail": "1 = 1"}]


def test_the_tables_show_before_after_best_and_the_checks() -> None:
    console = Console(record=True, width=140)
    report().show(console)
    text = console.export_text()
    for words in ("between", "revenue per 1,000 requests", "beacon p99", "log = Redis"):
        assert words in text


def test_the_picture_is_a_png(tmp_path: Path) -> None:
    chart.draw(report(), tmp_path / "report.png")
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")
