"""The recipe on real logs, by the figures that were to be reached.

The logs lie beside the checkout; where they do not, nothing is asked of them.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.adserver.commands.conftest import Run

ROOT = Path(__file__).parents[3]
LOGS = ROOT.parent / "shared" / "data" / "ctr"
EXAMPLES = ROOT / "docs" / "examples"
Note = Callable[[str, object], None]


class Log(NamedTuple):
    """A log, its schema, and the figures to reach."""

    name: str
    file: str
    schema: str
    auc: float
    normalized_entropy: float


SEARCH_ADS = Log("search_ads", "search_ads_train.csv.gz", "search_ads.toml", 0.6753, 0.9291)
BANK = Log("bank", "bank_marketing.csv.gz", "bank_marketing.toml", 0.8040, 0.7794)


def is_there(path: Path, record_property: Note) -> bool:
    if not path.exists():
        record_property("note", f"{path} is not there: nothing was asked of it")
    return path.exists()


def told(output: str) -> Any:
    return json.loads(output[output.index("{") :])


@pytest.mark.parametrize("log", [SEARCH_ADS, BANK], ids=lambda log: log.name)
def test_five_folds_reach_the_figures_by_default_settings(
    adunion: Run, record_property: Note, log: Log
) -> None:
    data = LOGS / log.file
    if not is_there(data, record_property):
        return
    asked = ("--folds", "5", "--fold-name", log.name, "--data", str(data))
    found = told(adunion("evaluate", *asked, "--schema", str(EXAMPLES / log.schema)).stdout)
    model, baseline = found["model"], found["logistic_regression"]
    assert model["auc"] >= log.auc
    assert model["normalized_entropy"] <= log.normalized_entropy
    assert 0.93 < min(model["calibration"]) < max(model["calibration"]) < 1.07
    assert model["log_loss"] < baseline["log_loss"]
    assert max(found["trees"]) <= 600


@pytest.mark.parametrize("campaign", ["all", "men", "women"])
def test_the_random_log_tells_what_the_other_policy_earned(
    adunion: Run, record_property: Note, campaign: str
) -> None:
    folder = LOGS / "open_bandit_small"
    if not is_there(folder, record_property):
        return
    ran, other = (folder / f"{policy}_{campaign}_{campaign}.csv.gz" for policy in ("random", "bts"))
    asked = ("--off-policy", "--data", str(ran), "--target", str(other))
    found = told(adunion("evaluate", *asked, "--schema", str(EXAMPLES / "open_bandit.toml")).stdout)
    earned = found["target_log"]["value"]
    for estimator in ("ips", "snips", "doubly_robust"):
        assert found[estimator]["low"] < earned < found[estimator]["high"]
    assert found["effective_rows"] > 2_000
