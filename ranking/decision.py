"""Which ads answer a request: `decide`, one line a stage, each stage a file.

Nothing here awaits, logs, or knows a clock: what time it is and what chance says come in. The one
surprising fact: chance comes in once, as the lot, and the decision keeps it, so that it can be
taken again exactly.
"""

from datetime import datetime
from typing import NamedTuple

import numpy as np

from models.domain.ad_request import AdRequest
from models.domain.money import Micros, from_expected
from models.domain.user import UserState
from ranking import auction, chance, eligibility, exploration, frequency_cap, pacing, scoring
from ranking.auction import Cleared
from ranking.catalog import Ad
from ranking.shelf import Fates
from ranking.slate import STAGES, NoAdReason, Slate
from ranking.snapshot import Snapshot


class Winner(NamedTuple):
    """One ad of an answer, with all that is logged of it.

    `price_micros` is for one billable event, `bid_micros` the line item's bid in its own unit,
    `propensity` the probability of this ad at this place given those before it. `features` is the
    row the model saw. `utc_offset_s` is the advertiser's, now.
    """

    ad: Ad
    position: int
    price_micros: Micros
    reserved_micros: Micros
    bid_micros: Micros
    ecpm_micros: Micros
    pctr: float
    pcvr: float
    propensity: float
    features: bytes
    utc_offset_s: int


class Decision(NamedTuple):
    """The answer to one request: winners in order of position, or the reason that there is none.

    `funnel` is how many ads each stage left, in order; `rejected` how many left by reason. They add
    up: the ads of the catalog are the winners and the rejected. `fate` is each ad's reason code if
    the decision was traced, else empty.
    """

    winners: tuple[Winner, ...]
    no_ad: NoAdReason | None
    funnel: tuple[tuple[str, int], ...]
    rejected: tuple[tuple[str, int], ...]
    lot: np.uint64
    fate: Fates


def decide(
    request: AdRequest,
    user: UserState,
    snapshot: Snapshot,
    now: datetime,
    rng: np.random.Generator | np.uint64,
    *,
    traced: bool = False,
) -> Decision:
    """Chooses the ads of one request. Pure: equal arguments give equal decisions.

    `rng` may be the lot of an earlier decision, which is then taken again.
    """
    catalog, lot = snapshot.catalog, chance.lot(rng)
    rules, chances = catalog.rules, snapshot.chances
    slate = catalog.slate_for(request.placement, traced=traced)  # what could run here
    slate = eligibility.screen(slate, rules, request, user, now)  # what may run here and now
    slate = frequency_cap.screen(slate, catalog.caps, rules, user, now)  # what does not tire
    slate = pacing.screen(slate, snapshot.spend)  # what still has money this minute
    slate = scoring.score(slate, request, user, snapshot, now)  # pCTR, eCPM, the floor
    slate = exploration.lift(slate, chances, request, lot)  # a fair chance for the new
    cleared = auction.clear(slate, request, catalog)  # who is first, and at what price
    return _decided(slate, cleared, snapshot, now, lot)


def _decided(
    slate: Slate, cleared: list[Cleared], snapshot: Snapshot, now: datetime, lot: np.uint64
) -> Decision:
    return Decision(
        winners=tuple(
            _winner(slate, place, won, snapshot, now) for place, won in enumerate(cleared)
        ),
        no_ad=None if cleared else no_ad_reason(slate),
        funnel=tuple(slate.funnel),
        rejected=slate.rejected,
        lot=lot,
        fate=slate.fate,
    )


def _winner(slate: Slate, place: int, won: Cleared, snapshot: Snapshot, now: datetime) -> Winner:
    at, ad = won.at, won.ad
    features = b"" if slate.encoded is None else snapshot.features.row(ad.row, slate.encoded)
    return Winner(
        ad=ad,
        position=place,
        price_micros=won.price_micros,
        reserved_micros=won.reserved_micros,
        bid_micros=ad.line_item.bid_micros,
        ecpm_micros=from_expected(slate.ecpm[at]),
        pctr=float(slate.pctr[at]),
        pcvr=float(slate.pcvr[at]),
        propensity=float(slate.propensity[place]),
        features=features,
        utc_offset_s=snapshot.catalog.utc_offset_s(ad.row, now),
    )


def no_ad_reason(slate: Slate) -> NoAdReason:
    """Of the stage that left nothing, the reason that took most ads."""
    counts = dict(slate.rejected)
    for stage, left in slate.funnel:
        if not left:
            reasons = [reason for reason in STAGES.get(stage, ()) if reason in counts]
            return max(reasons, key=counts.__getitem__, default=NoAdReason.NOTHING_LIVE)
    return NoAdReason.NOTHING_LIVE
