"""Counted users in SQL, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest

from adserver.stores import migrations
from adserver.stores.audiences import audience_of, replace_all
from adserver.stores.database import connect_url
from tests.adserver.stores.sql_databases import database_url

__all__ = ["database_url"]
NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
MONTH = (NOW - timedelta(days=30), NOW)


def test_a_counting_takes_the_place_of_the_last_as_a_whole(database_url: str) -> None:
    engine = connect_url(database_url)
    migrations.upgrade(engine)
    assert audience_of(engine, "a", ("a", "")) is None
    first = {("a", "gender", "f"): 3, ("", "gender", "f"): 7, ("b", "gender", "m"): 1}
    replace_all(engine, first, {"a": (100, 4)}, MONTH)
    found = audience_of(engine, "a", ("a", "@p", ""))
    assert found is not None
    assert found.scopes == {"a": {("gender", "f"): 3}, "@p": {}, "": {("gender", "f"): 7}}
    assert (found.requests, found.opted_out) == (100, 4)
    assert (found.since, found.until) == MONTH
    many = {("a", "region", f"chn/{n}"): n + 1 for n in range(2_500)}
    replace_all(engine, many, {}, (NOW, NOW))
    found = audience_of(engine, "a", ("a", ""))
    assert found is not None
    assert len(found.scopes["a"]) == 2_500
    assert found.scopes[""] == {}
    assert (found.requests, found.opted_out) == (0, 0)
    engine.dispose()


@pytest.mark.parametrize("value", ["", "x" * 80, "北京/海淀", "=1+1"])
def test_any_value_is_kept_as_it_is(database_url: str, value: str) -> None:
    engine = connect_url(database_url)
    migrations.upgrade(engine)
    replace_all(engine, {("a", "region", value): 1}, {}, MONTH)
    found = audience_of(engine, "a", ("a",))
    assert found is not None
    assert found.scopes["a"] == {("region", value): 1}
    engine.dispose()
