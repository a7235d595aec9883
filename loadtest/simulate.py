"""People using apps: ask for ads over HTTP, look at them, click some, buy now and then.

Never here: what the server is made of, or the books' arithmetic (`books`). The surprising fact: who
clicked is away in the advertiser's shop for a while, so honest people never look like a click farm.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import msgspec
import numpy as np

from loadtest.books import Books
from loadtest.click_model import CONVERSION_RATE, HiddenClickModel
from loadtest.conversions import ConversionDesk
from loadtest.http_client import HttpClient
from loadtest.phones import Phones, address_of
from loadtest.shop import ShopDesk
from loadtest.traffic import Schedule

BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
PERSON = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Mobile Safari/537.36"


@dataclass(frozen=True)
class Manners:
    """How apps and people behave, as probabilities. A clicker is away for `away_s`."""

    shows: float = 0.98
    viewable: float = 0.15
    repeats: float = 0.02
    retries: float = 0.01
    bot: float = 0.004
    away_s: float = 75


class Trackers(msgspec.Struct):
    """The URLs of one ad."""

    impression: list[str]
    viewable: list[str]
    click_through: str


class ShownAd(msgspec.Struct):
    """What the simulator reads of one ad in an answer."""

    line_item_id: str
    creative_id: str
    trackers: Trackers


class AdAnswer(msgspec.Struct):
    """What the simulator reads of an answer."""

    ads: list[ShownAd]


@dataclass(frozen=True)
class Visitor:
    """Who is looking, where, and what the phone sends with everything."""

    user: int
    placement: int
    headers: str
    honest: bool


class Crowd:
    """All users over all phases: what each has seen, who is away, and what they bought."""

    def __init__(
        self,
        client: HttpClient,
        phones: Phones,
        truth: HiddenClickModel,
        app_keys: Mapping[str, str],
        desk: ConversionDesk,
        seed: int,
    ) -> None:
        self.client, self.phones, self.truth, self.desk = client, phones, truth, desk
        self.app_keys, self.manners = app_keys, Manners()
        self.rng = np.random.default_rng((seed, 5))
        self.seen: Counter[tuple[int, str]] = Counter()
        self.away_until: dict[int, float] = {}
        self.books = Books()
        self.hour = 12
        self.shops: ShopDesk | None = None
        self.promoted: Mapping[str, tuple[str, str]] = {}
        self.owners: Mapping[str, str] = {}
        self.run = f"{seed}-{time.time_ns():x}"
        self._answers = msgspec.json.Decoder(AdAnswer)
        self._asked = 0

    async def live_through(self, schedule: Schedule, books: Books, hour: int) -> None:
        """Plays a schedule in real time at this hour of the day; writes what happens into `books`.

        Returns when the last visit is over and all purchases are reported.
        """
        self.books, self.hour = books, hour
        began = time.perf_counter()
        async with asyncio.TaskGroup() as visits:
            for at_s, user, placement in zip(
                schedule.at_s.tolist(),
                schedule.users.tolist(),
                schedule.placements.tolist(),
                strict=True,
            ):
                if (wait := began + at_s - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
                visitor = self._visitor(self._present(user), placement)
                visits.create_task(self._visit(visitor, began + at_s))
        for verdict, count in (await self.desk.send()).items():
            self.books.events["conversion"] += count
            if verdict.startswith("http_"):
                self.books.errors[f"conversions {verdict}"] += count

    def _present(self, user: int) -> int:
        """This user, or the next one who is not in a shop right now."""
        while self._is_away(user):
            user = (user + 1) % len(self.phones.people)
        return user

    def _is_away(self, user: int) -> bool:
        return self.away_until.get(user, 0.0) > time.perf_counter()

    def _visitor(self, user: int, placement: int) -> Visitor:
        honest = self.rng.random() >= self.manners.bot
        agent = PERSON if honest else BOT
        headers = f"User-Agent: {agent}\r\nX-Forwarded-For: {address_of(user)}\r\n"
        return Visitor(user, placement, headers, honest)

    async def _visit(self, visitor: Visitor, due: float) -> None:
        """One look at one placement: ask, show, look, perhaps click. Failures go into the books."""
        try:
            ads = await self._ask(visitor, due)
            for ad in ads:
                await self._look(visitor, ad)
        except (OSError, TimeoutError, msgspec.MsgspecError) as error:
            self.books.errors[type(error).__name__] += 1

    async def _ask(self, visitor: Visitor, due: float) -> list[ShownAd]:
        self._asked += 1
        body = self.phones.body(visitor.user, visitor.placement, f"{self.run}-{self._asked}")
        key = self.app_keys[self.phones.app_of(visitor.placement)]
        headers = f"X-App-Key: {key}\r\n{visitor.headers}"
        answer = await self.client.post_json("/v1/ads", body, headers)
        self.books.requests += 1
        self.books.latency_ms.append((time.perf_counter() - due) * 1000)
        if self.rng.random() < self.manners.retries:
            await self.client.post_json("/v1/ads", body, headers)
        if answer.status == 204:
            self.books.refusals[answer.header(b"x-no-ad-reason").decode()] += 1
            return []
        if answer.status != 200:
            self.books.errors[f"ads http_{answer.status}"] += 1
            return []
        ads = self._answers.decode(answer.body).ads
        self.books.filled += 1
        self.books.ads += len(ads)
        return ads

    async def _look(self, visitor: Visitor, ad: ShownAd) -> None:
        """Impression, perhaps viewable, perhaps click: with the probability only we know.

        Who tapped an ad meanwhile, here or in another app, does not see this one.
        """
        if self._is_away(visitor.user) or self.rng.random() >= self.manners.shows:
            return
        await self._beacon("impression", ad.trackers.impression[0], visitor)
        if self.rng.random() < self.manners.viewable:
            await self._beacon("viewable", ad.trackers.viewable[0], visitor)
        if self.rng.random() < self._probability(visitor, ad):
            await self._click(visitor, ad)

    def _probability(self, visitor: Visitor, ad: ShownAd) -> float:
        """The true click probability; bots click as if it were theirs, but are not in the books."""
        creative = self.truth.creative_row[ad.creative_id]
        seen = self.seen[visitor.user, ad.line_item_id]
        chance = self.truth.probability(visitor.user, creative, visitor.placement, self.hour, seen)
        self.seen[visitor.user, ad.line_item_id] += 1
        if visitor.honest:
            format_ = self.truth.formats[int(self.truth.format[creative])]
            self.books.impressions[format_] += 1
            self.books.true_clicks[format_] += chance
        return chance

    async def _click(self, visitor: Visitor, ad: ShownAd) -> None:
        """Taps; lands in the shop, away from all apps; buys with a small probability."""
        self.away_until[visitor.user] = time.perf_counter() + self.manners.away_s
        landing = await self._beacon("click", ad.trackers.click_through, visitor)
        if visitor.honest:
            creative = self.truth.creative_row[ad.creative_id]
            self.books.clicks[self.truth.formats[int(self.truth.format[creative])]] += 1
        click_id = parse_qs(urlsplit(landing).query).get("click_id")
        if click_id and self.rng.random() < CONVERSION_RATE:
            self._buy(visitor, ad, click_id[0])

    def _buy(self, visitor: Visitor, ad: ShownAd, click_id: str) -> None:
        """A promoted product is bought at its shop, anything else at the advertiser's."""
        if ad.line_item_id in self.promoted and self.shops is not None:
            merchant_id, sku = self.promoted[ad.line_item_id]
            owner = self.owners[self.phones.app_of(visitor.placement)] if visitor.honest else ""
            self.shops.sell(merchant_id, sku, click_id, owner)
            return
        advertiser = self.truth.advertiser_of[ad.line_item_id]
        self.desk.note(advertiser, click_id, int(self.rng.integers(1_000, 30_000)))

    def opens_shops(
        self,
        shops: ShopDesk,
        promoted: Mapping[str, tuple[str, str]],
        owners: Mapping[str, str],
    ) -> None:
        """From here on who taps an ad of a product may buy it; `owners` are the apps' partners."""
        self.shops, self.promoted, self.owners = shops, promoted, owners

    async def _beacon(self, kind: str, url: str, visitor: Visitor) -> str:
        """Reports one event, now and then twice; answers where a click leads."""
        target = url[url.index("/", len("https://")) :]
        began = time.perf_counter()
        answer = await self.client.get(target, visitor.headers)
        self.books.beacon_ms.append((time.perf_counter() - began) * 1000)
        if answer.status not in (204, 302):
            self.books.errors[f"{kind} http_{answer.status}"] += 1
            return ""
        self.books.events[kind] += 1
        if self.rng.random() < self.manners.repeats:
            await self._repeat(target, visitor)
        return answer.header(b"location").decode()

    async def _repeat(self, target: str, visitor: Visitor) -> None:
        """The same beacon again, asking for the verdict: it must not count."""
        answer = await self.client.get(
            f"{target}{'&' if '?' in target else '?'}f=j", visitor.headers
        )
        self.books.repeats += 1
        self.books.recounted += bool(msgspec.json.decode(answer.body).get("counted"))
