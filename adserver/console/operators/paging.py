"""Long lists in pieces: which order a list has, and where its next piece begins.

Never here: what a list is of. The one surprising fact: the cursor is the whole place of the last
row in the order, and no row is looked up by it. So whoever archives, confirms or decides a row
while somebody pages through its list moves that row, and hides no other.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

import msgspec

from adserver.api.problems import BadRequestError
from adserver.console.web.exchange import Call, Listed

PAGE_ROWS = 50
Row = TypeVar("Row")
Place = tuple[int | str, ...]
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_WRITTEN = msgspec.json.Decoder(tuple[int | str | bool, ...])


@dataclass(frozen=True, slots=True)
class Order(Generic[Row]):
    """How a list is sorted: by the place of a row, which no two rows share; or the other way."""

    place: Callable[[Row], Place]
    falling: bool = False

    def sorted(self, rows: Iterable[Row]) -> list[Row]:
        """The rows in this order."""
        return sorted(rows, key=self.place, reverse=self.falling)

    def piece(self, rows: Iterable[Row], after: str, limit: int) -> tuple[Sequence[Row], str]:
        """At most `limit` rows behind a cursor ("": from the first), and the cursor of the next.

        Raises:
            BadRequestError: no cursor of ours.
        """
        rest = self._behind(self.sorted(rows), after) if after else self.sorted(rows)
        some = rest[:limit]
        more = msgspec.json.encode(self.place(some[-1])).decode() if len(rest) > limit else ""
        return some, more

    def _behind(self, rows: Sequence[Row], after: str) -> Sequence[Row]:
        try:
            place = _WRITTEN.decode(after)
            places = [self.place(row) for row in rows]
            held = [one < place if self.falling else one > place for one in places]
        except (msgspec.DecodeError, TypeError, UnicodeError):
            raise BadRequestError("this is no cursor of ours", "/cursor") from None
        return [row for row, behind in zip(rows, held, strict=True) if behind]


def moment(at: datetime) -> int:
    """An instant as a part of a place: microseconds since 1970."""
    return (at - _BEGINNING) // timedelta(microseconds=1)


def paged(call: Call, rows: Iterable[Row], order: Order[Row], out: Callable[[Row], Any]) -> Listed:
    """The piece of a REST list that was asked for."""
    some, more = order.piece(rows, call.cursor, call.limit)
    return Listed([out(row) for row in some], more)


def part_of(
    call: Call, path: str, rows: Iterable[Row], order: Order[Row], keeping: Sequence[str] = ()
) -> tuple[Sequence[Row], str]:
    """A page's piece of a table, and the address of the next one ("": there is none).

    `keeping` are the names of the query that say which table it is; all others are left behind.

    Raises:
        BadRequestError: `after` in the query is no cursor of ours.
    """
    some, more = order.piece(rows, call.query.get("after", ""), PAGE_ROWS)
    asked = {name: call.query[name] for name in keeping if name in call.query}
    return some, f"{path}?{urlencode({**asked, 'after': more})}" if more else ""
