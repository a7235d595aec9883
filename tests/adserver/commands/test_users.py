"""`adunion users` as a person calls it, on the embedded Redis."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adserver import keyring
from adserver.__main__ import main
from adserver.config import Settings
from adserver.embedded import redis_running
from adserver.stores.redis_client import RedisLine
from adserver.stores.users import RedisUsers
from models.domain.user import UserProfile, UserState

Call = Callable[..., Result]


@pytest.fixture
def call(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("ADUNION_DATA_DIR", str(short_dir))
    return lambda *words: CliRunner().invoke(main, ["users", *words])


def state_of(user_id: str, data_dir: Path) -> UserState:
    settings = Settings(data_dir=data_dir)

    async def load(url: str) -> UserState:
        line = RedisLine(url, timeout_s=5)
        key = keyring.load(settings).user_key(user_id)
        try:
            return await RedisUsers(line, timeout_ms=5_000).load(key, personalized=True)
        finally:
            await line.close()

    with redis_running(settings) as url:
        return asyncio.run(load(url))


def test_imported_profiles_are_what_a_request_finds(call: Call, short_dir: Path) -> None:
    file = short_dir / "users.csv"
    file.write_text("user_id,gender,birth_year\nu1,F,1994\nu2,M,1988\n")
    done = call("import", str(file))
    assert (done.exit_code, done.stdout) == (0, "2 profiles stored.\n")
    assert state_of("u2", short_dir).profile == UserProfile("M", 1988)
    assert state_of("u3", short_dir) == UserState(known=True)


def test_rows_out_of_range_are_listed_by_line_and_the_rest_is_stored(
    call: Call, short_dir: Path
) -> None:
    file = short_dir / "users.csv"
    file.write_text("user_id,city_tier,hobby\nu1,1,chess\nu2,300,go\nu3,three,go\n")
    done = call("import", str(file))
    assert done.exit_code == 1
    assert "1 profiles stored." in done.output
    assert "hobby" in done.output
    assert f"{file}:3: city_tier 300 is not in 0..255" in done.output
    assert f"{file}:4: city_tier: 'three' is not a whole number" in done.output
    assert state_of("u1", short_dir).profile == UserProfile(city_tier=1)


def test_a_file_that_is_no_table_changes_nothing_and_says_why(call: Call, short_dir: Path) -> None:
    file = short_dir / "users.csv"
    file.write_text("name\nEve\n")
    done = call("import", str(file))
    assert done.exit_code == 1
    assert "no column user_id" in done.output


def test_show_prints_what_is_known(call: Call, short_dir: Path) -> None:
    file = short_dir / "users.csv"
    file.write_text("user_id,interests\nu1,7 12\n")
    call("import", str(file))
    shown = call("show", "u1")
    assert shown.exit_code == 0
    assert "interests" in shown.output
    assert "7 12" in shown.output


def test_forget_removes_what_was_imported(call: Call, short_dir: Path) -> None:
    file = short_dir / "users.csv"
    file.write_text("user_id,gender\nu1,F\nu2,M\n")
    call("import", str(file))
    assert call("forget", "u1").output == "Nothing is kept of u1 any more.\n"
    assert state_of("u1", short_dir) == UserState(known=True)
    assert state_of("u2", short_dir).profile == UserProfile("M")


def test_a_redis_that_is_away_is_said_and_is_no_crash(
    call: Call, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADUNION_REDIS_URL", f"unix://{short_dir}/nobody.sock")
    file = short_dir / "users.csv"
    file.write_text("user_id\nu1\n")
    for words in (("import", str(file)), ("show", "u1"), ("forget", "u1")):
        done = call(*words)
        assert done.exit_code == 1
        assert done.output.splitlines()[-1].startswith("Error: Redis")
