"""What Redis says that each line item has spent.

Never here: what it should have spent (`reconcile`). The one surprising fact: Redis is read by the
same code that a worker reads its budgets with, in a process of its own.
"""

from collections.abc import Sequence

from adserver.demo.system import System
from adserver.embedded import redis_running
from adserver.stores.redis_client import RedisLine
from adserver.stores.spend import RedisSpend
from models.domain.campaign import LineItem


async def spent_in_redis(system: System, line_items: Sequence[LineItem]) -> dict[str, int]:
    """Micros spent in total by each line item that spent anything."""
    ids = [line_item.line_item_id for line_item in line_items]
    with redis_running(system.settings) as url:
        line = RedisLine(url)
        try:
            pairs = await RedisSpend(line).spent(ids, [0] * len(ids))
        finally:
            await line.close()
    return {item: int(total) for item, (_, total) in zip(ids, pairs, strict=True) if total}
