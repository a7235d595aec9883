"""How commands find models: a directory that was named, or what `<data_dir>/ctr` has in force.

Never here: a command. The one surprising fact: what a file's model needs to know of the file it
learned from, its schema file, lies in the model as a document, so files of the same kind can be
scored without naming the schema again.
"""

from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from adserver import dataschema, labelled, publication
from adserver.config import Settings
from adserver.datafiles import DataFileError, Table
from adserver.dataschema import DataSchema
from models.ctr.artifact import Artifact, ArtifactError, from_files
from models.ctr.dataset import Dataset, from_columns

MODELS = "ctr"
SOURCE = "source.toml"
CARD = "card.md"
PLOT = "reliability.png"

model_option = click.option(
    "--model",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Directory of a model, or of models (then the one in force). [default: the one in force]",
)


@dataclass(frozen=True, slots=True)
class Named:
    """A model and where it lies."""

    directory: Path
    artifact: Artifact


def models_root(settings: Settings) -> Path:
    """Where models are published."""
    return settings.data_dir / MODELS


def named_model(settings: Settings, directory: Path | None) -> Named:
    """The model of a directory, or the one in force.

    Raises:
        ClickException: there is none, or it is damaged; the message says what to do.
    """
    root = directory or models_root(settings)
    version = publication.current(root)
    if version is not None:
        root = root / version
    elif directory is None:
        raise click.ClickException(f"{root} has no model yet; `adunion train` makes one")
    return Named(root, read_model(root))


def read_model(directory: Path) -> Artifact:
    """The model in a directory, checked.

    Raises:
        ClickException: it is not there or may not serve, with the reason.
    """
    try:
        directory = directory.resolve()
        return from_files(publication.read(directory.parent, directory.name))
    except (ArtifactError, publication.PublicationError) as error:
        raise click.ClickException(f"{directory}: {error}") from error


def schema_of(artifact: Artifact, given: Path | None) -> DataSchema:
    """The schema file that was named, or the one the model learned with.

    Raises:
        DataFileError: neither is there, or the named one is wrong.
    """
    if given is not None:
        return dataschema.read(given)
    kept = artifact.documents.get(SOURCE)
    if kept is None:
        raise DataFileError(
            f"model {artifact.version} learned from the event log, not from a file: name the "
            "file's columns with --schema"
        )
    return dataschema.parse(kept.decode(), Path(SOURCE))


def table_of(artifact: Artifact, schema: DataSchema, path: Path) -> Table:
    """What the model needs of a file, with the columns that the schema names."""
    return labelled.read_table(path, schema, artifact.schema)


def unlabelled(artifact: Artifact, table: Table) -> Dataset:
    """A table as rows to be scored; the labels are not looked at."""
    return from_columns(artifact.schema, table.columns, np.zeros(table.rows))
