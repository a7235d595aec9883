"""Users counted once in an app, once among its partner's and once in the network."""

from dataclasses import replace
from typing import Any

import pytest

from adserver.eventlog.rows import decided_row, pack_rows, unpack_columns
from adserver.ports import EventStore
from adserver.reports import by_user, lookback, portrait
from adserver.reports.portrait import NETWORK, OTHERS, count_users, of_partner
from models.domain.ids import PartnerId, UserKey
from models.domain.user import UserProfile
from tests.adserver.eventlog.happenings import decided
from tests.builders import NOW_MS, app

READER = app(partner_id=PartnerId("p1"))
GAME = app(app_id="app2", partner_id=PartnerId("p1"))
OTHER = app(app_id="app3", partner_id=None)
SPAN = (NOW_MS - 1000, NOW_MS + 1_000_000)


def put(store: EventStore, asked: list[dict[str, Any]]) -> None:
    """Decisions in order; every row twice, as after a lost answer."""
    made = [
        decided(n + 1, **{"user_key": UserKey(n + 1), "segments": (), **one})
        for n, one in enumerate(asked)
    ]
    rows = [decided_row(replace(one, profile=UserProfile()), "w0") for one in made]
    for again in (rows, rows[::-1]):
        store.insert("decisions", unpack_columns("decisions", [pack_rows(again)]))


def test_a_user_of_two_apps_is_one_user_of_their_partner_and_of_the_network(
    store: EventStore,
) -> None:
    put(
        store,
        [
            {"app": READER, "user_key": UserKey(7), "gender": "f"},
            {"app": READER, "user_key": UserKey(7), "gender": "f"},
            {"app": GAME, "user_key": UserKey(7), "gender": "m"},
            {"app": OTHER, "user_key": UserKey(8), "gender": "m"},
        ],
    )
    users = count_users(store, *SPAN).users
    assert users["app1", "users", ""] == 1
    assert users["app1", "gender", "f"] == 1
    assert users["app2", "gender", "m"] == 1
    assert users[of_partner("p1"), "users", ""] == 1
    assert users[of_partner("p1"), "gender", "m"] == 1, "the last known value"
    assert users[of_partner("p1"), "gender", "f"] == 0
    assert users[of_partner(""), "users", ""] == 1
    assert users[NETWORK, "users", ""] == 2
    assert users[NETWORK, "gender", "m"] == 2


def test_the_last_known_value_counts_and_not_a_later_silence(store: EventStore) -> None:
    put(
        store,
        [
            {"user_key": UserKey(7), "gender": "f", "birth_year": 1996, "make": "vivo"},
            {"user_key": UserKey(7), "gender": "", "birth_year": 0, "make": ""},
            {"user_key": UserKey(8), "gender": "", "country": "chn", "region": ""},
        ],
    )
    users = count_users(store, *SPAN).users
    assert users["app1", "gender", "f"] == 1
    assert users["app1", "gender", ""] == 1
    assert users["app1", "age", "25..34"] == 1
    assert users["app1", "age", ""] == 1
    assert users["app1", "make", "vivo"] == 1
    assert users["app1", "region", "chn/bj"] == 1
    assert users["app1", "region", "chn"] == 1


def test_interests_are_all_that_were_ever_said_of_a_user(store: EventStore) -> None:
    put(
        store,
        [
            {"user_key": UserKey(7), "segments": (1, 2)},
            {"user_key": UserKey(7), "segments": (2, 3)},
            {"user_key": UserKey(8), "segments": (3,)},
        ],
    )
    users = count_users(store, *SPAN).users
    assert [users["app1", "interest", one] for one in "1234"] == [1, 1, 2, 0]


def test_of_who_opted_out_only_the_requests_are_known(store: EventStore) -> None:
    put(
        store,
        [
            {"user_key": UserKey(7), "personalized": False, "gender": "f"},
            {"user_key": UserKey(7), "personalized": False, "gender": "f"},
            {"user_key": UserKey(8), "test": True},
            {"user_key": None},
        ],
    )
    census = count_users(store, *SPAN)
    assert census.users == {}
    assert census.opted_out["app1"] == 4, "rows, copies included"
    assert census.requests["app1"] == 6


def test_slices_of_the_sorted_copy_count_the_same(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [
        {"app": (READER, GAME, OTHER)[n % 3], "user_key": UserKey(n % 40 + 1), "segments": (n % 5,)}
        for n in range(200)
    ]
    put(store, [*asked, {"personalized": False}, {"test": True}])
    by_user.prepare(store)
    by_user.prepare(store)
    by_user.fill(store, NOW_MS // by_user.HOUR_MS)
    whole, rests = count_users(store, *SPAN), list[int]()
    monkeypatch.setattr(lookback, "FEW_REQUESTS", 1)
    monkeypatch.setattr(lookback, "_PROBE", by_user.BUCKETS)
    sliced = count_users(store, *SPAN, lambda: rests.append(1))
    assert sliced.users == whole.users
    assert set(sliced.requests) == set(whole.requests)
    assert sliced.opted_out["app1"] in (1, 2), "copies may be one"
    assert len(rests) > 3
    assert whole.users[NETWORK, "users", ""] == 40


def test_rare_values_are_kept_as_others(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portrait, "MOST_VALUES", 2)
    put(store, [{"make": make} for make in ("a", "a", "a", "b", "b", "c", "d")])
    users = count_users(store, *SPAN).users
    makes = {value: n for (scope, kind, value), n in users.items() if (scope, kind) == ("", "make")}
    assert makes == {"a": 3, "b": 2, OTHERS: 2}
