"""Puts the SQL catalog where workers find it, whenever its revision has moved.

Never here: the loop that asks (`adserver.console`) and the file's format (`marketplace.package`).
The one surprising fact: what ended or was removed is still published for a while, as not active, so
that a click on yesterday's ad finds its landing page.
"""

from datetime import datetime, timedelta
from pathlib import Path

from adserver.config import Settings
from adserver.marketplace import package
from adserver.stores.catalog import SqlCatalog

DIRECTORY = Path("published", "catalog")
_REFRESH = timedelta(hours=1)


class CatalogPublisher:
    """Remembers the revision it last published; one per console."""

    def __init__(self, catalog: SqlCatalog, settings: Settings) -> None:
        self.root = settings.data_dir / DIRECTORY
        self._catalog = catalog
        self._late = timedelta(seconds=settings.conversion_window_s + settings.click_window_s)
        self._published: tuple[int, datetime] | None = None

    def look(self, now: datetime) -> str | None:
        """Publishes if the catalog has changed, or an hour has passed; answers the new version.

        Nothing is published before the first change: workers without a catalog are not ready.
        """
        revision = self._catalog.revision()
        if revision == 0 or not self._is_due(revision, now):
            return None
        revision, marketplace = self._catalog.load_for_serving(now - self._late)
        version = package.publish(self.root, marketplace, revision)
        self._published = (revision, now)
        return version

    def _is_due(self, revision: int, now: datetime) -> bool:
        if self._published is None:
            return True
        last, at = self._published
        return revision != last or now - at >= _REFRESH
