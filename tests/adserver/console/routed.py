"""A house in which every route has something to be tried on: two owners of each kind.

Never here: a test. The one surprising fact: whatever there is belongs to the first owner of each
kind; the second has nothing but a name.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from adserver.config import Settings
from adserver.console.desk import Desk
from adserver.eventlog.ddl import prepare
from adserver.eventlog.open_store import open_for_writing
from adserver.stores.partner_changes import SqlPartners
from affiliate.merchandise import Merchant
from affiliate.partner import Partner
from models.domain.ids import MerchantId, PartnerId
from tests.adserver.console.web.running import desk_over
from tests.builders import small_marketplace

MINE = {"advertiser_id": "adv1", "partner_id": "p1", "merchant_id": "m1"}
THEIRS = {"advertiser_id": "adv2", "partner_id": "p2", "merchant_id": "m2"}


@contextmanager
def routed_desk(directory: Path) -> Iterator[Desk]:
    """A desk over embedded engines with both owners."""
    settings = Settings(data_dir=directory)
    with closing(open_for_writing(settings)) as store, desk_over(settings, store) as desk:
        prepare(store)
        furnish(desk)
        yield desk


def furnish(desk: Desk) -> None:
    """Makes the owners and what the first ones have."""
    now = datetime.now(UTC)
    with SqlPartners(desk.engine, "CNY", ZoneInfo("Asia/Shanghai")).changing(now) as changes:
        for one in (Partner(PartnerId("p1"), "One"), Partner(PartnerId("p2"), "Two")):
            changes.apply(one)
        for name in ("m1", "m2"):
            changes.add_merchant(Merchant(MerchantId(name), name, "https://shop.example/"))
    market = small_marketplace()
    mine = replace(market.apps[0], partner_id=PartnerId("p1"))
    desk.catalog.replace(replace(market, apps=(mine, *market.apps[1:])), now)
