"""Keeps the snapshot fresh: watches the publications, builds aside in a thread, swaps by reference.

Never here: what a publication means (`marketplace.package`, `models.ctr`) or which ad wins. The one
surprising fact: a publication that cannot be used is refused once, with its reason logged and
counted, and not looked at again; but what the disk would not give is asked for again at every look.
"""

import asyncio
import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, perf_counter
from typing import Generic, Protocol, TypeVar

import numpy as np

from adserver import experiment_package, history_package, metrics, publication, switch_package
from adserver.config import Settings
from adserver.experiment_package import NO_ARM, NOTHING_RUNS, Experiment
from adserver.history_package import HistoryError
from adserver.keyring import Keyring
from adserver.marketplace import package
from adserver.marketplace.package import PackageError
from adserver.publication import PublicationError
from adserver.stores.bookkeeper import NOTHING_TO_SPEND, Budget
from adserver.stores.catalog_publisher import DIRECTORY as CATALOG
from adserver.switch_package import NOTHING_OFF, Switches
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
from ranking.catalog import Ad, Catalog
from ranking.decision import decide
from ranking.exploration import ExplorationPolicy
from ranking.pacing import SpendBoard
from ranking.snapshot import Snapshot, assemble

MODEL = Path("ctr")
UNUSABLE = (
    *(PublicationError, PackageError, HistoryError, ArtifactError, UnicodeDecodeError),
    *(switch_package.SwitchesError, experiment_package.ExperimentError),
)

log = logging.getLogger(__name__)
Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class Live:
    """A snapshot with what the door asks of it. `budgets` know line items that are over, too."""

    snapshot: Snapshot
    app_of_key: dict[str, App]
    budgets: dict[LineItemId, Budget]
    switches: Switches = NOTHING_OFF
    trial: "Challenge | None" = None

    def of(self, request: AdRequest) -> tuple[Snapshot, str]:
        """The snapshot that decides this request, and the experiment's arm ("" for none).

        Users who are not named or opted out are in no arm: the model in force decides.
        """
        trial, user_key = self.trial, request.user_key
        if trial is None or user_key is None or not request.personalized:
            return self.snapshot, NO_ARM
        if trial.experiment.has_challenger(user_key):
            return trial.snapshot, trial.experiment.arm(challenger=True)
        return self.snapshot, trial.experiment.arm(challenger=False)

    def under(self, switches: Switches) -> "Live":
        """This, with what is switched off kept out of every slate; 1.5 ms for 10,000 ads.

        It shares all that changes while it is in force: the spend board, the models' scratch.
        """
        if not switches.withholds_ads:
            return replace(self, switches=switches)
        catalog = self.snapshot.catalog.without(lambda ad: _is_off(ad, switches))
        trial = self.trial
        if trial is not None:
            trial = replace(trial, snapshot=replace(trial.snapshot, catalog=catalog))
        snapshot = replace(self.snapshot, catalog=catalog)
        return replace(self, snapshot=snapshot, switches=switches, trial=trial)


@dataclass(frozen=True, slots=True)
class Challenge:
    """An experiment and its other snapshot: all but the click model is the first one's."""

    experiment: Experiment
    snapshot: Snapshot


def _is_off(ad: Ad, switches: Switches) -> bool:
    return (
        ad.creative.creative_id in switches.creatives
        or ad.line_item.line_item_id in switches.line_items
        or ad.campaign.campaign_id in switches.campaigns
        or ad.advertiser.advertiser_id in switches.advertisers
    )


class Budgets(Protocol):
    """What keeps the worker's budgets (`stores.spend_book`), as far as a swap concerns it."""

    def rebind(self, board: SpendBoard) -> None:
        """Goes on with the board of the new snapshot."""
        ...


class Current:
    """The one mutable place: what is live now. None until the first snapshot is warm.

    What is live is the newest snapshot under the newest switches; each comes from a loop of its
    own, so one waits while the other puts the two together.
    """

    def __init__(self) -> None:
        self.live: Live | None = None
        self.switches = NOTHING_OFF
        self.loaded = asyncio.Event()
        self._built: Live | None = None  # as it was built, with nothing switched off
        self._turn = asyncio.Lock()

    async def swap(self, built: Live, spend: Budgets) -> None:
        """From here on requests see this one; those under way keep theirs.

        In one turn of the loop: the budgets move over, and the next request sees the new one.
        """
        async with self._turn:
            live = await asyncio.to_thread(built.under, self.switches)
            spend.rebind(built.snapshot.spend)
            self._built, self.live = built, live
        self.loaded.set()
        swapped = monotonic()
        metrics.SNAPSHOT_AGE.read = lambda: monotonic() - swapped

    async def switch(self, switches: Switches) -> None:
        """From here on these are switched off, and nothing else."""
        async with self._turn:
            if switches == self.switches:
                return
            if self._built is not None:
                self.live = await asyncio.to_thread(self._built.under, switches)
            self.switches = switches
        log.warning("switched off: %s", switches)
        metrics.RELOADS.add("switches_changed")

    def budget(self, line_item_id: LineItemId) -> Budget:
        """What a line item may spend; nothing, when nobody knows it."""
        budgets = self.live.budgets if self.live else {}
        return budgets.get(line_item_id, NOTHING_TO_SPEND)


