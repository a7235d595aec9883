"""The engines that the other tests stand on do start, answer, and come back after a kill."""

from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import redis
from clickhouse_driver import Client

from tests import engines


def test_both_redis_servers_answer(redis_embedded_url: str, redis_server_url: str) -> None:
    for url in (redis_embedded_url, redis_server_url):
        with closing(redis.Redis.from_url(url)) as client:
            assert client.ping()


def test_the_redis_cluster_has_three_nodes_and_all_slots(redis_cluster_url: str) -> None:
    with closing(redis.RedisCluster.from_url(redis_cluster_url)) as client:
        for number in range(20):
            client.set(f"key{number}", number)
        assert [int(client.get(f"key{number}")) for number in range(20)] == list(range(20))
        client.disconnect_connection_pools()  # `close` leaves the nodes' sockets open


def test_clickhouse_answers_and_keeps_utc(clickhouse_url: str) -> None:
    with Client.from_url(clickhouse_url) as client:
        assert client.execute("SELECT toString(toDateTime(86400))") == [("1970-01-02 00:00:00",)]


def test_postgres_has_an_empty_database(postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_killed_clickhouse_comes_back_at_the_same_address(tmp_path: Path) -> None:
    with engines.clickhouse_server(tmp_path) as running:
        running.server.kill()
        running.server.start()
        with Client.from_url(running.url) as client:
            assert client.execute("SELECT 1") == [(1,)]


def test_a_missing_program_is_named_with_the_package_that_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(engines.APT, "no-such-server", "the-package")
    with pytest.raises(engines.EngineMissingError, match="apt-get install the-package"):
        engines.binary("no-such-server")
