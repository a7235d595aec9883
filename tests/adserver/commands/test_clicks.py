"""`adunion clicks import`: another system's log becomes touches here, each once, however often."""

import csv
import gzip
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from adserver import keyring
from adserver.api.receipts import ReceiptSigner
from adserver.config import Settings
from adserver.eventlog.ddl import prepare
from adserver.eventlog.link_clicks import touches_of
from adserver.eventlog.shipper import Shipper
from adserver.eventlog.store_chdb import ChdbStore
from adserver.eventlog.store_clickhouse import ClickHouseStore
from adserver.ports import EventStore
from adserver.stores import database
from adserver.stores.database import connect_url
from adserver.stores.links import make_link
from affiliate.order import Touch
from tests.adserver.commands.conftest import Run
from tests.adserver.eventlog.conftest import clickhouse_database
from tests.affiliates import LONG_AGO, fill, wanted

__all__ = ["clickhouse_database"]
HEADER = "clicked_at,partner,merchant,sku,customer_ref,sub1,click_id\n"
LINE = "2026-10-01T08:00:00.123+08:00,p_blog,m_shop,A-1,c1,news,old-1\n"


@pytest.fixture
def market(adunion: Run, tmp_path: Path) -> Iterator[Engine]:
    assert adunion
    (tmp_path / "var").mkdir(exist_ok=True)
    engine = connect_url(f"sqlite:///{tmp_path / 'var' / 'catalog.sqlite'}")
    fill(engine)
    yield engine
    engine.dispose()


@pytest.fixture(params=["chdb", "clickhouse"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventStore]:
    opened: EventStore
    if request.param == "chdb":
        opened = ChdbStore(tmp_path / "events", "a test")
    else:
        opened = ClickHouseStore(request.getfixturevalue("clickhouse_database"))
    prepare(opened)
    yield opened
    opened.close()


def stored(store: EventStore, data_dir: Path, *refs: str) -> list[Touch]:
    """What the console would have brought to the event store."""
    with closing(Shipper(data_dir / "outbox", store, 50_000)) as shipper:
        while shipper.ship_once():
            pass
    return touches_of(store, (), refs, 0, 10**15)


@pytest.mark.usefixtures("market")
def test_clicks_come_in_once_however_often_they_are_imported(
    adunion: Run, store: EventStore, tmp_path: Path
) -> None:
    Path("old.csv").write_text(HEADER + LINE + LINE.replace("c1", "c2"))
    for _ in range(2):
        done = adunion("clicks", "import", "old.csv")
        assert "2 clicks taken in" in done.stdout
    Path("same.csv").write_text(
        HEADER + LINE.replace("2026-10-01T08:00:00.123+08:00", "2026-10-01T00:00:00.123Z")
    )
    adunion("clicks", "import", "same.csv")
    (touch,) = stored(store, tmp_path / "var", "c1")
    assert touch.clicked_at == datetime(2026, 10, 1, 0, 0, 0, 123_000, tzinfo=UTC)
    assert (touch.partner_id, touch.sku, touch.subs[0]) == ("p_blog", "A-1", "news")
    assert touch.link_code == "p_blog~m_shop~A-1"
    assert len(stored(store, tmp_path / "var", "c1", "c2")) == 2


@pytest.mark.usefixtures("market")
def test_a_log_of_years_goes_in_at_once(adunion: Run, store: EventStore, tmp_path: Path) -> None:
    days = [f"20{year}-{month:02}-{day:02}" for year in range(20, 26) for month in range(1, 13)
            for day in (1, 9, 21)]  # fmt: skip
    Path("old.csv").write_text(
        HEADER + "".join(LINE.replace("2026-10-01", day).replace(",c1,", ",c9,") for day in days)
    )
    adunion("clicks", "import", "old.csv")
    assert len(stored(store, tmp_path / "var", "c9")) == len(days)


def test_codes_are_found_short_and_plain_and_each_click_has_a_receipt(
    adunion: Run, market: Engine, tmp_path: Path
) -> None:
    with database.writing(market) as connection:
        made = make_link(connection, wanted("A-1", subs=("own", "", "", "", "")), LONG_AGO)
    with gzip.open("old.csv.gz", "wt", encoding="utf-8-sig") as file:
        file.write("code,clicked_at,customer_ref,click_id,colour\n")
        file.write(f"{made.code},2026-10-01T08:00:00Z,c1,a,red\n")
        file.write("p_blog~m_shop,2026-10-01T08:00:00Z,c2,b,\n")
    adunion("clicks", "import", "old.csv.gz", "--receipts", "receipts.csv")
    with Path("receipts.csv").open() as file:
        rows = list(csv.DictReader(file))
    signer = ReceiptSigner.of(keyring.load(Settings(data_dir=tmp_path / "var")))
    touches = [signer.read(row["receipt"]) for row in rows]
    assert [(row["line"], row["click_id"]) for row in rows] == [("2", "a"), ("3", "b")]
    assert [touch.link_code for touch in touches] == [made.code, "p_blog~m_shop"]
    assert touches[0].subs[0] == "own"


@pytest.mark.usefixtures("market")
def test_broken_lines_are_listed_by_number_and_the_rest_goes_in(
    adunion: Run, tmp_path: Path
) -> None:
    bad = [
        ("p_blog,", "p_none,", "no partner 'p_none'"),
        ("m_shop,", "m_none,", "no merchant 'm_none'"),
        ("p_blog,m_shop", ",", "neither a code nor partner"),
        ("+08:00", "", "no time with an offset"),
        ("2026-10-01T08:00:00.123+08:00", "soon", "no time with an offset"),
        ("2026", "2226", "has not come yet"),
        ("2026", "0001", "before the year 2000"),
        ("news", "n" * 129, "sub1 is text of at most 128"),
        ("c1", "c\x01", "customer_ref is text"),
        ("old-1", "old-1,more", "8 fields where the header has 7"),
        ("news", "caf\xe9", "sub1 is text"),
        ("news", '"ne"ws', "expected after"),
        ("news", '"news', "unexpected end of data"),
    ]
    text = HEADER + LINE + "".join(LINE.replace(old, new) for old, new, _ in bad) + "\n" + LINE
    Path("old.csv").write_bytes(text.encode("latin-1"))
    done = adunion("clicks", "import", "old.csv", fails=True)
    assert "2 clicks taken in" in done.stdout
    for number, (_, _, words) in enumerate(bad, 3):
        assert f"old.csv:{number}: " in done.stderr
        assert words in done.stderr
    assert f"{len(bad)} lines were left out" in done.stderr
    assert (tmp_path / "var" / "outbox" / "imported.sqlite").exists()


@pytest.mark.parametrize(
    ("header", "words"),
    [("", "names the columns"), ("a,b\n", "names the columns"),
     ("clicked_at,partner\n", "merchant"),
     ("code,code,clicked_at\n", "stands twice")],
)  # fmt: skip
@pytest.mark.usefixtures("market")
def test_a_file_without_a_usable_header_is_refused(adunion: Run, header: str, words: str) -> None:
    Path("old.csv").write_text(header)
    assert words in adunion("clicks", "import", "old.csv", fails=True).stderr


@pytest.mark.usefixtures("market")
def test_a_file_that_only_says_it_is_packed_is_refused(adunion: Run) -> None:
    Path("old.csv.gz").write_text("code,clicked_at\n")
    assert "old.csv.gz" in adunion("clicks", "import", "old.csv.gz", fails=True).stderr
