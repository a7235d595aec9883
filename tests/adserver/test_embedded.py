"""The embedded Redis lives as long as somebody needs it, and keeps its data."""

import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnectionError

from adserver.config import Settings
from adserver.embedded import EmbeddedRedisError, redis_running, socket_path


def test_a_configured_url_is_given_as_it_is(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, redis_url="redis://elsewhere")
    with redis_running(settings) as url:
        assert url == "redis://elsewhere"
    assert not list(tmp_path.iterdir())


def test_what_was_written_is_there_after_a_restart(short_dir: Path) -> None:
    settings = Settings(data_dir=short_dir)
    with redis_running(settings) as url, Redis.from_url(url) as client:
        client.set("k", "v")
    with redis_running(settings) as url, Redis.from_url(url) as client:
        assert client.get("k") == b"v"


def test_the_last_user_stops_the_server(short_dir: Path) -> None:
    settings = Settings(data_dir=short_dir)
    with redis_running(settings) as url, Redis.from_url(url) as client:
        with redis_running(settings) as same:
            assert same == url
        assert client.ping()
    with Redis.from_url(url) as client, pytest.raises(NoConnectionError):
        client.ping()


def test_a_killed_user_neither_stops_the_server_nor_keeps_it(short_dir: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from adserver.config import Settings; from adserver.embedded import redis_running\n"
        f"with redis_running(Settings(data_dir=Path({str(short_dir)!r}))):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program], cwd=Path.cwd(), check=False)
    assert killed.returncode == -9
    with Redis(unix_socket_path=str(socket_path(short_dir / "redis"))) as client:
        assert client.ping()
        with redis_running(Settings(data_dir=short_dir)):
            assert client.ping()
        with pytest.raises(NoConnectionError):
            client.ping()


def test_a_path_too_long_for_a_socket_gets_one_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    with redis_running(Settings(data_dir=deep)) as url, Redis.from_url(url) as client:
        assert client.ping()
        assert (deep / "redis" / "appendonly.aof").exists()
    assert len(url) < 120


def test_data_that_cannot_be_read_is_reported_with_the_log(
    short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adserver.embedded.START_TIMEOUT_S", 0.5)
    (short_dir / "redis").mkdir()
    (short_dir / "redis" / "appendonly.aof").write_bytes(b"*2\r\nthis is no command\r\n" * 9)
    with (
        pytest.raises(EmbeddedRedisError, match=r"redis\.log ends with"),
        redis_running(Settings(data_dir=short_dir)),
    ):
        raise AssertionError
