"""Which ads fit a placement: format, size, and what its app and the placement itself block.

Worked out for every placement when a catalog is built; nothing here knows a request. The one
surprising fact: blocking a category of the first tier ("IAB7") blocks all below it ("IAB7-3").
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.domain.campaign import Advertiser, Creative
from models.domain.placement import App, Placement
from models.domain.rule_words import category_family
from ranking.slate import CODES, REASONS, STAYS, Bitmap, NoAdReason, Rows
from ranking.targeting import packed

Fates = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The ads that fit: a bitmap, how many, and for each other ad the code of the reason."""

    live: Bitmap
    fits: int
    fate: Fates
    tally: NDArray[np.int64]

    def without(self, off: NDArray[np.bool_]) -> "Shelf":
        """This shelf when the ads that are `off` may not be shown anywhere."""
        fate = self.fate.copy()
        _refuse(fate, off, NoAdReason.SWITCHED_OFF)
        return _shelf(fate)


@dataclass(frozen=True, slots=True)
class Shelves:
    """What placements choose from, as columns over ads; `ad_advertiser` indexes `advertisers`."""

    formats: NDArray[np.str_]
    sizes: NDArray[np.int64]
    ad_advertiser: Rows
    advertisers: Sequence[Advertiser]

    def of(self, app: App | None, placement: Placement) -> Shelf:
        """The shelf of one placement; empty if it or its app is not active."""
        fate = np.zeros(len(self.formats), np.uint8)
        if app is None or not (app.active and placement.active):
            fate[:] = CODES[NoAdReason.PLACEMENT_INACTIVE]
            return _shelf(fate)
        _refuse(fate, self.formats != placement.format.value, NoAdReason.FORMAT)
        _refuse(fate, ~self._fitting(placement), NoAdReason.SIZE)
        names = app.blocked_advertisers | placement.blocked_advertisers
        blocked = [advertiser.advertiser_id in names for advertiser in self.advertisers]
        self._refuse_advertisers(fate, blocked, NoAdReason.BLOCKED_ADVERTISER)
        words = {
            category.strip().lower()
            for category in app.blocked_categories | placement.blocked_categories
        }
        blocked = [_in_categories(advertiser, words) for advertiser in self.advertisers]
        self._refuse_advertisers(fate, blocked, NoAdReason.BLOCKED_CATEGORY)
        return _shelf(fate)

    def _fitting(self, placement: Placement) -> NDArray[np.bool_]:
        if not placement.sizes:
            return np.ones(len(self.formats), bool)
        wanted = {(0, 0), *placement.sizes}
        return np.array([(w, h) in wanted for w, h in self.sizes.tolist()], bool)

    def _refuse_advertisers(self, fate: Fates, blocked: list[bool], reason: NoAdReason) -> None:
        if any(blocked):
            _refuse(fate, np.array(blocked)[self.ad_advertiser], reason)


def shelves(creatives: Sequence[Creative], owners: Sequence[Advertiser]) -> Shelves:
    """The columns of these ads; `owners` names the advertiser of each creative."""
    by_id = {owner.advertiser_id: owner for owner in owners}
    place = {name: row for row, name in enumerate(by_id)}
    rows = [place[owner.advertiser_id] for owner in owners]
    return Shelves(
        formats=np.array([creative.format.value for creative in creatives], np.str_),
        sizes=np.array([(c.w, c.h) for c in creatives], np.int64).reshape(-1, 2),
        ad_advertiser=np.array(rows, np.int32),
        advertisers=tuple(by_id.values()),
    )


def _in_categories(advertiser: Advertiser, blocked: set[str]) -> bool:
    return any(not blocked.isdisjoint(category_family(own)) for own in advertiser.categories)


def _refuse(fate: Fates, refused: NDArray[np.bool_], reason: NoAdReason) -> None:
    fate[refused & (fate == STAYS)] = CODES[reason]


def _shelf(fate: Fates) -> Shelf:
    tally = np.bincount(fate, minlength=len(REASONS)).astype(np.int64)
    fits, tally[STAYS] = int(tally[STAYS]), 0
    return Shelf(packed(fate == STAYS), fits, fate, tally)
