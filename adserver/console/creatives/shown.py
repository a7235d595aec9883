"""Creatives and files as templates and REST show them.

Never here: HTML. The one surprising fact: our own pages fetch files from the console itself and not
from `ADUNION_MEDIA_URL`, so they show a picture also where the CDN does not know it yet.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from adserver.config import Settings
from adserver.console.creatives.drafts import measures_of
from adserver.console.creatives.owned import Market
from adserver.console.creatives.wording import (
    FORMATS,
    KINDS,
    REVIEW_BADGES,
    REVIEWS,
    Say,
    misfit_in_words,
)
from adserver.media.shelf import NAME, THUMBNAIL, shelf_of
from adserver.media.specs import misfit, slot_for
from adserver.media.verdict import FileKind
from adserver.stores.media_files import MediaFile
from models.domain.campaign import Asset, Creative
from models.domain.placement import Format

MEDIA = "/media"


@dataclass(frozen=True, slots=True)
class Picture:
    """What an img or video element needs; `thumb` "" where there is none of our making."""

    src: str
    thumb: str
    is_film: bool
    poster: str
    w: int
    h: int
    mime: str
    bytes: int
    duration_ms: int = 0


@dataclass(frozen=True, slots=True)
class Fit:
    """A format, and whether a file can be shown in it: `why_not` is "" when it can."""

    value: str
    name: str
    slot: str
    why_not: str


@dataclass(frozen=True, slots=True)
class Face:
    """A creative as lists and frames show it."""

    creative: Creative
    picture: Picture | None
    icon: Picture | None
    format_name: str
    state: str
    badge: str


def picture_of_file(file: MediaFile) -> Picture:
    """A file of the library."""
    return Picture(
        f"{MEDIA}/{file.sha256}.{file.extension}",
        f"{MEDIA}/{file.sha256}.{THUMBNAIL}",
        file.extension == FileKind.MP4,
        f"{MEDIA}/{file.poster}.{FileKind.JPEG}" if file.poster else "",
        file.w,
        file.h,
        file.mime,
        file.bytes,
        file.duration_ms,
    )


def picture_of_asset(settings: Settings, asset: Asset) -> Picture:
    """A file of a creative: from our shelf where it lies there, else from where it says."""
    src, thumb = asset.url, ""
    found = NAME.fullmatch(urlsplit(asset.url).path.rpartition("/")[2])
    if found is not None and shelf_of(settings.data_dir).path(*found.groups()).is_file():
        src, thumb = f"{MEDIA}/{found[0]}", f"{MEDIA}/{found[1]}.{THUMBNAIL}"
    is_film = asset.mime.startswith("video/")
    return Picture(src, thumb, is_film, "", asset.w, asset.h, asset.mime, asset.bytes)


def face_of(settings: Settings, creative: Creative, say: Say) -> Face:
    """A creative as it is shown."""
    others = {asset.role: asset for asset in creative.assets[1:]}
    icon = others.get("icon")
    picture = None
    if creative.assets:
        picture = picture_of_asset(settings, creative.assets[0])
    return Face(
        creative,
        picture,
        picture_of_asset(settings, icon) if icon else None,
        say(FORMATS[creative.format]),
        say(REVIEWS[creative.review]),
        REVIEW_BADGES[creative.review],
    )


def fits_of(file: MediaFile, market: Market, say: Say) -> list[Fit]:
    """Each format, and whether the file can be shown in it."""
    measures = measures_of(file)
    found = []
    for form in Format:
        slots = market.slots[form]
        why = misfit(measures, form, slots)
        said = "" if why is None else misfit_in_words(why, measures, form, slots, say)
        slot = slot_for(measures, slots) if why is None else None
        size = f"{slot[0]} x {slot[1]}" if slot else ""
        found.append(Fit(form.value, say(FORMATS[form]), size, said))
    return found


def kind_name(extension: str) -> str:
    """How people call a type of file."""
    return KINDS[FileKind(extension)]
