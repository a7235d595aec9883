"""Smoothed histories of a catalog: the history features of serving, from its counts.

The formula is `encoding.smoothed`; the sums are `counts`. No request is known here.

The one surprising fact: a pair without any history is not missing. Its rate is the ad's own, so
that the first impressions in a placement move it by little.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.ctr.counts import CLICKS, IMPRESSIONS, Counts, Tally
from models.ctr.encoding import Floats, smoothed

DEFAULT_CTR = 0.01
"""The click rate of a house that has shown nothing yet."""


@dataclass(frozen=True, slots=True)
class Histories:
    """Smoothed rates and log impressions: of placements, of ads, of pairs by default, of cells.

    A group that was not shown has the rate of the wider group, so a rate moves steadily as
    impressions come in. An ad in a placement starts from the ad's rate, a creative from its line
    item's, all else from the whole.
    """

    placement: Floats
    ad: Floats
    default: Floats
    cell: Floats

    @staticmethod
    def of(counts: Counts) -> "Histories":
        """In the order in which the schema lists the histories of each half."""
        whole = _rate(counts.total, DEFAULT_CTR)[0]
        line_item = _rate(counts.line_item, whole)
        creative = _rate(counts.creative, line_item)
        tallies = [counts.line_item, counts.creative, counts.advertiser, counts.campaign]
        priors = [whole, line_item, whole, whole]
        ad = [_pair(t, _rate(t, p)) for t, p in zip(tallies, priors, strict=True)]
        there = _rate(counts.cell_line_item, line_item[counts.cell_ad])
        creative_there = _rate(counts.cell_creative, creative[counts.cell_ad])
        known = _pair(counts.placement, _rate(counts.placement, whole))
        nothing = np.zeros_like(line_item)
        return Histories(
            placement=np.concatenate([known, [[whole, 0.0]]]),
            ad=np.concatenate(ad, axis=1),
            default=np.stack([line_item, nothing, creative, nothing], axis=1),
            cell=np.concatenate(
                [
                    _pair(counts.cell_line_item, there),
                    _pair(counts.cell_creative, creative_there),
                ],
                axis=1,
            ),
        )


def _rate(tally: Tally, prior: Any) -> Floats:
    rate: Floats = smoothed(tally[CLICKS], tally[IMPRESSIONS], prior)
    return rate


def _pair(tally: Tally, rate: Floats) -> Floats:
    return np.stack([rate, np.log1p(tally[IMPRESSIONS])], axis=1)
