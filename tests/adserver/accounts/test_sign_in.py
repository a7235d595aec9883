"""Signing in: what is told, what is limited, also when everybody tries at once."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from sqlalchemy import func, select

from adserver.accounts import attempts, sessions, sign_in as signing, users
from adserver.accounts.attempts import FROM_ADDRESS, ON_ACCOUNT, ON_ACCOUNT_FROM_ADDRESS, Try
from adserver.accounts.identity import COMMAND
from adserver.accounts.sign_in import Reason, SignInRefused, change_password, sign_in
from adserver.marketplace.problem import CatalogError
from adserver.stores import database
from adserver.stores.account_tables import SESSIONS, SIGN_IN_ATTEMPTS
from tests.adserver.accounts.houses import ANN, DAY, HOUR, MINUTE, NOW, PASSWORD, House

HERE = "203.0.113.9"


def attempt(
    house: House,
    password: str = PASSWORD,
    email: str = ANN,
    address: str = HERE,
    now: datetime = NOW,
) -> str | SignInRefused:
    return sign_in(house.engine, email, password, address, now)


def tries(house: House, number: int, email: str, address: str) -> list[int]:
    """What waits so many tries are answered with, without checking passwords."""
    tried, waits = Try(users.email_key(email), address), []
    for _ in range(number):
        with database.writing(house.engine) as connection:
            waits.append(attempts.count(connection, tried, NOW))
    return waits


def test_the_right_password_begins_a_session_and_leaves_a_line(house: House) -> None:
    token = attempt(house)
    assert isinstance(token, str)
    who = sessions.identity_of_session(house.engine, token, NOW)
    assert who is not None
    assert who.actor == ANN
    line = house.log()[0]
    assert (line.action, line.actor, line.entity_id) == ("sign in", ANN, house.ann.user_id)
    assert line.organisation_id == house.who.organisation_id


def test_every_sign_in_begins_a_session_of_its_own(house: House) -> None:
    assert len({attempt(house) for _ in range(3)}) == 3


@pytest.mark.parametrize(
    "email", ["ANN@House.Example", "  ann@house.example ", "\uff41nn@house.example"]
)
def test_an_address_is_the_same_whatever_its_case(house: House, email: str) -> None:
    assert isinstance(attempt(house, email=email), str)


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + " ", "\0", "\ud800", "x" * 100_000])
def test_a_wrong_password_is_refused(house: House, password: str) -> None:
    assert attempt(house, password) == SignInRefused(Reason.WRONG)


def test_an_unknown_address_takes_as_long_as_a_wrong_password(house: House) -> None:
    attempt(house, "warm up", "nobody@house.example")

    def seconds(email: str) -> float:
        began = time.perf_counter()
        assert attempt(house, "wrong", email) == SignInRefused(Reason.WRONG)
        return time.perf_counter() - began

    known = sorted(seconds(ANN) for _ in range(5))[2]
    unknown = sorted(seconds(f"no{n}@house.example") for n in range(5))[2]
    assert known / 3 < unknown < known * 3


def test_a_disabled_user_is_told_so_only_with_the_right_password(house: House) -> None:
    bob = house.add("bob@house.example")
    with database.writing(house.engine) as connection:
        users.set_disabled(connection, bob, True, COMMAND, NOW)
    assert attempt(house, "wrong", bob.email) == SignInRefused(Reason.WRONG)
    assert attempt(house, PASSWORD, bob.email) == SignInRefused(Reason.DISABLED)


def test_ten_wrong_ones_from_one_address_shut_that_address_out_of_that_account(
    house: House,
) -> None:
    tries(house, ON_ACCOUNT_FROM_ADDRESS.attempts, ANN, HERE)
    assert attempt(house) == SignInRefused(Reason.TOO_OFTEN, 15 * 60 + 1)
    assert isinstance(attempt(house, address="198.51.100.1"), str)
    later = NOW + 15 * MINUTE
    assert isinstance(attempt(house, now=later), str)


def test_trying_on_does_not_make_the_wait_longer(house: House) -> None:
    tries(house, ON_ACCOUNT_FROM_ADDRESS.attempts, ANN, HERE)
    for minute in range(1, 15):
        refused = attempt(house, now=NOW + minute * MINUTE)
        assert refused == SignInRefused(Reason.TOO_OFTEN, (15 - minute) * 60 + 1)


def test_an_account_is_limited_from_everywhere_together(house: House) -> None:
    for number in range(ON_ACCOUNT.attempts):
        tries(house, 1, ANN, f"198.51.100.{number}")
    refused = attempt(house, address="192.0.2.77")
    assert refused == SignInRefused(Reason.TOO_OFTEN, 60 * 60 + 1)
    assert isinstance(attempt(house, address="192.0.2.77", now=NOW + HOUR), str)


def test_an_address_is_limited_over_all_accounts_and_so_is_a_network_of_six(house: House) -> None:
    for number in range(FROM_ADDRESS.attempts):
        tries(house, 1, f"a{number}@x.example", f"2001:db8::{number:x}")
    refused = attempt(house, address="2001:db8::ffff")
    assert isinstance(refused, SignInRefused)
    assert refused.reason is Reason.TOO_OFTEN
    assert isinstance(attempt(house, address="2001:db8:1::1"), str)


def test_right_passwords_are_not_counted(house: House) -> None:
    for _ in range(ON_ACCOUNT_FROM_ADDRESS.attempts * 2):
        assert isinstance(attempt(house), str)


def test_a_thousand_tries_at_once_get_no_further_than_one_after_the_other(house: House) -> None:
    def one(_number: int) -> int:
        return tries(house, 1, ANN, HERE)[0]

    with ThreadPoolExecutor(8) as everybody:
        waits = list(everybody.map(one, range(40)))
    assert sum(1 for wait in waits if wait == 0) == ON_ACCOUNT_FROM_ADDRESS.attempts


def test_guessing_in_parallel_checks_ten_passwords(house: House) -> None:
    with ThreadPoolExecutor(8) as everybody:
        found = list(everybody.map(lambda n: attempt(house, f"guess {n}"), range(24)))
    assert found.count(SignInRefused(Reason.WRONG)) == ON_ACCOUNT_FROM_ADDRESS.attempts


def test_old_counts_are_forgotten(house: House) -> None:
    tries(house, 3, "x@x.example", "192.0.2.1")
    attempt(house, now=NOW + 2 * DAY)
    with database.reading(house.engine) as connection:
        left = connection.execute(select(func.count()).select_from(SIGN_IN_ATTEMPTS)).scalar_one()
    assert left == 2


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_what_stands_for_an_address(address: str, network: str) -> None:
    assert attempts.network_of(address) == network


def test_another_password_ends_all_other_sessions(house: House) -> None:
    tokens = [attempt(house) for _ in range(3)]
    who = sessions.identity_of_session(house.engine, str(tokens[1]), NOW)
    assert who is not None
    change_password(house.engine, who, (PASSWORD, "another long one"), HERE, NOW)
    alive = [sessions.identity_of_session(house.engine, str(token), NOW) for token in tokens]
    assert [bool(one) for one in alive] == [False, True, False]
    assert attempt(house) == SignInRefused(Reason.WRONG)
    assert isinstance(attempt(house, "another long one"), str)
    assert "change password" in house.actions()
    assert "another long one" not in str(house.log())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("wrong", "another long one", "old_password: this is not your password"),
        (PASSWORD, "short", "password: a password has at least 10 characters"),
        (PASSWORD, "x" * 201, "at most 200 characters"),
        (PASSWORD, ANN.upper(), "not the e-mail address"),
        (PASSWORD, "aaaaaaaaaaaaaaaa", "one letter again"),
    ],
)
def test_a_password_that_cannot_be_taken_changes_nothing(
    house: House, old: str, new: str, said: str
) -> None:
    with pytest.raises(CatalogError, match=said):
        change_password(house.engine, house.who, (old, new), HERE, NOW)
    assert isinstance(attempt(house), str)


def test_the_old_password_cannot_be_guessed_by_whoever_holds_a_session(house: House) -> None:
    for _ in range(ON_ACCOUNT_FROM_ADDRESS.attempts):
        with pytest.raises(CatalogError, match="not your password"):
            change_password(house.engine, house.who, ("wrong", "another long one"), HERE, NOW)
    with pytest.raises(CatalogError, match=signing.TOO_OFTEN):
        change_password(house.engine, house.who, (PASSWORD, "another long one"), HERE, NOW)


def test_a_refused_sign_in_begins_nothing(house: House) -> None:
    attempt(house, "wrong")
    with database.reading(house.engine) as connection:
        assert connection.execute(select(SESSIONS)).all() == []
    assert "sign in" not in house.actions()
