"""How single values are written: read from text, written back, checked for what may stand there.

A notation serves the catalog file and the command line alike. Never here: which field has which
notation (`buying`, `selling`). The one surprising fact: `read` gets text even for numbers and
dates, because the file reader does not let YAML guess; so 35.00 is exact and NO is Norway.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from adserver.marketplace.problem import NotationError, Sentence
from models.domain.money import Micros, parse_amount

Raw = str | list["Raw"] | dict[str, "Raw"]

MOST_MICROS = 10**17
"""The largest amount, a hundred thousand million units: sums of ninety still fit in int64."""

_NOT_PRINTABLE = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"
)
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_PRODUCT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}/(?!\s).{1,128}(?<!\s)")
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_WEB = re.compile(r"https?://[^\s/?#]+[^\s]*", re.IGNORECASE)
_ANY_URL = re.compile(
    r"(?!javascript:|data:|file:|https?:(?!//[^\s/?#]))[A-Za-z][A-Za-z0-9+.-]*:[^\s]+",
    re.IGNORECASE,
)


def always_fine(_value: Any) -> str | None:
    """The check of values that cannot be wrong once they are read."""
    return None


@dataclass(frozen=True, slots=True)
class Notation:
    """One way of writing a value. `read` raises NotationError.

    `check` answers what is wrong with a value, or None. `metavar` stands for the value in help
    texts. `write` answers what YAML and JSON show. `many`: a list of values without commas.
    """

    metavar: str
    read: Callable[[Raw], Any]
    write: Callable[[Any], Any]
    check: Callable[[Any], str | None] = always_fine
    many: bool = False


def plain_text(raw: Raw) -> str:
    """The text of a scalar.

    Raises:
        NotationError: a list or a mapping.
    """
    if not isinstance(raw, str):
        kind = Sentence("list") if isinstance(raw, list) else Sentence("mapping")
        raise NotationError(Sentence("one value expected, not a %(kind)s", kind=kind))
    return raw


def text(most: int, *, least: int = 0, lines: bool = False) -> Notation:
    """Printable text of `least` to `most` characters; several lines only where said."""

    def check(value: str) -> str | None:
        if not least <= len(value) <= most:
            wanted = "must have %(least)s to %(most)s characters, has %(number)s"
            return Sentence(wanted, least=least, most=most, number=len(value))
        found = _NOT_PRINTABLE.search(value)
        if found or ("\n" in value and not lines):
            code = ord(found[0] if found else "\n")
            return Sentence(
                "holds a character that cannot be shown (%(code)s)", code=f"U+{code:04X}"
            )
        return Sentence("must not be blank") if least and not value.strip() else None

    return Notation("TEXT", plain_text, str, check)


def matching(
    pattern: re.Pattern[str], meaning: str, metavar: str, *, empty: bool = False
) -> Notation:
    """Text of one pattern; `meaning` completes "must be ..."."""

    def check(value: str) -> str | None:
        if pattern.fullmatch(value) or (empty and not value):
            return None
        return Sentence(
            "must be %(meaning)s, not %(value)s", meaning=meaning, value=repr(value[:80])
        )

    return Notation(metavar, plain_text, str, check)


def identifier() -> Notation:
    """An id as people choose it."""
    return matching(_IDENTIFIER, Sentence("1 to 64 letters, digits, _ or -"), "ID")


def product() -> Notation:
    """A product of a merchant; a SKU may hold whatever can be shown, slashes too."""
    shape, printable = (
        matching(_PRODUCT, Sentence("merchant/sku, as in shop/4711"), "MERCHANT/SKU", empty=True),
        text(193),
    )

    def check(value: str) -> str | None:
        return shape.check(value) or printable.check(value)

    return Notation(shape.metavar, plain_text, str, check)


def token() -> Notation:
    """A category and the like: a word without spaces."""
    return matching(_TOKEN, Sentence("a word of letters, digits and . _ / -"), "WORD")


def host(*, empty: bool = False) -> Notation:
    """A domain name."""
    return matching(_HOST, Sentence("a domain such as shop.example"), "DOMAIN", empty=empty)


def url(*, web_only: bool = False, empty: bool = False) -> Notation:
    """An address of at most 2048 characters that can be taken apart."""
    pattern, meaning = _ANY_URL, Sentence("a full address")
    if web_only:
        pattern, meaning = _WEB, Sentence("an http(s) address")
    shape, length = matching(pattern, meaning, "URL", empty=empty), text(2048)

    def check(value: str) -> str | None:
        return shape.check(value) or length.check(value) or _broken_host(value)

    return Notation("URL", plain_text, str, check)


def _broken_host(address: str) -> str | None:
    """What is wrong with whom an address names: half a bracket, no host, a port above 65535."""
    try:
        parts = urlsplit(address)
        is_web = parts.scheme in {"http", "https"}
        named = not is_web or (parts.hostname and parts.port != 0)
    except ValueError as error:
        return Sentence("names a host that cannot be: %(why)s", why=error)
    return None if named else Sentence("names no host")


def whole_number(least: int, most: int) -> Notation:
    """An integer; both ends may be used."""

    def check(value: int) -> str | None:
        if least <= value <= most:
            return None
        wanted = "must be %(least)s to %(most)s, not %(value)s"
        return Sentence(wanted, least=least, most=most, value=value)

    return Notation("NUMBER", _read_integer, int, check)


def _read_integer(raw: Raw) -> int:
    written = plain_text(raw)
    if not re.fullmatch(r"-?[0-9]{1,18}", written):
        wanted = "a whole number expected, not %(value)s"
        raise NotationError(Sentence(wanted, value=repr(written[:80])))
    return int(written)


def amount(*, least: int = 1) -> Notation:
    """Money in units of the catalog's currency; `least` and the limit are in micros."""

    def check(value: Micros) -> str | None:
        if value < least:
            return Sentence("must be more than zero" if least else "must not be negative")
        most = write_amount(Micros(MOST_MICROS))
        return Sentence("must be at most %(most)s", most=most) if value > MOST_MICROS else None

    return Notation("AMOUNT", _read_amount, write_amount, check)


