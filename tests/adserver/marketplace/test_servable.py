"""What the rules let in must be servable: one odd entity may not stop the whole marketplace."""

from datetime import UTC, datetime

import numpy as np
from hypothesis import given, settings

from models.domain.ad_request import AdRequest
from models.domain.history import History
from models.domain.marketplace import Marketplace
from models.domain.user import UserState
from ranking.decision import decide
from ranking.exploration import NO_EXPLORATION
from ranking.snapshot import build_snapshot
from tests.adserver.marketplace.markets import marketplaces

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@settings(max_examples=150, deadline=None)
@given(marketplaces())
def test_any_sound_marketplace_becomes_a_snapshot_that_answers(marketplace: Marketplace) -> None:
    snapshot = build_snapshot("v", marketplace, History(), None, NO_EXPLORATION, NOW)
    assert len(snapshot.catalog.placements) == len(marketplace.placements)
    for placement in snapshot.catalog.placements.values():
        app = snapshot.catalog.apps[placement.app_id]
        request = AdRequest("r", app, placement, count=placement.max_ads)
        decision = decide(request, UserState(), snapshot, NOW, np.random.default_rng(0))
        assert decision.winners or decision.no_ad
