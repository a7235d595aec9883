"""Keeps the snapshot fresh: watches the publications, builds aside in a thread, swaps by reference.

Never here: what a publication means (`marketplace.package`, `models.ctr`) or which ad wins. The one
surprising fact: a publication that cannot be used is refused once, with its reason logged and
counted; the snapshot in force goes on until another version is published.
"""

import asyncio
import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Generic, Protocol, TypeVar

import msgspec
import numpy as np

from adserver import metrics, publication
from adserver.config import Settings
from adserver.keyring import Keyring
from adserver.marketplace import package
from adserver.marketplace.package import PackageError
from adserver.publication import PublicationError
from adserver.stores.bookkeeper import NOTHING_TO_SPEND, Budget
from adserver.stores.catalog_publisher import DIRECTORY as CATALOG
from models.ctr import artifact, prior
from models.ctr.artifact import ArtifactError
from models.ctr.features import serving_schema
from models.ctr.serving import CtrModel
from models.domain.ad_request import AdRequest
from models.domain.history import History
from models.domain.ids import LineItemId
from models.domain.marketplace import Marketplace
from models.domain.placement import App
from models.domain.user import UserState
from ranking.catalog import Catalog
from ranking.decision import decide
from ranking.exploration import ExplorationPolicy
from ranking.pacing import SpendBoard
from ranking.snapshot import Snapshot, assemble

HISTORY = Path("published", "history")
HISTORY_FILE = "history.msgpack"
MODEL = Path("ctr")
UNUSABLE = (PublicationError, PackageError, ArtifactError, msgspec.MsgspecError, KeyError, OSError)

log = logging.getLogger(__name__)
Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class Live:
    """A snapshot with what the door asks of it. `budgets` know line items that are over, too."""

    snapshot: Snapshot
    app_of_key: dict[str, App]
    budgets: dict[LineItemId, Budget]


class Current:
    """The one mutable place: what is live now. None until the first snapshot is warm."""

    def __init__(self) -> None:
        self.live: Live | None = None
        self.loaded = asyncio.Event()

    def swap(self, live: Live) -> None:
        """From here on requests see this one; those under way keep theirs."""
        self.live = live
        self.loaded.set()

    def budget(self, line_item_id: LineItemId) -> Budget:
        """What a line item may spend; nothing, when nobody knows it."""
        budgets = self.live.budgets if self.live else {}
        return budgets.get(line_item_id, NOTHING_TO_SPEND)


class Watched(Generic[Content]):
    """One kind of publication: the newest version that could be used, and its content."""

    def __init__(self, name: str, root: Path, read: Callable[[Path, str], Content]) -> None:
        self._name, self._root, self._read = name, root, read
        self._seen: str | None = None
        self.version = "none"
        self.content: Content | None = None

    def look(self) -> bool:
        """Reads the version in force if it is new. Whether there is new content."""
        version: str | None = None
        try:
            version = publication.current(self._root)
            if version is None or version == self._seen:
                return False
            self._seen = version
            self.content = self._read(self._root, version)
        except UNUSABLE as error:
            log.error("%s %s is refused: %s", self._name, version, error)  # noqa: TRY400 - no trace
            metrics.RELOADS.add(f"{self._name}_refused")
            return False
        self.version = version
        metrics.RELOADS.add(f"{self._name}_loaded")
        return True


def _history(root: Path, version: str) -> History:
    files = publication.read(root, version)
    return msgspec.msgpack.decode(files[HISTORY_FILE], type=History)


