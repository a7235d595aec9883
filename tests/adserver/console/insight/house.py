"""A house whose week the engine has decided, and calls made there.

Never here: a test. The one surprising fact: "ours" is an advertiser like the others; its line item
has lost every request so far, because nobody had booked it yet.
"""

import random
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from multidict import MultiDict

from adserver.accounts.identity import Identity, Role
from adserver.config import Settings
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Html
from adserver.console.web.language import say
from adserver.console.web.rendering import render
from adserver.eventlog.ddl import prepare
from adserver.eventlog.store_chdb import ChdbStore
from adserver.stores.partner_changes import SqlPartners
from affiliate.partner import Partner
from models.domain.ids import PartnerId
from models.domain.marketplace import Marketplace
from tests.adserver.console.web.running import desk_over
from tests.adserver.reports.week import Log, Week, ours, rivals, with_ours
from tests.builders import NOW, app

ANN = Identity(Role.ADVERTISER, "ours", "ann@ours.example", "org_1")
PIA = Identity(Role.PARTNER, "p1", "pia@p.example", "org_2")
OP = Identity(Role.OPERATOR, "", "op@house.example", "org_0")
SHANGHAI = ZoneInfo("Asia/Shanghai")


def market() -> Marketplace:
    """The rivals, ours, and an app of partner p1."""
    found = with_ours(rivals(random.Random(7)), ours())
    return replace(found, apps=(app(partner_id=PartnerId("p1")),))


@dataclass
class House:
    """A desk, and calls made there at `NOW`."""

    desk: Desk

    def call(self, who: Identity = ANN, language: str = "en", **about: Any) -> Call:
        owners = {"advertiser_id": "ours", "line_item_id": "ours", "partner_id": "p1"}
        params = owners | about.pop("params", {})
        query = MultiDict(about.pop("query", {}))
        said: dict[str, Any] = {"_": partial(say, language), "language": language}
        return Call("GET", "/here", who, NOW, params, query, zone=SHANGHAI, **said, **about)

    def page(self, html: object, call: Call) -> str:
        """A page as a browser gets it."""
        assert isinstance(html, Html), html
        return render(html.template, html.values, call)


def furnish(desk: Desk) -> None:
    """The market, and partners p1 to p9; p1 has an app there."""
    partners = SqlPartners(desk.engine, "CNY", SHANGHAI)
    with partners.changing(NOW) as changes:
        for number in range(1, 10):
            changes.apply(Partner(PartnerId(f"p{number}"), f"Partner {number}"))
    desk.catalog.replace(market(), NOW)


@contextmanager
def settled(data_dir: Path) -> Iterator[House]:
    """A house with an empty log. chDB opens one directory at a time."""
    with closing(ChdbStore(data_dir / "events", "a test")) as store:
        prepare(store)
        with desk_over(Settings(data_dir=data_dir), store) as desk:
            furnish(desk)
            yield House(desk)


@contextmanager
def without_log(data_dir: Path) -> Iterator[House]:
    """A house whose log does not answer."""
    with desk_over(Settings(data_dir=data_dir)) as desk:
        furnish(desk)
        yield House(replace(desk, is_ready=lambda: False))


@contextmanager
def with_a_week(data_dir: Path) -> Iterator[House]:
    """A house in which the rivals had a week."""
    with settled(data_dir) as house:
        log = Log(house.desk.store)
        alone = replace(rivals(random.Random(7)), apps=market().apps)
        Week.of(alone, random.Random(3), 2_000).happen(alone, log)
        log.write()
        yield house
