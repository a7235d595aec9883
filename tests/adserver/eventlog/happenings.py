"""Events to put into logs: many of a kind, with ids of their own."""

from typing import Any
from uuid import UUID

from models.domain.ad_request import AdRequest
from models.domain.event import (
    AdServed,
    Booked,
    Census,
    Decided,
    EventKind,
    Tracked,
    Verdict,
    event_id,
    offer_id,
)
from models.domain.ids import AppId, LineItemId, PlacementId
from models.domain.money import Micros
from models.domain.user import UserProfile
from tests.builders import NOW_MS, ad_request, offer, tracked

PROFILE = UserProfile(gender="m", birth_year=1994, interests=(3, 9))
COUNTED = Booked(Verdict.COUNTED, Micros(20_000))


def happening(number: int, kind: EventKind = EventKind.IMPRESSION, **changes: Any) -> Tracked:
    """The `number`-th offer's event of a kind; `changes` are the offer's."""
    own = offer(offer_id=offer_id(AppId("app1"), f"req{number}", 0), **changes)
    return tracked(offer=own, kind=kind, event_id=event_id(own.offer_id, kind))


def served(number: int, features: bytes = b"", **changes: Any) -> AdServed:
    """The `number`-th ad served."""
    return AdServed(
        offer=happening(number, **changes).offer,
        request=asked(number, changes.get("test", False)),
        position=0,
        bid_micros=Micros(20_000_000),
        ecpm_micros=Micros(15_000_000),
        pctr=0.02,
        pcvr=0.1,
        propensity=0.5,
        features=features,
        schema_hash="abc",
        snapshot_version="s1",
        model_version="m1",
        profile=PROFILE,
    )


def asked(number: int, test: bool = False, **changes: Any) -> AdRequest:
    """The `number`-th request, of a user of whom something is known."""
    some = {"country": "chn", "region": "bj", "city": "beijing", "os": "android", "gender": "f"}
    return ad_request(request_id=f"req{number}", test=test, **{**some, **changes})


def decided(number: int, ads: int = 1, reason: str = "", **changes: Any) -> Decided:
    """The `number`-th decision; `changes` are the request's."""
    return Decided(
        event_id=UUID(int=number),
        request=asked(number, **changes),
        profile=PROFILE,
        occurred_ms=NOW_MS + number,
        ads=ads,
        no_ad_reason=reason,
        funnel=(("live", 5), ("targeting", 3)),
        rejected=(("targeting", 2),),
        latency_us=150,
        snapshot_version="s1",
        model_version="m1",
        experiment_arms="",
        user_known=True,
        profile_loaded=True,
        top_ecpm_micros=Micros(15_000_000) if ads else Micros(0),
    )


def census(number: int, reason: str, requests: int) -> Census:
    """The `number`-th census row of line item li1 in placement pl1."""
    return Census(UUID(int=number), NOW_MS, PlacementId("pl1"), LineItemId("li1"), reason, requests)
