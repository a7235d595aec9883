"""The console's loops for accounts and webhooks: look what happened, tell it, sweep up.

Never here: the work.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from adserver import keyring
from adserver.accounts.tidying import tidy
from adserver.config import Settings
from adserver.console.loops import repeating
from adserver.ports import EventStore
from adserver.stores import database, webhooks
from adserver.stores.catalog import SqlCatalog
from adserver.webhooks.budget_watch import BudgetWatcher
from adserver.webhooks.delivering import Deliverer, client_session
from adserver.webhooks.watching import Watcher

LOOK_S = 1.0
BUDGETS_LOOK_S = 30.0
SWEEP_S = 3_600.0


@asynccontextmanager
async def webhooks_running(
    settings: Settings, store: EventStore, is_ready: Callable[[], bool]
) -> AsyncIterator[None]:
    """Watches and delivers while the context is open."""
    engine = database.connect(settings)
    private = bool(settings.webhook_private_addresses)
    watcher = Watcher(engine)
    budgets = BudgetWatcher(engine, SqlCatalog(engine), store)

    async def watch() -> None:
        await asyncio.to_thread(watcher.look, datetime.now(UTC))

    async def watch_budgets() -> None:
        if is_ready():
            await asyncio.to_thread(budgets.look, datetime.now(UTC))

    def sweep() -> None:
        now = datetime.now(UTC)
        tidy(engine, now)
        with database.writing(engine) as connection:
            webhooks.forget(connection, now)

    try:
        async with client_session(private=private) as session:
            deliverer = Deliverer(engine, keyring.load(settings), session, private=private)

            async def deliver() -> None:
                while await deliverer.look(datetime.now(UTC)):
                    pass

            async with (
                repeating("webhook watch", LOOK_S, watch),
                repeating("budget watch", BUDGETS_LOOK_S, watch_budgets),
                repeating("webhooks", LOOK_S, deliver),
                repeating("sweeping", SWEEP_S, lambda: asyncio.to_thread(sweep)),
            ):
                yield
    finally:
        engine.dispose()
