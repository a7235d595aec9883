"""The audit log: in the transaction of the change, never changed, without secrets."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from adserver.config import Settings
from adserver.marketplace.problem import CatalogError
from adserver.stores import audit, database
from adserver.stores.audit import HIDDEN, Line, Sought
from adserver.stores.audit_reach import Reach
from adserver.stores.catalog import SqlCatalog, open_catalog
from models.domain.campaign import Advertiser, LineItem
from models.domain.money import Micros
from tests import builders
from tests.adserver.stores.sql_databases import database_url

__all__ = ["database_url"]

NOW = builders.NOW


@dataclass(frozen=True)
class Somebody:
    actor: str = "ann@tea.example"
    organisation_id: str = "org_tea"


ANN = Somebody()
COMMAND = Somebody("command", "")
ALL = Sought()


@pytest.fixture
def catalog(database_url: str) -> Iterator[SqlCatalog]:
    opened = open_catalog(Settings(database_url=database_url))
    yield opened
    opened.close()


def log_of(catalog: SqlCatalog, sought: Sought = ALL, limit: int = 100) -> list[Line]:
    with database.reading(catalog._engine) as connection:
        return audit.lines(connection, sought, limit)


def write(catalog: SqlCatalog, who: Somebody, kind: str, entity_id: str, after: object) -> None:
    with database.writing(catalog._engine) as connection:
        audit.record(connection, who, "edit", kind, entity_id, None, after, NOW)


def test_who_acts_in_the_catalog_leaves_what_was_and_what_is(catalog: SqlCatalog) -> None:
    catalog.replace(builders.marketplace(), NOW)
    acting = catalog.acting_for(ANN)
    acting.edit(LineItem, "li1", lambda one: replace(one, bid_micros=Micros(30_000_000)), NOW)
    (line,) = log_of(catalog)
    assert (line.actor, line.organisation_id, line.at) == (ANN.actor, "org_tea", NOW)
    assert (line.action, line.kind, line.entity_id) == ("edit", "line_item", "li1")
    assert audit.changes(line) == [("bid_micros", 20_000_000, 30_000_000)]


def test_adding_archiving_and_restoring_are_called_so(catalog: SqlCatalog) -> None:
    acting = catalog.acting_for(ANN)
    acting.add(builders.advertiser(), NOW)
    acting.archive(Advertiser, "adv1", NOW)
    acting.restore(Advertiser, "adv1", NOW)
    assert [line.action for line in log_of(catalog)] == ["restore", "archive", "add"]
    assert log_of(catalog)[-1].before is None


def test_what_changes_nothing_leaves_no_line(catalog: SqlCatalog) -> None:
    catalog.replace(builders.marketplace(), NOW)
    catalog.acting_for(ANN).put(builders.advertiser(), NOW)
    assert log_of(catalog) == []


def test_a_whole_that_is_replaced_leaves_one_line_with_counts(catalog: SqlCatalog) -> None:
    catalog.acting_for(ANN).replace(builders.marketplace(), NOW)
    (line,) = log_of(catalog)
    assert (line.action, line.kind) == ("replace", "catalog")
    assert line.after is not None
    assert line.after["added"]["line_item"] == 1
    assert line.after["removed"] == {}


def test_a_change_that_is_refused_leaves_no_line(catalog: SqlCatalog) -> None:
    with pytest.raises(CatalogError):
        catalog.acting_for(ANN).add(builders.line_item(), NOW)
    assert log_of(catalog) == []


def test_a_line_goes_with_the_transaction_that_it_is_in(catalog: SqlCatalog) -> None:
    def fail() -> None:
        with database.writing(catalog._engine) as connection:
            audit.record(connection, ANN, "edit", "app", "a1", None, {"x": 1}, NOW)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert log_of(catalog) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'nobody'",
        "DELETE FROM audit_log",
        "INSERT OR REPLACE INTO audit_log SELECT seq, at, 'nobody', organisation_id, action, kind,"
        " entity_id, before, after FROM audit_log",
        "INSERT INTO audit_log SELECT * FROM audit_log",
    ],
)
def test_no_line_is_changed_or_removed(catalog: SqlCatalog, statement: str) -> None:
    write(catalog, ANN, "app", "a1", {"name": "x"})
    with (
        pytest.raises(DatabaseError),
        database.writing(catalog._engine) as connection,
    ):
        connection.execute(text(statement))
    (line,) = log_of(catalog)
    assert line.actor == ANN.actor


def test_secrets_are_not_kept_and_accounts_only_by_their_end(catalog: SqlCatalog) -> None:
    after = {
        "name": "x",
        "password": "hush",
        "nested": {"secret": "hush", "list": [{"token": "hush"}]},
        "bank_account": "6222021234567890",
    }
    write(catalog, ANN, "app", "a1", after)
    (line,) = log_of(catalog)
    assert line.after == {
        "name": "x",
        "password": HIDDEN,
        "nested": {"secret": HIDDEN, "list": [{"token": HIDDEN}]},
        "bank_account": "…7890",
    }


def test_dates_sets_and_any_text_are_kept(catalog: SqlCatalog) -> None:
    when = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=5)
    write(catalog, ANN, "app", "a\0b", {"at": when, "set": frozenset({"茶"}), "odd": "a\0\ud800"})
    (line,) = log_of(catalog)
    assert line.entity_id == "ab"
    assert line.after == {"at": "2026-01-01T00:00:00.000005Z", "set": ["茶"], "odd": "a?"}


def test_the_log_is_read_newest_first_by_who_what_and_page(catalog: SqlCatalog) -> None:
    other = Somebody("bob@play.example", "org_play")
    for number in range(5):
        write(catalog, ANN, "app", f"a{number}", {"n": number})
    write(catalog, other, "placement", "p1", {"n": 9})
    assert [one.entity_id for one in log_of(catalog, limit=3)] == ["p1", "a4", "a3"]
    own = log_of(catalog, Sought(organisation_id="org_tea"), limit=2)
    assert [one.entity_id for one in own] == ["a4", "a3"]
    rest = log_of(catalog, Sought(organisation_id="org_tea", before_seq=own[-1].seq))
    assert [one.entity_id for one in rest] == ["a2", "a1", "a0"]
    assert [one.kind for one in log_of(catalog, Sought(actor=other.actor))] == ["placement"]
    assert log_of(catalog, Sought(kind="app", entity_id="p1")) == []


@pytest.mark.parametrize("role", ["advertiser", "partner", "merchant"])
def test_an_owner_reaches_its_own_lines_and_the_houses_on_its_things(
    catalog: SqlCatalog, role: str
) -> None:
    write(catalog, COMMAND, role, "mine", {"x": 1})
    write(catalog, COMMAND, role, "another", {"x": 2})
    write(catalog, COMMAND, "app", "nobodys", {"x": 3})
    write(catalog, ANN, "app", "mine", {"x": 4})
    reach = Reach("org_tea", role, "mine")
    found = log_of(catalog, Sought(reach=reach))
    assert [(one.actor, one.after) for one in found] == [(ANN.actor, {"x": 4}), ("house", {"x": 1})]
    assert log_of(catalog, Sought(reach=reach, actor="command")) == []
    assert [one.after for one in log_of(catalog, Sought(reach=reach, actor="house"))] == [{"x": 1}]
