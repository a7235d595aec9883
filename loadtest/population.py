"""The people: users with 24 profile features, a phone each, and a Zipf-like urge to open apps.

Never here: what they click (`click_model`). The one surprising fact: a profile tells the truth
about a user's main interest (its first entry), and the hidden click model leans on exactly that.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from loadtest.themes import THEMES

CUSTOM_COLUMNS = 8
REGIONS = ("BJ", "SH", "GD", "ZJ", "SC", "HB")
CITIES = ("Beijing", "Shanghai", "Shenzhen", "Hangzhou", "Chengdu", "Wuhan")
MAKES = ("Xiaomi", "HUAWEI", "OPPO", "vivo", "Apple", "HONOR")
MODELS = ("23127PN0CC", "ALN-AL00", "PHZ110", "V2309A", "iPhone15,2", "BVL-AN16")
CARRIERS = ("46000", "46001", "46003", "")
CONNECTIONS = (2, 5, 6, 7)
THIS_YEAR = 2026


@dataclass(frozen=True)
class Population:
    """Everything about everybody, as columns; row i is user `user_ids[i]`.

    `weights` sum to 1: how likely the next request is this user's.
    """

    user_ids: tuple[str, ...]
    gender: NDArray[np.int8]
    birth_year: NDArray[np.int16]
    interests: tuple[tuple[int, ...], ...]
    numbers: dict[str, NDArray[np.int64]]
    recent_categories: tuple[tuple[int, ...], ...]
    region: NDArray[np.int8]
    make: NDArray[np.int8]
    connection: NDArray[np.int8]
    carrier: NDArray[np.int8]
    weights: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.user_ids)

    @property
    def ages(self) -> NDArray[np.int64]:
        """In years."""
        return THIS_YEAR - self.birth_year.astype(np.int64)


GENDERS = ("M", "F")


def make_population(users: int, seed: int) -> Population:
    """Draws everybody. The same seed makes the same people."""
    rng = np.random.default_rng((seed, 1))
    main = rng.integers(len(THEMES), size=users)
    interests = tuple(_interests(int(first), rng) for first in main)
    return Population(
        user_ids=tuple(f"u{number:06d}" for number in range(users)),
        gender=rng.integers(len(GENDERS), size=users).astype(np.int8),
        birth_year=(THIS_YEAR - np.clip(rng.normal(33, 10, users), 16, 75)).astype(np.int16),
        interests=interests,
        numbers=_numbers(users, rng),
        recent_categories=tuple(kinds[: int(n)] for kinds, n in zip(
            interests, rng.integers(0, 3, users), strict=True)),
        region=rng.integers(len(REGIONS), size=users).astype(np.int8),
        make=rng.integers(len(MAKES), size=users).astype(np.int8),
        connection=rng.integers(len(CONNECTIONS), size=users).astype(np.int8),
        carrier=rng.integers(len(CARRIERS), size=users).astype(np.int8),
        weights=_zipf(users, rng),
    )  # fmt: skip


def _interests(main: int, rng: np.random.Generator) -> tuple[int, ...]:
    others = rng.choice(len(THEMES), size=rng.integers(0, 3), replace=False)
    themes = [main, *(int(other) for other in others if other != main)]
    return tuple(THEMES[theme].segment for theme in themes)


def _numbers(users: int, rng: np.random.Generator) -> dict[str, NDArray[np.int64]]:
    """The small ordered integers of the profile; activity and sessions belong together."""
    activity = rng.integers(1, 6, users)
    week = rng.poisson(activity * 2.0)
    columns = {
        "device_price_band": rng.integers(1, 6, users),
        "city_tier": rng.integers(1, 6, users),
        "activity_level": activity,
        "purchase_power": rng.integers(1, 6, users),
        "tenure_months": rng.integers(0, 72, users),
        "sessions_7d": week,
        "sessions_30d": week + rng.poisson(activity * 6.0),
        "app_count": rng.integers(10, 120, users),
        "orders_90d": rng.poisson(1.5, users),
        "education_level": rng.integers(1, 5, users),
        "income_band": rng.integers(1, 6, users),
        "household": rng.integers(1, 6, users),
    }
    return {name: column.astype(np.int64) for name, column in columns.items()}


def _zipf(users: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Zipf-Mandelbrot with exponent 0.8: the busiest tenth of the users make half the requests.

    The shift keeps the very first from asking thousands of times a minute, which nobody does.
    """
    urge = 1 / (np.arange(users) + 50.0) ** 0.8
    rng.shuffle(urge)
    return np.asarray(urge / urge.sum())


def write_profiles(people: Population, path: Path, seed: int) -> None:
    """The profiles as `adunion users import` takes them: Parquet, one row a user, 24 features."""
    custom = np.random.default_rng((seed, 2)).integers(0, 5, (len(people), CUSTOM_COLUMNS))
    table = pa.table(
        {
            "user_id": people.user_ids,
            "gender": [GENDERS[index] for index in people.gender],
            "birth_year": people.birth_year,
            "interests": pa.array(people.interests, pa.list_(pa.int32())),
            "recent_categories": pa.array(people.recent_categories, pa.list_(pa.int32())),
            **people.numbers,
            "custom": pa.array(custom.tolist(), pa.list_(pa.int32())),
        }
    )
    pq.write_table(table, path)
