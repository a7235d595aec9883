"""Top-ups: announced, decided once, and in the ledger exactly once whoever presses how often."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from adserver.accounting import top_ups
from adserver.accounting.deposits import deposit
from adserver.accounting.top_ups import (
    MOST_WAITING,
    Asked,
    DecidedTopUpError,
    TopUpError,
    UnknownTopUpError,
)
from adserver.stores import audit, database, migrations
from adserver.stores.audit import Sought
from adserver.stores.ledger import Journal
from adserver.stores.top_ups import TopUp, TopUpStatus
from affiliate.chart_of_accounts import advertiser_prepaid
from models.domain.ids import AdvertiserId
from models.domain.money import Micros
from tests.adserver.stores.sql_databases import database_url
from tests.builders import NOW

__all__ = ["database_url"]

ZONE = ZoneInfo("Asia/Shanghai")
OWNER = AdvertiserId("adv1")
YUAN = 1_000_000


@dataclass(frozen=True)
class Someone:
    """Who acts."""

    actor: str
    organisation_id: str = "org"


ANN, OP, OTHER_OP = Someone("ann@one"), Someone("op@house"), Someone("other@house")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = database.connect_url(database_url)
    migrations.upgrade(made)
    yield made
    made.dispose()


def ask(engine: Engine, yuan: int = 500, owner: AdvertiserId = OWNER) -> TopUp:
    asked = Asked(Micros(yuan * YUAN), "CNY", "transfer 4711")
    return top_ups.ask(engine, owner, asked, ANN, NOW)


def balance(engine: Engine, owner: AdvertiserId = OWNER) -> int:
    with database.writing(engine) as connection:
        return Journal(connection, ZONE).balance(advertiser_prepaid(owner), "CNY").posted


def confirm(engine: Engine, one: TopUp, reference: str = "B1", who: Someone = OP) -> TopUp:
    return top_ups.confirm(engine, ZONE, one.top_up_id, reference, who, NOW)


def test_asking_moves_no_money_and_waits_for_an_operator(engine: Engine) -> None:
    one = ask(engine)
    assert balance(engine) == 0
    assert top_ups.list_pending(engine) == [one]
    assert top_ups.list_of(engine, OWNER) == [one]
    assert top_ups.list_of(engine, AdvertiserId("adv2")) == []


def test_confirming_books_the_money_under_the_banks_number(engine: Engine) -> None:
    done = confirm(engine, ask(engine), " B17 ")
    assert (done.status, done.reference, done.decided_by) == ("confirmed", "B17", "op@house")
    assert balance(engine) == 500 * YUAN
    assert top_ups.list_pending(engine) == []


def test_two_operators_at_once_book_it_once(engine: Engine) -> None:
    one = ask(engine)

    def press(who: Someone) -> str:
        try:
            return confirm(engine, one, f"B-{who.actor}", who).status
        except DecidedTopUpError as decided:
            return f"decided by {decided.top_up.decided_by}"

    with ThreadPoolExecutor(8) as at_once:
        said = list(at_once.map(press, [OP, OTHER_OP] * 4))
    assert said.count("confirmed") == 1
    assert len([words for words in said if words.startswith("decided by")]) == 7
    assert balance(engine) == 500 * YUAN


def test_confirming_and_refusing_at_once_do_one_of_both(engine: Engine) -> None:
    for number in range(6):
        one = ask(engine)
        acts: list[Callable[[], object]] = [
            partial(confirm, engine, one, f"B{number}"),
            partial(top_ups.refuse, engine, one.top_up_id, "no", OTHER_OP, NOW),
        ]
        before = balance(engine)

        def done(act: Callable[[], object]) -> bool:
            try:
                act()
            except DecidedTopUpError:
                return False
            return True

        with ThreadPoolExecutor(2) as at_once:
            assert sum(at_once.map(done, acts)) == 1
        known = {kept.top_up_id: kept.status for kept in top_ups.list_of(engine, OWNER)}
        confirmed = known[one.top_up_id] is TopUpStatus.CONFIRMED
        assert balance(engine) - before == (500 * YUAN if confirmed else 0)


def test_one_payment_cannot_confirm_two_top_ups(engine: Engine) -> None:
    confirm(engine, ask(engine), "B1")
    second = ask(engine)
    with pytest.raises(TopUpError, match="was used for top-up") as refused:
        confirm(engine, second, "B1")
    assert refused.value.field == "reference"
    assert balance(engine) == 500 * YUAN
    assert top_ups.list_pending(engine) == [second]


def test_what_the_command_line_booked_before_is_not_booked_again(engine: Engine) -> None:
    with database.writing(engine) as connection:
        journal, account = Journal(connection, ZONE), advertiser_prepaid(OWNER)
        deposit(journal, account, Micros(500 * YUAN), currency="CNY", key="B1", now=NOW)
    assert confirm(engine, ask(engine), "B1").status is TopUpStatus.CONFIRMED
    assert balance(engine) == 500 * YUAN


def test_a_reference_with_another_amount_is_refused_and_leaves_it_waiting(engine: Engine) -> None:
    with database.writing(engine) as connection:
        journal, account = Journal(connection, ZONE), advertiser_prepaid(OWNER)
        deposit(journal, account, Micros(YUAN), currency="CNY", key="B1", now=NOW)
    one = ask(engine)
    with pytest.raises(TopUpError, match="another amount"):
        confirm(engine, one, "B1")
    assert top_ups.list_pending(engine) == [one]


@pytest.mark.parametrize("reference", ["", "   ", "x" * 101, "B\x00"])
def test_a_confirmation_needs_a_reference_that_prints(engine: Engine, reference: str) -> None:
    with pytest.raises(TopUpError) as refused:
        confirm(engine, ask(engine), reference)
    assert refused.value.field == "reference"


def test_a_refusal_says_why_and_cannot_be_taken_back(engine: Engine) -> None:
    one = ask(engine)
    with pytest.raises(TopUpError):
        top_ups.refuse(engine, one.top_up_id, " ", OP, NOW)
    done = top_ups.refuse(engine, one.top_up_id, "no such transfer", OP, NOW)
    assert (done.status, done.reason) == ("refused", "no such transfer")
    with pytest.raises(DecidedTopUpError):
        confirm(engine, one)
    assert balance(engine) == 0


def test_only_its_owner_withdraws_and_only_while_it_waits(engine: Engine) -> None:
    one = ask(engine)
    with pytest.raises(UnknownTopUpError):
        top_ups.withdraw(engine, AdvertiserId("adv2"), one.top_up_id, ANN, NOW)
    assert top_ups.withdraw(engine, OWNER, one.top_up_id, ANN, NOW).status == "withdrawn"
    with pytest.raises(DecidedTopUpError):
        top_ups.withdraw(engine, OWNER, one.top_up_id, ANN, NOW)


def test_an_id_that_nobody_has_is_unknown(engine: Engine) -> None:
    with pytest.raises(UnknownTopUpError):
        top_ups.confirm(engine, ZONE, "tu_none", "B1", OP, NOW)


@pytest.mark.parametrize("micros", [0, -1, 10**15 + 1])
def test_an_amount_is_above_nothing_and_no_slip_of_the_finger(engine: Engine, micros: int) -> None:
    with pytest.raises(TopUpError) as refused:
        top_ups.ask(engine, OWNER, Asked(Micros(micros), "CNY"), ANN, NOW)
    assert refused.value.field == "amount"


def test_only_so_many_wait_at_once(engine: Engine) -> None:
    for _ in range(MOST_WAITING):
        ask(engine, 1)
    with pytest.raises(TopUpError, match="wait for a decision"):
        ask(engine, 1)
    ask(engine, 1, AdvertiserId("adv2"))


def test_every_step_is_in_the_audit_log(engine: Engine) -> None:
    confirm(engine, ask(engine))
    with database.reading(engine) as connection:
        lines = audit.lines(connection, Sought(kind="top_up"), 10)
    assert [(line.action, line.actor) for line in lines] == [
        ("confirm", "op@house"),
        ("ask", "ann@one"),
    ]
    assert lines[0].before is not None
    assert lines[0].before["status"] == "asked"


def test_lists_go_on_behind_the_last_one_seen(engine: Engine) -> None:
    made = []
    for number in range(5):
        asked = Asked(Micros(YUAN), "CNY")
        at = NOW + timedelta(minutes=number // 2)  # two share a moment
        made.append(top_ups.ask(engine, OWNER, asked, ANN, at))
    seen: list[TopUp] = []
    while page := top_ups.list_of(
        engine, OWNER, 2, (seen[-1].asked_at, seen[-1].top_up_id) if seen else None
    ):
        seen += page
    assert sorted(one.top_up_id for one in seen) == sorted(one.top_up_id for one in made)
    assert seen == sorted(seen, key=lambda one: (one.asked_at, one.top_up_id), reverse=True)
