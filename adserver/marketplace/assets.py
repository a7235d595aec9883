"""How the files of a creative are written.

A list of mappings, each with its role, address and hash.

Never here: fetching or making them.
"""

import re
from typing import Any

from adserver.marketplace.list_notation import MOST_PIXELS, read_checked
from adserver.marketplace.notation import Notation, Raw, matching, token, url, whole_number
from adserver.marketplace.problem import NotationError
from models.domain.campaign import Asset

MOST_ASSETS = 20
FIELDS: dict[str, tuple[Notation, str]] = {
    "role": (token(), "What it is for: image, icon, logo, video, ..."),
    "url": (url(web_only=True), "Where apps fetch it."),
    "w": (whole_number(0, MOST_PIXELS), "Its width in pixels; 0: not known."),
    "h": (whole_number(0, MOST_PIXELS), "Its height in pixels; 0: not known."),
    "mime": (
        matching(re.compile(r"[a-z]+/[a-z0-9.+-]{1,60}"), "a MIME type such as image/png", "TYPE"),
        "Its MIME type.",
    ),
    "bytes": (whole_number(0, 2**40), "Its length in bytes; 0: not known."),
    "sha256": (
        matching(
            re.compile(r"[0-9a-f]{64}"), "64 hexadecimal digits in lower case", "HASH", empty=True
        ),
        "Its hash, so that apps know what they cached.",
    ),
}
LEFT_OUT: dict[str, Raw] = {"w": "0", "h": "0", "bytes": "0", "sha256": ""}


def assets() -> Notation:
    """All files of one creative."""
    return Notation(
        "role=...,url=...,w=...,h=...,mime=...,bytes=...,sha256=...", _read, _write, _check
    )


def _read(raw: Raw) -> tuple[Asset, ...]:
    if not isinstance(raw, list):
        raise NotationError("a list of files expected")
    found = []
    for place, written in enumerate(raw):
        try:
            found.append(_read_one(written))
        except NotationError as error:
            raise error.within(place) from None
    return tuple(found)


def _read_one(raw: Raw) -> Asset:
    if not isinstance(raw, dict):
        raise NotationError(f"a mapping of {', '.join(FIELDS)} expected")
    for name in raw:
        if name not in FIELDS:
            raise NotationError(f"a file has {', '.join(FIELDS)}", name)
    values: dict[str, Any] = {}
    for name, (notation, _) in FIELDS.items():
        if name not in raw and name not in LEFT_OUT:
            raise NotationError(f"{name} is missing")
        try:
            values[name] = read_checked(notation, raw.get(name, LEFT_OUT.get(name, "")))
        except NotationError as error:
            raise error.within(name) from None
    return Asset(**values)


def _write(value: tuple[Asset, ...]) -> list[dict[str, Any]]:
    return [
        {
            name: getattr(asset, name)
            for name in FIELDS
            if str(getattr(asset, name)) != LEFT_OUT.get(name)
        }
        for asset in value
    ]


def _check(value: tuple[Asset, ...]) -> str | None:
    if len(value) > MOST_ASSETS:
        return f"at most {MOST_ASSETS} files are allowed"
    for place, asset in enumerate(value):
        for name, (notation, _) in FIELDS.items():
            message = notation.check(getattr(asset, name))
            if message:
                return f"[{place}].{name} {message}"
    return None
