"""The system under demonstration: its own directory, free ports, no real store ever."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from adserver.commands.demo import fresh
from adserver.config import Settings, from_environment
from adserver.demo.system import DemoError, environment, free_port, make_system


def test_engine_addresses_of_the_caller_are_not_handed_on(tmp_path: Path) -> None:
    real = replace(
        Settings(),
        redis_url="redis://real:6379",
        clickhouse_url="clickhouse://real",
        database_url="postgresql://real/x",
    )
    child = environment(make_system(real, tmp_path).settings)
    assert not any("real" in value for value in child.values())


def test_children_read_back_exactly_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADUNION_REDIS_URL", "redis://real:6379")
    system = make_system(Settings(), tmp_path)
    child = environment(system.settings)
    assert from_environment(child) == system.settings


def test_a_taken_port_is_replaced_by_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port("127.0.0.1", port) not in (port, 0)


def test_two_demos_do_not_share_a_directory(tmp_path: Path) -> None:
    with fresh(tmp_path), pytest.raises(DemoError, match="another demo"), fresh(tmp_path):
        pass


def test_a_demo_begins_in_an_empty_directory(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "old").touch()
    with fresh(tmp_path) as directory:
        assert directory == tmp_path / "demo"
        assert not directory.exists()