class Watched(Generic[Content]):
    """One kind of publication: the newest version that could be used, and its content."""

    def __init__(self, name: str, root: Path, read: Callable[[Path, str], Content]) -> None:
        self._name, self._root, self._read = name, root, read
        self._settled: str | None = None  # the version last read or refused
        self._trouble = ""
        self.version = "none"
        self.content: Content | None = None

    @property
    def is_troubled(self) -> bool:
        """Whether the version in force could not be used."""
        return bool(self._trouble)

    def look(self) -> None:
        """Reads the version in force if it is new."""
        version: str | None = None
        try:
            version = publication.current(self._root)
            if version is None or version == self._settled:
                return
            content = self._read(self._root, version)
        except OSError as error:  # the disk's fault and not the version's: asked again
            self._say(f"{version or 'pointer'} cannot be read now: {error}")
        except UNUSABLE as error:
            self._settled = version
            self._say(f"{version or 'pointer'} is refused: {error}")
        except Exception:
            self._settled = version
            raise
        else:
            self.version, self.content = version, content
            self._settled, self._trouble = version, ""
            metrics.RELOADS.add(f"{self._name}_loaded")

    def _say(self, trouble: str) -> None:
        """Once for each trouble, however often it is met."""
        if trouble != self._trouble:
            self._trouble = trouble
            log.error("%s %s", self._name, trouble)
            metrics.RELOADS.add(f"{self._name}_refused")


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
        self._history = Watched("history", root / history_package.DIRECTORY, history_package.read)
        self._models = root / MODEL
        self._model = Watched("model", self._models, self._read_model)
        root = root / experiment_package.DIRECTORY
        self._experiment = Watched("experiment", root, experiment_package.read)
        self._challenger: tuple[str, CtrModel | None] = ("", None)
        self._built: tuple[str, ...] = ()  # the versions of the last snapshot
        self._catalog: tuple[Marketplace, Catalog] | None = None

    def build_if_new(self, now: datetime) -> Live | None:
        """A new snapshot, or None when nothing has changed or no catalog is there yet."""
        parts = (self._marketplace, self._history, self._model, self._experiment)
        for part in parts:
            part.look()
        versions = tuple(part.version for part in parts)
        marketplace = self._marketplace.content
        if marketplace is None or versions == self._built:
            return None
        self._built = versions  # before it is: what breaks the builder is not built again
        began = perf_counter()
        with uncollected():
            snapshot = self._assembled(self._catalog_of(marketplace, now))
            warm(snapshot, now)
            trial = self._trial(snapshot, now)
        log.info(
            "snapshot %s with model %s: %d ads, built in %.2f s",
            *(snapshot.version, snapshot.ctr.version),
            *(len(snapshot.catalog.ads), perf_counter() - began),
        )
        return Live(snapshot, self._keys(marketplace), _budgets(marketplace), trial=trial)

    def _trial(self, snapshot: Snapshot, now: datetime) -> Challenge | None:
        """The experiment that runs; none when its model cannot serve."""
        experiment = self._experiment.content or NOTHING_RUNS
        model = self._challenging(experiment.model_version) if experiment.runs else None
        if model is None:
            return None
        challenger = replace(snapshot, ctr=model.bind(snapshot.features))
        warm(challenger, now)
        log.info("experiment %s tries model %s", experiment.name, model.version)
        return Challenge(experiment, challenger)

    def _challenging(self, version: str) -> CtrModel | None:
        """The other model, loaded once; one that may not serve is refused once."""
        if self._challenger[0] != version:
            try:
                model = self._read_model(self._models, version)
            except (*UNUSABLE, OSError) as error:
                log.error("experiment's model %s is refused: %s", version, error)  # noqa: TRY400
                metrics.RELOADS.add("experiment_refused")
                self._challenger = version, None
            else:
                self._challenger = version, model
        return self._challenger[1]

    def _read_model(self, root: Path, version: str) -> CtrModel:
        return artifact.load(publication.read(root, version), self._schema)

    def _catalog_of(self, marketplace: Marketplace, now: datetime) -> Catalog:
        """Its catalog, built once, though histories and models come and go."""
        if self._catalog is None or self._catalog[0] is not marketplace:
            self._catalog = marketplace, Catalog.build(marketplace, now)
        return self._catalog[1]

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
                    await self._current.swap(live, self._spend)
            except Exception:
                log.exception("a snapshot could not be built; the one in force goes on")
                metrics.RELOADS.add("build_failed")
            await asyncio.sleep(self._poll_s)
