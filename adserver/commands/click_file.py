"""A click log of another system, line by line: CSV with a header, as touches of this house.

Never here: where they go (`commands.clicks`). The one surprising fact: a click's id is made of its
line's own words. So a file may be imported twice, or half and then whole, and each click is one.
"""

import csv
import gzip
import hashlib
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import cast

from affiliate import link as rules
from affiliate.link import Link, Subs, Target
from affiliate.order import Touch, TouchKind
from models.domain.ids import LinkCode, MerchantId, PartnerId, Sku

COLUMNS = (
    *("clicked_at", "code", "partner", "merchant", "sku", "customer_ref", "click_id"),
    *(f"sub{number}" for number in range(1, rules.SUBS + 1)),
)
MAX_CLICK_ID_CHARS = 2_048


class ClickFileError(ValueError):
    """A file without a usable header, or a line that is no click; the message says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file; `fault` says why it is none, "" when it is one."""

    number: int
    fields: Mapping[str, str]
    fault: str = ""

    @property
    def code(self) -> str:
        """The link that it says was clicked, "" where it names partner and merchant."""
        return self.fields.get("code", "")


@dataclass(frozen=True, slots=True)
class Known:
    """What lines may refer to."""

    partners: Collection[PartnerId]
    merchants: Collection[MerchantId]
    links: Mapping[LinkCode, Link]


class ClickFile:
    """An open file: CSV, or CSV.gz by its name. `size` and `position` are bytes on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._raw = path.open("rb")
        self.size = path.stat().st_size
        stream = self._raw
        if path.suffix == ".gz":
            stream = cast("BufferedReader", gzip.GzipFile(fileobj=self._raw))
        # Bytes that are no text become characters that no field takes, and their line is told.
        self._text = TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")

    @property
    def position(self) -> int:
        """How far it has been read."""
        return self._raw.tell()

    def close(self) -> None:
        """Closes the file, and what unpacks it."""
        self._text.close()
        self._raw.close()

    def lines(self) -> Iterator[Line]:
        """Its lines, broken ones with their fault.

        Raises:
            ClickFileError: no header, a column twice, or none that says what was clicked; or it
                cannot be unpacked.
        """
        number = 1
        try:
            header = _header(self._path, self._text.readline())
            for number, text in enumerate(self._text, 2):
                line = _line(number, header, text)
                if line.fields or line.fault:
                    yield line
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ClickFileError(f"{self._path}:{number}: {error}") from None


def touch_of(line: Line, known: Known, now: datetime) -> Touch:
    """The touch that a line tells of.

    Raises:
        ClickFileError: why it is none.
    """
    if line.fault:
        raise ClickFileError(line.fault)
    clicked_at = _time(line.fields.get("clicked_at", ""), now)
    code, target, defaults = _clicked(line.fields, known)
    if target.partner_id not in known.partners:
        raise ClickFileError(f"there is no partner {target.partner_id[:64]!a}")
    if target.merchant_id not in known.merchants:
        raise ClickFileError(f"there is no merchant {target.merchant_id[:64]!a}")
    customer_ref = _text(line.fields, "customer_ref")
    subs = _subs(line.fields, defaults)
    words = (clicked_at.isoformat(), code, customer_ref, *subs, _text(line.fields, "click_id"))
    return Touch(
        touch_id=_id(words),
        kind=TouchKind.LINK,
        clicked_at=clicked_at,
        partner_id=target.partner_id,
        merchant_id=target.merchant_id,
        sku=target.sku,
        link_code=code,
        subs=subs,
        customer_ref=customer_ref,
    )


def _header(path: Path, text: str) -> list[str]:
    try:
        header = [name.strip() for name in _row(text)]
    except csv.Error as error:
        raise ClickFileError(f"{path}:1: {error}") from None
    if len(set(header)) < len(header):
        raise ClickFileError(f"{path}:1: a column stands twice")
    says_what = "code" in header or {"partner", "merchant"} <= set(header)
    if "clicked_at" not in header or not says_what:
        raise ClickFileError(
            f"{path}:1: the first line names the columns: clicked_at, and code or partner and "
            f"merchant; besides {', '.join(COLUMNS[4:])}"
        )
    return header


def _line(number: int, header: Sequence[str], text: str) -> Line:
    """One line, an empty one without fields."""
    try:
        row = _row(text)
    except csv.Error as error:
        return Line(number, {}, str(error))
    if row and len(row) != len(header):
        return Line(number, {}, f"{len(row)} fields where the header has {len(header)}")
    fields = dict(zip(header, row, strict=False))
    return Line(number, {name: fields[name].strip() for name in COLUMNS if name in fields})


def _row(text: str) -> list[str]:
    """Line by line, because no value has a line break: a quote left open ends with its line."""
    return next(csv.reader([text], strict=True), [])


def _clicked(fields: Mapping[str, str], known: Known) -> tuple[LinkCode, Target, Subs]:
    code = fields.get("code", "")
    if code in known.links:
        link = known.links[LinkCode(code)]
        return link.code, link.target, link.subs
    target = rules.parse_plain(code or rules.plain_code(_named(fields)))
    if target is None:
        raise ClickFileError(f"there is no link {code[:40]!a}, or its SKU is too long")
    return rules.plain_code(target), target, rules.NO_SUBS


def _named(fields: Mapping[str, str]) -> Target:
    partner, merchant = _text(fields, "partner"), _text(fields, "merchant")
    if not partner or not merchant:
        raise ClickFileError("it says neither a code nor partner and merchant")
    return Target(PartnerId(partner), MerchantId(merchant), Sku(_text(fields, "sku")))


def _time(written: str, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ClickFileError(
            f"clicked_at {written[:40]!a} is no time with an offset, such as "
            "2026-11-22T10:01:00+08:00"
        )
    if moment > now:
        raise ClickFileError(f"clicked_at {written} has not come yet")
    if moment.year < 2000:
        raise ClickFileError(f"clicked_at {written} is before the year 2000")
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


def _subs(fields: Mapping[str, str], otherwise: Subs) -> Subs:
    names = (f"sub{number}" for number in range(1, rules.SUBS + 1))
    one, two, three, four, five = (
        _text(fields, name) or default for name, default in zip(names, otherwise, strict=True)
    )
    return one, two, three, four, five


def _text(fields: Mapping[str, str], name: str) -> str:
    text = fields.get(name, "")
    most = MAX_CLICK_ID_CHARS if name == "click_id" else rules.MAX_SUB_CHARS
    if len(text) > most or not text.isprintable():
        raise ClickFileError(f"{name} is text of at most {most} characters")
    return text


def _id(words: Sequence[str]) -> str:
    return hashlib.blake2b("\x1f".join(words).encode(), digest_size=16).hexdigest()
