"""`adunion settle` tells which days of ads a statement is without."""

from datetime import date
from pathlib import Path

from adserver.stores import migrations, revenue
from adserver.stores.database import connect_url, writing
from adserver.stores.revenue import PostedDay
from affiliate.ad_revenue import days_between
from tests.adserver.accounting.till import at
from tests.adserver.commands.conftest import Run

MISSING = {date(2025, 10, 30), date(2025, 10, 31)}


def test_days_of_ads_that_nobody_accrued_are_named(adunion: Run, tmp_path: Path) -> None:
    assert "Not accrued" not in adunion("settle", "--period", "2025-08").output  # no ads at all
    engine = connect_url(f"sqlite:///{tmp_path / 'var' / 'catalog.sqlite'}")
    migrations.upgrade(engine)
    with writing(engine) as connection:
        for day in days_between(date(2025, 9, 20), date(2025, 11, 30)):
            if day not in MISSING:
                revenue.put_day(connection, PostedDay(day, "CNY", 1, at("2025-12-01")))
    engine.dispose()
    assert "Not accrued" not in adunion("settle", "--period", "2025-09").output
    told = adunion("settle", "--period", "2025-10").output
    assert "Not accrued yet: 2 days of ads (2025-10-30 to 2025-10-31)." in told
    assert "adunion accrue --day 2025-10-30" in told
    assert "Not accrued" not in adunion("settle", "--period", "2025-11").output
