"""A partner with rows, days and a desk in front of them, on either database.

Never here: a test. The one surprising fact: what the rows earn is said by the test (`Till`); the
desk only reads them, as the console does.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from multidict import MultiDict

from adserver import keyring
from adserver.accounts.identity import Identity, Role
from adserver.config import Settings
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call, Html
from adserver.console.web.rendering import render
from adserver.stores import database, migrations, partners
from adserver.stores.catalog import SqlCatalog
from adserver.stores.database import connect_url
from affiliate.partner import Partner
from tests.adserver.accounting.till import P1, SHANGHAI, Till, at
from tests.adserver.console.web.running import NoLog

NOW = at("2026-10-20")
LI = Identity(Role.PARTNER, P1, "li@p.example", "org1", "Partner p1")


@dataclass
class Office:
    """A till, the desk over it, and who looks."""

    till: Till
    desk: Desk
    who: Identity = LI

    @property
    def partner(self) -> Partner:
        with database.reading(self.desk.engine) as connection:
            return partners.partners_of(connection, [P1])[P1]

    def call(
        self,
        query: Mapping[str, str] | None = None,
        *,
        form: Mapping[str, str] | None = None,
        now: datetime = NOW,
        **params: str,
    ) -> Call:
        """A call of the partner's, or of `self.who`."""
        return Call(
            "POST" if form is not None else "GET",
            "/partners/p1/here",
            self.who,
            now,
            params={"partner_id": P1} | params,
            query=MultiDict(query or {}),
            form=MultiDict(form or {}),
            zone=SHANGHAI,
        )

    def api(self, query: Mapping[str, str] | None = None, data: Any = None, **params: str) -> Call:
        """A REST call of the partner's."""
        cursor = (query or {}).get("cursor", "")
        return replace(self.call(query, **params), data=data, cursor=cursor, limit=50)

    def page(self, html: object, call: Call) -> str:
        """A page as a browser gets it."""
        assert isinstance(html, Html), html
        return render(html.template, html.values, call, menu=(), csrf="", notice="")


@contextmanager
def opened_office(database_url: str, directory: Path) -> Iterator[Office]:
    """An office with the partner p1 and the trusted merchant "shop"."""
    engine = connect_url(database_url)
    migrations.upgrade(engine)
    till = Till(engine)
    till.merchant()
    till.partner()
    settings = Settings(data_dir=directory)
    secrets = keyring.load(settings)
    desk = Desk(settings, engine, SqlCatalog(engine), NoLog(), secrets, lambda: False)
    try:
        yield Office(till, desk)
    finally:
        engine.dispose()
