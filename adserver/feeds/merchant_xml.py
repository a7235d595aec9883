"""Feeds as Google Merchant XML: RSS 2.0 with `g:` fields, or Atom, read as a stream.

Never here: what a field means. The one surprising fact: a document with a DOCTYPE is refused at its
first line. No feed needs one, and entities that grow to gigabytes need nothing else.
"""

import re
from collections.abc import Iterator
from xml.parsers import expat

from adserver.feeds.record import Fault, FeedError, Record, named
from adserver.feeds.source import Source

GOOGLE = "http://base.google.com/ns/1.0"
ITEMS = frozenset({"item", "entry"})
DEEPEST = 50
MOST_FIELD_CHARS = 1 << 16
STRANGE = "\ufffd"
"""Stands for what XML cannot hold, so that it costs its own item and not the rest of the file."""
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_BETWEEN = " "  # expat writes "namespace name"


def read(source: Source) -> Iterator[Record | Fault]:
    """A record or a fault for each item.

    Raises:
        FeedError: it is not well-formed from some line on, has a DOCTYPE, or is no feed at all.
    """
    items = _Items()
    parser = _parser(items)
    for piece in source.pieces():
        _parse(parser, _NO_TEXT.sub(STRANGE, piece).encode(), last=False)
        yield from items.take()
    _parse(parser, b"", last=True)
    if not items.found:
        raise FeedError("it is XML, but has no <item> and no <entry>")


class _Items:
    """What the parser has come through: the item that is open, and those that are complete."""

    def __init__(self) -> None:
        self.found = 0
        self._complete: list[Record | Fault] = []
        self._depth = 0
        self._item_depth = 0  # 0: between items
        self._line = 0
        self._pairs: list[tuple[str, str]] = []
        self._text: list[str] = []
        self._length = 0

    def take(self) -> list[Record | Fault]:
        """The items that were completed since the last call."""
        complete, self._complete = self._complete, []
        return complete

    def begin(self, name: str, attributes: dict[str, str], line: int) -> None:
        """An element begins."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise FeedError(f"line {line}: elements stand deeper in each other than {DEEPEST}")
        if self._is_field():
            self._text, self._length = [], 0
        if not self._item_depth and _local(name) in ITEMS:
            self._item_depth, self._line, self._pairs = self._depth, line, []
        elif self._is_field() and _local(name) == "link" and _is_page(attributes):
            self._pairs.append(("link", attributes["href"]))

    def end(self, name: str) -> None:
        """An element ends. What stands deeper in an item than its fields counts for nothing."""
        if self._is_field():
            self._pairs.append((_word(name), "".join(self._text)))
        elif self._item_depth == self._depth:
            self._complete.append(_told(self._line, self._pairs))
            self.found += 1
            self._item_depth = 0
        self._depth -= 1

    def text(self, text: str) -> None:
        """Some text of the innermost element; more of it than any field may have is dropped."""
        if self._is_field() and self._length < MOST_FIELD_CHARS:
            self._text.append(text)
            self._length += len(text)

    def _is_field(self) -> bool:
        return bool(self._item_depth) and self._depth == self._item_depth + 1


def _told(line: int, pairs: list[tuple[str, str]]) -> Record | Fault:
    google_first = sorted(pairs, key=lambda pair: not pair[0].startswith("g:"))
    record = named(line, google_first)
    if any(STRANGE in text for text in record.values.values()):
        return Fault(line, "holds what is no text", record.values.get("sku", ""))
    return record


def _parser(items: _Items) -> expat.XMLParserType:
    parser = expat.ParserCreate("utf-8", _BETWEEN)
    parser.buffer_text = True

    def refuse(*_declared: object) -> None:
        raise FeedError(f"line {parser.CurrentLineNumber}: it has a DOCTYPE, which is refused")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = lambda name, attributes: items.begin(
        name, attributes, parser.CurrentLineNumber
    )
    parser.EndElementHandler = items.end
    parser.CharacterDataHandler = items.text
    return parser


def _parse(parser: expat.XMLParserType, content: bytes, *, last: bool) -> None:
    try:
        parser.Parse(content, last)
    except expat.ExpatError as error:
        raise FeedError(f"line {error.lineno}: not well-formed: {error}") from None


def _is_page(attributes: dict[str, str]) -> bool:
    """Whether an Atom link names the product's page and not its feed or picture."""
    return "href" in attributes and attributes.get("rel", "alternate") == "alternate"


def _local(name: str) -> str:
    return name.rpartition(_BETWEEN)[2]


def _word(name: str) -> str:
    """ "g:price" for Google's own, the plain name for all others."""
    space, _, local = name.rpartition(_BETWEEN)
    return f"g:{local}" if space == GOOGLE else local
