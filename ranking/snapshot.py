"""All that a decision needs besides the request and its user, as one value that is swapped whole.

Built in a thread, off the request path; never changed but for the spend board and the scratch
arrays of the models. The one surprising fact: a snapshot with no model is complete. Then the click
probability is the prior, and says so in its version.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from models.ctr import prior
from models.ctr.encoder import BoundEncoder, bind
from models.ctr.features import SERVING_SCHEMA, FeatureSchema
from models.ctr.reading import AdAttributes
from models.ctr.serving import BoundModel, Scorer
from models.domain.history import History
from models.domain.marketplace import Marketplace
from ranking.catalog import Catalog
from ranking.exploration import Chances, ExplorationPolicy
from ranking.pacing import SpendBoard


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of everything. `ctr`: clicks of an impression; `pcvr`: conversions of a click."""

    version: str
    catalog: Catalog
    features: BoundEncoder
    ctr: BoundModel
    pcvr: BoundModel
    spend: SpendBoard
    chances: Chances


def build_snapshot(
    version: str,
    marketplace: Marketplace,
    history: History,
    model: Scorer | None,
    policy: ExplorationPolicy,
    now: datetime,
) -> Snapshot:
    """A snapshot with an empty spend board; without a model, clicks are told by the prior.

    Off the request path: 0.6 s for 10,000 line items and a forest of 200 trees.
    """
    catalog = Catalog.build(marketplace, now)
    scorers = (model or prior.CLICKS, prior.CONVERSIONS)
    return assemble(version, catalog, history, scorers, policy)


def assemble(
    version: str,
    catalog: Catalog,
    history: History,
    scorers: tuple[Scorer, Scorer],
    policy: ExplorationPolicy,
    schema: FeatureSchema = SERVING_SCHEMA,
) -> Snapshot:
    """A snapshot from its parts, its spend board empty; `scorers`: of clicks and of conversions."""
    attributes = [AdAttributes.of(ad.advertiser, ad.line_item, ad.creative) for ad in catalog.ads]
    features = bind(attributes, tuple(catalog.placements.values()), history, schema)
    clicks, conversions = scorers
    weight = policy.weights(impressions_of(catalog, history))
    return Snapshot(
        version=version,
        catalog=catalog,
        features=features,
        ctr=clicks.bind(features),
        pcvr=conversions.bind(features),
        spend=SpendBoard.for_catalog(catalog),
        chances=Chances(policy, catalog.ad_advertiser, weight),
    )


def impressions_of(catalog: Catalog, history: History) -> NDArray[np.int64]:
    """How often each ad of the catalog was seen, over all placements."""
    shown: dict[str, int] = {}
    for cell in history.cells:
        shown[cell.creative_id] = shown.get(cell.creative_id, 0) + cell.impressions
    return np.array([shown.get(ad.creative.creative_id, 0) for ad in catalog.ads], np.int64)
