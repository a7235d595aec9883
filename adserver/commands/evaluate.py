"""`adunion evaluate`: figures of a model on a file, of the recipe in folds, of another policy.

Figures are JSON on standard output. What they mean is `models.ctr.evaluation`, `.trial` and
`.off_policy`. The one surprising fact: in folds no model is read; five are made and thrown away.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich import table as rich_table
from rich.console import Console

from adserver import datafiles, dataschema, labelled
from adserver.commands.model_access import model_option, named_model, schema_of, table_of
from adserver.commands.stages import stages
from adserver.config import from_environment
from adserver.datafiles import DataFileError, Table
from models.ctr import off_policy
from models.ctr.dataset import DatasetError
from models.ctr.evaluation import report
from models.ctr.training import Learned
from models.ctr.trial import Fold, cross_validate

EPILOG = """\b
Examples:
  adunion evaluate --model var/ctr/20261122T101500-ab12cd --data later.csv
  adunion evaluate --folds 5 --fold-name search_ads \\
      --data search_ads_train.csv.gz --schema docs/examples/search_ads.toml
  adunion evaluate --off-policy --data random_all.csv.gz --target bts_all.csv.gz \\
      --schema docs/examples/open_bandit.toml"""

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(epilog=EPILOG)
@model_option
@click.option("--data", type=_FILE, required=True, help="Parquet or CSV file with labels.")
@click.option("--schema", type=_FILE, help="What its columns mean. [default: the model's own]")
@click.option("--folds", type=click.IntRange(2), help="Judge the recipe, not a model, in folds.")
@click.option("--fold-name", help="Row i is in fold crc32('NAME:i') % folds. [default: the file]")
@click.option("--off-policy", "other", is_flag=True, help="Estimate another policy's click rate.")
@click.option("--target", type=_FILE, help="With --off-policy: the other policy's own log.")
@click.option("--threads", type=click.IntRange(0), default=0, help="0: as many as are useful.")
def command(  # noqa: PLR0913 - one argument an option
    model: Path | None,
    data: Path,
    schema: Path | None,
    folds: int | None,
    fold_name: str | None,
    other: bool,
    target: Path | None,
    threads: int,
) -> None:
    """Measure a model on a file: AUC, log loss, normalised entropy, calibration, as JSON.

    With --folds the training recipe is measured instead, beside a logistic regression. With
    --off-policy the log of one policy (--data, with its propensities) tells what another would have
    earned, which is read off a log of its own (--target).
    """
    try:
        if other:
            figures = _off_policy(data, _needed(schema), _needed(target, "--target"))
        elif folds:
            figures = _in_folds(data, _needed(schema), folds, fold_name or _stem(data), threads)
        else:
            figures = _of_model(model, data, schema)
    except (DataFileError, DatasetError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(figures, indent=2))


def _needed(path: Path | None, option: str = "--schema") -> Path:
    if path is None:
        raise click.UsageError(f"{option} is needed here")
    return path


def _stem(path: Path) -> str:
    return path.name.partition(".")[0]


def _of_model(model: Path | None, data: Path, schema: Path | None) -> dict[str, Any]:
    named = named_model(from_environment(), model)
    artifact = named.artifact
    meaning = schema_of(artifact, schema)
    with stages() as told:
        told("reading", 0.0)
        rows = labelled.encoded(table_of(artifact, meaning, data), meaning, artifact.schema)
        told("reading", 1.0)
        told("scoring", 0.0)
        probabilities = Learned.of(artifact).probabilities(rows)
        told("scoring", 1.0)
    figures = report(rows.clicked, probabilities, rows.groups).as_json()
    return {"model": artifact.version, **figures}


def _in_folds(data: Path, schema: Path, count: int, name: str, threads: int) -> dict[str, Any]:
    dataset = labelled.read_dataset(data, dataschema.read(schema))
    with stages() as told:
        found = list(cross_validate(dataset, name, count, told, threads))
    figures = {
        "fold_name": name,
        "model": _spread(found, "model"),
        "logistic_regression": _spread(found, "baseline"),
        "trees": [fold.trees for fold in found],
    }
    Console(stderr=True).print(_table(figures))
    return figures


def _spread(found: list[Fold], which: str) -> dict[str, Any]:
    """Mean and standard deviation over the folds; calibration as its range."""
    reports = [getattr(fold, which) for fold in found]
    ratios = [one.calibration for one in reports if one.calibration is not None]
    figures: dict[str, Any] = {"calibration": [min(ratios), max(ratios)] if ratios else None}
    for name in ("auc", "log_loss", "normalized_entropy"):
        values = [value for one in reports if (value := getattr(one, name)) is not None]
        figures[name] = float(np.mean(values)) if values else None
        figures[f"{name}_sd"] = float(np.std(values)) if values else None
    return figures


def _table(figures: dict[str, Any]) -> rich_table.Table:
    table = rich_table.Table("", "AUC", "sd", "norm. entropy", "calibration over folds")
    for name in ("logistic_regression", "model"):
        of = figures[name]
        cells = [_said(of[key]) for key in ("auc", "auc_sd", "normalized_entropy")]
        ends = of["calibration"]
        between = f"{ends[0]:.3f} .. {ends[1]:.3f}" if ends else "-"
        table.add_row(name.replace("_", " "), *cells, between)
    return table


def _said(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _off_policy(data: Path, schema: Path, target: Path) -> dict[str, Any]:
    meaning = dataschema.read(schema)
    for role in ("label", "action", "propensity"):
        if role not in meaning.roles:
            raise DataFileError(f'{schema}: off-policy needs {role} = "name of the column"')
    ran, wanted = (datafiles.read(path, set(meaning.roles.values())) for path in (data, target))
    actions, (taken, chosen) = _numbered(meaning.action, ran, wanted)
    contexts, (here, there) = _numbered(meaning.context, ran, wanted)
    log = off_policy.Logged(
        here, taken, labelled.propensities(ran, meaning), labelled.labels(ran, meaning)
    )
    policy = off_policy.policy_from_log(there, chosen, contexts, actions)
    found = asdict(off_policy.evaluate(log, policy))
    return {**found, "target_log": asdict(off_policy.mean(labelled.labels(wanted, meaning)))}


def _numbered(name: str, *tables: Table) -> tuple[int, list[off_policy.Indices]]:
    """How many values a column has in all tables, and each table's in numbers; "": one value."""
    if not name:
        return 1, [np.zeros(table.rows, np.int64) for table in tables]
    columns = [datafiles.texts(table.require(name, "action or context")) for table in tables]
    return off_policy.numbered(*(np.array([t or "" for t in column]) for column in columns))
