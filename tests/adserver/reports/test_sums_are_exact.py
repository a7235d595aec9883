"""Whatever comes, however often and however late: the sums are the events, each once."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from adserver.console.summing import HourlySums
from adserver.eventlog.ddl import prepare
from adserver.eventlog.rows import (
    Row,
    decided_row,
    pack_rows,
    served_row,
    settled_row,
    unpack_columns,
)
from adserver.eventlog.schema import BY_NAME
from adserver.eventlog.stale_hours import StaleHours
from adserver.ports import EventStore, StatementRefusedError
from adserver.reports.delivery import EVERYTHING, Dimension, Figures, Scope, by, totals
from adserver.reports.requests import AskedBy, Requests, RequestScope, requests_by
from adserver.reports.span import HOUR_S, Span
from models.domain.event import Booked, EventKind, Verdict
from models.domain.ids import AdvertiserId, AppId
from models.domain.money import Micros
from tests.adserver.eventlog.happenings import asked, decided, happening, served
from tests.builders import NOW, NOW_MS

HOURS = 5
SPAN = Span(NOW - timedelta(hours=HOURS + 1), NOW + timedelta(hours=2))
TABLE = {
    EventKind.IMPRESSION: "impressions",
    EventKind.VIEWABLE: "viewables",
    EventKind.CLICK: "clicks",
    EventKind.CONVERSION: "conversions",
}


@dataclass
class Log:
    """An event store as shippers fill it, beside all that was ever put there, by event id."""

    store: EventStore
    path: Path
    random: random.Random
    put: dict[tuple[str, bytes], Row] = field(default_factory=dict)
    offers: int = 0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """The console was killed: what it remembers is what is on disk."""
        self.stale = StaleHours(self.path)
        self.sums = HourlySums(self.store, self.stale, prepare=lambda: prepare(self.store))

    def ship(self, table: str, rows: list[Row]) -> None:
        """Rows in random company of copies of older ones; noted as the shipper notes them."""
        known = [row for (of, _), row in self.put.items() if of == table]
        rows = [*rows, *self.random.sample(known, min(len(known), self.random.randrange(4)))]
        if not rows:
            return
        self.random.shuffle(rows)
        self.store.insert(table, unpack_columns(table, [pack_rows(rows)]))
        at = BY_NAME[table].names.index("occurred_ms" if table == "decisions" else "served_ms")
        self.stale.note(table, {row[at] // 3_600_000 for row in rows})
        self.put |= {(table, row[0]): row for row in rows}

    def offer(self, number: int) -> dict[str, object]:
        """The same offer whenever its number comes again."""
        draw = random.Random(number)
        item = draw.randrange(5)
        return {
            "served_ms": NOW_MS - draw.randrange(HOURS * HOUR_S * 1000),
            "advertiser_id": f"adv{item % 2}",
            "campaign_id": f"cmp{item % 3}",
            "line_item_id": f"li{item}",
            "creative_id": f"cr{item}{draw.randrange(2)}",
            "app_id": (app := f"app{draw.randrange(3)}"),
            "placement_id": f"{app}-{draw.randrange(2)}",
            "partner_id": "" if app == "app0" else "p1",
            "test": draw.random() < 0.05,
        }

    def serve(self) -> None:
        """A few ads and requests, some of them lost as statistics may be."""
        numbers = range(self.offers, self.offers + self.random.randrange(1, 12))
        self.offers = numbers.stop
        ads = []
        for number in numbers:
            place = {"region": self.random.choice(["", "bj", "sh"])}
            offer = self.offer(number)
            ad = served(number, **offer)
            ads.append(replace(ad, request=asked(number, bool(offer["test"]), **place)))
        self.ship("ads_served", [served_row(ad) for ad in ads if self.random.random() < 0.9])
        made = [(n, self.random.choice(["", "floor"])) for n in numbers]
        rows = [
            decided_row(replace(decided(n, 0 if why else 2, why), occurred_ms=NOW_MS - n * 60_000))
            for n, why in made
        ]
        self.ship("decisions", rows)

    def follow(self) -> None:
        """What befell some offers, of long ago or of right now."""
        kind = self.random.choice([*EventKind])
        numbers = [n for n in range(self.offers) if self.random.random() < 0.2]
        charged = Micros(self.random.randrange(1_000))
        rows = [
            settled_row(happening(n, kind, **self.offer(n)), Booked(Verdict.COUNTED, charged))
            for n in numbers
        ]
        fresh = [row for _, row in filter(None, rows) if (TABLE[kind], row[0]) not in self.put]
        self.ship(TABLE[kind], fresh)

    def look(self) -> None:
        """The loop's turn."""
        self.sums.look(NOW)

    def settle(self) -> None:
        """Until nothing is stale."""
        self.look()
        while self.stale.waiting():
            self.look()

    def rows(self, table: str) -> list[dict[str, object]]:
        names = BY_NAME[table].names
        found = [
            dict(zip(names, row, strict=True)) for (of, _), row in self.put.items() if of == table
        ]
        return [row for row in found if not row["test"]]

    def figures(self, key_of: Callable[[dict[str, object]], str]) -> dict[str, Figures]:
        """The truth: every event once, its region from its ad served."""
        regions = {}
        for row in self.rows("ads_served"):
            regions[row["offer_id"], row["creative_id"]] = (
                f"{row['country']}/{row['region']}".rstrip("/")
            )
        sums: dict[str, Figures] = {}
        for table in ("ads_served", *TABLE.values()):
            name = "served" if table == "ads_served" else table
            for row in self.rows(table):
                row["region"] = regions.get((row["offer_id"], row["creative_id"]), "")
                more = Figures(**{name: 1, "charged_micros": row.get("charged_micros", 0)})
                key = key_of(row)
                sums[key] = sums.get(key, Figures()) + more
        return sums

    def asked_for(self, name: str) -> dict[str, Requests]:
        sums: dict[str, Requests] = {}
        for row in self.rows("decisions"):
            more = Requests(1, int(row["ads"] > 0), row["ads"])
            sums[row[name]] = sums.get(row[name], Requests()) + more
        return sums


