"""A feed put into the database, in batches, and what was wrong remembered by line.

Never here: how feeds are written (`adserver.feeds`), or a progress bar. The one surprising fact: a
row that could not be read still says that its product is in the feed. So a typing mistake in a
price never makes a product look sold out.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import Engine

from adserver.feeds.reading import FeedFormat, Listed, listed
from adserver.feeds.record import Fault, FeedError
from adserver.feeds.source import opened
from adserver.marketplace.problem import Sentence
from adserver.stores import products
from adserver.stores.database import writing
from adserver.stores.products import Upserted
from affiliate.merchandise import Merchant
from models.domain.ids import Sku

ROWS_AT_ONCE = 2_000
BAD_ROWS_KEPT = 20

Told = Callable[[float, int], None]
"""Told the share of the file that has been read, and how many products are in."""


def _tell_nobody(_done: float, _taken: int) -> None:
    """For intakes that nobody watches."""


@dataclass(slots=True)
class FeedIntake:
    """One run for one merchant. `pruned` is None where nothing was to be pruned."""

    engine: Engine
    merchant: Merchant
    now: datetime
    done: Upserted = field(default_factory=Upserted)
    bad: int = 0
    first_bad: list[Fault] = field(default_factory=list)
    most_bad: int = BAD_ROWS_KEPT
    pruned: int | None = None
    broke_off: str = ""

    @property
    def taken(self) -> int:
        """How many products are in."""
        return self.done.added + self.done.changed + self.done.same

    def run(
        self,
        file: Path,
        form: FeedFormat | None,
        encoding: str,
        *,
        prune: bool,
        told: Told = _tell_nobody,
    ) -> None:
        """Takes in a file. What breaks off keeps what came before, and prunes nothing.

        Raises:
            FeedError: not even the beginning could be read, or there is nothing to prune by.
        """
        with opened(file, encoding) as source:
            rows = listed(source, self.merchant, self.now, form)
            for batch in _batches(self._until_broken(rows)):
                self._take(batch)
                told(source.done, self.taken)
        if self.broke_off and not self.taken and not self.bad:
            raise FeedError(self.broke_off)
        if prune and not self.broke_off:
            self._prune()

    def _until_broken(self, rows: Iterable[Listed | Fault]) -> Iterator[Listed | Fault]:
        try:
            yield from rows
        except FeedError as error:
            self.broke_off = str(error)

    def _take(self, batch: list[Listed | Fault]) -> None:
        good = [row.product for row in batch if isinstance(row, Listed)]
        bad = [row for row in batch if isinstance(row, Fault)]
        named = [Sku(row.sku) for row in bad if row.sku]
        with writing(self.engine) as connection:
            self.done += products.upsert(connection, good, self.now)
            products.mark_seen(connection, self.merchant.merchant_id, named, self.now)
        self.bad += len(bad)
        self.first_bad += bad[: self.most_bad - len(self.first_bad)]

    def _prune(self) -> None:
        if not self.taken:
            raise FeedError(Sentence("no product was read, so nothing is taken out of stock"))
        with writing(self.engine) as connection:
            self.pruned = products.prune(connection, self.merchant.merchant_id, self.now)


def _batches(rows: Iterator[Listed | Fault]) -> Iterator[list[Listed | Fault]]:
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        yield batch
