"""The history of a catalog as arrays: who was shown where, how often it was clicked.

Sums of the finest cells for every group that features and priors smooth over. Smoothing itself is
`encoding.smoothed`; no feature and no model is known here.

The one surprising fact: a cell exists for every ad whose line item was shown in a placement, even
where the ad itself was not, because its line item's count there is news about it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.domain.history import History
from models.domain.placement import Placement

Ints = NDArray[np.int32]
Tally = NDArray[np.float64]
"""float64[3, groups]: impressions, clicks, conversions."""

IMPRESSIONS, CLICKS, CONVERSIONS = range(3)


@dataclass(frozen=True, slots=True)
class Grouping:
    """What ads belong to: one group number an ad, for each way to group them."""

    creative_ids: Sequence[str]
    line_item: Ints
    campaign: Ints
    advertiser: Ints
    format: Ints
    formats: Sequence[str]


@dataclass(frozen=True, slots=True)
class Counts:
    """Tallies per ad (of the ad itself and of the groups it is in), per placement and per cell.

    `cell_of[placement, ad]` is the cell of an ad in a placement, -1 for none; its last row is all
    -1, so that placement -1 (unknown) has no cells. It takes 4 bytes x ads x placements. Cells are
    in order of falling impressions.
    """

    total: Tally
    placement: Tally
    creative: Tally
    line_item: Tally
    campaign: Tally
    advertiser: Tally
    format: Tally
    cell_of: Ints
    cell_ad: Ints
    cell_line_item: Tally
    cell_creative: Tally


def count(ads: Grouping, placements: Sequence[Placement], history: History) -> Counts:
    """Sums the history over the groups of a catalog.

    What was shown of creatives or in placements that are gone still counts in the wider groups that
    are left.
    """
    ad_row = {creative: row for row, creative in enumerate(ads.creative_ids)}
    place_row = {placement.placement_id: row for row, placement in enumerate(placements)}
    cells = history.cells
    counted = np.array([(c.impressions, c.clicks, c.conversions) for c in cells], np.float64)
    counted = counted.reshape(-1, 3).T
    ad = np.array([ad_row.get(c.creative_id, -1) for c in cells], np.int64)
    place = np.array([place_row.get(c.placement_id, -1) for c in cells], np.int64)
    cell_ad, cell_place, by_line_item, by_creative = _cells(ads, placements, (ad, place), counted)
    cell_of = np.full((len(placements) + 1, len(ads.creative_ids)), -1, np.int32)
    cell_of[cell_place, cell_ad] = np.arange(len(cell_ad))
    creative = _tally(ad, len(ads.creative_ids), counted)
    return Counts(
        total=counted.sum(axis=1, keepdims=True),
        placement=_tally(place, len(placements), counted),
        creative=creative,
        line_item=_spread(ads.line_item, creative),
        campaign=_spread(ads.campaign, creative),
        advertiser=_spread(ads.advertiser, creative),
        format=_spread(ads.format, creative),
        cell_of=cell_of,
        cell_ad=cell_ad.astype(np.int32),
        cell_line_item=by_line_item,
        cell_creative=by_creative,
    )


def _tally(groups: NDArray[np.int64], size: int, counted: Tally) -> Tally:
    """Sums the columns of `counted` by group; group -1 is left out."""
    inside = groups >= 0
    return np.stack(
        [np.bincount(groups[inside], row[inside], minlength=size) for row in counted]
    ).astype(np.float64)


def _spread(groups: Ints, creative: Tally) -> Tally:
    """For each ad, the tally of the group it is in."""
    group = groups.astype(np.int64)
    return _tally(group, int(group.max(initial=-1)) + 1, creative)[:, group]


def _cells(
    ads: Grouping,
    placements: Sequence[Placement],
    where: tuple[NDArray[np.int64], NDArray[np.int64]],
    counted: Tally,
) -> tuple[NDArray[np.int64], NDArray[np.int64], Tally, Tally]:
    """(ad, placement, tally of the line item there, tally of the ad there) of every cell."""
    known = (where[0] >= 0) & (where[1] >= 0)
    ad, place, counted = where[0][known], where[1][known], counted[:, known]
    stride = max(len(placements), 1)
    line_item = ads.line_item.astype(np.int64)
    shown, group = np.unique(line_item[ad] * stride + place, return_inverse=True)
    per_shown = _tally(group, len(shown), counted)
    cell_ad, source = _ads_of_line_items(line_item, shown // stride)
    cell_place = (shown % stride)[source]
    own, own_group = np.unique(ad * stride + place, return_inverse=True)
    per_own = np.concatenate([_tally(own_group, len(own), counted), np.zeros((3, 1))], axis=1)
    at = np.searchsorted(own, cell_ad * stride + cell_place)
    at = np.where(np.append(own, -1)[at] == cell_ad * stride + cell_place, at, len(own))
    fits = _formats(ads, placements)[cell_place] == ads.format[cell_ad]
    order = np.flatnonzero(fits)
    order = order[np.argsort(-per_shown[IMPRESSIONS, source[order]], kind="stable")]
    return (
        cell_ad[order],
        cell_place[order],
        per_shown[:, source[order]],
        per_own[:, at[order]],
    )


def _ads_of_line_items(
    line_item: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All ads of the wanted line items, and for each the index of what wanted it."""
    by_line_item = np.argsort(line_item, kind="stable")
    begins = np.searchsorted(line_item[by_line_item], wanted, "left")
    sizes = np.searchsorted(line_item[by_line_item], wanted, "right") - begins
    source = np.repeat(np.arange(len(wanted)), sizes)
    within = np.arange(len(source)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return by_line_item[np.repeat(begins, sizes) + within], source


def _formats(ads: Grouping, placements: Sequence[Placement]) -> Ints:
    number = {name: row for row, name in enumerate(ads.formats)}
    return np.array([number.get(placement.format, -1) for placement in placements], np.int32)
