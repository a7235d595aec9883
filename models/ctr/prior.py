"""Smoothed rates where no model is trained: clicks of impressions, conversions of clicks.

An ad in a placement leans on its line item there, that on the line item, that on its format, that
on everything. Sums are `counts`, the formula is `encoding.smoothed`.

The one surprising fact: it stays in use beside a trained model, which knows clicks only; pCVR comes
from here until there is a model of conversions.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from models.ctr import counts
from models.ctr.counts import Counts, Tally
from models.ctr.encoder import BoundEncoder, EncodedRequest
from models.ctr.encoding import Floats, smoothed
from models.ctr.smoothing import DEFAULT_CTR

DEFAULT_CVR = 0.02
"""The share of clicks that convert in a house that has seen no conversion yet."""


@dataclass(frozen=True, slots=True)
class Prior:
    """`event` of `base` (rows of a tally); a wider group weighs like `strength` of `base`."""

    version: str
    event: int
    base: int
    default: float
    strength: float

    def bind(self, encoder: BoundEncoder) -> "BoundPrior":
        """The rates of every ad, and of every ad in every placement with history."""
        shown = encoder.counts
        whole = self._rate(shown.total, np.array([self.default]))
        line_item = self._rate(shown.line_item, self._rate(shown.format, whole))
        there = self._rate(shown.cell_line_item, line_item[shown.cell_ad])
        creative_there = self._rate(shown.cell_creative, there)
        return BoundPrior(self.version, shown, line_item, np.append(creative_there, np.nan))

    def _rate(self, tally: Tally, wider: Floats) -> Floats:
        rate: Floats = smoothed(tally[self.event], tally[self.base], wider, self.strength)
        return rate


@dataclass(frozen=True, slots=True)
class BoundPrior:
    """A prior with the catalog's rates: `serving.BoundModel` by looking up."""

    version: str
    counts: Counts
    ad_rates: Floats
    cell_rates: Floats

    def score(
        self, ads: NDArray[np.int32], encoded: EncodedRequest, out: NDArray[np.float64]
    ) -> None:
        """Writes the smoothed rate of each ad in the request's placement."""
        cell_of = self.counts.cell_of[encoded.placement]
        _look_up(ads, cell_of, (self.cell_rates, self.ad_rates), out)


@njit(cache=True)
def _look_up(
    ads: NDArray[np.int32],
    cell_of: NDArray[np.int32],
    rates: tuple[Floats, Floats],
    out: NDArray[np.float64],
) -> None:
    cell_rates, ad_rates = rates
    for i in range(ads.shape[0]):
        cell = cell_of[ads[i]]
        out[i] = cell_rates[cell] if cell >= 0 else ad_rates[ads[i]]


CLICKS = Prior("prior", counts.CLICKS, counts.IMPRESSIONS, DEFAULT_CTR, strength=100.0)
"""pCTR without a model."""

CONVERSIONS = Prior("prior", counts.CONVERSIONS, counts.CLICKS, DEFAULT_CVR, strength=20.0)
"""pCVR: conversions of a click."""
