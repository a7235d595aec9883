"""A house with two advertisers, an operator and some delivery, and calls made as each of them.

Never here: a test. The one surprising fact: `log` is empty until `show_ads` puts events into it and
sums them, as the console's own loops would.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from multidict import MultiDict

from adserver.accounting.deposits import deposit
from adserver.accounts.identity import Identity, Role
from adserver.config import Settings
from adserver.console.desk import Desk
from adserver.console.summing import HourlySums
from adserver.console.web.exchange import Call
from adserver.eventlog.ddl import prepare
from adserver.eventlog.rows import pack_rows, served_row, unpack_columns
from adserver.eventlog.stale_hours import StaleHours
from adserver.eventlog.store_chdb import ChdbStore
from adserver.ports import EventStore
from adserver.stores import advertiser_money, database
from adserver.stores.ledger import Journal
from affiliate.chart_of_accounts import advertiser_prepaid
from models.domain.campaign import Advertiser, PricingModel
from models.domain.event import EventKind
from models.domain.ids import AdvertiserId
from models.domain.marketplace import Marketplace
from models.domain.money import Micros
from tests import builders
from tests.adserver.console.web.running import NoLog, desk_over
from tests.adserver.eventlog.billed import PRICE, billed
from tests.adserver.eventlog.happenings import served

NOW = builders.NOW
SHANGHAI = ZoneInfo("Asia/Shanghai")
ANN = Identity(Role.ADVERTISER, "adv1", "ann@one.example", "org_1", "Advertiser One")
OP = Identity(Role.OPERATOR, "", "op@house.example", "org_0")


def market() -> Marketplace:
    """Two advertisers; the first has a campaign of two line items, one without creative."""
    return builders.marketplace(
        advertisers=(builders.advertiser(), builders.advertiser(advertiser_id="adv2", name="Two")),
        campaigns=(
            builders.campaign(),
            builders.campaign(campaign_id="cmp2", advertiser_id="adv2", name="Foreign campaign"),
        ),
        line_items=(
            builders.line_item(daily_budget_micros=Micros(240_000_000)),
            builders.line_item(
                line_item_id="li2",
                name="Line item Two",
                pricing=PricingModel.CPC,
                bid_micros=Micros(800_000),
            ),
            builders.line_item(line_item_id="li9", campaign_id="cmp2", name="Foreign line item"),
        ),
        creatives=(builders.creative(),),
    )


@dataclass
class House:
    """A desk over a market, and calls made there as somebody at `NOW`."""

    desk: Desk
    now: datetime = NOW

    def call(self, method: str = "GET", path: str = "", **about: Any) -> Call:
        """A call of Ann's, who is adv1's, unless `who` says otherwise."""
        form = MultiDict(about.pop("form", {}))
        query = MultiDict(about.pop("query", {}))
        params = {"advertiser_id": "adv1", **about.pop("params", {})}
        who = about.pop("who", ANN)
        return Call(method, path, who, self.now, params, query, form, zone=SHANGHAI, **about)

    def pay(self, micros: int, key: str, advertiser_id: str = "adv1") -> None:
        """Money comes in without anybody having announced it."""
        with database.writing(self.desk.engine) as connection:
            journal = Journal(connection, SHANGHAI)
            account = advertiser_prepaid(AdvertiserId(advertiser_id))
            deposit(journal, account, Micros(micros), currency="CNY", key=key, now=self.now)

    def charge(self, micros: int, day: str = "2026-11-18") -> None:
        """What adv1 was charged that day and the ledger lacks."""
        with database.writing(self.desk.engine) as connection:
            advertiser_money.put_charges(connection, {("adv1", day): micros}, self.now)

    def prepaid(self) -> None:
        """Ann's advertiser pays in advance from now on."""
        self.desk.catalog.edit(
            Advertiser, AdvertiserId("adv1"), lambda one: replace(one, prepaid=True), self.now
        )


@contextmanager
def settled(data_dir: Path, store: EventStore | None = None, **settings: Any) -> Iterator[House]:
    """A house whose handlers are called as functions."""
    with desk_over(Settings(data_dir=data_dir, **settings), store) as desk:
        desk.catalog.replace(market(), NOW)
        if store is None:
            desk = replace(desk, store=NoLog(), is_ready=lambda: False)
        yield House(desk)


@contextmanager
def with_log(data_dir: Path, **settings: Any) -> Iterator[House]:
    """As `settled`, with an event log."""
    with closing(ChdbStore(data_dir / "events", "a test")) as store:
        prepare(store)
        with settled(data_dir, store, **settings) as house:
            yield house


def show_ads(house: House, number: int, clicks: int = 0, at: datetime | None = None) -> None:
    """`number` ads of li1 are shown at `at` (an hour ago), and the first `clicks` are clicked."""
    at_ms = int((at or house.now - timedelta(hours=1)).timestamp() * 1000)
    store = house.desk.store
    ids = range(at_ms, at_ms + number)
    _put(store, "ads_served", [served_row(served(n, served_ms=at_ms)) for n in ids])
    _put(store, "impressions", [billed(n, at_ms=at_ms) for n in ids])
    clicked = [billed(n, EventKind.CLICK, at_ms=at_ms, charged=0) for n in ids[:clicks]]
    _put(store, "clicks", clicked)
    stale = StaleHours(house.desk.settings.data_dir / f"stale-{at_ms}")
    for table in ("ads_served", "impressions", "clicks"):
        stale.note(table, {at_ms // 3_600_000})
    HourlySums(store, stale).look(house.now)


def _put(store: EventStore, table: str, rows: list[Any]) -> None:
    if rows:
        store.insert(table, unpack_columns(table, [pack_rows(rows)]))


COST = PRICE
"""What one of these impressions costs, in micros."""
