"""Budgets as the event log tells them: told when nearly used and when used up."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from adserver.accounts.identity import COMMAND
from adserver.eventlog.rows import served_row
from adserver.eventlog.sums import HOUR_MS, Part, sum_hours
from adserver.ports import EventStore
from adserver.stores import database, webhooks
from adserver.stores.catalog import SqlCatalog
from adserver.stores.database import connect_url
from adserver.webhooks import registering
from adserver.webhooks.budget_watch import SHARES, BudgetWatcher
from models.domain.campaign import LineItem
from models.domain.money import Micros
from tests import builders, schemas
from tests.adserver.eventlog.billed import PRICE, billed, put
from tests.adserver.eventlog.conftest import clickhouse_database, store
from tests.adserver.eventlog.happenings import served

__all__ = ["clickhouse_database", "store"]

NOW = builders.NOW


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[tuple[Engine, SqlCatalog]]:
    engine = connect_url(f"sqlite:///{schemas.furnish(tmp_path)}")
    yield engine, SqlCatalog(engine)
    engine.dispose()


def test_a_budget_is_told_from_the_log_and_what_has_none_is_not(
    store: EventStore, catalog: tuple[Engine, SqlCatalog]
) -> None:
    engine, market = catalog
    item = builders.line_item(daily_budget_micros=Micros(5 * PRICE))
    market.replace(builders.marketplace(line_items=(item,)), NOW)
    watcher = BudgetWatcher(engine, market, store)
    assert watcher.look(NOW) == 0
    wanted = registering.blank("advertiser", "adv1", "https://example.com/", SHARES, NOW)
    with database.writing(engine) as connection:
        made = registering.make(connection, wanted, COMMAND)
    assert watcher.look(NOW) == 0

    at_ms = int(NOW.timestamp() * 1000) - HOUR_MS
    put(store, "ads_served", [served_row(served(n, served_ms=at_ms)) for n in range(4)])
    put(store, "impressions", [billed(n, at_ms=at_ms) for n in range(4)])
    sum_hours(store, at_ms // HOUR_MS, 1, [*Part], at_ms)
    assert watcher.look(NOW) == 1
    assert watcher.look(NOW) == 0
    with database.reading(engine) as connection:
        (one,) = webhooks.deliveries(connection, made.webhook_id, 0, 10)
    assert one.kind == "budget.used_80"
    assert f'"spent_micros": {4 * PRICE}' in one.body

    market.archive(LineItem, "li1", NOW)
    assert watcher.look(NOW) == 0


def test_a_used_budget_is_not_told_again_when_old_deliveries_are_forgotten(
    catalog: tuple[Engine, SqlCatalog],
) -> None:
    engine, _ = catalog
    kinds = ("budget.used_100", "line_item.ended")
    wanted = registering.blank("advertiser", "adv1", "https://example.com/", kinds, NOW)
    with database.writing(engine) as connection:
        webhook = registering.make(connection, wanted, COMMAND)
        for kind in kinds:
            webhooks.put(connection, webhook, (kind, f"{kind}/li1"), {}, NOW)
        webhooks.give_up(connection, webhook.webhook_id, "said")
        webhooks.forget(connection, NOW + timedelta(days=399))
        causes = {f"{kind}/li1" for kind in kinds}
        assert webhooks.told(connection, causes) == {"budget.used_100/li1"}
        assert webhooks.forget(connection, NOW + timedelta(days=401)) == 1
