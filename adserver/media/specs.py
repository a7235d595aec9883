"""What each ad format takes: which files, what shape and size, how many bytes, how long.

Never here: what a file is (`pictures`, `films`). The one surprising fact: where every live
placement of a format lists its sizes, a file must be one of them, or the same shape and up to four
times as large for dense screens.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from adserver.media.limits import MB
from adserver.media.verdict import FileKind
from models.domain.placement import Format, Placement

PICTURES = frozenset({FileKind.PNG, FileKind.JPEG, FileKind.WEBP, FileKind.GIF})
FILMS = frozenset({FileKind.MP4})
MOST_TIMES = 4
"""How much larger than its slot a picture may be."""
KB = 1_000


class Shape(StrEnum):
    """How a file stands."""

    ANY = "any"
    PORTRAIT = "portrait"


@dataclass(frozen=True, slots=True)
class FormatSpec:
    """One format's rules; bytes and milliseconds are the most, `least` the least pixels."""

    kinds: frozenset[FileKind]
    least: tuple[int, int]
    shape: Shape
    picture_bytes: int
    film_bytes: int
    least_ms: int
    most_ms: int


SPECS = {
    Format.SPLASH: FormatSpec(PICTURES | FILMS, (480, 640), Shape.PORTRAIT, MB, 5 * MB, 0, 15_000),
    Format.BANNER: FormatSpec(PICTURES, (200, 40), Shape.ANY, 500 * KB, 0, 0, 30_000),
    Format.NATIVE: FormatSpec(PICTURES | FILMS, (200, 100), Shape.ANY, MB, 15 * MB, 0, 60_000),
    Format.INTERSTITIAL: FormatSpec(
        PICTURES | FILMS, (320, 320), Shape.ANY, 2 * MB, 20 * MB, 0, 60_000
    ),
    Format.REWARDED_VIDEO: FormatSpec(FILMS, (320, 180), Shape.ANY, 0, 30 * MB, 5_000, 60_000),
}
ICON = FormatSpec(PICTURES, (48, 48), Shape.ANY, 200 * KB, 0, 0, 0)


class Misfit(StrEnum):
    """Why a file cannot be shown in a format."""

    KIND = "kind"
    SMALL = "small"
    SHAPE = "shape"
    BYTES = "bytes"
    SHORT = "short"
    LONG = "long"
    SLOT = "slot"
    NOT_SQUARE = "not_square"


@dataclass(frozen=True, slots=True)
class Measures:
    """What counts of a file when it is held against a format."""

    kind: FileKind
    w: int
    h: int
    bytes: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Slots:
    """The sizes that live placements of a format take; `takes_any`: one of them takes every size.

    Without a live placement there is nothing to hold a file against, so any size does.
    """

    sizes: tuple[tuple[int, int], ...] = ()
    takes_any: bool = True


def slots_of(placements: Iterable[Placement], form: Format) -> Slots:
    """What the live placements of a format take."""
    live = [one for one in placements if one.active and one.format is form]
    sizes = sorted({size for one in live for size in one.sizes})
    return Slots(tuple(sizes), not live or any(not one.sizes for one in live))


def slot_for(file: Measures, slots: Slots) -> tuple[int, int] | None:
    """The slot that a file is for: the largest listed one of its shape, else its own size.

    None: no slot takes it.
    """
    fitting = [
        (w, h) for w, h in slots.sizes if file.w * h == file.h * w and w <= file.w <= MOST_TIMES * w
    ]
    if fitting:
        return max(fitting)
    return (file.w, file.h) if slots.takes_any else None


def misfit(file: Measures, form: Format, slots: Slots) -> Misfit | None:
    """Why the file cannot be shown in the format; None when it can."""
    spec = SPECS[form]
    if file.kind not in spec.kinds:
        return Misfit.KIND
    found = _of_size(file, spec) or _of_time(file, spec)
    if found is None and slot_for(file, slots) is None:
        return Misfit.SLOT
    return found


def icon_misfit(file: Measures) -> Misfit | None:
    """Why the file cannot be an icon; None when it can."""
    if file.kind not in ICON.kinds:
        return Misfit.KIND
    return _of_size(file, ICON) or (Misfit.NOT_SQUARE if file.w != file.h else None)


def _of_size(file: Measures, spec: FormatSpec) -> Misfit | None:
    w, h = spec.least
    if spec.shape is Shape.PORTRAIT and file.h <= file.w:
        return Misfit.SHAPE
    if file.w < w or file.h < h:
        return Misfit.SMALL
    most = spec.film_bytes if file.kind in FILMS else spec.picture_bytes
    return Misfit.BYTES if file.bytes > most else None


def _of_time(file: Measures, spec: FormatSpec) -> Misfit | None:
    if file.duration_ms < spec.least_ms:
        return Misfit.SHORT
    return Misfit.LONG if file.duration_ms > spec.most_ms else None
