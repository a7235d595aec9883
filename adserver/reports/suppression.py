"""Which figures of few people or few partners may be shown, so that none can be worked out.

Pure arithmetic. Never here: who is counted (`reports.portrait`, `reports.industry`). The one
surprising fact: what is too small is not left out but put together with the next smallest until the
sum is large enough, because whoever knows the total could subtract all that is shown from it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LEAST_USERS = 50
LEAST_PARTNERS = 5
LARGEST_SHARE = 0.8
ROUND_TO = 10


@dataclass(frozen=True, slots=True)
class Counts:
    """Users of one value: of the app, of all apps of its owner together, and of the network."""

    app: int = 0
    owner: int = 0
    network: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(self.app + other.app, self.owner + other.owner, self.network + other.network)

    def __sub__(self, other: "Counts") -> "Counts":
        """What is left without the other."""
        return Counts(self.app - other.app, self.owner - other.owner, self.network - other.network)

    @property
    def rest(self) -> int:
        """Users that the owner of the app does not have: what it could work out of the network."""
        return self.network - self.owner


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be shown: counts by value, and those put together (None: none had to be).

    `with_network` tells whether the network's may be shown beside them.
    """

    cells: Mapping[str, Counts]
    together: Counts | None = None
    with_network: bool = True


NOTHING_SHOWN = Shown({}, None, False)


def parts_of_a_whole(cells: Mapping[str, Counts]) -> Shown:
    """What may be shown where every user has exactly one value.

    With the network beside it where that holds; else of the app alone, else nothing.
    """
    for with_network in (True, False):
        shown = _put_together(cells, with_network=with_network)
        if shown is not None:
            return shown
    return NOTHING_SHOWN


def marks(cells: Mapping[str, Counts], total: Counts) -> Shown:
    """What may be shown where users have any number of values: those that enough have and lack."""
    for with_network in (True, False):
        found = {
            value: counts
            for value, counts in cells.items()
            if _enough(counts, with_network=with_network)
            and _enough(total - counts, with_network=with_network)
        }
        if found:
            return Shown(found, None, with_network)
    return NOTHING_SHOWN


def rounded(users: int) -> int:
    """A count as it is shown, so that one more user is not seen."""
    return (users + ROUND_TO // 2) // ROUND_TO * ROUND_TO


def may_be_told(by_partner: Iterable[int]) -> bool:
    """Whether a sum over partners may be told to one of them.

    At least `LEAST_PARTNERS` have a part in it, none more than `LARGEST_SHARE`, and without the
    largest, none of the others has more of what is left: it could subtract its own.
    """
    parts = sorted((part for part in by_partner if part > 0), reverse=True)
    if len(parts) < LEAST_PARTNERS:
        return False
    whole, first, second = sum(parts), parts[0], parts[1]
    return first <= LARGEST_SHARE * whole and second <= LARGEST_SHARE * (whole - first)


def largest_share(by_partner: Sequence[int]) -> float:
    """The part that the largest has of the whole; 0 of nothing."""
    whole = sum(by_partner)
    return max(by_partner, default=0) / whole if whole else 0.0


def _put_together(cells: Mapping[str, Counts], *, with_network: bool) -> Shown | None:
    """None where not even one value and the rest could be told apart."""
    shown = dict(cells)
    weak = [value for value, each in cells.items() if not _enough(each, with_network=with_network)]
    if not weak:
        return Shown(shown, None, with_network) if shown else None
    together = Counts()
    smallest_first = sorted(set(cells) - set(weak), key=lambda value: (_size(cells[value]), value))
    for joined, value in enumerate((*weak, *smallest_first)):
        enough = joined > 1 and _enough(together, with_network=with_network)
        if value not in weak and enough:
            break
        together += shown.pop(value)
    if not shown or not _enough(together, with_network=with_network):
        return None
    return Shown(shown, together, with_network)


def _enough(counts: Counts, *, with_network: bool) -> bool:
    if counts.app < LEAST_USERS:
        return False
    return not with_network or counts.rest >= LEAST_USERS


def _size(counts: Counts) -> int:
    return min(counts.app, counts.rest)
