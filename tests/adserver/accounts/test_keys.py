"""API keys: shown once, kept as a hash, revoked for good."""

import pytest
from sqlalchemy import select

from adserver.accounts import keys
from adserver.marketplace.problem import CatalogError
from adserver.stores import database
from adserver.stores.account_tables import API_KEYS
from tests.adserver.accounts.houses import HOUR, MINUTE, NOW, House


def make(house: House, name: str = "Nightly report") -> tuple[keys.KeyRecord, str]:
    return keys.make(house.engine, house.who.organisation_id, name, house.who, NOW)


def used_at(house: House) -> object:
    with database.reading(house.engine) as connection:
        return connection.execute(select(API_KEYS.c.used_at)).scalar_one()


def test_a_key_acts_for_its_organisation(house: House) -> None:
    record, text = make(house)
    assert text.startswith(f"adu_{record.key_id}_")
    who = keys.identity_of_key(house.engine, text, NOW)
    assert who is not None
    assert (who.actor, who.session_id, who.user_id) == (f"key:{record.key_id}", "", "")
    assert who.organisation_id == house.who.organisation_id
    assert who.is_operator


def test_the_secret_is_nowhere_in_the_database(house: House) -> None:
    _, text = make(house)
    secret = text.split("_", 2)[2]
    with database.reading(house.engine) as connection:
        row = connection.execute(select(API_KEYS)).one()
    assert secret not in " ".join(map(str, row))
    assert secret not in str(house.log())


def test_any_other_text_is_no_key(house: House) -> None:
    _, text = make(house)
    others = (
        "",
        text[:-1],
        text + "x",
        text.replace("adu_", "adx_"),
        text.replace("adu_", "adu_0"),
        text.rsplit("_", 1)[0] + "_",
        text.upper(),
        text + "\0",
        f" {text}",
        "adu_" + "x" * 100_000,
        text + "é",
    )
    for other in others:
        assert keys.identity_of_key(house.engine, other, NOW) is None, other


def test_a_revoked_key_is_refused_and_stays_revoked(house: House) -> None:
    record, text = make(house)
    own = house.who.organisation_id
    first = keys.revoke(house.engine, own, record.key_id, house.who, NOW + HOUR)
    again = keys.revoke(house.engine, own, record.key_id, house.who, NOW + 2 * HOUR)
    assert first is not None
    assert first == again
    assert first.revoked_at == NOW + HOUR
    assert keys.identity_of_key(house.engine, text, NOW + HOUR) is None
    assert house.actions().count("revoke") == 1


def test_nobody_revokes_the_key_of_another_organisation(house: House) -> None:
    record, text = make(house)
    assert keys.revoke(house.engine, "org_other", record.key_id, house.who, NOW) is None
    assert keys.identity_of_key(house.engine, text, NOW)


def test_the_last_use_is_known_to_the_minute(house: House) -> None:
    _, text = make(house)
    assert used_at(house) is None
    for after_s, noted_s in ((5, 5), (6, 5), (64, 5), (65, 65)):
        keys.identity_of_key(house.engine, text, NOW + after_s * MINUTE / 60)
        assert used_at(house) == NOW + noted_s * MINUTE / 60


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\nb"])
def test_a_key_says_what_it_is_for(house: House, name: str) -> None:
    with pytest.raises(CatalogError, match="what the key is for"):
        make(house, name)


def test_keys_in_force_come_first_and_are_not_endless(house: House) -> None:
    made = [make(house, f"k{number}")[0] for number in range(keys.MOST_KEYS)]
    with pytest.raises(CatalogError, match="at most 50 keys"):
        make(house)
    keys.revoke(house.engine, house.who.organisation_id, made[0].key_id, house.who, NOW)
    make(house, "one more")
    with database.reading(house.engine) as connection:
        listed = keys.list_of(connection, house.who.organisation_id)
    assert len(listed) == keys.MOST_KEYS + 1
    assert listed[-1].key_id == made[0].key_id
