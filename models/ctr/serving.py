"""The model as the serving process holds it: loaded, bound to a catalog, ready to score.

What a forest is and how it is walked is `forest`; reading and checking files is `artifact`.

The one surprising fact: a bound model keeps scratch arrays, so one worker's loop may use it and no
two threads at once.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.ctr.encoder import BoundEncoder, EncodedRequest


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
