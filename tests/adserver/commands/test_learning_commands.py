import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import csv

from adserver import publication
from adserver.commands.train import REFUSED
from models.ctr.features import SERVING_SCHEMA
from models.ctr.trial import hold, to_artifact
from tests.adserver.commands.conftest import Run
from tests.models.ctr.logs import log

SCHEMA = 'label = "y"\ngroup = "place"\nnumbers = ["x"]\ncategories = ["c", "place"]\n'


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A log whose clicks depend on a number and a category, and its schema."""
    return written(tmp_path, "log.csv", 3_000), schema(tmp_path)


def written(directory: Path, name: str, rows: int, *, noise: bool = False) -> str:
    rng = np.random.default_rng(rows)
    x, c = rng.normal(size=rows).round(3), rng.integers(0, 40, rows)
    taste = np.random.default_rng(1).normal(0, 1, 40)
    odds = np.zeros(rows) - 1.5 if noise else x + taste[c] - 1.5
    clicked = rng.random(rows) < 1 / (1 + np.exp(-odds))
    lines = [f"{y:d},{a},c{b},p{b % 3}" for y, a, b in zip(clicked, x, c, strict=True)]
    path = directory / name
    path.write_text("\n".join(["y,x,c,place", *lines]) + "\n")
    return str(path)


def schema(directory: Path) -> str:
    path = directory / "schema.toml"
    path.write_text(SCHEMA)
    return str(path)


def told(output: str) -> Any:
    """The JSON of a command whose progress went elsewhere."""
    return json.loads(output[output.index("{") :])


def in_force(tmp_path: Path) -> Path:
    root = tmp_path / "var" / "ctr"
    return root / str(publication.current(root))


def test_a_trained_file_is_published_with_card_plot_and_figures(
    adunion: Run, files: tuple[str, str], tmp_path: Path
) -> None:
    output = adunion("train", "--data", files[0], "--schema", files[1]).output
    model = in_force(tmp_path)
    assert str(model) in output.replace("\n", "")
    assert {"card.md", "reliability.png", "metrics.json", "source.toml"} <= {
        path.name for path in model.iterdir()
    }
    assert "normalised entropy" in (model / "card.md").read_text()


def test_a_refused_model_is_not_published_and_the_exit_code_says_so(
    adunion: Run, tmp_path: Path
) -> None:
    noise = written(tmp_path, "noise.csv", 2_000, noise=True)
    result = adunion("train", "--data", noise, "--schema", schema(tmp_path), fails=True)
    assert result.exit_code == REFUSED
    assert "not below 1" in result.output
    assert publication.current(tmp_path / "var" / "ctr") is None


def test_force_overrules_the_gate(adunion: Run, tmp_path: Path) -> None:
    noise = written(tmp_path, "noise.csv", 2_000, noise=True)
    adunion("train", "--data", noise, "--schema", schema(tmp_path), "--force")
    assert publication.current(tmp_path / "var" / "ctr")


def test_a_model_of_a_file_never_displaces_one_that_serves(
    adunion: Run, files: tuple[str, str], tmp_path: Path
) -> None:
    root, data = tmp_path / "var" / "ctr", log(600)
    artifact = to_artifact(hold(data, None, "a"), data, "serving", "a", {})
    rows = np.zeros((1, len(SERVING_SCHEMA.slots)))
    serving = type(artifact)(
        "serving", SERVING_SCHEMA, artifact.members, artifact.calibration, rows, np.zeros(1)
    )
    publication.publish(root, "serving", serving.to_files())
    output = adunion("train", "--data", files[0], "--schema", files[1]).output
    assert "beside the serving model" in output
    assert publication.current(root) == "serving"
    assert len(publication.versions(root)) == 2


def test_an_evaluated_file_gives_json_of_figures(
    adunion: Run, files: tuple[str, str], tmp_path: Path
) -> None:
    adunion("train", "--data", files[0], "--schema", files[1])
    later = written(tmp_path, "later.csv", 2_500)
    found = told(adunion("evaluate", "--model", str(in_force(tmp_path)), "--data", later).stdout)
    assert found["auc"] > 0.75
    assert 0.7 < found["normalized_entropy"] < 0.95
    assert found["calibration"] == pytest.approx(1, abs=0.15)
    assert found["log_loss"] < 0.5
    assert set(found["groups"]) == {"p0", "p1", "p2"}


def test_predictions_are_one_a_row_in_order(
    adunion: Run, files: tuple[str, str], tmp_path: Path
) -> None:
    adunion("train", "--data", files[0], "--schema", files[1])
    rows = ["c,x", "c1,2.5", "never seen,0", ",", "c1,2.5", "\u5e7f,nan"]
    (tmp_path / "rows.csv").write_text("\n".join(rows))
    out = tmp_path / "out.csv"
    result = adunion("predict", "--data", str(tmp_path / "rows.csv"), "--out", str(out))
    assert "unknown in every row: place" in result.output
    found = csv.read_csv(out).column("probability").to_pylist()
    assert len(found) == 5
    assert found[0] == found[3]
    assert found[0] > found[1]
    assert all(0 < value < 1 for value in found)


def test_a_file_of_no_rows_has_no_predictions(
    adunion: Run, files: tuple[str, str], tmp_path: Path
) -> None:
    adunion("train", "--data", files[0], "--schema", files[1])
    (tmp_path / "none.csv").write_text("c,x\n")
    out = tmp_path / "out.csv"
    adunion("predict", "--data", str(tmp_path / "none.csv"), "--out", str(out))
    assert out.read_text().strip() == '"probability"'


def test_folds_judge_the_recipe_beside_a_logistic_regression(
    adunion: Run, files: tuple[str, str]
) -> None:
    found = told(
        adunion(
            "evaluate", "--folds", "3", "--fold-name", "n", "--data", files[0], "--schema", files[1]
        ).stdout
    )
    assert found["model"]["auc"] > 0.7
    assert found["logistic_regression"]["auc"] > 0.7
    assert len(found["trees"]) == 3


def test_models_are_listed_shown_promoted_and_rolled_back(
    adunion: Run, files: tuple[str, str], tmp_path: Path
) -> None:
    root = tmp_path / "var" / "ctr"
    adunion("train", "--data", files[0], "--schema", files[1])
    first = str(publication.current(root))
    publication.publish(root, "second", publication.read(root, first))
    assert json.loads(adunion("models", "list", "--json").output)[1]["in_force"]
    assert first in adunion("models", "list").output
    assert "Click model" in adunion("models", "show").output
    assert json.loads(adunion("models", "show", first, "--json").output)["passed"]
    adunion("models", "rollback")
    assert publication.current(root) == first
    assert "no model is older" in adunion("models", "rollback", fails=True).output
    adunion("models", "promote", "second")
    assert publication.current(root) == "second"


def test_a_damaged_model_is_not_promoted(
    adunion: Run, files: tuple[str, str], tmp_path: Path
) -> None:
    root = tmp_path / "var" / "ctr"
    adunion("train", "--data", files[0], "--schema", files[1])
    good = str(publication.current(root))
    damaged = {name: data[:-1] for name, data in publication.read(root, good).items()}
    publication.add(root, "damaged", damaged)
    adunion("models", "promote", "damaged", fails=True)
    assert publication.current(root) == good
    assert "damaged" in adunion("models", "list").output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("train", "--data", "x.csv"), "--data and --schema go together"),
        (("train", "--data", "x.csv", "--schema", "x.toml"), "x.toml: cannot be read"),
        (("train",), "the event log has no impressions"),
        (("evaluate", "--data", "x.csv"), "has no model yet"),
        (("evaluate", "--data", "x.csv", "--folds", "5"), "--schema is needed"),
        (("predict", "--data", "x.csv", "--out", "y.csv"), "`adunion train` makes one"),
        (("models", "show"), "no model in force"),
        (("models", "promote", "nothing"), "no version nothing"),
    ],
)
def test_a_wrong_call_says_what_to_do(adunion: Run, arguments: tuple[str, ...], said: str) -> None:
    assert said in adunion(*arguments, fails=True).output
