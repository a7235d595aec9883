"""The best possible: `decide()` with the hidden click model as its scorer, on the same requests.

Never here: HTTP, Redis or the log; money and exposures are kept in memory. The one surprising fact:
only every third user's requests are decided, with a third of every budget, because the demo has
minutes; so each user is as tired of an ad as in life.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from adserver.api import wire
from adserver.demo.figures import PhaseFigures, Shown, summed
from adserver.demo.hidden_scorer import Audience, ConstantScorer, HiddenScorer
from adserver.demo.phases import SHANGHAI, Played, Stage
from adserver.demo.world import catalog_of, profile_of
from loadtest.click_model import CONVERSION_RATE
from models.domain.campaign import LineItem, PricingModel
from models.domain.history import History
from models.domain.ids import PlacementId, UserKey
from models.domain.marketplace import Marketplace
from models.domain.money import Micros
from models.domain.user import Exposure, UserState
from ranking.catalog import Catalog
from ranking.decision import Winner, decide
from ranking.exploration import ExplorationPolicy
from ranking.pacing import control
from ranking.snapshot import Snapshot, assemble

EVERY = 3
STEP = 100
MICROS_PER_PPM = 1e-6
LONG_AGO = Exposure(0, 0, 0, 0, 0, 0, 0, 0)


@dataclass
class Tally:
    """What a replay showed and earned; `hidden` is the sum of true probabilities, by format."""

    requests: int = 0
    filled: int = 0
    ads: int = 0
    conversions: int = 0
    revenue: int = 0
    impressions: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    clicks: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    hidden: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def figures(self) -> PhaseFigures:
        """As a phase that was never in the log. Its predictions are the truth."""
        by_format = {
            name: Shown(shown, self.clicks[name], self.hidden[name], self.hidden[name])
            for name, shown in sorted(self.impressions.items())
        }
        return PhaseFigures(
            name="best possible",
            model="hidden",
            requests=self.requests,
            filled=self.filled,
            ads=self.ads,
            conversions=self.conversions,
            revenue_micros=self.revenue,
            total=summed(by_format.values()),
            by_format=by_format,
        )


@dataclass
class Replay:
    """A phase decided by the truth, in memory."""

    stage: Stage
    snapshot: Snapshot
    audience: Audience
    exposures: dict[int, dict[str, Exposure]]
    rng: np.random.Generator
    tally: Tally = field(default_factory=Tally)

    def visit(self, user: int, placement: int, now: datetime) -> None:
        """One request: decided, shown, perhaps clicked, charged."""
        self.audience.user, self.audience.placement = user, placement
        body = self.stage.crowd.phones.body(user, placement, "best")
        asked = msgspec.json.decode(body, type=wire.AdsRequest)
        catalog = self.snapshot.catalog
        slot = catalog.placements[PlacementId(asked.placement_id)]
        request = wire.to_domain(asked, catalog.apps[slot.app_id], slot, UserKey(user))
        seen = self.exposures.setdefault(user, {})
        state = UserState(profile_of(self.stage.world.people, user), seen, known=True)
        winners = decide(request, state, self.snapshot, now, self.rng).winners
        self.tally.requests += 1
        self.tally.filled += bool(winners)
        for winner in winners:
            self._show(seen, winner, now)

    def _show(self, seen: dict[str, Exposure], winner: Winner, now: datetime) -> None:
        item, format_ = winner.ad.line_item, str(winner.ad.creative.format)
        row = self.snapshot.catalog.line_item_row[item.line_item_id]
        self.snapshot.spend.reserve(row, winner.reserved_micros)
        self.tally.ads += 1
        if self.rng.random() >= self.stage.crowd.manners.shows:
            return
        local_s = int(now.timestamp()) + winner.utc_offset_s
        seen[item.line_item_id] = shown_again(seen.get(item.line_item_id), now, local_s)
        clicked = bool(self.rng.random() < winner.pctr)
        bought = clicked and bool(self.rng.random() < CONVERSION_RATE)
        self.tally.impressions[format_] += 1
        self.tally.hidden[format_] += winner.pctr
        self.tally.clicks[format_] += clicked
        self.tally.conversions += bought
        happened = {PricingModel.CPM: True, PricingModel.CPC: clicked, PricingModel.CPA: bought}
        if happened.get(item.pricing):
            self._charge(row, winner)

    def _charge(self, row: int, winner: Winner) -> None:
        """The price, or what is left of the budgets."""
        board = self.snapshot.spend
        board.release(row, winner.reserved_micros)
        left = min(
            board.budgets.daily[row] - board.spent_today[row],
            board.budgets.total[row] - board.spent_total[row],
        )
        price = int(min(winner.price_micros, left))
        board.charge(row, price)
        self.tally.revenue += price


def possible(stage: Stage, played: Played, on_progress: Callable[[int], object]) -> PhaseFigures:
    """What a phase's requests could have brought if every click probability had been known."""
    now = datetime.now(UTC)
    scorer = HiddenScorer(stage.world.truth, Audience(hour=now.astimezone(SHANGHAI).hour))
    catalog = Catalog.build(_third(catalog_of(stage.world)), now)
    scorers = (scorer, ConstantScorer(CONVERSION_RATE))
    snapshot = assemble("best", catalog, History(), scorers, _policy(stage))
    rng = np.random.default_rng((stage.world.seed, 7))
    replay = Replay(stage, snapshot, scorer.audience, _exposures(played), rng)
    controlled = -1
    for number, (at_s, user, placement) in enumerate(_requests(played)):
        if int(at_s) > controlled:
            controlled = int(at_s)
            control(snapshot.spend, now + timedelta(seconds=controlled))
        replay.visit(user, placement, now + timedelta(seconds=at_s))
        if number % STEP == 0:
            on_progress(number * EVERY)
    on_progress(len(played.schedule))
    return replay.tally.figures()


