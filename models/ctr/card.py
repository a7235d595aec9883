"""The model card: what a model is, what it learned from and how it did, as a page of Markdown.

After Mitchell et al., "Model Cards for Model Reporting" (2019). Nothing here measures anything.

The one surprising fact: the figures on the card are those of the judged twin where the published
model has learned from all rows; the card says so.
"""

from datetime import UTC, datetime

from models.ctr.dataset import Dataset
from models.ctr.ensemble import trees
from models.ctr.evaluation import Calibrated, Report
from models.ctr.trial import Trial

MOST_GROUPS = 40


def card(trial: Trial, dataset: Dataset, version: str, described: str, made_at: datetime) -> str:
    """The card of a trial's final model.

    Args:
        trial: what was learned and measured.
        dataset: all rows.
        version: what the model is called.
        described: where the rows came from, for people.
        made_at: aware.
    """
    return "\n".join(
        [
            f"# Click model {version}",
            "",
            f"Made {made_at:%Y-%m-%d %H:%M} UTC from {described}: {len(dataset):,} rows, "
            f"{int(dataset.clicked.sum()):,} positive ({dataset.clicked.mean():.3%})"
            f"{_span(dataset)}.",
            "",
            *_model(trial),
            *_figures(trial),
            *_verdict(trial),
            *_groups(trial.report),
            *_features(dataset),
            *_limits(trial),
        ]
    )


def _span(dataset: Dataset) -> str:
    if dataset.times_ms is None:
        return ""
    return f", {_when(dataset.times_ms.min())} to {_when(dataset.times_ms.max())}"


def _when(milliseconds: float) -> str:
    """A time as a date; as the number it is where no calendar reaches."""
    try:
        return f"{datetime.fromtimestamp(float(milliseconds) / 1_000, UTC):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return f"{milliseconds:,.0f}"


def _model(trial: Trial) -> list[str]:
    members, calibration = trial.final.members, trial.final.calibration
    how = "by time: the latest rows judge" if trial.by_time else "by a hash of the row number"
    return [
        "## Model",
        "",
        f"The mean of {len(members)} gradient-boosted forests (LightGBM), {trees(members)} trees "
        "in all, at most 64 leaves each; its raw score is calibrated by sigmoid("
        f"{calibration.slope:.4f} x raw {calibration.intercept:+.4f}).",
        f"Judged by {trial.report.rows:,} rows that it had not seen, after learning from "
        f"{trial.learned_rows:,}; split {how}.",
        "The published model then learned from all rows in the same way."
        if trial.final is not trial.judged
        else "The published model is the one that was judged.",
        "",
    ]


def _figures(trial: Trial) -> list[str]:
    rows = [
        ("this model", trial.report),
        ("logistic regression", trial.baseline),
    ]
    if trial.serving is not None:
        rows.append(("this model, rows new to the serving one", trial.serving[0]))
        rows.append(("serving model, the same rows", trial.serving[1]))
    head = "| | rows | AUC | log loss | normalised entropy | calibration |"
    lines = [_row(name, report) for name, report in rows]
    return ["## Figures", "", head, "| --- | --- | --- | --- | --- | --- |", *lines, ""]


def _row(name: str, report: Report) -> str:
    found = (report.auc, report.log_loss, report.normalized_entropy, report.calibration)
    cells = " | ".join("-" if value is None else f"{value:.4f}" for value in found)
    return f"| {name} | {report.rows:,} | {cells} |"


def _verdict(trial: Trial) -> list[str]:
    word = "passed" if trial.verdict.passed else "REFUSED"
    return ["## Gate", "", f"{word}:", "", *(f"- {reason}" for reason in trial.verdict.reasons), ""]


def _groups(report: Report) -> list[str]:
    if not report.groups:
        return []
    largest = sorted(report.groups.items(), key=lambda item: -item[1].rows)[:MOST_GROUPS]
    head = ["| group | rows | positive | calibration |", "| --- | --- | --- | --- |"]
    lines = [_group_row(name, group) for name, group in largest]
    return ["## Calibration by group", "", *head, *lines, ""]


def _group_row(name: str, group: Calibrated) -> str:
    ratio = "-" if group.ratio is None else f"{group.ratio:.3f}"
    safe = name.replace("|", "\\|").replace("\n", " ") or "(none)"
    return f"| {safe} | {group.rows:,} | {group.clicks:,.0f} | {ratio} |"


def _features(dataset: Dataset) -> list[str]:
    lines = [f"- `{f.name}` ({f.kind}, {f.half} half)" for f in dataset.schema.features]
    return [f"## Features (schema {dataset.schema.hash})", "", *lines, ""]


def _limits(trial: Trial) -> list[str]:
    few = trial.report.clicks < 1_000
    luck = (
        f"With {trial.report.clicks} positive judging rows the figures are rough: the calibration "
        "ratio alone strays by one over their square root."
    )
    return [
        "## Limits",
        "",
        "Probabilities hold for traffic like that of the rows above. Values never seen are scored "
        "as the rare ones were. " + (luck if few else ""),
        "",
    ]
