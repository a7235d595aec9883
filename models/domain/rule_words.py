"""How the text of a targeting rule reads: names of devices and connections, versions, ranges.

The engine matches requests by it and reports count the log by it, so both mean the same. Never
here: where a request says its value (`ranking.attributes`). The one surprising fact: a name may
mean more than its number, since who excludes "cellular" does not want to be seen on 5G either.
"""

import re

Version = tuple[int, ...]

_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+)*")

DEVICE_TYPES = {
    "mobile": (1, 4, 5),
    "pc": (2,),
    "tv": (3,),
    "phone": (4,),
    "tablet": (5,),
    "connected_device": (6,),
    "set_top_box": (7,),
    "ooh": (8,),
}
"""OpenRTB `devicetype` by name. `mobile` means phones and tablets too; the number 1 only itself."""
CONNECTIONS = {
    "ethernet": (1,),
    "wifi": (2,),
    "cellular": (3, 4, 5, 6, 7),
    "2g": (4,),
    "3g": (5,),
    "4g": (6,),
    "5g": (7,),
}
"""OpenRTB `connectiontype` by name. `cellular` means every generation; the number 3 only itself."""


def word(text: str) -> str:
    """A plain value."""
    return text.strip().lower()


def numbers(text: str) -> tuple[int, ...]:
    """The number that a text is; nothing for any other text."""
    return (int(text),) if text.strip().isdecimal() else ()


def device_types(text: str) -> tuple[int, ...]:
    """The OpenRTB numbers of a device type's name, or the number itself."""
    return DEVICE_TYPES.get(word(text)) or numbers(text)


def connections(text: str) -> tuple[int, ...]:
    """The OpenRTB numbers of a connection's name, or the number itself."""
    return CONNECTIONS.get(word(text)) or numbers(text)


def language(text: str) -> str:
    """A language code with dashes: zh_CN is zh-cn."""
    return word(text).replace("_", "-")


def category_family(category: str) -> tuple[str, ...]:
    """An IAB category with the one above it ("iab7-3" is also "iab7"); any other by itself."""
    own = word(category)
    parent, dash, _ = own.partition("-")
    return (own, parent) if dash and parent.startswith("iab") else (own,)


def version(text: str) -> Version | None:
    """The number a version begins with, as comparable parts; None when there is none.

    Closing zeros do not count: 14 and 14.0 are equal.
    """
    found = _NUMBERS.match(text.strip())
    return _trimmed(_parts(found[0])) if found else None


def half_open(text: str) -> tuple[Version, Version | None] | None:
    """The range "min..max" as [from, to); None for text that is no range.

    The upper end includes all that begins with it: 14.2 lies in "12..14".
    """
    low, dots, high = (part.strip() for part in text.partition(".."))
    high = high if dots else low
    if not all(_NUMBERS.fullmatch(end) for end in (low, high) if end or not dots):
        return None
    first = _trimmed(_parts(low)) if low else ()
    if not high:
        return first, None
    *upper, last = _parts(high)
    return first, _trimmed([*upper, last + 1])


def _parts(text: str) -> list[int]:
    return [int(part) for part in text.split(".")]


def _trimmed(parts: list[int]) -> Version:
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)
