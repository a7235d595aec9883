"""The embedded Redis lives as long as somebody needs it, and keeps its data."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnectionError, RedisError

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


def pid_of(client: Redis) -> int:
    return int(client.info("server")["process_id"])


def until_answered(client: Redis, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            client.ping()
        except RedisError:
            assert time.monotonic() < deadline, "it did not come back"
            time.sleep(0.05)
        else:
            return


def test_a_server_that_is_killed_comes_back_with_its_data_while_it_is_needed(
    short_dir: Path,
) -> None:
    with redis_running(Settings(data_dir=short_dir)) as url, Redis.from_url(url) as client:
        client.set("k", "v")
        client.execute_command("CONFIG", "SET", "appendfsync", "always")
        client.set("l", "w")
        first = pid_of(client)
        os.kill(first, signal.SIGKILL)
        until_answered(client)
        assert client.mget("k", "l") == [b"v", b"w"]
        assert pid_of(client) != first
    with Redis.from_url(url) as client, pytest.raises(NoConnectionError):
        client.ping()


def test_a_server_that_hangs_gets_no_twin(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=short_dir)
    monkeypatch.setattr("adserver.embedded.START_TIMEOUT_S", 0.2)
    monkeypatch.setattr("adserver.embedded.ANSWER_TIMEOUT_S", 0.2)
    monkeypatch.setattr("adserver.embedded.LOOK_AFTER_S", 60)
    with redis_running(settings) as url, Redis.from_url(url) as client:
        first = pid_of(client)
        os.kill(first, signal.SIGSTOP)
        try:
            with (
                pytest.raises(EmbeddedRedisError, match="does not answer"),
                redis_running(settings),
            ):
                raise AssertionError
        finally:
            os.kill(first, signal.SIGCONT)
        assert pid_of(client) == first


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
