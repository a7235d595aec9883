"""Snapshots for the tests of ranking, with models that answer what they are told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from models.ctr.encoder import BoundEncoder, EncodedRequest
from models.domain.history import History
from models.domain.marketplace import Marketplace
from ranking.catalog import Catalog
from ranking.exploration import NO_EXPLORATION, ExplorationPolicy
from ranking.snapshot import Snapshot, assemble
from tests.builders import NOW


@dataclass
class Told:
    """A model that answers a probability for each creative id, else the default."""

    default: float = 0.01
    creatives: Mapping[str, float] = field(default_factory=dict)
    version: str = "told"
    answers: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def bind(self, encoder: BoundEncoder) -> "Told":
        known = [self.creatives.get(ad.creative_id, self.default) for ad in encoder.ads]
        return Told(self.default, self.creatives, self.version, np.array(known))

    def score(
        self, ads: NDArray[np.int32], encoded: EncodedRequest, out: NDArray[np.float64]
    ) -> None:
        assert encoded.row.ndim == 1
        out[:] = self.answers[ads]


def snapshot_of(
    marketplace: Marketplace,
    *,
    pctr: Told | None = None,
    pcvr: Told | None = None,
    policy: ExplorationPolicy = NO_EXPLORATION,
    history: History | None = None,
    now: datetime = NOW,
) -> Snapshot:
    catalog = Catalog.build(marketplace, now)
    return assemble(
        "test",
        catalog,
        history or History(),
        (pctr or Told(0.01), pcvr or Told(0.05)),
        policy,
    )