def _requests(played: Played) -> Iterator[tuple[float, int, int]]:
    schedule = played.schedule
    for number in np.flatnonzero(schedule.users % EVERY == 0).tolist():
        yield (
            float(schedule.at_s[number]),
            int(schedule.users[number]),
            int(schedule.placements[number]),
        )


def _policy(stage: Stage) -> ExplorationPolicy:
    """The exploration that the worker does, so that the comparison is about knowledge alone."""
    settings = stage.system.settings
    return ExplorationPolicy(
        epsilon=settings.explore_epsilon_ppm * MICROS_PER_PPM,
        new_impressions=settings.explore_new_impressions,
    )


def _third(market: Marketplace) -> Marketplace:
    """The marketplace with budgets for every third user."""
    return replace(market, line_items=tuple(map(_with_less_money, market.line_items)))


def _with_less_money(item: LineItem) -> LineItem:
    daily, total = item.daily_budget_micros, item.total_budget_micros
    return replace(
        item,
        daily_budget_micros=None if daily is None else Micros(daily // EVERY),
        total_budget_micros=None if total is None else Micros(total // EVERY),
    )


def _exposures(played: Played) -> dict[int, dict[str, Exposure]]:
    """What everybody had seen when the phase began, as of long ago: tired, but under no cap."""
    exposures: dict[int, dict[str, Exposure]] = {}
    for (user, line_item), times in played.seen_before.items():
        if user % EVERY == 0:
            exposures.setdefault(user, {})[line_item] = LONG_AGO._replace(lifetime=times)
    return exposures


def shown_again(before: Exposure | None, now: datetime, local_s: int) -> Exposure:
    """One more impression; `local_s` is Unix time plus the advertiser's offset."""
    old = before or LONG_AGO
    now_s = int(now.timestamp())
    day, hour, minute = local_s // 86_400, now_s // 3_600, now_s // 60
    return Exposure(
        lifetime=old.lifetime + 1,
        day=day,
        in_day=old.in_day * (old.day == day) + 1,
        hour=hour,
        in_hour=old.in_hour * (old.hour == hour) + 1,
        minute=minute,
        in_minute=old.in_minute * (old.minute == minute) + 1,
        last_seen_s=now_s,
    )
