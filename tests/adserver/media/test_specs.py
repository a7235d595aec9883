"""What each format takes, and which slot a file is for."""

from dataclasses import replace

import pytest

from adserver.media.specs import (
    Measures,
    Misfit,
    Slots,
    icon_misfit,
    misfit,
    slot_for,
    slots_of,
)
from adserver.media.verdict import FileKind
from models.domain.placement import Format
from tests import builders

ANY = Slots()
STILL = Measures(FileKind.PNG, 1080, 1920, 300_000, 0)
FILM = Measures(FileKind.MP4, 720, 1280, 2_000_000, 15_000)


@pytest.mark.parametrize(
    ("file", "form", "why"),
    [
        (STILL, Format.SPLASH, None),
        (FILM, Format.SPLASH, None),
        (FILM, Format.REWARDED_VIDEO, None),
        (FILM, Format.BANNER, Misfit.KIND),
        (STILL, Format.REWARDED_VIDEO, Misfit.KIND),
        (replace(STILL, w=1920, h=1080), Format.SPLASH, Misfit.SHAPE),
        (replace(STILL, w=300, h=500), Format.SPLASH, Misfit.SMALL),
        (replace(STILL, bytes=1_000_001), Format.SPLASH, Misfit.BYTES),
        (replace(FILM, duration_ms=15_001), Format.SPLASH, Misfit.LONG),
        (replace(FILM, duration_ms=4_999), Format.REWARDED_VIDEO, Misfit.SHORT),
        (replace(STILL, kind=FileKind.GIF, duration_ms=30_001), Format.BANNER, Misfit.LONG),
    ],
)
def test_a_format_says_why_it_does_not_take_a_file(
    file: Measures, form: Format, why: Misfit | None
) -> None:
    assert misfit(file, form, ANY) is why


def test_a_file_is_for_a_listed_slot_or_for_one_of_its_shape_up_to_four_times_as_large() -> None:
    slots = Slots(((320, 50), (640, 100), (300, 250)), takes_any=False)
    banner = Measures(FileKind.PNG, 640, 100, 1_000, 0)
    assert slot_for(banner, slots) == (640, 100)
    assert slot_for(replace(banner, w=960, h=150), slots) == (640, 100)
    assert slot_for(replace(banner, w=600, h=500), slots) == (300, 250)
    assert slot_for(replace(banner, w=1500, h=1250), slots) is None
    assert slot_for(replace(banner, w=640, h=101), slots) is None
    assert misfit(replace(banner, w=640, h=101), Format.BANNER, slots) is Misfit.SLOT


def test_where_any_size_is_taken_a_file_is_for_its_own() -> None:
    assert slot_for(STILL, Slots(((320, 480),), takes_any=True)) == (1080, 1920)


def test_slots_are_those_of_live_placements_of_the_format() -> None:
    placements = [
        builders.placement(sizes=((1080, 1920),)),
        builders.placement(placement_id="p2", sizes=((720, 1280), (1080, 1920))),
        builders.placement(placement_id="p3", active=False),
        builders.placement(placement_id="p4", format=Format.BANNER),
    ]
    assert slots_of(placements, Format.SPLASH) == Slots(((720, 1280), (1080, 1920)), False)
    assert slots_of(placements, Format.BANNER) == Slots((), True)
    assert slots_of(placements, Format.NATIVE) == Slots((), True)


def test_an_icon_is_a_small_square_picture() -> None:
    square = Measures(FileKind.PNG, 128, 128, 10_000, 0)
    assert icon_misfit(square) is None
    assert icon_misfit(replace(square, w=200)) is Misfit.NOT_SQUARE
    assert icon_misfit(replace(square, bytes=200_001)) is Misfit.BYTES
    assert icon_misfit(FILM) is Misfit.KIND
