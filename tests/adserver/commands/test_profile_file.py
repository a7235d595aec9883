"""Profiles from Parquet and CSV files of every make."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from adserver.commands import profile_file
from adserver.commands.profile_file import ProfileFileError, batches, unknown_columns
from models.domain.user import UserProfile


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def stored(path: Path, **columns: Any) -> Path:
    parquet.write_table(pa.table(columns), path)
    return path


def profiles(path: Path) -> dict[str, UserProfile]:
    return {user: profile for batch in batches(path) for user, profile, _ in batch.profiles}


def bad_lines(path: Path) -> list[tuple[int, str]]:
    return [bad for batch in batches(path) for bad in batch.bad]


CSV = """user_id,gender,interests,custom_2,city_tier
u1,f,3|9,7,2
u2,,,,
"""


def test_csv_rows_become_profiles(tmp_path: Path) -> None:
    assert profiles(written(tmp_path / "a.csv", CSV)) == {
        "u1": UserProfile("F", interests=(3, 9), custom=(0, 7, 0, 0, 0, 0, 0, 0), city_tier=2),
        "u2": UserProfile(custom=(0,) * 8),
    }


def test_compressed_csv_is_read_and_its_progress_ends_at_one(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(CSV.encode()))
    assert list(profiles(path)) == ["u1", "u2"]
    assert [batch.done for batch in batches(path)][-1] == 1.0


def test_parquet_with_lists_and_gaps_as_pandas_writes_them(tmp_path: Path) -> None:
    path = stored(
        tmp_path / "a.parquet",
        user_id=[7, 8],
        city_tier=[3.0, float("nan")],
        app_count=pa.array([12, None], pa.int64()),
        interests=[[1, 2], None],
        custom=[[1] * 8, []],
    )
    assert profiles(path) == {
        "7": UserProfile(city_tier=3, app_count=12, interests=(1, 2), custom=(1,) * 8),
        "8": UserProfile(),
    }


def test_csv_as_pandas_writes_it_is_read(tmp_path: Path) -> None:
    text = (
        "user_id,birth_year,city_tier,gender,interests\nu1,1990.0,nan,NaN,3.0|9\nu2,NULL,2,F,nan\n"
    )
    assert profiles(written(tmp_path / "a.csv", text)) == {
        "u1": UserProfile(birth_year=1990, interests=(3, 9)),
        "u2": UserProfile("F", city_tier=2),
    }


def test_ids_in_parquet_may_be_bytes_or_numbers_with_gaps(tmp_path: Path) -> None:
    in_bytes = stored(tmp_path / "a.parquet", user_id=[b"u1"], gender=[b"f"])
    assert profiles(in_bytes) == {"u1": UserProfile("F")}
    numbered = stored(tmp_path / "b.parquet", user_id=[7.0, None], gender=["F", "M"])
    assert profiles(numbered) == {"7": UserProfile("F")}
    assert bad_lines(numbered) == [(2, "user_id: a row without one")]
    words = pa.array(["u1"]).dictionary_encode()
    assert list(profiles(stored(tmp_path / "c.parquet", user_id=words))) == ["u1"]


def test_a_byte_that_is_no_text_costs_its_own_row_only(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"user_id,gender\nu1,F\n\xff\xfe,M\nu3,\xe9\nu4,M\n")
    assert list(profiles(path)) == ["u1", "u4"]
    assert [line for line, _ in bad_lines(path)] == [3, 4]
    assert all("is not UTF-8" in words for _, words in bad_lines(path))


def test_an_id_that_no_app_can_send_is_a_bad_row(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", f"user_id\n{'x' * 257}\n{'x' * 256}\n")
    assert list(profiles(path)) == ["x" * 256]
    assert bad_lines(path) == [(2, "user_id: 257 characters; apps send at most 256")]


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileFileError, match="column gender is there twice"):
        unknown_columns(written(tmp_path / "a.csv", "user_id,gender,gender\nu1,F,M\n"))


def test_rows_that_cannot_be_read_are_listed_by_line_and_the_others_kept(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "user_id,city_tier\nu1,1\n,2\nu3,many\nu4,2.5\nu5,5\n")
    assert list(profiles(path)) == ["u1", "u5"]
    assert bad_lines(path) == [
        (3, "user_id: a row without one"),
        (4, "city_tier: 'many' is not a whole number"),
        (5, "city_tier: '2.5' is not a whole number"),
    ]


def test_lines_are_counted_on_across_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile_file, "ROWS_AT_ONCE", 3)
    path = stored(tmp_path / "a.parquet", user_id=["a", "b", "c", "d", ""])
    assert bad_lines(path) == [(5, "user_id: a row without one")]
    assert [batch.done for batch in batches(path)] == [0.6, 1.0]


def test_columns_without_a_meaning_are_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "user_id,citytier,gender\nu,1,F\n")
    assert unknown_columns(path) == ["citytier"]
    assert profiles(path) == {"u": UserProfile("F")}


@pytest.mark.parametrize("text", ["", "id,gender\nu,F\n", "\0\0\0"])
def test_a_file_without_user_ids_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ProfileFileError):
        unknown_columns(written(tmp_path / "a.csv", text))


def test_lines_with_another_number_of_fields_are_listed_and_do_not_shift_the_count(
    tmp_path: Path,
) -> None:
    path = written(tmp_path / "a.csv", "user_id,city_tier\nu1,1\nu2,2,more\nu3\nu4,x\nu5,5\n")
    assert list(profiles(path)) == ["u1", "u5"]
    assert sorted(bad_lines(path)) == [
        (3, "3 fields and not 2"),
        (4, "1 fields and not 2"),
        (5, "city_tier: 'x' is not a whole number"),
    ]


def test_a_truncated_parquet_file_is_refused(tmp_path: Path) -> None:
    path = stored(tmp_path / "a.parquet", user_id=["a"])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ProfileFileError):
        unknown_columns(path)
