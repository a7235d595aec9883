"""What the endpoints of the serving plane share: one dataclass, wired in `adserver.app` alone.

Never here: what an endpoint does with it. The one surprising fact: `live` is read once per request;
the publication in force may be swapped at any await, and a request keeps the one it began with.
"""

import hmac
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from adserver import metrics
from adserver.api.answer import Faces
from adserver.api.exchange import Answer, Request
from adserver.api.house_ads import HouseBook
from adserver.api.link_book import LinkBook
from adserver.api.problems import UnauthorizedError, UnavailableError
from adserver.api.receipts import ReceiptSigner
from adserver.api.refusals import Refusals
from adserver.api.sampling import Sampler
from adserver.api.signing import TokenSigner
from adserver.api.suspicion import Allowance
from adserver.api.traffic import TrafficFilter
from adserver.config import Settings
from adserver.keyring import Keyring
from adserver.ports import Recorder, SpendBook, UserStore
from adserver.reload import Current, Live
from models.domain.campaign import Advertiser
from models.domain.event import Booked, Tracked
from models.domain.ids import AdvertiserId
from models.domain.placement import App

RETRY_SOON = (("Retry-After", "1"),)
ALL_OFF = "all_switched_off"
RETRY_OFF = (("Retry-After", "30"), ("X-No-Ad-Reason", ALL_OFF))


class Counter(Protocol):
    """Counts a tracked event exactly once, durably (`eventlog.counting`)."""

    async def count(self, event: Tracked) -> Booked:
        """The outcome, after the event is on disk. Raises `OutboxFullError`."""
        ...


class Clicks(Protocol):
    """Makes rows durable that need no verdict (`eventlog.outbox`)."""

    async def append_row(self, table: str, row: tuple[Any, ...]) -> None:
        """Returns when it is on disk. Raises `OutboxFullError`."""
        ...


class Relay(Protocol):
    """Passes requests on to the console (`api.console_relay`)."""

    async def pass_on(self, request: Request) -> Answer:
        """What the console answers. Raises `UnavailableError` when there is none."""
        ...


@dataclass(slots=True)
class Serving:
    """One worker's parts."""

    settings: Settings
    keyring: Keyring
    signer: TokenSigner
    receipts: ReceiptSigner
    traffic: TrafficFilter
    current: Current
    users: UserStore
    counting: Counter
    links: LinkBook
    clicks: Clicks
    recorder: Recorder
    spend: SpendBook
    relay: Relay
    rng: np.random.Generator
    suspects: Allowance
    pictures: Allowance
    sampler: Sampler
    faces: Faces = field(default_factory=Faces)
    house: HouseBook = field(default_factory=HouseBook)
    refusals: Refusals = field(default_factory=Refusals)
    base_url: str = ""
    redis_reached: bool = False
    stopping: bool = False

    def live(self) -> Live:
        """The publication in force.

        Raises:
            UnavailableError: none has been loaded yet.
        """
        live = self.current.live
        if live is None:
            raise UnavailableError("no catalog has been loaded yet", headers=RETRY_SOON)
        return live

    def selling(self) -> Live:
        """The publication in force, for somebody who asks for ads.

        Raises:
            UnavailableError: none has been loaded yet, or all ads are switched off.
        """
        live = self.live()
        if live.switches.everything:
            metrics.NO_ADS.add(ALL_OFF)
            raise UnavailableError("all ads are switched off for now", headers=RETRY_OFF)
        return live

    def app(self, key: str | None, live: Live) -> App:
        """The app that a key belongs to.

        Raises:
            UnauthorizedError: no key, or nobody's.
        """
        app = live.app_of_key.get(key or "")
        if app is None:
            raise UnauthorizedError("X-App-Key is missing or not known")
        return app

    def advertiser(self, bearer: str | None, live: Live) -> Advertiser:
        """The advertiser that an Authorization header names.

        Raises:
            UnauthorizedError: no key, or nobody's.
        """
        scheme, _, key = (bearer or "").partition(" ")
        owner = AdvertiserId(key.strip().rsplit(".", 2)[0])
        advertiser = live.snapshot.catalog.advertisers.get(owner)
        if scheme.lower() == "bearer" and advertiser is not None:
            real = self.keyring.api_key("advertiser", owner, advertiser.key_generation)
            if hmac.compare_digest(real.encode(), key.strip().encode("utf-8", "replace")):
                return advertiser
        raise UnauthorizedError("send Authorization: Bearer with the advertiser's key")
