"""Puts the SQL catalog where workers find it: when it changed, a product did, or money ran out.

Never here: the loop that asks (`adserver.console`) and the file's format (`marketplace.package`).
The one surprising fact: what ended or was removed is still published for a while, as not active, so
that a click on yesterday's ad finds its landing page.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from adserver.config import Settings
from adserver.marketplace import package
from adserver.stores.catalog import SqlCatalog
from adserver.stores.promotion import Promotions, filled
from adserver.stores.standstill import at_rest
from models.domain.ids import AdvertiserId

DIRECTORY = Path("published", "catalog")
_REFRESH = timedelta(hours=1)
_OTHERS_LOOK = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Published:
    revision: int
    at: datetime
    promotions: Promotions
    exhausted: frozenset[AdvertiserId]


class CatalogPublisher:
    """Remembers what it last published; one per console."""

    def __init__(self, catalog: SqlCatalog, settings: Settings) -> None:
        self.root = settings.data_dir / DIRECTORY
        self._catalog = catalog
        self._currency = settings.currency
        self._late = timedelta(seconds=settings.conversion_window_s + settings.click_window_s)
        self._published: _Published | None = None
        self._others_seen: datetime | None = None

    def look(self, now: datetime) -> str | None:
        """Publishes if anything has changed, or an hour has passed; answers the new version.

        Nothing is published before the first change: workers without a catalog are not ready.
        """
        revision = self._catalog.revision()
        if revision == 0 or not self._is_due(revision, now):
            return None
        revision, marketplace = self._catalog.load_for_serving(now - self._late)
        promotions = self._catalog.promotions(self._currency, now)
        exhausted = self._catalog.exhausted(self._currency)
        running = at_rest(filled(marketplace, promotions), exhausted)
        version = package.publish(self.root, running, revision)
        self._published = _Published(revision, now, promotions, exhausted)
        self._others_seen = now
        return version

    def _is_due(self, revision: int, now: datetime) -> bool:
        last = self._published
        if last is None or revision != last.revision or now - last.at >= _REFRESH:
            return True
        return self._others_moved(last, now)

    def _others_moved(self, last: _Published, now: datetime) -> bool:
        """Whether a promoted product is worth another commission, or leads elsewhere, than then.

        Or whether other advertisers are without money.
        """
        if self._others_seen is not None and now - self._others_seen < _OTHERS_LOOK:
            return False
        self._others_seen = now
        if self._catalog.exhausted(self._currency) != last.exhausted:
            return True
        return self._catalog.promotions(self._currency, now) != last.promotions
