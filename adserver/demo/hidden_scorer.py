"""The hidden click model in the place of ours: a scorer that knows the truth.

Never here: a forest, a feature. The one surprising fact: a scorer is told ads and an encoded
request, but the truth is about people; so whoever decides says first whom it is for.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from loadtest.click_model import HiddenClickModel
from models.ctr.encoder import BoundEncoder, EncodedRequest


@dataclass(slots=True)
class Audience:
    """Who is looking: their row in the population, the placement's row, and the hour there."""

    user: int = 0
    placement: int = 0
    hour: int = 12


@dataclass(frozen=True, slots=True)
class HiddenScorer:
    """A `models.ctr.serving.Scorer` that answers true click probabilities for `audience`."""

    truth: HiddenClickModel
    audience: Audience = field(default_factory=Audience)
    version: str = "hidden"

    def bind(self, encoder: BoundEncoder) -> "BoundTruth":
        """For a catalog whose creatives all are the hidden model's."""
        rows = [self.truth.creative_row[ad.creative_id] for ad in encoder.ads]
        return BoundTruth(self, encoder, np.array(rows, np.int64))


@dataclass(frozen=True, slots=True)
class BoundTruth:
    """The truth about the ads of one catalog; `creative` is each ad's row in the hidden model."""

    scorer: HiddenScorer
    encoder: BoundEncoder
    creative: NDArray[np.int64]

    @property
    def version(self) -> str:
        """For the log."""
        return self.scorer.version

    def score(
        self, ads: NDArray[np.int32], encoded: EncodedRequest, out: NDArray[np.float64]
    ) -> None:
        """Writes the probability of a click on each ad by the present audience."""
        audience = self.scorer.audience
        times_seen = np.zeros(len(self.encoder.line_item_row))
        times_seen[encoded.seen_line_items] = encoded.seen[:, 0]
        out[:] = self.scorer.truth.probabilities(
            audience.user,
            self.creative[ads],
            audience.placement,
            audience.hour,
            times_seen[self.encoder.line_item_of[ads]],
        )


@dataclass(frozen=True, slots=True)
class ConstantScorer:
    """The same probability for every ad: the truth about purchases after a click."""

    probability: float
    version: str = "constant"

    def bind(self, encoder: BoundEncoder) -> "ConstantScorer":
        """The same for every catalog."""
        del encoder
        return self

    def score(
        self, ads: NDArray[np.int32], encoded: EncodedRequest, out: NDArray[np.float64]
    ) -> None:
        """Writes the constant."""
        del ads, encoded
        out[:] = self.probability
