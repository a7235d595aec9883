"""`adunion models`: which models there are, what they say of themselves, and which is in force.

Moving the pointer is all that promote and roll back do; workers follow it. The one surprising fact:
a model is read and tried before it is promoted, so that workers are never pointed at a damaged one.
"""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Column, Table

from adserver import publication
from adserver.commands.model_access import CARD, models_root, read_model
from adserver.config import from_environment
from models.ctr.artifact import Artifact, ArtifactError

_HEAD = ("norm. entropy", "calibration", "trees")
_MODELS = click.option(
    "--models", type=click.Path(path_type=Path), help="Where models lie. [default: ctr]"
)


@click.group()
def command() -> None:
    """List, show, promote and roll back click models."""


@command.command("list", epilog="\b\nExample:\n  adunion models list")
@_MODELS
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(models: Path | None, as_json: bool) -> None:
    """All models, oldest first, with their figures; the one in force is marked."""
    root = _root(models)
    rows = [_row(root, version) for version in publication.versions(root)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo(f"{root} has no model yet; `adunion train` makes one.")
        return
    table = Table("", Column("version", no_wrap=True), "AUC", *_HEAD, "note")
    for row in rows:
        figures = (_said(row.get(key)) for key in ("auc", "normalized_entropy", "calibration"))
        mark = "*" if row["in_force"] else ""
        told = (str(row.get("trees", "-")), str(row.get("note", "")))
        table.add_row(mark, str(row["version"]), *figures, *told)
    Console().print(table)


@command.command(epilog="\b\nExample:\n  adunion models show 20261122T101500-ab12cd")
@click.argument("version", required=False)
@_MODELS
@click.option("--json", "as_json", is_flag=True, help="The figures only, for programs.")
def show(version: str | None, models: Path | None, as_json: bool) -> None:
    """The model card of VERSION, or of the model in force."""
    root = _root(models)
    artifact = read_model(root / _version(root, version))
    if as_json:
        click.echo(json.dumps(dict(artifact.metrics), indent=2))
        return
    Console().print(Markdown(artifact.documents.get(CARD, b"(no card)").decode()))


@command.command(epilog="\b\nExample:\n  adunion models promote 20261122T101500-ab12cd")
@click.argument("version")
@_MODELS
def promote(version: str, models: Path | None) -> None:
    """Put VERSION in force, after reading it and trying it."""
    root = _root(models)
    _promote(root, version)


@command.command(epilog="\b\nExample:\n  adunion models rollback")
@_MODELS
def rollback(models: Path | None) -> None:
    """Put the model before the one in force back in force."""
    root = _root(models)
    current = _version(root, None)
    versions = publication.versions(root)
    before = versions[: versions.index(current)] if current in versions else versions
    if not before:
        raise click.ClickException(f"no model is older than {current}, the one in force")
    _promote(root, before[-1])


def _promote(root: Path, version: str) -> None:
    artifact = read_model(root / version)
    try:
        artifact.model()
    except ArtifactError as error:
        raise click.ClickException(f"{version} cannot serve: {error}") from error
    publication.point(root, version)
    click.echo(f"{version} is in force; workers take it up within seconds.")


def _root(models: Path | None) -> Path:
    return models or models_root(from_environment())


def _version(root: Path, given: str | None) -> str:
    version = given or publication.current(root)
    if version is None:
        raise click.ClickException(f"{root} has no model in force; `adunion train` makes one")
    return version


def _row(root: Path, version: str) -> dict[str, object]:
    """A model's line in the list; one that cannot be read says why."""
    row: dict[str, object] = {
        "version": version,
        "in_force": version == publication.current(root),
    }
    try:
        artifact: Artifact = read_model(root / version)
    except click.ClickException as error:
        return {**row, "note": error.message}
    figures = artifact.metrics.get("candidate", {})
    kept = ("auc", "normalized_entropy", "calibration", "rows")
    return {**row, **{k: figures.get(k) for k in kept}, "trees": artifact.metrics.get("trees")}


def _said(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "-"