class Builder:
    """Makes a warm snapshot of what is in force. Used from one thread at a time."""

    def __init__(self, settings: Settings, keyring: Keyring) -> None:
        self._keyring = keyring
        self._policy = ExplorationPolicy(
            epsilon=settings.explore_epsilon_ppm / 1e6,
            new_impressions=settings.explore_new_impressions,
        )
        self._schema = serving_schema(settings.time_zone)
        root = settings.data_dir
        self._marketplace = Watched("catalog", root / CATALOG, package.read)
        self._history = Watched("history", root / HISTORY, _history)
        self._model = Watched("model", root / MODEL, self._read_model)
        self._catalog: Catalog | None = None

    def build_if_new(self, now: datetime) -> Live | None:
        """A new snapshot, or None when nothing has changed or no catalog is there yet."""
        new_catalog, new_history, new_model = (
            part.look() for part in (self._marketplace, self._history, self._model)
        )
        marketplace = self._marketplace.content
        if marketplace is None or not (new_catalog or new_history or new_model):
            return None
        began = perf_counter()
        with uncollected():
            if new_catalog or self._catalog is None:
                self._catalog = Catalog.build(marketplace, now)
            snapshot = self._assembled(self._catalog)
            warm(snapshot, now)
        log.info(
            "snapshot %s with model %s: %d ads, built in %.2f s",
            *(snapshot.version, snapshot.ctr.version),
            *(len(snapshot.catalog.ads), perf_counter() - began),
        )
        return Live(snapshot, self._keys(marketplace), _budgets(marketplace))

    def _read_model(self, root: Path, version: str) -> CtrModel:
        return artifact.load(publication.read(root, version), self._schema)

    def _assembled(self, catalog: Catalog) -> Snapshot:
        return assemble(
            version=f"{self._marketplace.version}+{self._history.version}",
            catalog=catalog,
            history=self._history.content or History(),
            scorers=(self._model.content or prior.CLICKS, prior.CONVERSIONS),
            policy=self._policy,
            schema=self._schema,
        )

    def _keys(self, marketplace: Marketplace) -> dict[str, App]:
        key = self._keyring.api_key
        return {key("app", app.app_id, app.key_generation): app for app in marketplace.apps}


def _budgets(marketplace: Marketplace) -> dict[LineItemId, Budget]:
    return {
        item.line_item_id: Budget(item.daily_budget_micros, item.total_budget_micros)
        for item in marketplace.line_items
    }


@contextmanager
def uncollected() -> Iterator[None]:
    """Builds something large that stays, without the garbage collector going over it.

    It would stop every thread again and again while the heap grows. What was built is then taken
    out of its sight for good (`gc.freeze`); reference counts still free it when it is replaced.
    """
    gc.disable()
    try:
        yield
        gc.collect(1)
        gc.freeze()
    finally:
        gc.enable()


def warm(snapshot: Snapshot, now: datetime) -> None:
    """Decides once for each placement, so that no request waits for a compiler or a cold page."""
    rng = np.random.default_rng(0)
    for placement in snapshot.catalog.placements.values():
        app = snapshot.catalog.apps[placement.app_id]
        request = AdRequest("warm", app, placement, count=placement.max_ads)
        decide(request, UserState(), snapshot, now, rng)


class Budgets(Protocol):
    """What keeps the worker's budgets (`stores.spend_book`), as far as a swap concerns it."""

    def rebind(self, board: SpendBoard) -> None:
        """Goes on with the board of the new snapshot."""
        ...


class Reloader:
    """Swaps in a new snapshot whenever something was published."""

    def __init__(
        self, settings: Settings, builder: Builder, current: Current, spend: Budgets
    ) -> None:
        self._builder = builder
        self._current = current
        self._spend = spend
        self._poll_s = settings.snapshot_poll_ms / 1000

    async def run(self) -> None:
        """Looks for publications until cancelled. A failure is logged, and the loop goes on."""
        while True:
            try:
                live = await asyncio.to_thread(self._builder.build_if_new, datetime.now(UTC))
                if live is not None:
                    self._swap(live)
            except Exception:
                log.exception("a snapshot could not be built; the one in force goes on")
                metrics.RELOADS.add("build_failed")
            await asyncio.sleep(self._poll_s)

    def _swap(self, live: Live) -> None:
        """In one turn of the loop: the budgets move over, and the next request sees the new one."""
        self._spend.rebind(live.snapshot.spend)
        self._current.swap(live)
