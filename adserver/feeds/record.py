"""What every format of feed comes down to: one record for each product, or a fault with its line.

Here are also the words by which formats call the same thing. Never here: what a value may be
(`product_row`). The one surprising fact: Google's words come first where a row has several, because
its `g:` fields are what a shop keeps correct.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

NAMES: dict[str, tuple[str, ...]] = {
    "sku": ("id", "sku", "product_id", "item_id"),
    "title": ("title", "name"),
    "url": ("link", "url", "product_url"),
    "price": ("price",),
    "sale_price": ("sale_price",),
    "sale_dates": ("sale_price_effective_date",),
    "currency": ("currency",),
    "category": ("category", "product_type", "google_product_category"),
    "image_url": ("image_link", "image_url", "image"),
    "availability": ("availability", "in_stock", "stock"),
    "rate": ("rate", "commission", "commission_rate"),
}
_MEANING = {word: (name, at) for name, words in NAMES.items() for at, word in enumerate(words)}


class FeedError(Exception):
    """A file that cannot be read, or not any further; the message says why and where."""


@dataclass(frozen=True, slots=True)
class Record:
    """A product as it was written: text by the names of `NAMES`, only what is there."""

    line: int
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row. `sku` where it could be read: the product is in the feed."""

    line: int
    words: str
    sku: str = ""


def meaning(word: str) -> str:
    """The name a column goes by here, "" when it means nothing: "g:image_link" is `image_url`."""
    return _place(word)[0]


def named(line: int, pairs: Iterable[tuple[str, str]]) -> Record:
    """A record from words and texts; of words that mean the same, the first in `NAMES` counts."""
    found: dict[str, tuple[int, str]] = {}
    for word, text in pairs:
        name, at = _place(word)
        text = " ".join(text.split())
        if name and text and (name not in found or at < found[name][0]):
            found[name] = (at, text)
    return Record(line, {name: text for name, (_, text) in found.items()})


def _place(word: str) -> tuple[str, int]:
    plain = word.strip().lower().removeprefix("g:").replace(" ", "_").replace("-", "_")
    return _MEANING.get(plain, ("", 0))
