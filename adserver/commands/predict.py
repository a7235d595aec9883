"""`adunion predict`: a probability for each row of a file, in order.

The one surprising fact: nothing about a row is fatal. A missing column is unknown in every row, a
value never seen is scored as the rare ones were.
"""

from pathlib import Path

import click

from adserver import datafiles
from adserver.commands.model_access import (
    model_option,
    named_model,
    schema_of,
    table_of,
    unlabelled,
)
from adserver.commands.stages import stages
from adserver.config import from_environment
from adserver.datafiles import DataFileError
from models.ctr.training import Learned

COLUMN = "probability"
EPILOG = """\b
Example:
  adunion predict --model var/ctr/20261122T101500-ab12cd --data rows.csv --out scored.csv"""

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(epilog=EPILOG)
@model_option
@click.option("--data", type=_FILE, required=True, help="Parquet or CSV file; needs no labels.")
@click.option("--out", type=_FILE, required=True, help="To write: .csv, .csv.gz or .parquet.")
@click.option("--schema", type=_FILE, help="What its columns mean. [default: the model's own]")
def command(model: Path | None, data: Path, out: Path, schema: Path | None) -> None:
    """Write one calibrated probability for each row of a file, in the file's order."""
    artifact = named_model(from_environment(), model).artifact
    try:
        with stages() as told:
            told("reading", 0.0)
            table = table_of(artifact, schema_of(artifact, schema), data)
            told("reading", 1.0)
            told("scoring", 0.0)
            rows = unlabelled(artifact, table)
            datafiles.write_column(out, COLUMN, Learned.of(artifact).probabilities(rows))
            told("scoring", 1.0)
    except (DataFileError, OSError) as error:
        raise click.ClickException(str(error)) from error
    needed = {source for feature in artifact.schema.features for source in feature.sources}
    missing = sorted(needed - table.columns.keys())
    if missing:
        click.echo(f"Not in {data}, so unknown in every row: {', '.join(missing)}", err=True)
    click.echo(f"{table.rows:,} probabilities in {out}")
