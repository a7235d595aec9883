"""`adunion train`: rows to a published model, from the event log or from a file.

What is learned and when it may serve is `models.ctr.trial`; this is the recipe around it.

The one surprising fact: a model of a file never displaces a model that serves. It is published
beside it, and the pointer moves only where nothing that serves is in force.
"""

import hashlib
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from adserver import dataschema, labelled, plots, publication
from adserver.commands.model_access import CARD, PLOT, SOURCE, models_root, read_model
from adserver.commands.stages import Stages, stages
from adserver.config import Settings, from_environment
from adserver.datafiles import DataFileError
from adserver.eventlog import open_store
from adserver.eventlog.training_rows import training_rows
from adserver.ports import StatementRefusedError, StoreAwayError
from models.ctr.artifact import Artifact
from models.ctr.card import card
from models.ctr.dataset import Dataset, DatasetError, from_log
from models.ctr.evaluation import Report
from models.ctr.features import serving_schema
from models.ctr.trial import Trial, hold, to_artifact

REFUSED = 3
"""The exit code of a model that the gate refused."""

KEPT = 50
"""Versions that stay, to be rolled back to."""

DAY_MS = 86_400_000
EPILOG = """\b
Examples:
  adunion train                                   from the event log, the last 60 days
  adunion train --days 14
  adunion train --data clicks.csv.gz --schema docs/examples/search_ads.toml

Exit code 0: published. 3: refused by the gate (the figures say why). 1: nothing to learn from."""

_FILE = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True, slots=True)
class Source:
    """Rows, where they came from in words, a digest of it, and files to keep with the model."""

    dataset: Dataset
    described: str
    digest: str
    documents: dict[str, bytes]


@click.command(epilog=EPILOG)
@click.option("--data", type=_FILE, help="Learn from this Parquet or CSV file, not the event log.")
@click.option("--schema", type=_FILE, help="What the file's columns mean (docs/learning.md).")
@click.option("--days", type=click.IntRange(1), default=60, show_default=True, help="Log to read.")
@click.option("--models", type=click.Path(path_type=Path), help="Where to publish. [default: ctr]")
@click.option("--seed", type=int, default=0, show_default=True, help="Of every draw.")
@click.option("--threads", type=click.IntRange(0), default=0, help="0: all cores.")
@click.option("--force", is_flag=True, help="Publish and promote whatever the gate says.")
def command(  # noqa: PLR0913 - one argument an option
    data: Path | None,
    schema: Path | None,
    days: int,
    models: Path | None,
    seed: int,
    threads: int,
    force: bool,
) -> None:
    """Train the click model, judge it by later rows, and publish it if it is good.

    Beside it stand a logistic regression and the model in force. It is published only if it is
    calibrated, knows more than the click rate, and is better than the model in force on rows that
    neither has seen.
    """
    settings = from_environment()
    root = models or models_root(settings)
    try:
        with stages() as told:
            source = _source(settings, data, schema, days, told)
            trial = hold(
                source.dataset, _in_force(root), source.digest, told, seed=seed, threads=threads
            )
            artifact = _artifact(source, trial)
    except (DataFileError, DatasetError, StoreAwayError, StatementRefusedError) as error:
        raise click.ClickException(str(error)) from error
    _show(trial)
    if not trial.verdict.passed and not force:
        click.echo("Refused: nothing was published and what serves goes on. --force overrules.")
        sys.exit(REFUSED)
    _publish(root, artifact, serving_schema(settings.time_zone).hash, force)


def _source(
    settings: Settings, data: Path | None, schema: Path | None, days: int, told: Stages
) -> Source:
    if (data is None) != (schema is None):
        raise click.UsageError("--data and --schema go together: the file, and what it means")
    told("reading", 0.0)
    source = _file(data, schema) if data and schema else _event_log(settings, days, told)
    told("reading", 1.0)
    return source


