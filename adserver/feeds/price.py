"""How shops write prices: "12.99 CNY", "1,299.00", "¥12.99", "1.299,00", exact or not at all.

Never here: which of two prices counts (`product_row`). The one surprising fact: nothing is guessed
that could be wrong by a thousand. "1,299" is 1299 because nobody writes three decimals, but "1.299"
is refused: it may be either.
"""

import re

from models.domain.money import LARGEST_MINOR, micros_of, minor_digits, parse_amount

SYMBOLS = {
    "¥": frozenset({"CNY", "JPY"}),
    "￥": frozenset({"CNY", "JPY"}),
    "元": frozenset({"CNY"}),
    "円": frozenset({"JPY"}),
    "RMB": frozenset({"CNY"}),
    "CN¥": frozenset({"CNY"}),
    "US$": frozenset({"USD"}),
    "HK$": frozenset({"HKD"}),
    "$": frozenset({"USD", "AUD", "CAD", "HKD", "NZD", "SGD", "TWD"}),
    "€": frozenset({"EUR"}),
    "£": frozenset({"GBP"}),
    "₩": frozenset({"KRW"}),
    "₽": frozenset({"RUB"}),
    "₹": frozenset({"INR"}),
}
MOST_DIGITS = 40
_PARTS = re.compile(r"([^\d.,'+-]*)([\d][\d.,' \u00a0\u202f]*)(\D*)", re.ASCII)
_BLANKS = str.maketrans("", "", "' \u00a0\u202f")
_GROUPED = {
    mark: re.compile(rf"[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+", re.ASCII) for mark in ",."
}


class PriceError(ValueError):
    """A text that is no price; the message says what it would have to be."""


def parse_price(text: str, currency: str) -> int:
    """The price in minor units of the currency, in which it must be if it names one.

    Raises:
        PriceError: no price, one of another currency, too fine, negative or astronomical.
    """
    found = _PARTS.fullmatch(text.strip())
    if not found:
        raise PriceError(f"{text[:40]!r} is not a price: write it as 12.99 {currency}")
    for mark in (found[1].strip(), found[3].strip()):
        if mark:
            _require_currency(mark.upper(), currency, text)
    return _minor(_plain(found[2].translate(_BLANKS), text), currency, text)


def _require_currency(mark: str, currency: str, text: str) -> None:
    meant = SYMBOLS.get(mark, {mark} if mark.isalpha() and len(mark) == 3 else frozenset())
    if not meant:
        raise PriceError(f"{text[:40]!r} is not a price: write it as 12.99 {currency}")
    if currency not in meant:
        raise PriceError(f"{text[:40]!r} is not in {currency}, in which the merchant counts")


def _plain(digits: str, text: str) -> str:
    """The number with a point before its decimals and without thousands separators."""
    marks = [mark for mark in ",." if mark in digits]
    if len(marks) == 2:
        decimal = max(marks, key=digits.rfind)
        whole, _, fraction = digits.rpartition(decimal)
        group = marks[0] if decimal == marks[1] else marks[1]
        if not _GROUPED[group].fullmatch(whole):
            raise PriceError(f"{text[:40]!r} is not a price: its separators do not agree")
        return f"{whole.replace(group, '')}.{fraction}"
    if not marks:
        return digits
    mark = marks[0]
    if digits.count(mark) > 1 or (mark == "," and _GROUPED[mark].fullmatch(digits)):
        if not _GROUPED[mark].fullmatch(digits):
            raise PriceError(f"{text[:40]!r} is not a price: its separators do not agree")
        return digits.replace(mark, "")
    return digits.replace(",", ".")


def _minor(number: str, currency: str, text: str) -> int:
    try:
        micros = parse_amount(number if len(number) <= MOST_DIGITS else "")
    except ValueError:
        raise PriceError(f"{text[:40]!r} is not a price: write it as 12.99 {currency}") from None
    minor, rest = divmod(micros, micros_of(1, currency))
    if rest:
        decimals = minor_digits(currency)
        raise PriceError(f"{text[:40]!r} is too fine: {currency} has {decimals} decimals")
    if minor > LARGEST_MINOR:
        raise PriceError(f"{text[:40]!r} is more than can be counted")
    return minor
