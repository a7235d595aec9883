"""`POST /v1/orders` at the console: who sends, what it says, and what the books answer.

Never here: what an order earns (`adserver.accounting`). The one surprising fact: the books are
written in threads of their own, of which there are few, so however many batches wait for the
ledger's lock, the console's loops go on; beyond a limit senders are told to come again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus

from aiohttp import web
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from adserver.accounting.order_hearing import CommissionTooLargeError
from adserver.accounting.orders import OrderDesk
from adserver.api import order_wire
from adserver.api.bearer import sender_of_body
from adserver.api.exchange import Answer, Request
from adserver.api.problems import (
    Problem,
    UnauthorizedError,
    UnavailableError,
    UnprocessableError,
    problem_answer,
)
from adserver.keyring import Keyring
from adserver.ports import StoreAwayError
from adserver.stores import database
from adserver.stores.partners import merchant_of
from affiliate.merchandise import Merchant
from models.domain.ids import MerchantId

THREADS = 2  # one parses while the other writes
MOST_WAITING = 64
KIND = "merchant"
_LATER = (("Retry-After", "1"),)

log = logging.getLogger(__name__)


class OrderDoor:
    """Answers batches of orders. `answer` is a plain call, from any thread."""

    def __init__(self, desk: OrderDesk, engine: Engine, keyring: Keyring) -> None:
        self._desk = desk
        self._engine = engine
        self._keyring = keyring

    def answer(self, request: Request, now: datetime) -> Answer:
        """The verdicts on a batch, or the problem with it. Never raises."""
        try:
            return self._taken(request, now)
        except Problem as problem:
            return problem.answer()
        except (StoreAwayError, OperationalError) as away:
            log.warning("orders have to wait: %s", away)
            return UnavailableError("the books are out of reach just now", headers=_LATER).answer()
        except Exception:
            log.exception("a batch of orders broke an invariant")
            mistake = "our mistake, and it has been logged"
            return problem_answer(HTTPStatus.INTERNAL_SERVER_ERROR, mistake)

    def _taken(self, request: Request, now: datetime) -> Answer:
        merchant = self._sender(request, now)
        body = order_wire.parse(request)
        facts = order_wire.facts_in(body, merchant.merchant_id, merchant.currency, now)
        try:
            verdicts = self._desk.take(merchant.merchant_id, facts, now)
        except CommissionTooLargeError as error:
            at = _place(body.orders, error)
            raise UnprocessableError(str(error), f"/orders/{at}/quantity") from None
        results = [
            order_wire.OrderResult(
                order_id=one.order_id,
                line_id=one.line_id,
                version=one.version,
                status=order_wire.status_of(one.kind),
                verdict=one.kind.value,
                reason=one.reason,
            )
            for one in verdicts
        ]
        return Answer(HTTPStatus.OK, order_wire.answer_body(results))

    def _sender(self, request: Request, now: datetime) -> Merchant:
        headers = (request.headers.get("Authorization", ""), request.headers.get("X-Signature", ""))
        sender = sender_of_body(self._keyring, KIND, headers, request.body, now.timestamp())
        with database.reading(self._engine) as connection:
            merchant = merchant_of(connection, MerchantId(sender[0]))
        if merchant is None or merchant.key_generation != sender[1]:
            raise UnauthorizedError("send Authorization: Bearer with the merchant's key")
        return merchant  # archived or not: what it sold before may still go back


def _place(items: list[order_wire.OrderItem], error: CommissionTooLargeError) -> int:
    named = (error.order_id, error.line_id)
    places = (at for at, item in enumerate(items) if (item.order_id, item.line_id) == named)
    return next(places, 0)


@asynccontextmanager
async def taking_orders(door: OrderDoor) -> AsyncIterator[web.RouteDef]:
    """The route over a door, for as long as the context is open."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="orders") as threads:
        yield web.post(order_wire.PATH, _Queue(door, threads).receive)


class _Queue:
    def __init__(self, door: OrderDoor, threads: ThreadPoolExecutor) -> None:
        self._door = door
        self._threads = threads
        self._waiting = 0

    async def receive(self, sent: web.Request) -> web.Response:
        """Waits for a thread's answer."""
        if self._waiting >= MOST_WAITING:
            return _response(UnavailableError("too many batches wait", headers=_LATER).answer())
        body = await sent.read()
        request = Request(sent.method, sent.path, "", sent.headers, body, "")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            now = datetime.now(UTC)
            answer = await loop.run_in_executor(self._threads, self._door.answer, request, now)
        finally:
            self._waiting -= 1
        return _response(answer)


def _response(answer: Answer) -> web.Response:
    headers = {"Content-Type": answer.content_type, **dict(answer.headers)}
    return web.Response(status=answer.status, body=answer.body, headers=headers)
