"""The model as the serving process holds it: loaded, bound to a catalog, ready to score.

What a forest is and how it is walked is `forest`; reading and checking files is `artifact`.

The one surprising fact: a bound model keeps scratch arrays, so one worker's loop may use it and no
two threads at once.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.ctr.calibration import Calibration
from models.ctr.encoder import BoundEncoder, EncodedRequest
from models.ctr.forest.columns import aligned
from models.ctr.forest.compiled import Forest
from models.ctr.forest.kernels import (
    Asked,
    BoundArrays,
    Plain,
    Scratch,
    bins_of,
    probabilities,
    raw_scores,
    restrict_all,
)

CELL_MASK_BYTES = 1 << 29
"""Masks of this many bytes are kept for pairs with history; those of rarer pairs are made anew."""


class BoundModel(Protocol):
    """Probabilities for ads of one request."""

    @property
    def version(self) -> str:
        """Which model; goes into the log beside every ad."""
        ...

    def score(
        self, ads: NDArray[np.int32], encoded: EncodedRequest, out: NDArray[np.float64]
    ) -> None:
        """Writes the calibrated probability of each of `ads` (rows of the catalog) into `out`."""
        ...


class Scorer(Protocol):
    """What can be bound to a catalog: a `CtrModel`, or the priors of `prior`."""

    @property
    def version(self) -> str:
        """Which model."""
        ...

    def bind(self, encoder: BoundEncoder) -> BoundModel:
        """The model for this catalog: everything that does not depend on the request, done."""
        ...


class SchemaMismatchError(ValueError):
    """A model was bound to an encoder whose rows mean something else."""


@dataclass(frozen=True, slots=True)
class CtrModel:
    """A loaded model: the forest, its calibration, and the hash of the schema it reads."""

    version: str
    schema_hash: str
    forest: Forest
    calibration: Calibration

    def bind(self, encoder: BoundEncoder, cell_mask_bytes: int = CELL_MASK_BYTES) -> "BoundForest":
        """Evaluates the ad half and the pair defaults for a whole catalog. Off the request path.

        Raises:
            SchemaMismatchError: the encoder's rows are of another schema.
        """
        if encoder.schema.hash != self.schema_hash:
            raise SchemaMismatchError(
                f"model {self.version} reads schema {self.schema_hash}, "
                f"the encoder writes {encoder.schema.hash}"
            )
        return BoundForest(self, encoder, cell_mask_bytes)

    def probabilities(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The calibrated probability of whole encoded rows, float64[rows, slots]."""
        return self.calibration.apply(self.forest.sigmoid * self.forest.raw(rows))


class BoundForest:
    """A forest bound to a catalog: `BoundModel` by masks."""

    def __init__(self, model: CtrModel, encoder: BoundEncoder, cell_mask_bytes: int) -> None:
        self.version = model.version
        self._cell_of = encoder.counts.cell_of
        lookups = tuple(map(tuple, model.forest.lookups))
        scratch = Scratch(
            request_mask=aligned(1, model.forest.words)[0],
            mask=aligned(1, model.forest.words)[0],
            pair=np.zeros(encoder.pair_slots),
            seen_at=np.full(len(encoder.line_item_row), -1, np.int32),
        )
        bound = _bound_arrays(model.forest, encoder, cell_mask_bytes)
        self._plain: Plain = (lookups, tuple(bound), tuple(scratch))
        calibration = model.calibration
        self._curve = (
            calibration.slope * model.forest.sigmoid,
            calibration.intercept,
            calibration.knots / model.forest.sigmoid,
            calibration.levels,
        )

    def raw(
        self, ads: NDArray[np.int32], encoded: EncodedRequest, out: NDArray[np.float64]
    ) -> None:
        """Writes the raw score of each ad: what LightGBM's predict(raw_score=True) gives."""
        raw_scores(self._plain, self._asked(encoded), ads, out)

    def score(
        self, ads: NDArray[np.int32], encoded: EncodedRequest, out: NDArray[np.float64]
    ) -> None:
        """Writes the calibrated probability of each ad."""
        probabilities(self._plain, self._curve, self._asked(encoded), ads, out)

    def _asked(self, encoded: EncodedRequest) -> Asked:
        cells = self._cell_of[encoded.placement]
        return encoded.row, cells, encoded.seen_line_items, encoded.seen


def _bound_arrays(forest: Forest, encoder: BoundEncoder, cell_mask_bytes: int) -> BoundArrays:
    """Masks of every ad at its pair defaults, then of as many cells as there is room for."""
    ads, cells = len(encoder.ad_rows), len(encoder.cell_rows)
    kept = min(cells, cell_mask_bytes // (forest.words * 8))
    masks = aligned(ads + kept, forest.words)
    masks[:] = np.uint64(2**64 - 1)
    pairs = encoder.unseen_pair_rows(kept)
    which = np.arange(ads, dtype=np.int32)
    restrict_all(forest.ad, encoder.ad_rows, which, masks[:ads])
    restrict_all(forest.ad, encoder.ad_rows, encoder.counts.cell_ad[:kept], masks[ads:])
    restrict_all(forest.pair, pairs, np.arange(ads + kept, dtype=np.int32), masks)
    bins = np.empty((ads, len(forest.ad.columns)), np.int32)
    bins_of(forest.ad, encoder.ad_rows, bins)
    return BoundArrays(
        masks=masks,
        ad_bins=bins,
        default_rows=encoder.default_rows,
        cell_rows=encoder.cell_rows,
        line_item_of=encoder.line_item_of,
        leaves=forest.leaves,
    )
