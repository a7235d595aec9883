"""Which event store a process gets.

ClickHouse where a URL is set, else chDB, else the console that holds chDB.

Never here: what is done with it. The one surprising fact: a reader need not know whether the
console runs. When the data directory is taken, its owner is asked instead.
"""

import time
from importlib import import_module
from pathlib import Path

from adserver.config import Settings
from adserver.eventlog.ddl import prepare
from adserver.eventlog.liveness import HeldError
from adserver.eventlog.store_clickhouse import ClickHouseStore
from adserver.eventlog.store_console import SOCKET_NAME, ConsoleStore
from adserver.ports import EventStore, StoreAwayError

DIRECTORY = "events"
PATIENCE_S = 15.0
LOOK_AGAIN_S = 0.1
CONSOLE_THREADS = 1  # a report may take one core, and not the one a worker needs


def open_for_writing(settings: Settings) -> EventStore:
    """The store of the console process.

    Raises:
        HeldError: another process has the chDB directory open; the message names it.
    """
    if settings.clickhouse_url:
        return ClickHouseStore(settings.clickhouse_url, settings.clickhouse_cluster)
    return _chdb(settings.data_dir, "adunion console", CONSOLE_THREADS)


def open_for_reading(settings: Settings) -> EventStore:
    """The store of every other command, whether the console runs or not. Blocks until it answers.

    Raises:
        StoreAwayError: chDB is held by a process that is not a console; the message says by which.
    """
    if settings.clickhouse_url:
        return ClickHouseStore(settings.clickhouse_url, settings.clickhouse_cluster)
    until = time.monotonic() + PATIENCE_S
    while True:
        store = _own_or_the_consoles(settings.data_dir)
        try:
            store.query("SELECT 1")
        except StoreAwayError:  # a console that has just started
            if time.monotonic() > until:
                raise
            time.sleep(LOOK_AGAIN_S)
        else:
            return store


def _own_or_the_consoles(data_dir: Path) -> EventStore:
    try:
        store = _chdb(data_dir, "an adunion command that reads")
    except HeldError as held:
        return ConsoleStore(data_dir / SOCKET_NAME, str(held))
    prepare(store)  # no console may ever have run here
    return store


def _chdb(data_dir: Path, who: str, threads: int = 0) -> EventStore:
    # Loading the engine takes half a second and 200 MB: only a process that opens it pays.
    module = import_module("adserver.eventlog.store_chdb")
    store: EventStore = module.ChdbStore(data_dir / DIRECTORY, who, threads)
    return store
