"""Telling webhooks over real HTTP: signed, again and again, and never to whom it must not go."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from adserver.accounts.identity import COMMAND
from adserver.api.signing import signature_fault
from adserver.keyring import Keyring
from adserver.marketplace.problem import CatalogError
from adserver.stores import audit, database, webhooks
from adserver.stores.audit import Sought
from adserver.stores.webhooks import Delivery, Webhook
from adserver.webhooks import registering
from adserver.webhooks.delivering import (
    BACK_OFF,
    MOST_FAILURES,
    Deliverer,
    client_session,
    secret_of,
)
from adserver.webhooks.kinds import PARTNER_KINDS
from tests import builders
from tests.adserver.webhooks.ears import Ear

NOW = builders.NOW
KEYRING = Keyring(b"0" * 32, {})
PAID = {"payout_id": "p1", "amount_minor": 12_345}


def make(engine: Engine, url: str, owner: str = "p_clio") -> Webhook:
    wanted = registering.blank("partner", owner, url, PARTNER_KINDS, NOW)
    with database.writing(engine) as connection:
        return registering.make(connection, wanted, COMMAND, private=True)


def announce(engine: Engine, owner: str = "p_clio", cause: str = "", number: int = 1) -> int:
    with database.writing(engine) as connection:
        return sum(
            webhooks.announce(connection, "partner", owner, "payout.paid", PAID, NOW, cause)
            for _ in range(number)
        )


def deliver(engine: Engine, now: datetime = NOW, *, private: bool = True) -> int:
    async def look() -> int:
        async with client_session(private=private) as session:
            return await Deliverer(engine, KEYRING, session, private=private).look(now)

    return asyncio.run(look())


def sent(engine: Engine, webhook: Webhook) -> list[Delivery]:
    with database.reading(engine) as connection:
        return webhooks.deliveries(connection, webhook.webhook_id, 0, 1_000)


def found(engine: Engine, webhook: Webhook) -> Webhook:
    with database.reading(engine) as connection:
        one = webhooks.find(connection, webhook.webhook_id)
    assert one is not None
    return one


def test_an_event_arrives_signed_and_is_done(engine: Engine, ear: Ear) -> None:
    webhook = make(engine, ear.url)
    assert announce(engine) == 1
    assert deliver(engine) == 1
    ((path, headers, body),) = ear.heard
    assert path == "/hook"
    secret = secret_of(KEYRING, webhook)
    assert signature_fault(headers["X-Signature"], secret, body, NOW.timestamp()) == ""
    assert headers["Content-Type"] == "application/json"
    (told,) = ear.bodies()
    assert told["data"] == PAID
    assert (told["kind"], told["owner"]) == ("payout.paid", "p_clio")
    assert headers["X-Event-Id"] == told["event_id"]
    (done,) = sent(engine, webhook)
    assert (done.state, done.attempts, done.status, done.due_at) == ("delivered", 1, 200, None)
    assert deliver(engine, NOW + timedelta(days=9)) == 0


def test_only_who_asked_is_told_and_only_their_own(engine: Engine, ear: Ear) -> None:
    make(engine, ear.url, "p_other")
    assert announce(engine) == 0
    with database.writing(engine) as connection:
        assert webhooks.announce(connection, "partner", "p_other", "x", PAID, NOW) == 0
        before = NOW - timedelta(seconds=1)
        args = ("partner", "p_other", "payout.paid", PAID, before)
        assert webhooks.announce(connection, *args) == 0
    assert deliver(engine) == 0


def test_the_same_cause_is_told_once(engine: Engine, ear: Ear) -> None:
    make(engine, ear.url)
    assert announce(engine, cause="payout/1/paid", number=3) == 1
    assert announce(engine, number=2) == 2


def test_an_announcement_goes_with_its_transaction(engine: Engine, ear: Ear) -> None:
    webhook = make(engine, ear.url)

    def fail() -> None:
        with database.writing(engine) as connection:
            webhooks.announce(connection, "partner", "p_clio", "payout.paid", PAID, NOW)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert sent(engine, webhook) == []


@pytest.mark.parametrize("status", [301, 302, 400, 404, 500, 503])
def test_what_was_not_heard_is_said_again_later_and_later(
    engine: Engine, ear: Ear, status: int
) -> None:
    webhook = make(engine, ear.url)
    announce(engine)
    ear.answers = [status]
    ear.headers = {"Location": ear.url.replace("hook", "elsewhere")}
    deliver(engine)
    (one,) = sent(engine, webhook)
    assert (one.state, one.status, one.said) == ("waiting", status, f"answered {status}")
    assert one.due_at == NOW + BACK_OFF[0]
    assert deliver(engine, NOW + BACK_OFF[0] - timedelta(seconds=1)) == 0
    assert deliver(engine, NOW + BACK_OFF[0]) == 1
    assert [path for path, _, _ in ear.heard] == ["/hook", "/hook"]
    assert ear.heard[0][1]["X-Event-Id"] == ear.heard[1][1]["X-Event-Id"]
    assert found(engine, webhook).failures == 0


def test_after_the_last_attempt_the_webhook_is_switched_off_and_says_why(
    engine: Engine, ear: Ear
) -> None:
    webhook, now = make(engine, ear.url), NOW
    announce(engine, number=2)
    ear.answers = [500] * 100
    while found(engine, webhook).active:
        assert deliver(engine, now) >= 1
        now += timedelta(days=1)
    after = found(engine, webhook)
    assert max(one.attempts for one in sent(engine, webhook)) == len(BACK_OFF) + 1
    assert "answered 500" in after.why_inactive
    assert {one.state for one in sent(engine, webhook)} == {"failed"}
    assert announce(engine) == 0
    assert deliver(engine, now + timedelta(days=9)) == 0


def test_too_many_failures_in_a_row_switch_it_off_whatever_they_were_of(
    engine: Engine, ear: Ear
) -> None:
    webhook = make(engine, ear.url)
    with database.writing(engine) as connection:
        webhooks.change(connection, webhook.webhook_id, {"failures": MOST_FAILURES - 1})
    announce(engine)
    ear.answers = [500]
    deliver(engine)
    assert not found(engine, webhook).active


def test_an_address_that_says_it_is_gone_is_not_called_again(engine: Engine, ear: Ear) -> None:
    webhook = make(engine, ear.url)
    announce(engine, number=3)
    ear.answers = [410, 410, 410]
    deliver(engine)
    assert {one.state for one in sent(engine, webhook)} == {"failed"}
    assert not found(engine, webhook).active
    assert "gone" in found(engine, webhook).why_inactive


def test_who_fails_is_called_one_at_a_time_and_makes_nobody_wait(engine: Engine, ear: Ear) -> None:
    bad, good = make(engine, ear.url, "p_bad"), make(engine, ear.url, "p_good")
    with database.writing(engine) as connection:
        webhooks.change(connection, bad.webhook_id, {"failures": 3})
    announce(engine, "p_bad", number=30)
    announce(engine, "p_good", number=30)
    with database.reading(engine) as connection:
        due = webhooks.due(connection, NOW, 64)
    owners = [webhook.owner for webhook, _ in due]
    assert (owners.count("p_bad"), owners.count("p_good")) == (1, 8)
    assert good.active


def test_nobody_there_is_a_failure_in_words(engine: Engine) -> None:
    webhook = make(engine, "http://127.0.0.1:9/hook")
    announce(engine)
    deliver(engine)
    (one,) = sent(engine, webhook)
    assert (one.state, one.status) == ("waiting", 0)
    assert "127.0.0.1:9" in one.said


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_private_address_is_not_called_even_when_it_was_registered(
    engine: Engine, ear: Ear, host: str
) -> None:
    webhook = make(engine, ear.url.replace("127.0.0.1", host).replace("http:", "https:"))
    announce(engine)
    deliver(engine, private=False)
    (one,) = sent(engine, webhook)
    assert one.said == "this address is not of the public internet"
    assert ear.heard == []


def test_a_name_that_turned_private_since_is_not_called(engine: Engine) -> None:
    webhook = make(engine, "https://hook.example.com:1/x")

    async def look() -> None:
        async with client_session() as session:
            resolver = session.connector._resolver  # type: ignore[union-attr]
            resolver._inner = _Loopback()
            await Deliverer(engine, KEYRING, session).look(NOW)

    announce(engine)
    asyncio.run(look())
    (one,) = sent(engine, webhook)
    assert one.said == "this address is not of the public internet"


class _Loopback:
    async def resolve(self, host: str, port: int, family: int) -> list[dict[str, object]]:
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": family,
                 "proto": 0, "flags": 0}]  # fmt: skip

    async def close(self) -> None:
        pass


def test_a_test_goes_out_whatever_was_asked_for_and_a_replay_is_the_same_event(
    engine: Engine, ear: Ear
) -> None:
    webhook = make(engine, ear.url)
    with database.writing(engine) as connection:
        registering.test(connection, webhook, COMMAND, NOW)
    deliver(engine)
    (one,) = sent(engine, webhook)
    assert one.kind == "test"
    with database.writing(engine) as connection:
        registering.replay(connection, webhook, one, COMMAND, NOW)
    deliver(engine)
    assert len({told["event_id"] for told in ear.bodies()}) == 1
    assert len(ear.heard) == 2


def test_switched_off_it_is_not_tried_and_on_again_it_begins_anew(engine: Engine, ear: Ear) -> None:
    webhook = make(engine, ear.url)
    with database.writing(engine) as connection:
        webhooks.change(connection, webhook.webhook_id, {"failures": 50, "why_inactive": "x"})
        off = replace(found(engine, webhook), active=False)
        webhooks.change(connection, webhook.webhook_id, {"active": False})
        with pytest.raises(CatalogError, match="switched off"):
            registering.test(connection, off, COMMAND, NOW)
        on = registering.edit(
            connection, off, replace(off, active=True), COMMAND, NOW, private=True
        )
    assert (on.active, on.failures, on.why_inactive) == (True, 0, "")


def test_a_removed_webhook_hears_nothing_more_and_every_step_is_in_the_log(
    engine: Engine, ear: Ear
) -> None:
    webhook = make(engine, ear.url)
    announce(engine)
    with database.writing(engine) as connection:
        registering.remove(connection, webhook, COMMAND, NOW)
    assert deliver(engine) == 0
    assert announce(engine) == 0
    with database.reading(engine) as connection:
        lines = audit.lines(connection, Sought(kind="webhook"), 10)
    assert [line.action for line in lines] == ["remove", "add"]


@pytest.mark.parametrize("kinds", [(), ("nonsense",), ("creative.reviewed",), ("test",)])
def test_what_cannot_be_told_to_partners_cannot_be_asked_for(
    engine: Engine, kinds: tuple[str, ...]
) -> None:
    wanted = registering.blank("partner", "p", "https://example.com/", kinds, NOW)
    with (
        pytest.raises(CatalogError, match="choose at least one"),
        database.writing(engine) as connection,
    ):
        registering.make(connection, wanted, COMMAND)


def test_there_are_not_endlessly_many(engine: Engine) -> None:
    for number in range(registering.MOST):
        make(engine, f"https://example.com/{number}")
    with pytest.raises(CatalogError, match="at most 20"):
        make(engine, "https://example.com/more")


def test_old_deliveries_are_forgotten_and_waiting_ones_are_not(engine: Engine, ear: Ear) -> None:
    webhook = make(engine, ear.url)
    announce(engine, number=2)
    ear.answers = [200, 500]
    deliver(engine)
    with database.writing(engine) as connection:
        assert webhooks.forget(connection, NOW + timedelta(days=29)) == 0
        assert webhooks.forget(connection, NOW + timedelta(days=31)) == 1
    assert [one.state for one in sent(engine, webhook)] == ["waiting"]
