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
from adserver.stores.refusals import Refused
from models.domain.ids import AppId


def nothing_refused(_: AppId) -> Refused:
    """For a desk without Redis."""
    return ()


@dataclass(frozen=True, slots=True)
class Desk:
    """The SQL database (`engine`), the catalog in it, the event log, and the house's secrets.

    `is_ready` says whether the event log's tables are there yet; `refusals` answers the newest
    refused ad requests of an app.
    """

    settings: Settings
    engine: Engine
    catalog: SqlCatalog
    store: EventStore
    keyring: Keyring
    is_ready: Callable[[], bool]
    refusals: Callable[[AppId], Refused] = nothing_refused
