"""Which hours' sums are behind the events, remembered on disk.

Never here: summing (`sums`). The one surprising fact: the shipper notes an hour here before it
forgets the rows in the outbox. So whatever is killed in between, either the rows are sent again or
the hour is known to be stale. What is on disk may name an hour too many, never one too few; without
a file all hours are doubtful, and so nothing is written before all have been looked at.
"""

import json
import logging
import os
import threading
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import NamedTuple

from adserver.eventlog.sums import PARTS_OF, Part

log = logging.getLogger(__name__)

# So many hours may be on disk although they are summed; a restart sums them once more.
LEFT_ON_DISK = 64


class Stale(NamedTuple):
    """One part of one hour (since 1970, UTC)."""

    hour: int
    part: Part


class StaleHours:
    """The stale hours of a data directory; any thread may ask."""

    def __init__(self, path: Path) -> None:
        """Reads the file. `is_unknown` when there is none or it cannot be read."""
        self._path = path
        self._turn = threading.Lock()
        self._times = count()
        self._stale: dict[Stale, int] = {}
        self._on_disk: set[Stale] = set()
        self.is_unknown = False
        try:
            read = [Stale(int(hour), Part(part)) for hour, part in json.loads(path.read_text())]
        except FileNotFoundError:
            self.is_unknown = True
        except (ValueError, TypeError, OSError) as trouble:
            log.warning("%s cannot be read (%s): all hours are summed again", path, trouble)
            self.is_unknown = True
        else:
            self._on_disk = {*read}
            self._stale = {one: next(self._times) for one in read}

    def note(self, table: str, hours: Iterable[int]) -> None:
        """Rows of a table have come for these hours. On disk when this returns. Raises OSError."""
        self.add(Stale(hour, part) for hour in hours for part in PARTS_OF.get(table, ()))

    def add(self, stale: Iterable[Stale]) -> None:
        """Notes parts of hours. On disk when this returns. Raises OSError."""
        with self._turn:
            for one in stale:
                self._stale[one] = next(self._times)
            if not self.is_unknown and not self._on_disk.issuperset(self._stale):
                self._write()

    def waiting(self) -> dict[Stale, int]:
        """What is stale, longest waiting first, each with a number that changes when rows come."""
        with self._turn:
            return dict(self._stale)

    def done(self, summed: Mapping[Stale, int]) -> None:
        """These were summed as they were when `waiting` answered. Raises OSError."""
        with self._turn:
            for one, time in summed.items():
                if self._stale.get(one) == time:
                    del self._stale[one]
            if not self.is_unknown and len(self._on_disk) > len(self._stale) + LEFT_ON_DISK:
                self._write()

    def all_are_known(self) -> None:
        """From now on the file tells all. Raises OSError."""
        with self._turn:
            self._write()
            self.is_unknown = False

    def _write(self) -> None:
        aside = self._path.with_name(self._path.name + ".new")
        with aside.open("w") as file:
            json.dump(list(self._stale), file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)  # the rename too must outlive a power cut
        finally:
            os.close(directory)
        self._on_disk = {*self._stale}
