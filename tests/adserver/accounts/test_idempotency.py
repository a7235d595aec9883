"""Answers kept for a day: for the same call only, readable by who sends the key again only."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from adserver.accounts import idempotency
from adserver.accounts.idempotency import Asked, Kept, KeyRefusedError
from adserver.stores import database
from adserver.stores.account_tables import REMEMBERED_ANSWERS
from tests.adserver.accounts.houses import DAY, HOUR, NOW, House

ASKED = Asked("org_a", "POST /api/v1/keys", "6ba7b810", "hash of the body")
KEPT = Kept(201, b'{"key": "adu_very_secret"}')


def answer(house: House) -> None:
    """A call that began and was answered."""
    assert idempotency.begin(house.engine, ASKED, NOW) is None
    idempotency.keep(house.engine, ASKED, KEPT)


def test_the_same_call_gets_the_same_answer_for_a_day(house: House) -> None:
    answer(house)
    assert idempotency.begin(house.engine, ASKED, NOW + 23 * HOUR) == KEPT
    assert idempotency.begin(house.engine, ASKED, NOW + DAY) is None


def test_another_body_under_the_same_key_is_refused(house: House) -> None:
    answer(house)
    with pytest.raises(KeyRefusedError, match="another body"):
        idempotency.begin(house.engine, replace(ASKED, body_hash="other"), NOW)


@pytest.mark.parametrize("change", [{"organisation_id": "b"}, {"what": "POST /x"}, {"key": "k"}])
def test_another_callers_or_paths_key_is_another_key(house: House, change: dict[str, str]) -> None:
    answer(house)
    assert idempotency.begin(house.engine, replace(ASKED, **change), NOW) is None


def test_a_call_that_was_cut_short_is_not_done_again(house: House) -> None:
    assert idempotency.begin(house.engine, ASKED, NOW) is None
    for _ in range(2):
        with pytest.raises(KeyRefusedError, match="cut short"):
            idempotency.begin(house.engine, ASKED, NOW + HOUR)


def test_a_refused_call_frees_its_key(house: House) -> None:
    idempotency.begin(house.engine, ASKED, NOW)
    idempotency.forget(house.engine, ASKED)
    assert idempotency.begin(house.engine, replace(ASKED, body_hash="better"), NOW) is None


def test_what_is_a_day_old_is_removed_when_something_new_begins(house: House) -> None:
    answer(house)
    other = replace(ASKED, key="new")
    idempotency.begin(house.engine, other, NOW + DAY)
    with database.reading(house.engine) as connection:
        rows = connection.execute(select(REMEMBERED_ANSWERS)).all()
    assert [row.call_hash for row in rows] == [other.call_hash]


def test_a_secret_in_an_answer_cannot_be_read_from_the_database(house: House) -> None:
    answer(house)
    with database.reading(house.engine) as connection:
        row = connection.execute(select(REMEMBERED_ANSWERS)).one()
    assert b"secret" not in bytes(row.body)
    assert ASKED.key not in str(row)
