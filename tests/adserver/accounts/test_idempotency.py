"""Answers kept for a day: for the same call only, readable by who sends the key again only."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from adserver.accounts import idempotency
from adserver.accounts.idempotency import Asked, Kept, OtherBodyError
from adserver.stores import database
from adserver.stores.account_tables import REMEMBERED_ANSWERS
from tests.adserver.accounts.houses import DAY, HOUR, NOW, House

ASKED = Asked("org_a", "POST /api/v1/keys", "6ba7b810", "hash of the body")
KEPT = Kept(201, b'{"key": "adu_very_secret"}')


def test_the_same_call_gets_the_same_answer_for_a_day(house: House) -> None:
    assert idempotency.remembered(house.engine, ASKED, NOW) is None
    idempotency.keep(house.engine, ASKED, KEPT, NOW)
    assert idempotency.remembered(house.engine, ASKED, NOW + 23 * HOUR) == KEPT
    assert idempotency.remembered(house.engine, ASKED, NOW + DAY) is None


def test_another_body_under_the_same_key_is_refused(house: House) -> None:
    idempotency.keep(house.engine, ASKED, KEPT, NOW)
    with pytest.raises(OtherBodyError):
        idempotency.remembered(house.engine, replace(ASKED, body_hash="other"), NOW)


@pytest.mark.parametrize("change", [{"organisation_id": "b"}, {"what": "POST /x"}, {"key": "k"}])
def test_another_callers_or_paths_key_is_another_key(house: House, change: dict[str, str]) -> None:
    idempotency.keep(house.engine, ASKED, KEPT, NOW)
    assert idempotency.remembered(house.engine, replace(ASKED, **change), NOW) is None


def test_the_first_answer_stays(house: House) -> None:
    idempotency.keep(house.engine, ASKED, KEPT, NOW)
    idempotency.keep(house.engine, ASKED, Kept(200, b"later"), NOW + HOUR)
    assert idempotency.remembered(house.engine, ASKED, NOW + HOUR) == KEPT


def test_what_is_a_day_old_is_removed_when_something_new_is_kept(house: House) -> None:
    idempotency.keep(house.engine, ASKED, KEPT, NOW)
    idempotency.keep(house.engine, replace(ASKED, key="new"), Kept(204, b""), NOW + DAY)
    with database.reading(house.engine) as connection:
        rows = connection.execute(select(REMEMBERED_ANSWERS)).all()
    assert [row.status for row in rows] == [204]


def test_a_secret_in_an_answer_cannot_be_read_from_the_database(house: House) -> None:
    idempotency.keep(house.engine, ASKED, KEPT, NOW)
    with database.reading(house.engine) as connection:
        row = connection.execute(select(REMEMBERED_ANSWERS)).one()
    assert b"secret" not in bytes(row.body)
    assert ASKED.key not in str(row)
