"""The report: tables for people, `report.json` for everybody else.

Never here: computing a figure (`figures`, `reconcile`). The one surprising fact: the demo fails on
a count that does not agree, never on a figure that disappoints; that is only printed in red.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table

from adserver.demo.figures import PhaseFigures, Shown
from adserver.demo.partner_report import PartnerReport
from adserver.demo.reconcile import Check

CALIBRATED = (0.9, 1.1)


@dataclass(frozen=True, slots=True)
class Report:
    """Phases served around two lessons, the hidden model's best, partners, whether books agree."""

    seed: int
    served: Sequence[PhaseFigures]
    best: PhaseFigures
    checks: Sequence[Check]
    partners: PartnerReport

    @property
    def holds(self) -> bool:
        """Whether every reconciliation holds."""
        return all(check.holds for check in self.checks)

    @property
    def before(self) -> PhaseFigures:
        """The first phase, served without a model."""
        return self.served[0]

    @property
    def after(self) -> PhaseFigures:
        """The last phase, served with what was learned."""
        return self.served[-1]

    @property
    def learned(self) -> dict[str, bool]:
        """What learning was to bring, and whether it did."""
        low, high = CALIBRATED
        return {
            "ctr_rises": self.after.total.ctr > self.before.total.ctr,
            "revenue_rises": self.after.revenue_per_thousand > self.before.revenue_per_thousand,
            "calibrated": low <= self.after.total.calibration <= high,
        }

    def write(self, path: Path) -> None:
        """`report.json`."""
        content = {
            "seed": self.seed,
            "holds": self.holds,
            "learned": self.learned,
            "phases": {phase.name: phase.as_json() for phase in (*self.served, self.best)},
            "partners": self.partners.as_json(),
            "checks": [asdict(check) for check in self.checks],
        }
        path.write_text(json.dumps(content, indent=2) + "\n")

    def show(self, console: Console) -> None:
        """All tables."""
        console.print(Group(*self._tables()))

    def _tables(self) -> list[RenderableType]:
        return [
            _comparison(self),
            _formats(self),
            _latencies(self.served),
            _funnels(self.served),
            self.partners.tables(),
            _checks(self.checks),
        ]


Row = tuple[str, Callable[[PhaseFigures], float], str]

ROWS: tuple[Row, ...] = (
    ("fill rate", lambda phase: phase.fill_rate, ".1%"),
    ("CTR, observed", lambda phase: phase.total.ctr, ".2%"),
    ("CTR, hidden model's expectation", lambda phase: phase.total.hidden_ctr, ".2%"),
    ("revenue per 1,000 requests", lambda phase: phase.revenue_per_thousand, ",.2f"),
    ("calibration: pCTR / observed CTR", lambda phase: phase.total.calibration, ".3f"),
    ("calibration: pCTR / hidden CTR", lambda phase: phase.total.hidden_calibration, ".3f"),
)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", padding=(0, 2))
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 else "right")
    return table


def _comparison(report: Report) -> Table:
    title = "What learning brought (best: the hidden model itself decides)"
    table = _table(title, "", "before", "between", "after", "change", "best")
    for name, read, form in ROWS:
        *served, best = (read(phase) for phase in (*report.served, report.best))
        change = f"{served[-1] / served[0] - 1:+.0%}" if served[0] else ""
        table.add_row(name, *(f"{value:{form}}" for value in served), change, f"{best:{form}}")
    for outcome, came in report.learned.items():
        table.add_row(outcome.replace("_", " "), "", "", "[green]yes" if came else "[red]no")
    return table


def _formats(report: Report) -> Table:
    table = _table(
        "By format (click rates are high, so that minutes teach what days would)",
        "format", "impressions", "CTR before", "CTR after", "best", "calibration after",
    )  # fmt: skip
    for format_, after in report.after.by_format.items():
        before = report.before.by_format.get(format_, Shown())
        best = report.best.by_format.get(format_, Shown())
        shown = f"{before.impressions:,} / {after.impressions:,}"
        rates = [f"{part.ctr:.2%}" for part in (before, after)]
        table.add_row(format_, shown, *rates, f"{best.ctr:.2%}", f"{after.calibration:.3f}")
    return table


def _latencies(phases: Sequence[PhaseFigures]) -> Table:
    table = _table(
        "Latency in ms, from the scheduled instant", "phase", "p50", "p90", "p99", "beacon p99"
    )
    for phase in phases:
        table.add_row(phase.name, *(f"{value:,.1f}" for value in phase.latency_ms.values()))
    return table


def _funnels(phases: Sequence[PhaseFigures]) -> Table:
    table = _table(
        "Ads left after each stage, in the mean request", "stage", *(p.name for p in phases)
    )
    stages = [dict(phase.funnel) for phase in phases]
    for stage in stages[0]:
        table.add_row(stage, *(f"{left.get(stage, 0.0):,.1f}" for left in stages))
    for reason in sorted({reason for phase in phases for reason in phase.refusals}):
        counts = (f"{phase.refusals.get(reason, 0):,}" for phase in phases)
        table.add_row(f"[dim]requests without an ad: {reason}", *counts)
    return table


def _checks(checks: Sequence[Check]) -> Table:
    table = _table("Reconciliation", "what", "both sides", "")
    for check in checks:
        table.add_row(check.name, check.detail, "[green]holds" if check.holds else "[red]FAILS")
    return table