def _file(data: Path, schema: Path) -> Source:
    meaning = dataschema.read(schema)
    dataset = labelled.read_dataset(data, meaning)
    with data.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Source(dataset, f"{data.name} by {schema.name}", digest, {SOURCE: meaning.text.encode()})


def _event_log(settings: Settings, days: int, told: Stages) -> Source:
    """Impressions as serving saw them, with whether a click came."""
    features = serving_schema(settings.time_zone)
    until = int(datetime.now(UTC).timestamp() * 1_000)
    since = until - days * DAY_MS
    store = open_store.open_for_reading(settings)
    try:
        parts = []
        for part in training_rows(store, features.hash, since, until):
            parts.append(part)
            told("reading", min((part.served_ms[-1] - since) / (until - since), 1.0))
    finally:
        store.close()
    if not parts:
        raise DatasetError(
            f"the event log has no impressions of the last {days} days whose rows are of this "
            "version's schema; serve some traffic first (adunion up), or learn from a file (--data)"
        )
    dataset = from_log(
        features,
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.clicked for part in parts]).astype(np.float64),
        np.concatenate([part.served_ms for part in parts]),
        np.concatenate([np.array(part.placement_id, np.str_) for part in parts]),
    )
    return Source(dataset, "the event log", "event log", {})


def _in_force(root: Path) -> Artifact | None:
    """The model to be better than; a damaged one is no reason not to make a new one."""
    version = publication.current(root)
    if version is None:
        return None
    try:
        return read_model(root / version)
    except click.ClickException as damaged:
        click.echo(f"Not compared with what is in force: {damaged.message}", err=True)
        return None


def _artifact(source: Source, trial: Trial) -> Artifact:
    """The model with its card and plot, tried once in the forest that will serve it."""
    now = datetime.now(UTC)
    version = f"{now:%Y%m%dT%H%M%S}-{source.dataset.schema.hash[:6]}"
    documents = {
        **source.documents,
        CARD: card(trial, source.dataset, version, source.described, now).encode(),
        PLOT: plots.reliability_png(trial.report, f"click model {version}"),
    }
    artifact = to_artifact(trial, source.dataset, version, source.digest, documents)
    artifact.model()
    return artifact


IN_FORCE_FOR_WORKERS = "Published, and in force: workers take it up within seconds."
IN_FORCE_FOR_FILES = (
    "Published, and in force for `adunion evaluate` and `predict`. Workers go on as they are: "
    "a model of a file knows other features than an ad request has."
)


def _publish(root: Path, artifact: Artifact, serving: str, force: bool) -> None:
    """`serving` is the hash of the schema that workers encode by."""
    in_force = _in_force(root)
    displaces = in_force is not None and in_force.schema.hash == serving
    if displaces and artifact.schema.hash != serving and not force:
        publication.add(root, artifact.version, artifact.to_files())
        click.echo("Published beside the serving model, which a model of a file cannot replace.")
    else:
        publication.publish(root, artifact.version, artifact.to_files())
        served = artifact.schema.hash == serving
        click.echo(IN_FORCE_FOR_WORKERS if served else IN_FORCE_FOR_FILES)
    publication.keep_last(root, KEPT)
    click.echo(str(root / artifact.version))


def _show(trial: Trial) -> None:
    table = Table("", "AUC", "log loss", "norm. entropy", "calibration", "rows")
    _add(table, "this model", trial.report)
    _add(table, "logistic regression", trial.baseline)
    if trial.serving is not None:
        _add(table, "this model, new rows", trial.serving[0])
        _add(table, "model in force, new rows", trial.serving[1])
    console = Console()
    console.print(table)
    for reason in trial.verdict.reasons:
        console.print(f"- {reason}", highlight=False)


def _add(table: Table, name: str, report: Report) -> None:
    found = (report.auc, report.log_loss, report.normalized_entropy, report.calibration)
    cells = ("-" if value is None else f"{value:.4f}" for value in found)
    table.add_row(name, *cells, f"{report.rows:,}")
