"""What a handler of the console may reach, in one value; wired in `console.plane` alone.

Never here: what handlers do with it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from adserver.config import Settings
from adserver.keyring import Keyring
from adserver.ports import EventStore
from adserver.stores.catalog import SqlCatalog


@dataclass(frozen=True, slots=True)
class Desk:
    """The SQL database (`engine`), the catalog in it, the event log, and the house's secrets.

    `is_ready` says whether the event log's tables are there yet.
    """

    settings: Settings
    engine: Engine
    catalog: SqlCatalog
    store: EventStore
    keyring: Keyring
    is_ready: Callable[[], bool]
