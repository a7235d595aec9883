"""Sessions: how long they live, whom they belong to, and that looking never waits."""

import time

import pytest
from sqlalchemy import select

from adserver.accounts import sessions, users
from adserver.accounts.identity import COMMAND, Role
from adserver.accounts.tokens import digest_of
from adserver.stores import database
from adserver.stores.account_tables import SESSIONS
from tests.adserver.accounts.houses import ANN, DAY, HOUR, MINUTE, NOW, House


def test_a_session_is_its_users(house: House) -> None:
    token = sessions.begin(house.engine, house.ann.user_id, NOW)
    who = sessions.identity_of_session(house.engine, token, NOW)
    assert who is not None
    assert (who.actor, who.role, who.owner) == (ANN, Role.OPERATOR, "")
    assert who.organisation_name == "The house"
    assert who.session_id.startswith("s_")


def test_only_a_hash_of_the_token_is_kept(house: House) -> None:
    token = sessions.begin(house.engine, house.ann.user_id, NOW)
    with database.reading(house.engine) as connection:
        row = connection.execute(select(SESSIONS)).one()
    assert row.token_hash == digest_of(token)
    assert token not in "".join(map(str, row))


@pytest.mark.parametrize("token", ["", "nonsense", "x" * 10_000, "é\0\ud800"])
def test_any_other_token_is_nobodys(house: House, token: str) -> None:
    sessions.begin(house.engine, house.ann.user_id, NOW)
    assert sessions.identity_of_session(house.engine, token, NOW) is None


def test_a_session_that_is_used_goes_on_and_one_that_is_not_ends_after_twelve_hours(
    house: House,
) -> None:
    token = sessions.begin(house.engine, house.ann.user_id, NOW)
    for hours in range(11, 11 * 5, 11):
        assert sessions.identity_of_session(house.engine, token, NOW + hours * HOUR)
    last = NOW + 44 * HOUR
    assert sessions.identity_of_session(house.engine, token, last + 12 * HOUR) is None
    assert sessions.identity_of_session(house.engine, token, last + 12 * HOUR - MINUTE)


def test_no_session_lives_longer_than_fourteen_days(house: House) -> None:
    token = sessions.begin(house.engine, house.ann.user_id, NOW)
    for hours in range(6, 24 * 14, 6):
        assert sessions.identity_of_session(house.engine, token, NOW + hours * HOUR)
    assert sessions.identity_of_session(house.engine, token, NOW + 14 * DAY) is None


def test_use_is_noted_at_most_once_a_minute(house: House) -> None:
    token = sessions.begin(house.engine, house.ann.user_id, NOW)

    def seen_at(after_s: int) -> float:
        now = NOW + after_s * MINUTE / 60
        sessions.identity_of_session(house.engine, token, now)
        with database.reading(house.engine) as connection:
            found = connection.execute(select(SESSIONS.c.seen_at)).scalar_one()
        return (found - NOW).total_seconds()

    assert [seen_at(s) for s in (1, 59, 60, 61, 119, 120)] == [0, 0, 60, 60, 60, 120]


def test_a_disabled_users_session_is_nobodys(house: House) -> None:
    bob = house.add("bob@house.example")
    token = sessions.begin(house.engine, bob.user_id, NOW)
    with database.writing(house.engine) as connection:
        users.set_disabled(connection, bob, True, COMMAND, NOW)
    assert sessions.identity_of_session(house.engine, token, NOW) is None
    with database.writing(house.engine) as connection:
        users.set_disabled(connection, bob, False, COMMAND, NOW)
    assert sessions.identity_of_session(house.engine, token, NOW) is None


def test_an_ended_session_is_over_and_others_go_on(house: House) -> None:
    one, two = (sessions.begin(house.engine, house.ann.user_id, NOW) for _ in range(2))
    sessions.end(house.engine, one)
    sessions.end(house.engine, "nonsense")
    assert sessions.identity_of_session(house.engine, one, NOW) is None
    assert sessions.identity_of_session(house.engine, two, NOW)


def test_somebody_may_end_all_sessions_but_the_one_of_now(house: House) -> None:
    bob = house.add("bob@house.example")
    bobs = sessions.begin(house.engine, bob.user_id, NOW)
    one, two, three = (sessions.begin(house.engine, house.ann.user_id, NOW) for _ in range(3))
    who = sessions.identity_of_session(house.engine, two, NOW)
    assert who is not None
    with database.writing(house.engine) as connection:
        assert sessions.count(connection, house.ann.user_id, NOW) == 3
        assert sessions.end_others(connection, who) == 2
    alive = [sessions.identity_of_session(house.engine, t, NOW) for t in (one, two, three, bobs)]
    assert [bool(one) for one in alive] == [False, True, False, True]


def test_the_users_language_goes_before_the_organisations(house: House) -> None:
    token = sessions.begin(house.engine, house.ann.user_id, NOW)
    with database.writing(house.engine) as connection:
        users.prefer(connection, house.ann.user_id, "zh", "dark")
    who = sessions.identity_of_session(house.engine, token, NOW)
    assert who is not None
    assert who.language == "zh"


def test_looking_at_a_page_does_not_wait_for_a_long_writer(house: House) -> None:
    token = sessions.begin(house.engine, house.ann.user_id, NOW)
    with database.writing(house.engine) as connection:
        users.prefer(connection, house.ann.user_id, "zh", "dark")
        locked = SESSIONS.update().where(SESSIONS.c.token_hash == digest_of(token))
        connection.execute(locked.values(seen_at=NOW))
        began = time.perf_counter()
        assert sessions.identity_of_session(house.engine, token, NOW + HOUR)
        assert time.perf_counter() - began < 2
