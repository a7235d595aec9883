"""The arms of an experiment: each event once, each user in one arm, an interval that is honest."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isclose

import numpy as np

from adserver.eventlog.rows import decided_row
from adserver.ports import EventStore
from adserver.reports.experiments import FEWEST_USERS, Arm, Comparison, compare
from models.domain.event import EventKind
from models.domain.ids import UserKey
from tests.adserver.eventlog.billed import billed, put
from tests.adserver.eventlog.happenings import decided
from tests.builders import NOW_MS

BEGAN = datetime.fromtimestamp(NOW_MS / 1000, UTC)
HOUR = timedelta(hours=1)
AT = NOW_MS + 60_000


def ask(store: EventStore, number: int, user: int, arm: str) -> None:
    made = replace(decided(number, user_key=UserKey(user)), experiment_arms=arm)
    put(store, "decisions", [decided_row(made, "w0")])


def test_users_and_events_are_counted_once_in_their_arm(store: EventStore) -> None:
    ask(store, 1, 11, "autumn/a")
    ask(store, 2, 11, "autumn/a")
    ask(store, 3, 12, "autumn/b")
    ask(store, 4, 13, "")
    ask(store, 5, 14, "winter/b")
    for number, user in ((1, 11), (2, 11), (3, 12), (4, 13), (5, 14)):
        put(store, "impressions", [billed(number, at_ms=AT, user_key=UserKey(user))])
    put(store, "clicks", [billed(1, EventKind.CLICK, at_ms=AT, charged=0, user_key=UserKey(11))])
    found = compare(store, "autumn", BEGAN, BEGAN + HOUR)
    control, challenger = found.control, found.challenger
    assert (control.users, control.viewers, control.impressions, control.clicks) == (1, 1, 2, 1)
    assert (challenger.users, challenger.impressions, challenger.clicks) == (1, 1, 0)
    assert (control.charged_micros, challenger.charged_micros) == (40_000, 20_000)
    assert control.squares == (1.0, 2.0, 4.0)


def test_what_was_served_before_it_began_or_after_it_ended_is_left_out(store: EventStore) -> None:
    ask(store, 1, 11, "autumn/a")
    for number, at_ms in ((1, NOW_MS - 1), (2, AT), (3, NOW_MS + 3_600_000)):
        put(store, "impressions", [billed(number, at_ms=at_ms, user_key=UserKey(11))])
    assert compare(store, "autumn", BEGAN, BEGAN + HOUR).control.impressions == 1


def test_an_experiment_that_nobody_was_in_is_empty(store: EventStore) -> None:
    found = compare(store, "autumn", BEGAN, BEGAN + HOUR)
    assert (found.control, found.challenger) == (Arm("autumn/a"), Arm("autumn/b"))
    assert found.lift is None
    assert not found.is_decided


def arm_of(shown: np.ndarray, tapped: np.ndarray) -> Arm:
    squares = float((tapped**2).sum()), float((tapped * shown).sum()), float((shown**2).sum())
    people = len(shown)
    return Arm("x", people, people, int(shown.sum()), int(tapped.sum()), 0, squares)


def test_few_users_get_no_interval() -> None:
    few = arm_of(np.full(FEWEST_USERS - 1, 3), np.ones(FEWEST_USERS - 1, int))
    assert few.rate is not None
    assert few.interval is None
    assert Comparison(few, few).lift is None


def test_nineteen_of_twenty_intervals_hold_no_difference_where_there_is_none() -> None:
    rng = np.random.default_rng(7)
    wrong = 0
    for _ in range(400):
        arms = []
        for _ in range(2):
            shown = rng.geometric(0.2, 400)
            tapped = rng.binomial(shown, rng.beta(1, 20, 400))  # people differ in how they tap
            arms.append(arm_of(shown, tapped))
        wrong += Comparison(*arms).is_decided
    assert 6 <= wrong <= 38, wrong  # 20 expected


def test_a_real_difference_is_found() -> None:
    rng = np.random.default_rng(8)
    shown = rng.geometric(0.2, 20_000)
    old, new = arm_of(shown, rng.binomial(shown, 0.05)), arm_of(shown, rng.binomial(shown, 0.06))
    found = Comparison(old, new)
    assert found.is_decided
    assert found.lift
    assert isclose(found.lift[1], 0.2, abs_tol=0.05)
