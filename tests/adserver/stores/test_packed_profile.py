"""Profiles survive the round trip, in 44 bytes where it matters."""

from dataclasses import fields, replace

import pytest
from hypothesis import given, strategies as st

from adserver.stores.packed_profile import NOBODY, packed, unpacked
from models.domain.user import UserProfile

BYTE, WORD, LONG = st.integers(0, 0xFF), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
SEGMENTS = st.lists(st.integers(1, 65_535), max_size=30).map(tuple)
PROFILES = st.builds(
    UserProfile,
    gender=st.sampled_from(["", "F", "M", "O"]),
    birth_year=WORD,
    interests=SEGMENTS,
    recent_categories=SEGMENTS,
    device_price_band=BYTE,
    city_tier=BYTE,
    activity_level=BYTE,
    purchase_power=BYTE,
    tenure_months=WORD,
    sessions_7d=WORD,
    sessions_30d=WORD,
    app_count=WORD,
    orders_90d=WORD,
    education_level=BYTE,
    income_band=BYTE,
    household=BYTE,
    custom=st.one_of(
        *(st.lists(size, max_size=8).map(tuple) for size in (BYTE, WORD, LONG)),
    ),
)


@given(PROFILES)
def test_every_profile_comes_back_as_it_was(profile: UserProfile) -> None:
    assert unpacked(packed(profile)) == profile


def test_a_profile_with_all_24_features_and_six_segments_fits_44_bytes() -> None:
    numbers = {field.name: 99 for field in fields(UserProfile) if field.type is int}
    profile = UserProfile(
        "F", interests=(1, 2, 65_535), recent_categories=(7, 8, 9), custom=(255,) * 8, **numbers
    )
    assert len(numbers) + 3 + 8 == 24
    assert len(packed(profile)) <= 44


@given(st.binary(max_size=60))
def test_bytes_of_another_making_are_somebody_or_nobody_but_never_an_error(value: bytes) -> None:
    assert isinstance(unpacked(value), UserProfile)


def test_a_truncated_profile_is_nobody() -> None:
    whole = packed(UserProfile("M", 1990, (1, 2, 3)))
    assert all(unpacked(whole[:size]) == NOBODY for size in range(len(whole)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gender": "x"}, "gender 'x'"),
        ({"city_tier": 256}, "city_tier 256 is not in 0..255"),
        ({"tenure_months": -1}, "tenure_months -1"),
        ({"interests": (1, 70_000)}, "interests"),
        ({"recent_categories": (1,) * 256}, "recent_categories has 256 entries"),
        ({"custom": (1,) * 9}, "custom has 9 entries"),
        ({"custom": (-1,)}, "custom"),
    ],
)
def test_a_feature_out_of_range_is_named(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        packed(replace(UserProfile(), **change))
