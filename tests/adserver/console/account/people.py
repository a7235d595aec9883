"""A house with people: an operator, two advertisers, a partner; each with an organisation.

Never here: a test.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from adserver.accounts import keys, organisations, users
from adserver.accounts.identity import COMMAND, Identity, Role
from adserver.config import Settings
from adserver.console.desk import Desk
from adserver.stores import database
from adserver.stores.partner_changes import SqlPartners
from affiliate.partner import Partner
from models.domain.ids import AdvertiserId, PartnerId
from tests import builders
from tests.adserver.api.running import Reply
from tests.adserver.console.web.running import Browser, desk_over, listening

NOW = builders.NOW
PASSWORD = "correct horse battery"
OPERATOR, ANN, BOB, CLIO = (
    "op@house.example",
    "ann@one.example",
    "bob@two.example",
    "clio@p.example",
)
WHO = {
    OPERATOR: (Role.OPERATOR, ""),
    ANN: (Role.ADVERTISER, "adv1"),
    BOB: (Role.ADVERTISER, "adv2"),
    CLIO: (Role.PARTNER, "p_clio"),
}


@dataclass
class House:
    """A desk, the port where its pages are, and an identity for each person."""

    desk: Desk
    port: int = 0
    who: dict[str, Identity] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)

    def browser(self, email: str = "") -> Browser:
        """A browser; signed in where an address is given."""
        browser = Browser(self.port)
        if email:
            reply = browser.sign_in(email, PASSWORD)
            assert reply.status == 303, reply.body
        return browser

    def key(self, email: str) -> str:
        """An API key of somebody's organisation."""
        if email not in self.made:
            organisation_id = self.who[email].organisation_id
            _, text = keys.make(self.desk.engine, organisation_id, "test", COMMAND, NOW)
            self.made[email] = text
        return self.made[email]

    def call(
        self, email: str, method: str, path: str, body: Any = None, /, **headers: str
    ) -> Reply:
        """A REST call with somebody's key."""
        browser = Browser(self.port, headers={"Authorization": f"Bearer {self.key(email)}"})
        sent = None if body is None else json.dumps(body).encode()
        given = {"Accept": "application/json", "Content_Type": "application/json"} | headers
        return browser.call(method, f"/api/v1{path}", sent, **given)


def settle(desk: Desk) -> dict[str, Identity]:
    """Makes everybody of `WHO`; their password is `PASSWORD`."""
    for number in (1, 2):
        advertiser_id = AdvertiserId(f"adv{number}")
        desk.catalog.add(builders.advertiser(advertiser_id=advertiser_id), NOW)
    partners = SqlPartners(desk.engine, "CNY", ZoneInfo("Asia/Shanghai"))
    with partners.changing(NOW) as changes:
        changes.apply(Partner(PartnerId("p_clio"), "Clio"))
    found = {}
    kept = users.checked_hash(PASSWORD, "")
    with database.writing(desk.engine) as connection:
        for email, (role, owner) in WHO.items():
            one = organisations.ensure(connection, role, owner, COMMAND, NOW)
            user = users.add(connection, one.organisation_id, email, kept, NOW)
            found[email] = Identity(
                role, owner, email, one.organisation_id, one.name, user.user_id, "s_none"
            )
    return found


@contextmanager
def settled(tmp_path: Path, **settings: Any) -> Iterator[House]:
    """A house without pages, for handlers that are called as functions."""
    with desk_over(Settings(data_dir=tmp_path, **settings)) as desk:
        yield House(desk, who=settle(desk))


@contextmanager
def open_house(tmp_path: Path, **settings: Any) -> Iterator[House]:
    """A house whose pages can be reached."""
    with settled(tmp_path, **settings) as house, listening(house.desk) as port:
        house.port = port
        yield house
