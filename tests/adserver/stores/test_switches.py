"""Kill switches in SQL: off, on, audited, and published when they change. SQLite and PostgreSQL."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from adserver import publication, switch_package
from adserver.accounts.identity import Identity, Role
from adserver.stores import audit, database, migrations, switches
from adserver.stores.audit import Sought
from adserver.stores.catalog import SqlCatalog
from adserver.stores.database import connect_url
from adserver.stores.switches import SwitchError, SwitchKind, SwitchPublisher
from adserver.switch_package import NOTHING_OFF, Switches
from tests.adserver.stores.sql_databases import database_url
from tests.builders import NOW, small_marketplace

__all__ = ["database_url"]

WHO = Identity(Role.OPERATOR, "", "op@house.example", "org_house")
CREATIVE = (SwitchKind.CREATIVE, "cr1")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = connect_url(database_url)
    migrations.upgrade(made)
    SqlCatalog(made).replace(small_marketplace(), NOW)
    yield made
    made.dispose()


def off(engine: Engine, kind: SwitchKind, entity_id: str, reason: str = "looks wrong") -> None:
    with database.writing(engine) as connection:
        switches.switch_off(connection, (kind, entity_id), reason, WHO, NOW)


def on(engine: Engine, kind: SwitchKind, entity_id: str) -> bool:
    with database.writing(engine) as connection:
        return switches.switch_on(connection, (kind, entity_id), WHO, NOW)


def in_force(engine: Engine) -> Switches:
    with database.reading(engine) as connection:
        return switches.in_force(switches.all_switches(connection))


def test_what_is_off_says_why_since_when_and_by_whom(engine: Engine) -> None:
    off(engine, *CREATIVE, reason="  a fake close button  ")
    with database.reading(engine) as connection:
        (found,) = switches.all_switches(connection)
        assert switches.find(connection, *CREATIVE) == found
        assert switches.find(connection, SwitchKind.CREATIVE, "cr2") is None
    told = (found.kind, found.entity_id, found.reason, found.switched_by, found.switched_at)
    assert told == (*CREATIVE, "a fake close button", WHO.actor, NOW)


def test_every_kind_reaches_the_workers_under_its_own_name(engine: Engine) -> None:
    ids = {"app": "app1", "advertiser": "adv1", "campaign": "cmp1", "line_item": "li1"}
    for kind, entity_id in (*ids.items(), ("creative", "cr1"), ("everything", "")):
        off(engine, SwitchKind(kind), entity_id)
    assert in_force(engine) == Switches(
        everything=True,
        apps=frozenset({"app1"}),
        advertisers=frozenset({"adv1"}),
        campaigns=frozenset({"cmp1"}),
        line_items=frozenset({"li1"}),
        creatives=frozenset({"cr1"}),
    )


def test_switching_back_leaves_nothing_off_and_can_be_done_twice(engine: Engine) -> None:
    off(engine, *CREATIVE)
    assert on(engine, *CREATIVE)
    assert not on(engine, *CREATIVE)
    assert in_force(engine) == NOTHING_OFF


def test_switching_off_again_changes_the_reason(engine: Engine) -> None:
    off(engine, *CREATIVE, reason="one")
    off(engine, *CREATIVE, reason="two")
    with database.reading(engine) as connection:
        assert [one.reason for one in switches.all_switches(connection)] == ["two"]


@pytest.mark.parametrize(
    ("kind", "entity_id", "reason", "field"),
    [
        ("creative", "cr_nobody", "why", "entity_id"),
        ("creative", "", "why", "entity_id"),
        ("everything", "cr1", "why", "entity_id"),
        ("creative", "cr1", "  ", "reason"),
        ("creative", "cr1", "x" * 501, "reason"),
    ],
)
def test_a_switch_for_nothing_or_without_a_reason_is_refused(
    engine: Engine, kind: str, entity_id: str, reason: str, field: str
) -> None:
    with pytest.raises(SwitchError) as refused:
        off(engine, SwitchKind(kind), entity_id, reason)
    assert refused.value.field == field
    assert in_force(engine) == NOTHING_OFF


def test_who_switched_what_is_in_the_audit_log(engine: Engine) -> None:
    off(engine, *CREATIVE)
    on(engine, *CREATIVE)
    with database.reading(engine) as connection:
        lines = audit.lines(connection, Sought(kind="creative"), 10)
    assert [(one.action, one.actor, one.entity_id) for one in lines] == [
        ("switch_on", WHO.actor, "cr1"),
        ("switch_off", WHO.actor, "cr1"),
    ]


def test_only_changes_are_published_and_a_console_that_starts_publishes_anew(
    engine: Engine, tmp_path: Path
) -> None:
    root, publisher = tmp_path / switch_package.DIRECTORY, SwitchPublisher(engine, tmp_path)
    assert publisher.look(NOW) is None
    assert publication.current(root) is None
    off(engine, *CREATIVE)
    first = publisher.look(NOW)
    assert first is not None
    assert publisher.look(NOW + timedelta(seconds=1)) is None
    (root / first / switch_package.FILE).write_bytes(b"\xc1")
    second = SwitchPublisher(engine, tmp_path).look(NOW + timedelta(seconds=2))
    assert second not in {None, first}
    assert switch_package.read(root, str(second)).creatives == {"cr1"}
    on(engine, *CREATIVE)
    third = publisher.look(NOW + timedelta(seconds=3))
    assert switch_package.read(root, str(third)) == NOTHING_OFF
