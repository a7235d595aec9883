"""Experiments in SQL: which model was tried on which share of users, from when to when.

Never here: what came of it (`adserver.reports.experiments`). The one surprising fact: one runs at a
time, and none is ever deleted, so a figure of last year can still be said to be which arm's.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from adserver import experiment_package, publication
from adserver.experiment_package import NOTHING_RUNS, salt_of
from adserver.marketplace.problem import Sentence
from adserver.stores import audit, database
from adserver.stores.switch_tables import EXPERIMENTS
from models.domain.money import PPM


class ExperimentRefusedError(ValueError):
    """An experiment that cannot begin; `field` names what is wrong."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Experiment:
    """A model tried on `share_ppm` of users; `control_version` was in force when it began."""

    name: str
    model_version: str
    control_version: str
    share_ppm: int
    started_by: str
    started_at: datetime
    ended_at: datetime | None = None


def all_experiments(connection: Connection) -> list[Experiment]:
    """Every experiment, the latest first."""
    rows = connection.execute(select(EXPERIMENTS)).mappings()
    found = [Experiment(**row) for row in rows]
    return sorted(found, key=lambda one: (one.started_at, one.name), reverse=True)


def running(connection: Connection) -> Experiment | None:
    """The one that runs."""
    found = [one for one in all_experiments(connection) if one.ended_at is None]
    return found[0] if found else None


def begin(connection: Connection, wanted: Experiment, who: audit.Actor) -> Experiment:
    """Starts an experiment.

    Raises:
        ExperimentRefusedError: one runs already, its name is taken or is none, or the share is not
            between 0 and all.
    """
    if not 0 < len(wanted.name) <= 40 or not wanted.name.replace("-", "a").isalnum():
        raise ExperimentRefusedError(Sentence("1 to 40 letters, digits and -"), "name")
    if not wanted.name.isascii():
        raise ExperimentRefusedError(Sentence("1 to 40 letters, digits and -"), "name")
    if not 0 < wanted.share_ppm < PPM:
        raise ExperimentRefusedError(Sentence("more than 0 %% and less than 100 %%"), "share")
    if running(connection) is not None:
        raise ExperimentRefusedError(Sentence("one runs already; end it first"))
    if any(one.name == wanted.name for one in all_experiments(connection)):
        raise ExperimentRefusedError(Sentence("there was one of this name; take another"), "name")
    connection.execute(insert(EXPERIMENTS).values(_row(wanted)))
    audit.record(
        connection, who, "begin", "experiment", wanted.name, None, wanted, wanted.started_at
    )
    return wanted


def end(connection: Connection, name: str, who: audit.Actor, now: datetime) -> bool:
    """Ends the experiment of this name; False when it does not run."""
    found = running(connection)
    if found is None or found.name != name:
        return False
    connection.execute(update(EXPERIMENTS).where(EXPERIMENTS.c.name == name).values(ended_at=now))
    audit.record(connection, who, "end", "experiment", name, found, {"ended_at": now}, now)
    return True


class ExperimentPublisher:
    """Remembers what it last published; one per console."""

    def __init__(self, engine: Engine, data_dir: Path) -> None:
        self._engine = engine
        self._root = data_dir / experiment_package.DIRECTORY
        self._published: experiment_package.Experiment | None = None

    def look(self, now: datetime) -> str | None:
        """Publishes what runs if that is new; a house that never tried anything publishes none."""
        with database.reading(self._engine) as connection:
            found = running(connection)
        wanted = NOTHING_RUNS
        if found is not None:
            wanted = experiment_package.Experiment(
                found.name, found.model_version, found.share_ppm, salt_of(found.name)
            )
        if wanted == self._published:
            return None
        version = None
        if wanted.runs or publication.current(self._root) is not None:
            at_ms = int(now.timestamp() * 1000)
            version = experiment_package.publish(self._root, wanted, at_ms)
        self._published = wanted
        return version


def _row(one: Experiment) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Experiment.__slots__}
