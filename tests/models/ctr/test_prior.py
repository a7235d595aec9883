import numpy as np
import pytest
from hypothesis import given, strategies as st

from models.ctr import prior
from models.ctr.encoder import bind
from models.ctr.reading import AdAttributes
from models.domain.history import History
from models.domain.placement import Placement
from models.domain.user import UserState
from tests import builders
from tests.builders import NOW
from tests.models.ctr.shown import PLACEMENTS, catalogs, histories, total

placements = st.sampled_from([*PLACEMENTS, builders.placement(placement_id="new")])


def rates(
    scorer: prior.Prior, ads: list[AdAttributes], history: History, placement: Placement
) -> list[float]:
    encoder = bind(ads, PLACEMENTS, history)
    encoded = encoder.encode(builders.ad_request(placement=placement), UserState(), NOW)
    out = np.empty(len(ads))
    scorer.bind(encoder).score(np.arange(len(ads), dtype=np.int32), encoded, out)
    return out.tolist()


def groups(ad: AdAttributes, placement: Placement) -> list[dict[str, str]]:
    """From everything to the creative in its placement, as far as there can be history."""
    here = {"placement_id": placement.placement_id} if placement in PLACEMENTS else None
    wide = [{}, {"format": ad.format}, {"line_item_id": ad.line_item_id}]
    if here is None or ad.format != placement.format:
        return wide
    return [*wide, wide[2] | here, {"creative_id": ad.creative_id} | here]


@given(catalogs, histories, placements)
def test_the_click_prior_backs_off_from_creative_here_to_everything(
    ads: list[AdAttributes], history: History, placement: Placement
) -> None:
    for ad, rate in zip(ads, rates(prior.CLICKS, ads, history, placement), strict=True):
        expected = prior.DEFAULT_CTR
        for group in groups(ad, placement):
            shown, clicks, _ = total(history, ads, **group)
            expected = (clicks + 100 * expected) / (shown + 100)
        assert rate == pytest.approx(expected)


@given(catalogs, histories, placements)
def test_the_conversion_prior_is_conversions_of_a_click(
    ads: list[AdAttributes], history: History, placement: Placement
) -> None:
    for ad, rate in zip(ads, rates(prior.CONVERSIONS, ads, history, placement), strict=True):
        expected = prior.DEFAULT_CVR
        for group in groups(ad, placement):
            _, clicks, conversions = total(history, ads, **group)
            expected = (conversions + 20 * expected) / (clicks + 20)
        assert rate == pytest.approx(expected)
