from pathlib import Path

import pytest

from adserver import datafiles, dataschema, labelled
from adserver.datafiles import DataFileError
from models.ctr.dataset import MANY_VALUES
from models.ctr.features import Kind


def table_of(
    tmp_path: Path, content: str, more: str = ""
) -> tuple[datafiles.Table, dataschema.DataSchema]:
    file = tmp_path / "data.csv"
    file.write_text(content)
    return datafiles.read(file), dataschema.parse(f'label = "y"\n{more}', tmp_path / "s.toml")


@pytest.mark.parametrize(
    ("yes", "no"), [("1", "0"), ("True", "FALSE"), ("yes", "no"), ("t", "f"), ("1.0", "0.0")]
)
def test_usual_labels_need_no_words(tmp_path: Path, yes: str, no: str) -> None:
    found = labelled.labels(*table_of(tmp_path, f"y\n{yes}\n{no}\n"))
    assert found.tolist() == [1, 0]


def test_a_label_may_say_which_values_are_a_yes(tmp_path: Path) -> None:
    found = labelled.labels(*table_of(tmp_path, "y\n2\n1\nBought\n", 'positive = [2, "bought"]\n'))
    assert found.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("y\n1\n0\nmaybe\n", r"data.csv:4: column 'y': 'maybe' is neither yes nor no"),
        ("y,x\n1,1\n,2\n", r"data.csv:3: column 'y': 'nothing'"),
        ("x\n1\n", "no column 'y', which the schema names as label"),
    ],
)
def test_a_label_that_is_none_is_refused_with_its_line(
    tmp_path: Path, content: str, said: str
) -> None:
    with pytest.raises(DataFileError, match=said):
        labelled.labels(*table_of(tmp_path, content))


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T10:00:00Z", "2026-11-22 18:00:00+08:00", "2026-11-22 10:00:00",
        "1795341600", "1795341600000", "1795341600000000", "1795341600.0",
    ],
)  # fmt: skip
def test_times_are_read_as_people_write_them(tmp_path: Path, text: str) -> None:
    found = labelled.times_ms(*table_of(tmp_path, f"y,t\n1,{text}\n", 'time = "t"\n'))
    assert found is not None
    assert found.tolist() == [1_795_341_600_000]


def test_a_day_is_a_time(tmp_path: Path) -> None:
    found = labelled.times_ms(*table_of(tmp_path, "y,t\n1,2026-11-22\n", 'time = "t"\n'))
    assert found is not None
    assert found.tolist() == [1_795_305_600_000]


def test_a_time_that_is_none_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match=r"data.csv:2: column 't': 'soon' is not a time"):
        labelled.times_ms(*table_of(tmp_path, "y,t\n1,soon\n", 'time = "t"\n'))


def test_a_category_of_many_values_gets_a_history(tmp_path: Path) -> None:
    file, lines = tmp_path / "data.csv", [f"{i % 2},{i},{i % 3}" for i in range(MANY_VALUES + 5)]
    file.write_text("\n".join(["y,many,few", *lines]))
    schema = dataschema.parse('label = "y"\ncategories = ["many", "few"]\n', tmp_path / "s.toml")
    features = labelled.read_dataset(file, schema).schema.features
    assert [f.name for f in features if f.kind is Kind.HISTORY] == ["many_history"]


@pytest.mark.parametrize("propensity", ["0", "1.5", "x", ""])
def test_a_propensity_that_is_none_is_refused_with_its_line(
    tmp_path: Path, propensity: str
) -> None:
    table, schema = table_of(tmp_path, f"y,p\n1,0.5\n1,{propensity}\n", 'propensity = "p"\n')
    with pytest.raises(DataFileError, match=r"data.csv:3: column 'p'"):
        labelled.propensities(table, schema)
