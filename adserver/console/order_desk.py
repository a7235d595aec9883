"""The order desk of a house: its database, its receipts, its click log.

Never here: what the desk does (`adserver.accounting.orders`). The one surprising fact: commands
open the same desk in their own process; the database sees to it that they take turns.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from adserver.accounting.order_evidence import ReadReceipt
from adserver.accounting.orders import FindClicks, OrderDesk
from adserver.api.receipts import ReceiptSigner
from adserver.api.signing import ForgedTokenError
from adserver.config import Settings
from adserver.eventlog.link_clicks import touches_of
from adserver.keyring import Keyring
from adserver.ports import EventStore, StoreAwayError
from affiliate.order import Touch
from models.domain.ids import MerchantId


def always() -> bool:
    """For a store whose tables are there."""
    return True


def desk_of(
    settings: Settings,
    engine: Engine,
    keyring: Keyring,
    store: EventStore,
    is_ready: Callable[[], bool] = always,
) -> OrderDesk:
    """The desk of these settings. Until `is_ready` the click log counts as away."""
    zone = ZoneInfo(settings.time_zone)
    return OrderDesk(engine, zone, _reader(keyring), _finder(store, is_ready))


def _reader(keyring: Keyring) -> ReadReceipt:
    signer = ReceiptSigner.of(keyring)

    def read(click_id: str) -> Touch | None:
        try:
            return signer.read(click_id)
        except ForgedTokenError:
            return None

    return read


def _finder(store: EventStore, is_ready: Callable[[], bool]) -> FindClicks:
    def find(
        merchant_id: MerchantId, refs: Collection[str], since: datetime, until: datetime
    ) -> list[Touch]:
        if not is_ready():
            raise StoreAwayError("the event tables are being prepared")
        span = (int(since.timestamp() * 1000), int(until.timestamp() * 1000))
        return touches_of(store, [merchant_id], refs, *span)

    return find
