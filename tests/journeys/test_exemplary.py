"""The case is the file name: a market, a user and a request, and the decision to expect.

Each file in `exemplary/` says what differs from the builders' defaults. Keys: `market` (lists of
changes for each noun), `request`, `user`, `now`, `pctr`/`pcvr` (by creative id, or "default"),
`spend` (by line item id), `expect` (`winners` in order, as line item ids or objects; `no_ad`;
`rejected`; `funnel`), all optional but `expect`.
"""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from models.domain.ad_request import AdRequest
from models.domain.marketplace import Marketplace
from models.domain.user import Exposure, UserState
from ranking.decision import Decision, decide
from ranking.exploration import NO_EXPLORATION
from ranking.pacing import SpendBoard
from ranking.snapshot import Snapshot
from tests import builders
from tests.ranking.markets import Told, snapshot_of

CASES = sorted((Path(__file__).parent / "exemplary").glob("*.json"))
KEYS = {"market", "request", "user", "now", "pctr", "pcvr", "spend", "expect", "why"}
BUILDERS = {
    "advertisers": builders.advertiser,
    "campaigns": builders.campaign,
    "line_items": builders.line_item,
    "creatives": builders.creative,
    "apps": builders.app,
    "placements": builders.placement,
}


def market_of(case: dict[str, Any]) -> Marketplace:
    """Each list replaces the builders' one; what an entry does not say is the builders' default."""
    plain = msgspec.to_builtins(builders.marketplace())
    for key, entries in case.get("market", {}).items():
        plain[key] = [msgspec.to_builtins(BUILDERS[key]()) | entry for entry in entries]
    return msgspec.convert(plain, Marketplace)


def request_of(case: dict[str, Any], snapshot: Snapshot) -> AdRequest:
    told = {"placement_id": "pl1", **case.get("request", {})}
    placement = snapshot.catalog.placements[told.pop("placement_id")]
    app = snapshot.catalog.apps[placement.app_id]
    plain = msgspec.to_builtins(builders.ad_request(app=app, placement=placement)) | told
    return msgspec.convert(plain, AdRequest)


def spent(board: SpendBoard, told: dict[str, dict[str, Any]]) -> None:
    board.trusted = bool(told.pop("trusted", True))
    for name, money in told.items():
        row = board.catalog.line_item_row[name]  # type: ignore[index]  # ids are plain text here
        board.spent_today[row] = money.get("today", 0)
        board.spent_total[row] = money.get("total", money.get("today", 0))
        board.reserve(row, money.get("reserved", 0))
        board.spending.allowance[row] = money.get("allowance", 1e9)


def told(case: dict[str, Any], key: str, default: float) -> Told:
    rates = dict(case.get(key, {}))
    return Told(rates.pop("default", default), rates)


def user_of(told: dict[str, Any]) -> UserState:
    exposures = {name: Exposure(**seen) for name, seen in told.get("exposures", {}).items()}
    user = msgspec.convert({"known": True} | told | {"exposures": {}}, UserState)
    return replace(user, exposures=exposures)


def decision_of(case: dict[str, Any]) -> Decision:
    now = datetime.fromisoformat(case.get("now", builders.NOW.isoformat()))
    snapshot = snapshot_of(
        market_of(case),
        pctr=told(case, "pctr", 0.01),
        pcvr=told(case, "pcvr", 0.05),
        policy=NO_EXPLORATION,
        now=now,
    )
    spent(snapshot.spend, case.get("spend", {}))
    user = user_of(case.get("user", {}))
    return decide(request_of(case, snapshot), user, snapshot, now, np.random.default_rng(0))


def shown(decision: Decision, wanted: list[Any]) -> list[Any]:
    """The winners, told with as much detail as the case asks for."""
    found = []
    for place, winner in enumerate(decision.winners):
        ad = winner.ad
        all_told = {
            "line_item_id": ad.line_item.line_item_id,
            "creative_id": ad.creative.creative_id,
            "price_micros": winner.price_micros,
            "reserved_micros": winner.reserved_micros,
            "ecpm_micros": winner.ecpm_micros,
            "utc_offset_s": winner.utc_offset_s,
        }
        asked = wanted[place] if place < len(wanted) else all_told
        brief = not isinstance(asked, dict)
        found.append(all_told["line_item_id"] if brief else {key: all_told[key] for key in asked})
    return found


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_case_ends_as_it_says(path: Path) -> None:
    case = json.loads(path.read_text())
    assert case.keys() <= KEYS
    expect = case["expect"]
    decision = decision_of(case)
    if "winners" in expect:
        assert shown(decision, expect["winners"]) == expect["winners"]
    if "no_ad" in expect:
        assert decision.no_ad == expect["no_ad"]
        assert decision.winners == ()
    if "rejected" in expect:
        assert dict(decision.rejected) == expect["rejected"]
    if "funnel" in expect:
        assert dict(decision.funnel) | expect["funnel"] == dict(decision.funnel)


def test_there_are_cases_enough() -> None:
    assert len(CASES) >= 25
