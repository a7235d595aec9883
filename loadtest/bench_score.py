"""The forest under a stop-watch beside LightGBM: 500 ads of one request, 200 trees x 63 leaves.

A micro-benchmark, so it knows our code. Both score the same rows of the serving schema, one thread,
in turns of 20 requests; LightGBM gets its rows ready-made. The one surprising fact: every round is
another request and other ads, since masks that are still in the cache would flatter us.
"""

import statistics
from collections.abc import Sequence
from time import perf_counter
from typing import Any, NamedTuple

import lightgbm
import numpy as np
from numpy.typing import NDArray

from loadtest.bench_decide import NOW, history, market, requests, trained
from models.ctr.encoder import BoundEncoder, EncodedRequest, bind
from models.ctr.encoding import Floats
from models.ctr.forest.compiled import Member
from models.ctr.reading import AdAttributes
from models.ctr.serving import BoundForest
from models.domain.ad_request import AdRequest
from models.domain.marketplace import Marketplace
from models.domain.user import UserState

ADS, FEW_ADS = 500, 300
LINE_ITEMS = 10_000
TURNS, CASES = 12, 20


class Case(NamedTuple):
    """One request with its ads: as our forest takes it, and as LightGBM does."""

    ads: NDArray[np.int32]
    encoded: EncodedRequest
    columns: Floats


def measure() -> dict[str, Any]:
    """`score_ratio_500` and `score_max_abs_diff`, and what 300 ads take with their request."""
    marketplace = market(LINE_ITEMS)
    encoder = _encoder(marketplace)
    asked = requests(marketplace)
    artifact = trained(encoder, asked)
    (member,) = artifact.members
    booster = lightgbm.Booster(model_str=member.text)
    bound = artifact.model().bind(encoder)
    rng = np.random.default_rng(6)
    ours: list[float] = []
    theirs: list[float] = []
    difference = 0.0
    for turn in range(TURNS):
        some = [asked[(turn * CASES + n) % len(asked)] for n in range(CASES)]
        cases = [_case(member, encoder, one, rng) for one in some]
        scores = np.empty((CASES, ADS))
        for case, out in zip(cases, scores, strict=True):
            began = perf_counter()
            bound.raw(case.ads, case.encoded, out)
            ours.append((perf_counter() - began) * 1e6)
        for case, out in zip(cases, scores, strict=True):
            began = perf_counter()
            raw = booster.predict(case.columns, raw_score=True, num_threads=1)
            theirs.append((perf_counter() - began) * 1e6)
            difference = max(difference, float(np.abs(raw - out).max()))
    mine, other = statistics.median(ours), statistics.median(theirs)
    return {
        "score_ratio_500": {
            "value": other / mine, "unit": "ratio", "numerator_us": other, "denominator_us": mine,
            "encode_and_score_300_us": _whole(bound, encoder, asked, rng),
        },
        "score_max_abs_diff": {"value": difference, "unit": "raw score"},
    }  # fmt: skip


def _whole(
    bound: BoundForest,
    encoder: BoundEncoder,
    asked: Sequence[tuple[AdRequest, UserState]],
    rng: np.random.Generator,
) -> float:
    """Median microseconds for one request to be encoded and 300 of its ads to be scored."""
    taken, out = [], np.empty(FEW_ADS)
    for request, user in asked:
        ads = np.sort(rng.choice(LINE_ITEMS, FEW_ADS, replace=False)).astype(np.int32)
        began = perf_counter()
        bound.score(ads, encoder.encode(request, user, NOW), out)
        taken.append((perf_counter() - began) * 1e6)
    return statistics.median(taken)


def _encoder(marketplace: Marketplace) -> BoundEncoder:
    advertisers = {one.advertiser_id: one for one in marketplace.advertisers}
    owners = {one.campaign_id: advertisers[one.advertiser_id] for one in marketplace.campaigns}
    line_items = {one.line_item_id: one for one in marketplace.line_items}
    ads = []
    for creative in marketplace.creatives:
        line_item = line_items[creative.line_item_id]
        ads.append(AdAttributes.of(owners[line_item.campaign_id], line_item, creative))
    return bind(ads, marketplace.placements, history(marketplace))


def _case(
    member: Member,
    encoder: BoundEncoder,
    asked: tuple[AdRequest, UserState],
    rng: np.random.Generator,
) -> Case:
    """The same rows twice: LightGBM reads categories through the member's vocabularies."""
    ads = np.sort(rng.choice(LINE_ITEMS, ADS, replace=False)).astype(np.int32)
    encoded = encoder.encode(*asked, NOW)
    columns = encoder.rows(ads, encoded)[:, list(member.slots)]
    for place, vocabulary in member.vocabularies.items():
        columns[:, place] = vocabulary.codes(columns[:, place])
    return Case(ads, encoded, np.ascontiguousarray(columns))
