"""Sends what webhooks are to be told, signed, again and again until it was heard.

Never here: what happened. The one surprising fact: nothing is promised but "at least once, in any
order": an answer that is lost is a call made again, under the same event id.

    X-Signature: t=<unix>,v1=<hex HMAC-SHA256 of "t.body">, as postbacks to us are signed
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from prometheus_client import Counter
from sqlalchemy import Connection, Engine

from adserver.api.signing import signature
from adserver.keyring import Keyring
from adserver.stores import database, webhooks
from adserver.stores.webhooks import DELIVERED, FAILED, WAITING, Delivery, Webhook
from adserver.webhooks.address import PRIVATE, PrivateAddressError, PublicResolver, fault_of

CALLS = Counter("adunion_webhook_calls_total", "Calls of webhooks, by what became of them", ["end"])
TIMEOUT_S = 10.0
AT_ONCE = 8
A_ROUND = 64
MOST_FAILURES = 100
"""Attempts in a row after which a webhook is switched off, whatever they were of."""

BACK_OFF = tuple(
    timedelta(seconds=seconds) for seconds in (10, 60, 300, 1_800, 7_200, 21_600, 43_200, 86_400)
)
"""How long after a failed attempt the next one follows; after the last one it is given up."""

GONE = "410: the address says that it is gone"
GIVEN_UP = "nothing was heard for two days"


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a call."""

    status: int
    said: str
    took_ms: int

    @property
    def is_good(self) -> bool:
        """Whether the address took it."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


def secret_of(keyring: Keyring, webhook: Webhook) -> str:
    """What calls of a webhook are signed with; its owner may see it at any time."""
    return keyring.signing_secret("webhook", webhook.webhook_id, webhook.key_generation)


def client_session(*, private: bool = False) -> ClientSession:
    """A session that reaches nothing but the public internet."""
    connector = TCPConnector(
        resolver=PublicResolver(private=private), use_dns_cache=False, limit=AT_ONCE
    )
    return ClientSession(
        connector=connector, timeout=ClientTimeout(total=TIMEOUT_S), auto_decompress=False
    )


class Deliverer:
    """Sends what is due; one per console. `private` lets it reach private addresses."""

    def __init__(
        self, engine: Engine, keyring: Keyring, session: ClientSession, *, private: bool = False
    ) -> None:
        self._engine = engine
        self._keyring = keyring
        self._session = session
        self._private = private
        self._places = asyncio.Semaphore(AT_ONCE)

    async def look(self, now: datetime) -> int:
        """Sends a round of what is due; answers how much that was."""
        due = await asyncio.to_thread(self._due, now)
        await asyncio.gather(*(self._deliver(webhook, one, now) for webhook, one in due))
        return len(due)

    def _due(self, now: datetime) -> list[tuple[Webhook, Delivery]]:
        with database.reading(self._engine) as connection:
            return webhooks.due(connection, now, A_ROUND)

    async def _deliver(self, webhook: Webhook, one: Delivery, now: datetime) -> None:
        async with self._places:
            heard = await self._call(webhook, one, now)
        CALLS.labels("heard" if heard.is_good else "failed").inc()
        await asyncio.to_thread(self._note, one, heard, now)

    async def _call(self, webhook: Webhook, one: Delivery, now: datetime) -> Heard:
        if fault := fault_of(webhook.url, private=self._private):
            return Heard(0, fault, 0)
        body = one.body.encode()
        signed_at = int(now.timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "adunion-webhooks",
            "X-Event-Id": one.event_id,
            "X-Event-Kind": one.kind,
            "X-Signature": signature(secret_of(self._keyring, webhook), signed_at, body),
        }
        began = time.perf_counter()
        status, said = 0, ""
        try:
            async with self._session.post(
                webhook.url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                status = answer.status
        except TimeoutError:
            said = f"no answer within {TIMEOUT_S:.0f} seconds"
        except (ClientError, OSError, ValueError) as error:
            said = _words_of(error)
        took_ms = int((time.perf_counter() - began) * 1000)
        return Heard(status, said or f"answered {status}", took_ms)

    def _note(self, one: Delivery, heard: Heard, now: datetime) -> None:
        with database.writing(self._engine) as connection:
            webhook = webhooks.find(connection, one.webhook_id)
            if webhook is None:
                return
            attempts = one.attempts + 1
            is_over = heard.is_good or not webhook.active  # another call of this round ended it
            wait = None if is_over else _wait_after(attempts)
            values = {
                "attempts": attempts,
                "tried_at": now,
                "status": heard.status,
                "said": heard.said[:500],
                "took_ms": heard.took_ms,
                "due_at": None if wait is None else now + wait,
                "state": _state(heard, wait),
            }
            webhooks.end(connection, one.seq, values)
            if webhook.active:
                _judge(connection, webhook, heard, wait)


def _state(heard: Heard, wait: timedelta | None) -> str:
    if heard.is_good:
        return DELIVERED
    return FAILED if wait is None else WAITING


def _wait_after(attempts: int) -> timedelta | None:
    """Until the next attempt; None when that was the last."""
    return BACK_OFF[attempts - 1] if attempts <= len(BACK_OFF) else None


def _judge(connection: Connection, webhook: Webhook, heard: Heard, wait: timedelta | None) -> None:
    """Counts failures in a row; switches off what is gone or was silent for too long."""
    if heard.is_good:
        if webhook.failures:
            webhooks.change(connection, webhook.webhook_id, {"failures": 0})
        return
    failures = webhook.failures + 1
    why = ""
    if heard.status == HTTPStatus.GONE:
        why = GONE
    elif wait is None or failures >= MOST_FAILURES:
        why = f"{GIVEN_UP}; the last attempt: {heard.said}"[:500]
    values: dict[str, object] = {"failures": failures}
    if why:
        values |= {"active": False, "why_inactive": why}
        webhooks.give_up(connection, webhook.webhook_id, "the webhook was switched off")
    webhooks.change(connection, webhook.webhook_id, values)


def _words_of(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PrivateAddressError):
            return PRIVATE
        cause = cause.__cause__ or cause.__context__
    words = str(error).replace("\n", " ")
    return words or type(error).__name__
