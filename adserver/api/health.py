"""Is it alive, is it warm, and what has it counted: `/healthz`, `/readyz`, `/metrics`.

Never here: anything that waits. The one surprising fact: a worker that was ready stays ready while
Redis is away, because it still answers ads; otherwise every worker would leave service at once.
"""

from adserver import metrics
from adserver.api.exchange import Answer, Request
from adserver.api.problems import UnavailableError
from adserver.api.serving import RETRY_SOON, Serving

OK = b'{"status":"ok"}'


async def healthz(_: Request) -> Answer:
    """200 as long as the process answers at all."""
    return Answer(200, OK)


async def readyz(serving: Serving, _: Request) -> Answer:
    """200 once a snapshot is warm and Redis has been reached, until the worker is told to stop.

    Raises:
        UnavailableError: what is still missing.
    """
    serving.live()
    if not serving.redis_reached:
        raise UnavailableError("Redis has not been reached yet", headers=RETRY_SOON)
    if serving.stopping:
        raise UnavailableError("this worker is stopping", headers=RETRY_SOON)
    return Answer(200, OK)


async def metrics_page(_: Request) -> Answer:
    """Prometheus' text."""
    return Answer(200, metrics.page(), metrics.CONTENT_TYPE)
