"""What the log learns from an ad request: the decision, and each ad with what the model saw of it.

Never here: waiting. A test request is recorded as a decision, marked as a test; its ads are not, so
that nothing can learn from them. The one surprising fact: a decision's id is drawn, not derived,
because every retry of a request is a decision of its own.
"""

from datetime import datetime
from itertools import count
from os import urandom
from typing import NamedTuple
from uuid import UUID

from adserver import metrics
from adserver.ports import Recorder
from models.domain.ad_request import AdRequest
from models.domain.event import AdServed, Decided, Offer
from models.domain.money import NO_MONEY
from models.domain.user import UserState
from ranking.decision import Decision, Winner
from ranking.snapshot import Snapshot


class Outcome(NamedTuple):
    """What an ad request came to. `offers` run parallel to the decision's winners."""

    request: AdRequest
    user: UserState
    now: datetime
    decision: Decision
    offers: list[Offer]
    seconds: float
    arm: str = ""


def record(recorder: Recorder, snapshot: Snapshot, outcome: Outcome) -> None:
    """Hands the outcome to the recorder and counts it."""
    request, decision = outcome.request, outcome.decision
    served: list[AdServed] = []
    if not request.test:
        pairs = zip(decision.winners, outcome.offers, strict=True)
        served = [_served(winner, offer, outcome, snapshot) for winner, offer in pairs]
    recorder.record(_decided(outcome, snapshot), served)
    metrics.STAGES.observe("request", outcome.seconds)
    metrics.REJECTED.add_all(decision.rejected)


def _served(winner: Winner, offer: Offer, outcome: Outcome, snapshot: Snapshot) -> AdServed:
    return AdServed(
        offer=offer,
        request=outcome.request,
        position=winner.position,
        bid_micros=winner.bid_micros,
        ecpm_micros=winner.ecpm_micros,
        pctr=winner.pctr,
        pcvr=winner.pcvr,
        propensity=winner.propensity,
        features=winner.features,
        schema_hash=snapshot.features.schema.hash,
        snapshot_version=snapshot.version,
        model_version=snapshot.ctr.version,
        profile=outcome.user.profile,
    )


def _decided(outcome: Outcome, snapshot: Snapshot) -> Decided:
    decision, user = outcome.decision, outcome.user
    return Decided(
        event_id=_drawn_id(),
        request=outcome.request,
        profile=user.profile,
        occurred_ms=int(outcome.now.timestamp() * 1000),
        ads=len(outcome.offers),
        no_ad_reason=decision.no_ad or "",
        funnel=decision.funnel,
        rejected=decision.rejected,
        latency_us=int(outcome.seconds * 1e6),
        snapshot_version=snapshot.version,
        model_version=snapshot.ctr.version,
        experiment_arms=outcome.arm,
        user_known=user.known,
        profile_loaded=user.loaded,
        top_ecpm_micros=decision.winners[0].ecpm_micros if decision.winners else NO_MONEY,
    )


_ids = count(int.from_bytes(urandom(16)) >> 1)


def _drawn_id() -> UUID:
    """An id nobody else has: 127 bits drawn when the process started, and counted up from there.

    Drawing each one cost 30 us under load: a system call gives the interpreter to another thread.
    """
    return UUID(int=next(_ids))
