import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from adserver import datafiles
from adserver.datafiles import DataFileError, texts


def csv(path: Path, content: str | bytes) -> Path:
    file = path / "data.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def test_every_value_of_a_csv_is_text_as_it_stands(tmp_path: Path) -> None:
    table = datafiles.read(csv(tmp_path, "id,name\n007,Ann\n7,\n"))
    assert texts(table.columns["id"]) == ["007", "7"]
    assert texts(table.columns["name"]) == ["Ann", None]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(tmp_path: Path, delimiter: str) -> None:
    table = datafiles.read(csv(tmp_path, f"a{delimiter}b\n1{delimiter}2\n"))
    assert table.names == ("a", "b")


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_data(tmp_path: Path) -> None:
    table = datafiles.read(csv(tmp_path, b"\xef\xbb\xbfa,b\r\n1,2\r\n"))
    assert table.names == ("a", "b")
    assert texts(table.columns["b"]) == ["2"]


def test_text_of_any_character_set_is_read(tmp_path: Path) -> None:
    table = datafiles.read(csv(tmp_path, 'a,b\n"two\nlines, 广告",1\n'.encode() + b"caf\xe9,2\n"))
    assert texts(table.columns["a"]) == ["two\nlines, 广告", "caf\ufffd"]


def test_compression_is_told_by_the_name(tmp_path: Path) -> None:
    path = tmp_path / "data.csv.gz"
    path.write_bytes(gzip.compress(b"a\n5\n"))
    assert texts(datafiles.read(path).columns["a"]) == ["5"]


def test_parquet_keeps_numbers_and_reads_dictionaries(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    columns = {"x": [1.5, None], "id": [7, None], "tags": [["a", "b"], None], "yes": [True, False]}
    parquet.write_table(pa.table(columns), path)
    table = datafiles.read(path)
    assert np.isnan(np.asarray(table.columns["x"])[1])
    assert texts(table.columns["id"]) == ["7", None]
    assert texts(table.columns["yes"]) == ["1", "0"]


def test_only_wanted_columns_are_read_and_the_rows_counted_all_the_same(tmp_path: Path) -> None:
    path = csv(tmp_path, "a,b\n1,2\n3,4\n")
    assert set(datafiles.read(path, {"b", "z"}).columns) == {"b"}
    assert datafiles.read(path, {"z"}).rows == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2\n3\n", r"data.csv:3: 1 fields where the header has 2"),
        ("", r"data.csv:1: empty"),
        ("a,a\n1,2\n", r"data.csv:1: two columns are called 'a'"),
        (b"PAR1 but not really", "not a table"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    with pytest.raises(DataFileError, match=said):
        datafiles.read(csv(tmp_path, content))


def test_a_file_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="no such file"):
        datafiles.read(tmp_path / "nowhere.csv")


def test_a_required_column_that_is_missing_names_those_that_are_there(tmp_path: Path) -> None:
    table = datafiles.read(csv(tmp_path, "a,b\n1,2\n"))
    with pytest.raises(DataFileError, match=r"no column 'c', .* as label.*a, b"):
        table.require("c", "label")


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "deep/out.parquet"])
def test_a_written_column_is_read_back(tmp_path: Path, name: str) -> None:
    datafiles.write_column(tmp_path / name, "p", np.array([0.25, 1e-9]))
    column = datafiles.read(tmp_path / name).columns["p"]
    assert [float(value or "nan") for value in texts(column)] == [0.25, 1e-9]