def is_of(scope: Scope, row: dict[str, object]) -> str:
    return str(all(row[name] == value for name, value in scope.named().items()))


def hour_of(row: dict[str, object]) -> str:
    return f"{datetime.fromtimestamp(row['served_ms'] / 1000, UTC).hour:02d}"


def assert_exact(log: Log) -> None:
    for dimension in Dimension:
        key_of = (
            hour_of
            if dimension is Dimension.HOUR_OF_DAY
            else lambda row, of=dimension: row[of.value]
        )
        found = dict(by(log.store, dimension, EVERYTHING, SPAN))
        assert found == log.figures(key_of), dimension
    assert totals(log.store, EVERYTHING, SPAN) == log.figures(lambda _: "")[""]
    for dimension in (AskedBy.REASON, AskedBy.APP):
        found = dict(requests_by(log.store, dimension, RequestScope(), SPAN))
        assert found == log.asked_for(dimension.value)


@pytest.mark.parametrize("seed", range(2))
def test_sums_are_the_events_each_once(store: EventStore, tmp_path: Path, seed: int) -> None:
    log = Log(store, tmp_path / "stale.json", random.Random(seed))
    steps = [log.serve] * 6 + [log.follow] * 8 + [log.look] * 3 + [log.restart]
    for number in range(60):
        log.random.choice(steps)()
        if number in (20, 40):
            log.settle()
            assert_exact(log)
    log.restart()
    log.settle()
    assert_exact(log)


def test_sums_that_were_lost_are_made_again(store: EventStore, tmp_path: Path) -> None:
    log = Log(store, tmp_path / "stale.json", random.Random(7))
    for _ in range(20):
        log.serve()
        log.follow()
    log.settle()
    store.execute("DROP TABLE delivery_sums")
    log.stale.note("clicks", [NOW_MS // 3_600_000])
    with pytest.raises(StatementRefusedError):
        log.look()
    log.settle()
    assert_exact(log)


def test_without_the_file_everything_is_summed_again(store: EventStore, tmp_path: Path) -> None:
    log = Log(store, tmp_path / "stale.json", random.Random(8))
    log.serve()
    log.settle()
    log.stale.note = lambda *_: None  # rows that nobody noted, and then the file is gone
    log.serve()
    log.follow()
    log.path.unlink()
    log.restart()
    log.settle()
    assert_exact(log)


def test_a_scope_narrows_every_dimension(store: EventStore, tmp_path: Path) -> None:
    log = Log(store, tmp_path / "stale.json", random.Random(9))
    for _ in range(15):
        log.serve()
        log.follow()
    log.settle()
    scopes = [
        Scope(AdvertiserId("adv1")),
        Scope(app_id=AppId("app1")),
        Scope(AdvertiserId("adv0"), app_id=AppId("app2")),
    ]
    for scope in scopes:
        fits = partial(is_of, scope)
        assert totals(store, scope, SPAN) == log.figures(fits).get("True", Figures())
    with pytest.raises(ValueError, match="no sum tells"):
        by(store, Dimension.REGION, scopes[2], SPAN)
