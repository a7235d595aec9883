"""Experiments in SQL: one at a time, none deleted, published when they change."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from adserver import experiment_package, publication
from adserver.accounts.identity import COMMAND
from adserver.experiment_package import NOTHING_RUNS, salt_of
from adserver.stores import database, experiments, migrations
from adserver.stores.database import connect_url
from adserver.stores.experiments import Experiment, ExperimentPublisher, ExperimentRefusedError
from models.domain.money import PPM
from tests.adserver.stores.sql_databases import database_url
from tests.builders import NOW

__all__ = ["database_url"]

AUTUMN = Experiment("autumn", "m2", "m1", 100_000, "op", NOW)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = connect_url(database_url)
    migrations.upgrade(made)
    yield made
    made.dispose()


def begin(engine: Engine, wanted: Experiment) -> None:
    with database.writing(engine) as connection:
        experiments.begin(connection, wanted, COMMAND)


def end(engine: Engine, name: str) -> bool:
    with database.writing(engine) as connection:
        return experiments.end(connection, name, COMMAND, NOW + timedelta(days=7))


def everything(engine: Engine) -> list[Experiment]:
    with database.reading(engine) as connection:
        return experiments.all_experiments(connection)


def test_one_runs_at_a_time_and_stays_known_when_it_is_over(engine: Engine) -> None:
    begin(engine, AUTUMN)
    winter = replace(AUTUMN, name="winter", started_at=NOW + timedelta(days=8))
    with pytest.raises(ExperimentRefusedError, match="end it first"):
        begin(engine, winter)
    assert end(engine, "autumn")
    assert not end(engine, "autumn")
    begin(engine, winter)
    assert everything(engine) == [winter, replace(AUTUMN, ended_at=NOW + timedelta(days=7))]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": "秋"}, "name"),
        ({"name": "x" * 41}, "name"),
        ({"share_ppm": 0}, "share"),
        ({"share_ppm": PPM}, "share"),
    ],
)
def test_what_cannot_be_tried_is_refused_at_its_field(
    engine: Engine, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(ExperimentRefusedError) as refused:
        begin(engine, replace(AUTUMN, **changes))  # type: ignore[arg-type]
    assert refused.value.field == field


def test_a_name_is_used_once(engine: Engine) -> None:
    begin(engine, AUTUMN)
    end(engine, "autumn")
    with pytest.raises(ExperimentRefusedError, match="take another"):
        begin(engine, AUTUMN)


def test_what_runs_is_published_and_its_end_too(engine: Engine, tmp_path: Path) -> None:
    root, publisher = tmp_path / experiment_package.DIRECTORY, ExperimentPublisher(engine, tmp_path)
    assert publisher.look(NOW) is None
    assert publication.current(root) is None
    begin(engine, AUTUMN)
    version = publisher.look(NOW)
    found = experiment_package.read(root, str(version))
    assert (found.name, found.model_version, found.share_ppm) == ("autumn", "m2", 100_000)
    assert found.salt == salt_of("autumn")
    assert publisher.look(NOW) is None
    end(engine, "autumn")
    version = publisher.look(NOW + timedelta(seconds=1))
    assert experiment_package.read(root, str(version)) == NOTHING_RUNS
