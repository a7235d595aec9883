"""How rates and what stands in contracts are written: 12%, 5.00, 100000:12%, fund:30%, 15d.

Never here: which term has which notation (`partnering`). The one surprising fact: nothing is ever
rounded. A percentage has at most four decimals (a millionth part), an amount no more than its
currency, and what is finer is refused, so what is written is what is paid.
"""

import re
from datetime import timedelta

from adserver.marketplace.notation import (
    Notation,
    Raw,
    identifier,
    matching,
    no_amount,
    plain_text,
    text,
)
from adserver.marketplace.problem import NotationError, Sentence
from affiliate.partner import Rate, Subsidy, Tier
from models.domain.ids import PoolId
from models.domain.money import (
    LARGEST_MINOR,
    PPM,
    format_minor,
    micros_of,
    minor_digits,
    parse_amount,
)

MOST_SUBSIDY_PPM = 10 * PPM
LONGEST_WINDOW = timedelta(days=366)
LONGEST_LABEL = 128
_PPM_DIGITS = 4
_PERCENT = re.compile(r"([0-9]{1,7})(?:\.([0-9]+))?\s*%", re.ASCII)
_SPAN = re.compile(r"([0-9]{1,11})\s*(ms|s|m|h|d)", re.ASCII)
_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_CODE = re.compile(r"[^\s]{1,64}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_ACCOUNT = re.compile(r"[A-Za-z0-9]{4,64}")
_EMAIL = re.compile(r"(?=.{3,254}\Z)[^@\s]+@[^@\s]+\.[^@\s.]+")


def parse_percent(written: str) -> int:
    """Reads "12%" or "3.1 %" as ppm, exactly.

    Raises:
        NotationError: no percentage, or finer than a millionth.
    """
    found = _PERCENT.fullmatch(written.strip())
    if not found:
        wanted = "a percentage such as 12%% or 3.1%% expected, not %(value)s"
        raise NotationError(Sentence(wanted, value=repr(written[:80])))
    decimals = (found[2] or "").rstrip("0")
    if len(decimals) > _PPM_DIGITS:
        fine = "%(value)s is too fine: a percentage has at most four decimals"
        raise NotationError(Sentence(fine, value=written))
    return int(found[1] + decimals.ljust(_PPM_DIGITS, "0"))


def write_percent(ppm: int) -> str:
    """120000 as "12%", 31000 as "3.1%"."""
    whole, rest = divmod(ppm, 10**_PPM_DIGITS)
    decimals = f"{rest:0{_PPM_DIGITS}d}".rstrip("0")
    return f"{whole}.{decimals}%" if decimals else f"{whole}%"


def parse_minor(written: str, currency: str) -> int:
    """Reads "12.34" in units of the currency as minor units, exactly.

    Raises:
        NotationError: no amount, or finer than the currency's smallest coin.
    """
    try:
        micros = parse_amount(written.strip()[:40])
    except ValueError:
        raise NotationError(no_amount(written.strip())) from None
    minor, rest = divmod(micros, micros_of(1, currency))
    if rest:
        fine = "%(value)s is too fine: %(currency)s has %(digits)s decimals"
        digits = minor_digits(currency)
        raise NotationError(Sentence(fine, value=written, currency=currency, digits=digits))
    return minor


def write_minor(minor: int, currency: str) -> str:
    """1234 fen as "12.34"."""
    return format_minor(minor, currency).replace(",", "")


def parse_rate(written: str, currency: str) -> Rate:
    """Reads "12%" (of what was paid) or "5.00" (flat, for each piece).

    Raises:
        NotationError: neither, or too fine.
    """
    if written.strip().endswith("%"):
        return Rate(ppm=parse_percent(written))
    try:
        return Rate(flat_minor=parse_minor(written, currency))
    except NotationError as error:
        wanted = "a rate is 12%% or a flat amount a piece: %(why)s"
        raise NotationError(Sentence(wanted, why=str(error))) from None


def write_rate(value: Rate, currency: str) -> str:
    """As `parse_rate` reads it."""
    if value.ppm is not None:
        return write_percent(value.ppm)
    return write_minor(value.flat_minor or 0, currency)


def rate_fault(value: Rate) -> str | None:
    """What is wrong with a rate: above 100 %, or an amount that cannot be."""
    if value.ppm is not None:
        return None if 0 <= value.ppm <= PPM else Sentence("a rate is at most 100%%")
    return amount_fault(value.flat_minor or 0)


def amount_fault(minor: int) -> str | None:
    """What is wrong with an amount of minor units: negative or astronomical."""
    if minor < 0:
        return Sentence("must not be negative")
    return None if minor <= LARGEST_MINOR else Sentence("is more than can be counted")


def rate(currency: str) -> Notation:
    """Percent of what was paid, or flat for each piece."""
    return Notation(
        "RATE",
        lambda raw: parse_rate(plain_text(raw), currency),
        lambda value: write_rate(value, currency),
        rate_fault,
    )


def percent(most_ppm: int = PPM) -> Notation:
    """A share."""

    def check(value: int) -> str | None:
        if 0 <= value <= most_ppm:
            return None
        return Sentence("must be at most %(most)s", most=write_percent(most_ppm))

    return Notation("PERCENT", lambda raw: parse_percent(plain_text(raw)), write_percent, check)


def minor(currency: str) -> Notation:
    """An amount in units of the currency, kept in its smallest coin."""
    return Notation(
        "AMOUNT",
        lambda raw: parse_minor(plain_text(raw), currency),
        lambda value: write_minor(value, currency),
        amount_fault,
    )


def labelled_rate(currency: str, metavar: str, *, unlabelled: bool = False) -> Notation:
    """A rate for one merchant or category: "phone=12%"; without a label for all, where allowed."""

    def read(raw: Raw) -> tuple[str, Rate]:
        label, equals, written = plain_text(raw).rpartition("=")
        if not (label.strip() if equals else unlabelled):
            wanted = "%(form)s expected, such as phone=12%%, not %(value)s"
            raise NotationError(Sentence(wanted, form=metavar, value=repr(written[:80])))
        return label.strip(), parse_rate(written, currency)

    def write(value: tuple[str, Rate]) -> str:
        written = write_rate(value[1], currency)
        return f"{value[0]}={written}" if value[0] else written

    def check(value: tuple[str, Rate]) -> str | None:
        return text(LONGEST_LABEL).check(value[0]) or rate_fault(value[1])

    return Notation(metavar, read, write, check)


def tier(currency: str) -> Notation:
    """ "100000:12%": from that much revenue in a month on, this rate."""

    def read(raw: Raw) -> Tier:
        start, share = _halves(raw, Sentence("a tier such as 100000:12%%"))
        return Tier(parse_minor(start, currency), parse_percent(share))

    def write(value: Tier) -> str:
        return f"{write_minor(value.from_minor, currency)}:{write_percent(value.rate_ppm)}"

    def check(value: Tier) -> str | None:
        if not 0 <= value.rate_ppm <= PPM:
            return Sentence("a tier's rate is at most 100%%")
        return amount_fault(value.from_minor)

    return Notation("FROM:PERCENT", read, write, check)


def subsidy() -> Notation:
    """ "support:30%": a fund, and the further share that it pays."""

    def read(raw: Raw) -> Subsidy:
        pool, share = _halves(raw, Sentence("a fund and its share such as support:30%%"))
        return Subsidy(PoolId(pool), parse_percent(share))

    def check(value: Subsidy) -> str | None:
        if not 0 < value.share_ppm <= MOST_SUBSIDY_PPM:
            wanted = "a subsidy is more than 0%% and at most %(most)s"
            return Sentence(wanted, most=write_percent(MOST_SUBSIDY_PPM))
        return identifier().check(value.pool_id)

    def write(value: Subsidy) -> str:
        return f"{value.pool_id}:{write_percent(value.share_ppm)}"

    return Notation("FUND:PERCENT", read, write, check)


def span() -> Notation:
    """ "15d", "36h", "90m": how long."""

    def read(raw: Raw) -> timedelta:
        written = plain_text(raw)
        found = _SPAN.fullmatch(written.strip().lower())
        if not found:
            wanted = "a span such as 15d, 36h or 90m expected, not %(value)s"
            raise NotationError(Sentence(wanted, value=repr(written[:80])))
        try:
            return int(found[1]) * _UNITS[found[2]]
        except OverflowError:
            refused = Sentence("%(value)s is longer than anything", value=written)
            raise NotationError(refused) from None

    def check(value: timedelta) -> str | None:
        if not timedelta(0) < value <= LONGEST_WINDOW:
            wanted = "must be more than nothing and at most %(most)s"
            return Sentence(wanted, most=_write_span(LONGEST_WINDOW))
        return None

    return Notation("SPAN", read, _write_span, check)


def _write_span(value: timedelta) -> str:
    for unit, length in _UNITS.items():
        if value % length == timedelta(0):
            return f"{value // length}{unit}"
    return f"{value // _UNITS['ms']}ms"


def currency_code() -> Notation:
    """ISO 4217."""
    return matching(_CURRENCY, Sentence("three capital letters such as CNY"), "CURRENCY")


def email() -> Notation:
    """An address for mail, or none."""
    return _printable(_EMAIL, Sentence("a mail address such as a@b.example"), "EMAIL", empty=True)


def code() -> Notation:
    """A coupon's code."""
    meaning = Sentence("1 to 64 letters, digits or signs without blanks")
    return _printable(_CODE, meaning, "CODE")


def _printable(
    pattern: re.Pattern[str], meaning: str, metavar: str, *, empty: bool = False
) -> Notation:
    shape = matching(pattern, meaning, metavar, empty=empty)

    def check(value: str) -> str | None:
        return shape.check(value) or text(len(value)).check(value)

    return Notation(metavar, plain_text, str, check)


def bank_account() -> Notation:
    """A number of letters and digits; blanks and dashes in between are dropped. Shown masked."""
    shape = matching(_ACCOUNT, "4 to 64 letters and digits", "ACCOUNT", empty=True)

    def read(raw: Raw) -> str:
        return re.sub(r"[\s-]", "", plain_text(raw))

    def check(value: str) -> str | None:
        return Sentence("must be 4 to 64 letters and digits") if shape.check(value) else None

    return Notation("ACCOUNT", read, masked, check)


def masked(account: str) -> str:
    """All but the last four letters hidden; of short ones, all but the last two."""
    shown = 4 if len(account) > 8 else 2
    return f"****{account[-shown:]}" if account else ""


def _halves(raw: Raw, example: str) -> tuple[str, str]:
    written = plain_text(raw)
    first, colon, second = written.rpartition(":")
    if not colon or not first.strip():
        wanted = "%(example)s expected, not %(value)s"
        raise NotationError(Sentence(wanted, example=example, value=repr(written[:80])))
    return first.strip(), second
