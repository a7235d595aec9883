"""An experiment on a worker that runs: a share of users gets another model, and the log says so."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from adserver import experiment_package, publication
from adserver.experiment_package import DIRECTORY, NOTHING_RUNS, Experiment, salt_of
from adserver.reload import MODEL
from adserver.switch_package import Switches
from models.domain.money import PPM
from tests.adserver.api.running import Worker, running, settings_in, unique, wait_for
from tests.builders import ad_request, small_marketplace
from tests.journeys.test_changes_under_load import some_model

HALF = Experiment("autumn", "m2", PPM // 2, salt_of("autumn"))


@pytest.fixture
def worker(tmp_path: Path, redis_embedded_url: str) -> Iterator[Worker]:
    with running(settings_in(tmp_path, redis_embedded_url), small_marketplace()) as started:
        yield started


def begin(worker: Worker, experiment: Experiment) -> None:
    root = worker.settings.data_dir / DIRECTORY
    experiment_package.publish(root, experiment, time.time_ns() // 1_000_000)


def trial_of(worker: Worker) -> object:
    live = worker.serving.current.live
    return live and live.trial


def model_of(worker: Worker, user: str) -> str:
    version: str = worker.client().ask(user={"id": user}, debug=True).json["debug"]["model"]
    return version


def test_a_share_of_users_gets_the_other_model_and_always_the_same_one(worker: Worker) -> None:
    publication.add(worker.settings.data_dir / MODEL, "m2", some_model("m2"))
    begin(worker, HALF)
    wait_for(lambda: trial_of(worker))
    users = [unique("u") for _ in range(40)]
    first = [model_of(worker, user) for user in users]
    assert set(first) == {"prior", "m2"}
    assert [model_of(worker, user) for user in users] == first
    begin(worker, NOTHING_RUNS)
    wait_for(lambda: trial_of(worker) is None)
    assert {model_of(worker, user) for user in users} == {"prior"}


def test_arms_are_logged_and_people_who_opted_out_are_in_none(worker: Worker) -> None:
    publication.add(worker.settings.data_dir / MODEL, "m2", some_model("m2"))
    begin(worker, HALF)
    wait_for(lambda: trial_of(worker))
    live = worker.serving.current.live
    assert live
    asked = [ad_request(user_key=key) for key in range(2_000)]
    arms = [live.of(request)[1] for request in asked]
    assert set(arms) == {"autumn/a", "autumn/b"}
    assert 850 < arms.count("autumn/b") < 1_150
    challenged = next(request for request in asked if live.of(request)[1] == "autumn/b")
    assert live.of(challenged)[0].ctr.version == "m2"
    assert live.of(ad_request(user_key=None)) == (live.snapshot, "")
    assert live.of(ad_request(user_key=7, personalized=False)) == (live.snapshot, "")


def test_a_switch_holds_in_both_arms(worker: Worker) -> None:
    publication.add(worker.settings.data_dir / MODEL, "m2", some_model("m2"))
    begin(worker, HALF)
    wait_for(lambda: trial_of(worker))
    live = worker.serving.current.live
    assert live
    off = Switches(
        advertisers=frozenset(one.advertiser_id for one in small_marketplace().advertisers)
    )
    masked = live.under(off)
    assert masked.trial
    assert masked.trial.snapshot.catalog is masked.snapshot.catalog
    assert not any(shelf.fits for shelf in masked.snapshot.catalog.shelves.values())
    assert masked.trial.snapshot.spend is live.snapshot.spend


def test_a_model_that_may_not_serve_leaves_the_experiment_out(worker: Worker) -> None:
    broken = some_model("m2") | {"booster_0.txt": b""}
    publication.add(worker.settings.data_dir / MODEL, "m2", broken)
    before = worker.serving.current.live
    begin(worker, HALF)
    wait_for(lambda: worker.serving.current.live is not before)
    assert trial_of(worker) is None
    assert worker.client().ask().status == 200


def test_two_experiments_split_users_independently() -> None:
    other = Experiment("winter", "m2", PPM // 2, salt_of("winter"))
    keys = np.random.default_rng(1).integers(0, 1 << 63, 4_000).tolist()
    both = sum(HALF.has_challenger(key) and other.has_challenger(key) for key in keys)
    assert 850 < both < 1_150
