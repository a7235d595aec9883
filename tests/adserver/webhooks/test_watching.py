"""What happens is seen where it was written, once, and only for who asked and since they asked."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Table, insert

from adserver.accounts.identity import COMMAND
from adserver.stores import creative_reviews, database, webhooks
from adserver.stores.advertiser_tables import TOP_UPS
from adserver.stores.catalog import SqlCatalog
from adserver.stores.creative_reviews import Said
from adserver.stores.settlement_tables import PAYOUT_EVENTS, PAYOUTS, STATEMENTS
from adserver.webhooks import registering
from adserver.webhooks.budget_watch import Spent, reached
from adserver.webhooks.happenings import MOST_ROWS
from adserver.webhooks.kinds import ADVERTISER_KINDS, PARTNER_KINDS
from adserver.webhooks.watching import Watcher, put_down
from models.domain.campaign import Review
from models.domain.ids import AdvertiserId
from models.domain.money import Micros
from tests import builders
from tests.adserver.stores.made_orders import put_row

NOW = builders.NOW
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
URL = "https://example.com/hook"


def ask(
    engine: Engine, role: str, owner: str, kinds: Iterable[str] = (), now: datetime = NOW
) -> str:
    """A webhook for everything, or for some kinds."""
    everything = {"partner": PARTNER_KINDS, "advertiser": ADVERTISER_KINDS}[role]
    wanted = registering.blank(role, owner, URL, kinds or everything, now)
    with database.writing(engine) as connection:
        return registering.make(connection, wanted, COMMAND).webhook_id


def told(engine: Engine, webhook_id: str) -> list[tuple[str, str]]:
    with database.reading(engine) as connection:
        found = webhooks.deliveries(connection, webhook_id, 0, 1_000)
    return [(one.kind, one.cause) for one in reversed(found)]


def put(engine: Engine, table: Table, **values: Any) -> None:
    plain: dict[str, Any] = {}
    for column in table.columns:
        if not column.nullable:
            plain[column.name] = "" if column.type.python_type is str else 0
    with database.writing(engine) as connection:
        connection.execute(insert(table).values(plain | values))


def statement(engine: Engine, partner: str, at: datetime) -> None:
    put(engine, STATEMENTS, period="2026-10", currency="CNY", partner_id=partner, closed_at=at,
        pays_at=at)  # fmt: skip


def payout(engine: Engine, state: str, at: datetime) -> None:
    put(engine, PAYOUT_EVENTS, payout_id="po1", attempt=1, state=state, at=at)


def test_statements_and_payouts_are_told_once_each(engine: Engine) -> None:
    webhook, watcher = ask(engine, "partner", "p1"), Watcher(engine)
    watcher.look(NOW)
    put(engine, PAYOUTS, payout_id="po1", period="2026-10", currency="CNY", partner_id="p1",
        made_at=NOW, changed_at=NOW)  # fmt: skip
    statement(engine, "p1", NOW + SECOND)
    payout(engine, "pending", NOW + SECOND)
    assert watcher.look(NOW + 2 * SECOND) == 2
    payout(engine, "confirmed", NOW + 3 * SECOND)
    assert watcher.look(NOW + 4 * SECOND) == 1
    assert watcher.look(NOW + 5 * SECOND) == 0
    assert watcher.look(NOW + 10 * MINUTE) == 0
    assert told(engine, webhook) == [
        ("statement.closed", "statement/2026-10/CNY/p1"),
        ("payout.made", "payout/po1/1/pending"),
        ("payout.paid", "payout/po1/1/confirmed"),
    ]


def test_nobody_is_told_of_others_or_of_what_they_did_not_ask_for(engine: Engine) -> None:
    other, some = ask(engine, "partner", "p2"), ask(engine, "partner", "p1", ["payout.paid"])
    watcher = Watcher(engine)
    watcher.look(NOW)
    statement(engine, "p1", NOW + SECOND)
    assert watcher.look(NOW + 2 * SECOND) == 0
    assert told(engine, other) == told(engine, some) == []


def test_nobody_is_told_of_what_was_before_they_asked(engine: Engine) -> None:
    ask(engine, "partner", "p2")
    watcher = Watcher(engine)
    watcher.look(NOW)
    statement(engine, "p1", NOW + SECOND)
    with database.writing(engine) as connection:
        put_row(connection, 1, NOW + SECOND, partner_id="p1")
    webhook = ask(engine, "partner", "p1", now=NOW + 2 * SECOND)
    watcher.look(NOW + 3 * SECOND)
    assert told(engine, webhook) == []


def test_what_is_committed_late_is_seen_all_the_same(engine: Engine) -> None:
    webhook, watcher = ask(engine, "partner", "p1", now=NOW - DAY), Watcher(engine)
    watcher.look(NOW)
    watcher.look(NOW + 2 * MINUTE)
    statement(engine, "p1", NOW - MINUTE)
    assert watcher.look(NOW + 2 * MINUTE + SECOND) == 1
    assert len(told(engine, webhook)) == 1


def test_what_happened_while_the_console_was_away_is_told_when_it_is_back(engine: Engine) -> None:
    webhook = ask(engine, "partner", "p1")
    Watcher(engine).look(NOW)
    statement(engine, "p1", NOW + DAY)
    assert Watcher(engine).look(NOW + 3 * DAY) == 1
    assert len(told(engine, webhook)) == 1


def test_changed_commissions_come_as_one_event_a_look_with_the_rows(engine: Engine) -> None:
    webhook, watcher = ask(engine, "partner", "p1"), Watcher(engine)
    watcher.look(NOW)
    with database.writing(engine) as connection:
        for number in range(1, MOST_ROWS + 5):
            put_row(connection, number, NOW + SECOND, partner_id="p1", partner_minor=5)
        put_row(connection, 900, NOW + SECOND, partner_id="p2")
    assert watcher.look(NOW + 2 * SECOND) == 1
    assert watcher.look(NOW + 3 * SECOND) == 0
    with database.reading(engine) as connection:
        (one,) = webhooks.deliveries(connection, webhook, 0, 10)
    assert one.kind == "commission.changed"
    assert '"more": true' in one.body
    assert one.body.count('"row_id"') == MOST_ROWS
    assert '"earned_minor": 5' in one.body


def marketed(engine: Engine, **item: Any) -> SqlCatalog:
    catalog = SqlCatalog(engine)
    catalog.replace(builders.marketplace(line_items=(builders.line_item(**item),)), NOW)
    return catalog


def test_a_review_is_told_with_its_words(engine: Engine) -> None:
    marketed(engine)
    webhook, watcher = ask(engine, "advertiser", "adv1"), Watcher(engine)
    watcher.look(NOW)
    for verdict in (Review.PENDING, Review.REJECTED):
        with database.writing(engine) as connection:
            said = Said("op", verdict, "misleading", "Say what it costs.")
            creative_reviews.add(connection, builders.creative(), said, NOW + SECOND)
    assert watcher.look(NOW + 2 * SECOND) == 1
    assert told(engine, webhook) == [("creative.reviewed", "review/cr1/2")]


def test_the_end_of_a_line_item_is_told_when_it_comes(engine: Engine) -> None:
    marketed(engine, ends_at=NOW + MINUTE)
    webhook, watcher = ask(engine, "advertiser", "adv1"), Watcher(engine)
    watcher.look(NOW)
    assert watcher.look(NOW + 59 * SECOND) == 0
    assert watcher.look(NOW + MINUTE) == 1
    assert watcher.look(NOW + 2 * MINUTE) == 0
    assert [kind for kind, _ in told(engine, webhook)] == ["line_item.ended"]


def test_a_confirmed_top_up_is_told_and_a_refused_one_is_not(engine: Engine) -> None:
    webhook, watcher = ask(engine, "advertiser", "adv1"), Watcher(engine)
    watcher.look(NOW)
    for number, status in enumerate(("confirmed", "refused", "asked")):
        put(engine, TOP_UPS, top_up_id=f"t{number}", advertiser_id="adv1", status=status,
            asked_at=NOW, decided_at=NOW + SECOND)  # fmt: skip
    assert watcher.look(NOW + 2 * SECOND) == 1
    assert told(engine, webhook) == [("top_up.confirmed", "top-up/t0")]


def spent(today: int, ever: int) -> Spent:
    item = builders.line_item(daily_budget_micros=Micros(100), total_budget_micros=Micros(1_000))
    return Spent(item, "2026-11-18", today, ever)


def test_a_budget_is_told_at_80_and_at_100_per_cent() -> None:
    owner = AdvertiserId("adv1")

    def kinds(today: int, ever: int) -> list[tuple[str, str]]:
        found = reached(owner, spent(today, ever), NOW)
        return [(one.kind, one.data["budget"]) for one in found]

    assert kinds(79, 799) == []
    assert kinds(80, 0) == [("budget.used_80", "daily")]
    assert kinds(100, 0) == [("budget.used_80", "daily"), ("budget.used_100", "daily")]
    assert kinds(0, 1_001) == [("budget.used_80", "total"), ("budget.used_100", "total")]


def test_a_budget_is_told_once_a_day_and_again_when_it_was_raised(engine: Engine) -> None:
    webhook = ask(engine, "advertiser", "adv1")
    owner = AdvertiserId("adv1")
    with database.writing(engine) as connection:
        assert put_down(connection, reached(owner, spent(80, 0), NOW)) == 1
        assert put_down(connection, reached(owner, spent(85, 0), NOW + MINUTE)) == 0
        tomorrow = Spent(spent(0, 0).item, "2026-11-19", 90, 0)
        assert put_down(connection, reached(owner, tomorrow, NOW + DAY)) == 1
    assert len(told(engine, webhook)) == 2
