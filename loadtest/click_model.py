"""The hidden truth: with what probability a user clicks an ad, here, now, for the n-th time.

A sum of effects on the log-odds: the user's taste for the ad's theme, the creative's quality, how a
theme suits a placement, the hour, and fatigue. Never here: anything the server could see. The one
surprising fact: the mean over random (user, ad) pairs is fixed per format beforehand, so a better
choice of ads is the only thing that can raise the click rate.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadtest.marketplace import Market
from loadtest.population import GENDERS, Population
from loadtest.themes import SIZES, THEMES

MEAN_CTR = {"splash": 0.070, "banner": 0.022, "native": 0.034,
            "interstitial": 0.040, "rewarded_video": 0.040}  # fmt: skip
FATIGUE_PER_DOUBLING = 0.30
CONVERSION_RATE = 0.10
TURNING_AGE, YEARS_A_STEP = 33, 8
YOUTH_LOADING = np.array([1.1, 0.7, -0.7, -1.1, 0.0])  # by theme: games, shopping, travel, ...
SAMPLE = 20_000


@dataclass(frozen=True)
class HiddenClickModel:
    """Effects on the log-odds, by position of user, creative and placement in their lists.

    `taste`: [users, themes]; `quality`: [creatives], format's intercept included; `fit`:
    [placements, themes]; `daily`: [24, formats]. `advertiser_of` is by line item id.
    """

    formats: tuple[str, ...]
    advertiser_of: dict[str, str]
    user_row: dict[str, int]
    creative_row: dict[str, int]
    placement_row: dict[str, int]
    theme: NDArray[np.int64]
    format: NDArray[np.int64]
    taste: NDArray[np.float64]
    quality: NDArray[np.float64]
    fit: NDArray[np.float64]
    daily: NDArray[np.float64]

    def probabilities(
        self,
        user: int,
        creatives: NDArray[np.int64],
        placement: int,
        hour: int,
        times_seen: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Click probability of each creative row for one user row, seen so often before."""
        themes = self.theme[creatives]
        log_odds = (
            self.quality[creatives]
            + self.taste[user, themes]
            + self.fit[placement, themes]
            + self.daily[hour, self.format[creatives]]
            - FATIGUE_PER_DOUBLING * np.log2(1 + times_seen)
        )
        return np.asarray(1 / (1 + np.exp(-log_odds)))

    def probability(
        self, user: int, creative: int, placement: int, hour: int, times_seen: int
    ) -> float:
        """The same for one creative."""
        return float(
            self.probabilities(
                user, np.array([creative]), placement, hour, np.array([float(times_seen)])
            )[0]
        )


def make_click_model(people: Population, market: Market, seed: int) -> HiddenClickModel:
    """Draws all effects and sets each format's intercept so that random pairs click at its mean."""
    rng = np.random.default_rng((seed, 4))
    formats = list(SIZES)
    model = HiddenClickModel(
        formats=tuple(formats),
        advertiser_of={ad.line_item_id: ad.advertiser_id for ad in market.ads},
        user_row={user_id: row for row, user_id in enumerate(people.user_ids)},
        creative_row={ad.creative_id: row for row, ad in enumerate(market.ads)},
        placement_row={slot.placement_id: row for row, slot in enumerate(market.slots)},
        theme=np.array([ad.theme for ad in market.ads]),
        format=np.array([formats.index(ad.format) for ad in market.ads]),
        taste=_taste(people, rng),
        quality=_quality(market, rng),
        fit=rng.normal(0, 0.10, (len(market.slots), len(THEMES))),
        daily=_daily(rng, len(formats)),
    )
    _set_means(model, formats, rng)
    return model


def _taste(people: Population, rng: np.random.Generator) -> NDArray[np.float64]:
    """What a profile shows of a user, made into likings; plus what nobody can know of anybody.

    The young are for games, the older for finance, the themes between them in between; the young
    tap more of everything. Interests, gender and activity add to it.
    """
    users, segments = np.arange(len(people)), [theme.segment for theme in THEMES]
    youth = np.clip((TURNING_AGE - people.ages) / YEARS_A_STEP, -1.3, 1.3)[:, None]
    taste = rng.normal(0, 0.08, (len(people), len(THEMES)))
    taste += youth * YOUTH_LOADING + 0.35 * youth
    taste += rng.normal(0, 0.10, (len(GENDERS), len(THEMES)))[people.gender]
    taste += 0.08 * (people.numbers["activity_level"][:, None] - 3)
    main = np.array([segments.index(interests[0]) for interests in people.interests])
    taste[users, main] += 0.3
    return taste


def _quality(market: Market, rng: np.random.Generator) -> NDArray[np.float64]:
    """Good and bad line items, and among theirs better and worse creatives."""
    line_items = sorted({ad.line_item_id for ad in market.ads})
    of_line_item = dict(zip(line_items, rng.normal(0, 0.15, len(line_items)), strict=True))
    shared = [of_line_item[ad.line_item_id] for ad in market.ads]
    return np.array(shared) + rng.normal(0, 0.10, len(shared))


def _daily(rng: np.random.Generator, formats: int) -> NDArray[np.float64]:
    """People click more in the evening, each format a little differently."""
    hours = np.arange(24)[:, None]
    peak = 20 + rng.normal(0, 1.5, formats)[None, :]
    return np.asarray(0.2 * np.cos((hours - peak) * 2 * np.pi / 24))


def _set_means(model: HiddenClickModel, formats: list[str], rng: np.random.Generator) -> None:
    """Bisects each format's intercept on a sample of random users, creatives, placements, hours."""
    users = rng.integers(len(model.taste), size=SAMPLE)
    hours = rng.integers(24, size=SAMPLE)
    placements = rng.integers(len(model.fit), size=SAMPLE)
    for number, name in enumerate(formats):
        creatives = rng.choice(np.flatnonzero(model.format == number), size=SAMPLE)
        themes = model.theme[creatives]
        log_odds = (
            model.quality[creatives]
            + model.taste[users, themes]
            + model.fit[placements, themes]
            + model.daily[hours, number]
        )
        model.quality[model.format == number] += _intercept(log_odds, MEAN_CTR[name])


def _intercept(log_odds: NDArray[np.float64], mean: float) -> float:
    low, high = -15.0, 15.0
    for _ in range(50):
        middle = (low + high) / 2
        rate = float((1 / (1 + np.exp(-(log_odds + middle)))).mean())
        low, high = (middle, high) if rate < mean else (low, middle)
    return (low + high) / 2
