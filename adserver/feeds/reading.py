"""A feed of any format, read as products and faults.

Never here: how a format is written. The one surprising fact: the format is told by how the file
begins, not by its name; names lie, above all behind .gz.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from adserver.feeds import csv_feed, json_feed, merchant_xml
from adserver.feeds.product_row import RowError, product_of
from adserver.feeds.record import Fault, Record
from adserver.feeds.source import Source
from affiliate.merchandise import Merchant, Product


class FeedFormat(StrEnum):
    """How a feed is written."""

    CSV = "csv"
    JSONL = "jsonl"
    XML = "xml"


READERS: dict[FeedFormat, Callable[[Source], Iterator[Record | Fault]]] = {
    FeedFormat.CSV: csv_feed.read,
    FeedFormat.JSONL: json_feed.read,
    FeedFormat.XML: merchant_xml.read,
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A product with the line it was found at."""

    line: int
    product: Product


def format_of(source: Source) -> FeedFormat:
    """What the file's first letter says: `<` is XML, `{` or `[` are JSON, all else is a table."""
    first = source.head.decode(source.encoding, "replace").lstrip("\ufeff \t\r\n")[:1]
    if first == "<":
        return FeedFormat.XML
    return FeedFormat.JSONL if first in ("{", "[") else FeedFormat.CSV


def listed(
    source: Source, merchant: Merchant, now: datetime, form: FeedFormat | None = None
) -> Iterator[Listed | Fault]:
    """Every product of the feed, and every row that is none, in the order of the file.

    Raises:
        FeedError: it cannot be read any further; what came before was given already.
    """
    for record in READERS[form or format_of(source)](source):
        if isinstance(record, Fault):
            yield record
            continue
        try:
            yield Listed(record.line, product_of(record, merchant, now))
        except RowError as error:
            yield Fault(record.line, str(error), record.values.get("sku", ""))
