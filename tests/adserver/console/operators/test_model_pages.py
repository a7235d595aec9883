"""Models and experiments as operators see them, by their published files alone."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from adserver import publication
from adserver.config import Settings
from adserver.console.desk import Desk
from adserver.console.operators import experiment_pages, model_pages
from adserver.console.operators.experiment_pages import NewExperiment
from adserver.console.operators.published_models import root_of
from adserver.console.web.exchange import Call, Download, See
from adserver.marketplace.problem import CatalogError
from adserver.ports import StoreAwayError
from tests.adserver.console.operators.at_the_desk import call, page, with_data
from tests.adserver.console.web.running import desk_over
from tests.builders import NOW
from tests.journeys.test_changes_under_load import some_model

OLD, NEW = "20261101T101500-ab12cd", "20261108T101500-ab12cd"
METRICS = {
    "trees": 137,
    "learned_rows": 53_213,
    "passed": True,
    "reasons": ["calibration 0.941 is within 0.89..1.11"],
    "candidate": {
        "rows": 13_303, "clicks": 640, "auc": 0.6664, "log_loss": 0.2095,
        "normalized_entropy": 0.9568, "calibration": 0.9415,
        "reliability": [[0.01, 0.012, 4_000], [0.05, 0.045, 4_000], [0.1, 0.11, 5_303]],
    },
    "logistic_regression": {
        "rows": 13_303, "clicks": 640, "auc": 0.6337, "log_loss": 0.2159,
        "normalized_entropy": 0.9859, "calibration": 1.0298,
    },
    "serving": None,
    "candidate_on_rows_new_to_serving": None,
}  # fmt: skip


def files_of(version: str) -> dict[str, bytes]:
    """A model's files, as training writes them, with figures of our own."""
    made = some_model(version)
    manifest = json.loads(made["manifest.json"])
    manifest["body"]["files"].pop("metrics.json")
    return made | {
        "manifest.json": json.dumps(manifest).encode(),
        "metrics.json": json.dumps(METRICS).encode(),
        "card.md": b"# Click model",
    }


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A house with two models; the newer one serves."""
    with desk_over(Settings(data_dir=tmp_path)) as opened:
        root = root_of(tmp_path)
        publication.publish(root, OLD, files_of(OLD))
        publication.publish(root, NEW, files_of(NEW))
        yield opened


def in_force(desk: Desk) -> str | None:
    return publication.current(root_of(desk.settings.data_dir))


def at(form: dict[str, str] | None = None, **params: str) -> Call:
    return call(NOW, form, **params)


def test_versions_stand_with_their_figures_over_the_baseline(desk: Desk) -> None:
    shown = page(model_pages.page(desk, at()), at())
    assert shown.index(NEW) < shown.index(OLD)
    assert "0.6664" in shown
    assert "0.6337" in shown
    asked = at(version=NEW)
    shown = page(model_pages.one_page(desk, asked), asked)
    assert "<svg" in shown
    assert "calibration 0.941" in shown
    card = model_pages.card(desk, asked)
    assert isinstance(card, Download)
    assert card.body == b"# Click model"


def test_a_model_is_promoted_and_rolled_back(desk: Desk) -> None:
    assert isinstance(model_pages.post_roll_back(desk, at({})), See)
    assert in_force(desk) == OLD
    none = at({})
    shown = page(model_pages.post_roll_back(desk, none), none, 422)
    assert "no model is older" in shown
    assert isinstance(model_pages.post_promote(desk, at({}, version=NEW)), See)
    assert in_force(desk) == NEW
    assert model_pages.rest_promote(desk, at({}, version=NEW)).in_force


@pytest.mark.parametrize("damage", [b"", b"tree\n"])
def test_a_damaged_model_is_not_put_in_force(desk: Desk, damage: bytes) -> None:
    (root_of(desk.settings.data_dir) / OLD / "booster_0.txt").write_bytes(damage)
    asked = at({}, version=OLD)
    shown = page(model_pages.post_promote(desk, asked), asked, 422)
    assert "was changed after it was written" in shown
    assert in_force(desk) == NEW


def test_a_model_that_cannot_be_read_says_so(desk: Desk) -> None:
    (root_of(desk.settings.data_dir) / OLD / "metrics.json").write_bytes(b"{")
    assert "Cannot be read" in page(model_pages.page(desk, at()), at())
    found = model_pages.listed(desk, at()).items
    assert [bool(one.trouble) for one in found] == [False, True]


def begin(desk: Desk, **changes: str) -> object:
    form = {"name": "autumn", "model_version": OLD, "share": "10"} | changes
    asked = at(form)
    return experiment_pages.add(desk, asked)


def test_an_experiment_begins_and_ends(desk: Desk) -> None:
    assert "There is no second model" not in page(experiment_pages.page(desk, at()), at())
    assert isinstance(begin(desk), See)
    (found,) = experiment_pages.listed(desk, at()).items
    assert (found.model_version, found.control_version, found.share_ppm) == (OLD, NEW, 100_000)
    assert isinstance(experiment_pages.post_end(desk, at({}, experiment="autumn")), See)
    (found,) = experiment_pages.listed(desk, at()).items
    assert found.ended_at is not None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_version": NEW}, "the model in force"),
        ({"model_version": "nobody"}, "no such model"),
        ({"share": "much"}, "much"),
        ({"share": "100"}, "less than 100"),
        ({"name": "a b"}, "letters"),
    ],
)
def test_an_experiment_that_cannot_be_is_refused(
    desk: Desk, changes: dict[str, str], words: str
) -> None:
    form = {"name": "autumn", "model_version": OLD, "share": "10"} | changes
    asked = at(form)
    assert words in page(experiment_pages.add(desk, asked), asked, 422)
    if "share" not in changes:
        given = NewExperiment(form["name"], form["model_version"], 100_000)
        with pytest.raises(CatalogError):
            experiment_pages.post(desk, with_data(at({}), given))


def test_without_the_event_log_an_experiment_has_no_figures(desk: Desk) -> None:
    begin(desk)
    blind = Desk(desk.settings, desk.engine, desk.catalog, desk.store, desk.keyring, lambda: False)
    asked = at(experiment="autumn")
    assert "event log is not ready" in page(experiment_pages.one_page(blind, asked), asked)
    with pytest.raises(StoreAwayError):
        experiment_pages.get_comparison(blind, asked)