def _read_amount(raw: Raw) -> Micros:
    written = plain_text(raw)
    try:
        return parse_amount(written[:40])
    except ValueError:
        raise NotationError(no_amount(written)) from None


def no_amount(written: str) -> str:
    """What is said of a text that is no amount."""
    return Sentence(
        "%(value)s is not an amount: write digits with at most six decimals, as in 12.34",
        value=repr(written[:40]),
    )


def write_amount(micros: Micros) -> str:
    """Exactly, with two to six decimals: "35.00", "0.000125"."""
    units, rest = divmod(abs(micros), 1_000_000)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if micros < 0 else ''}{units}.{decimals}"


def choice(kind: type[StrEnum], sold: frozenset[Any] | None = None) -> Notation:
    """One name of an enum. Names that are reserved, but not `sold` yet, are refused as such."""
    names = [member.value for member in kind if sold is None or member in sold]

    def read(raw: Raw) -> StrEnum:
        try:
            return kind(plain_text(raw).lower())
        except ValueError:
            known = "must be one of %(names)s, not %(value)s"
            refused = Sentence(known, names=", ".join(names), value=repr(raw))
            raise NotationError(refused) from None

    def check(value: StrEnum) -> str | None:
        if value.value in names:
            return None
        reserved = "%(value)s is not sold yet: the name is reserved; use %(names)s"
        return Sentence(reserved, value=value.value, names=", ".join(names))

    return Notation(f"[{'|'.join(names)}]", read, str, check)


def yes_no() -> Notation:
    """true or false; YAML's other words for them are understood."""

    def read(raw: Raw) -> bool:
        written = plain_text(raw).lower()
        if written in {"true", "yes", "on"}:
            return True
        if written in {"false", "no", "off"}:
            return False
        raise NotationError(Sentence("must be true or false, not %(value)s", value=repr(raw)))

    return Notation("[true|false]", read, bool)
