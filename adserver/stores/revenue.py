"""Days of ad revenue in the SQL database: what was posted of each cell, placement and day.

Never here: what should be posted (`adserver.accounting`), or commits; every function works on
somebody's open transaction. The one surprising fact: a row of `ad_shares` has all that is needed to
judge it again, so a tier that a late event moves is found without asking the event log again.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from adserver.stores.ledger_tables import LEDGER_POSTINGS, LEDGER_TRANSACTIONS
from adserver.stores.revenue_tables import AD_SHARES, DAILY_REVENUE, REVENUE_DAYS
from affiliate.ad_revenue import Cell, DayRevenue
from affiliate.revenue_share import Drawn, PlacementDay, Shortfall
from models.domain.ids import AppId, PartnerId, PlacementId

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class PostedDay:
    """A day that was looked at; `revision` counts the times its revenue was posted."""

    day: date
    currency: str
    revision: int
    accrued_at: datetime


@dataclass(frozen=True, slots=True)
class ShareRow:
    """A row of `ad_shares`, column by column; amounts in micros.

    What the partner has earned is `share` + `subsidy` + `guarantee`, which are validated; it is
    `estimated` + `restated` - `invalid` as well.
    """

    day: str
    app_id: str
    placement_id: str
    partner_id: str
    currency: str
    period: str
    contract_id: str = ""
    contract_version: int = 0
    impressions: int = 0
    revenue_micros: int = 0
    invalid_impressions: int = 0
    invalid_revenue_micros: int = 0
    share_micros: int = 0
    pool_id: str = ""
    subsidy_micros: int = 0
    guarantee_micros: int = 0
    estimated_micros: int = 0
    restated_micros: int = 0
    invalid_micros: int = 0
    invalid_share_micros: int = 0
    invalid_subsidy_micros: int = 0
    invalid_guarantee_micros: int = 0
    subsidy_wanted_micros: int = 0
    rule: str = ""
    reason: str = ""
    matured_micros: int = 0
    revision: int = 0
    modified_at: datetime | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it a row of its own; rows are judged in this order."""
        return self.day, self.app_id, self.placement_id, self.partner_id

    @property
    def name(self) -> str:
        """What its partner calls it by, where one asks why."""
        return f"{self.day}/{self.app_id}/{self.placement_id}"

    @property
    def scope(self) -> tuple[str, int, str]:
        """The contract version and month whose days are judged together."""
        return self.contract_id, self.contract_version, self.period

    @property
    def earned(self) -> int:
        """What the partner has of it."""
        return self.share_micros + self.subsidy_micros + self.guarantee_micros

    @property
    def drawn(self) -> Drawn:
        """What its fund has paid so far."""
        return Drawn(
            self.subsidy_wanted_micros,
            self.subsidy_micros + self.invalid_subsidy_micros,
            self.invalid_subsidy_micros,
            Shortfall(self.reason) if self.reason else None,
        )

    @property
    def traffic(self) -> PlacementDay:
        """What was billed there, as the rules take it."""
        return PlacementDay(
            date.fromisoformat(self.day),
            AppId(self.app_id),
            PlacementId(self.placement_id),
            PartnerId(self.partner_id),
            self.revenue_micros + self.invalid_revenue_micros,
            self.impressions + self.invalid_impressions,
            self.invalid_revenue_micros,
            self.invalid_impressions,
        )


def day_posted(connection: Connection, day: date) -> PostedDay | None:
    """The day as it was last looked at; None when it never was."""
    query = select(REVENUE_DAYS).where(REVENUE_DAYS.c.day == day.isoformat())
    row = connection.execute(query).mappings().first()
    return PostedDay(**{**row, "day": date.fromisoformat(row["day"])}) if row else None


def days_posted(connection: Connection) -> set[date]:
    """All days that were ever looked at."""
    found = connection.execute(select(REVENUE_DAYS.c.day)).scalars()
    return {date.fromisoformat(day) for day in found}


def put_day(connection: Connection, posted: PostedDay) -> None:
    """Remembers that a day was looked at."""
    _upsert(connection, REVENUE_DAYS, [asdict(posted) | {"day": posted.day.isoformat()}])


def cells_of(connection: Connection, day: date) -> DayRevenue:
    """The day's cells as they were last posted."""
    mine = DAILY_REVENUE.c.day == day.isoformat()
    columns = [DAILY_REVENUE.c[name] for name in _CELL]
    cells = (Cell(*row) for row in connection.execute(select(*columns).where(mine)))
    return DayRevenue(day, tuple(sorted(cells, key=lambda cell: cell.key)))


def put_cells(connection: Connection, revenue: DayRevenue) -> None:
    """Makes the day's cells these."""
    day = revenue.day.isoformat()
    connection.execute(delete(DAILY_REVENUE).where(DAILY_REVENUE.c.day == day))
    if revenue.cells:
        connection.execute(
            insert(DAILY_REVENUE), [{"day": day, **_columns(cell, _CELL)} for cell in revenue.cells]
        )


def shares_of_day(connection: Connection, day: date) -> list[ShareRow]:
    """The day's rows, in their order."""
    return _shares(connection, AD_SHARES.c.day == day.isoformat())


def shares_of_scopes(
    connection: Connection, scopes: Collection[tuple[str, int, str]]
) -> list[ShareRow]:
    """The rows of contract versions and months (`ShareRow.scope`), in their order."""
    table, wanted = AD_SHARES.c, set(scopes)
    contracts = sorted({contract_id for contract_id, _, _ in wanted})
    periods = {period for _, _, period in wanted}
    found: list[ShareRow] = []
    for start in range(0, len(contracts), _AT_ONCE):
        some = table.contract_id.in_(contracts[start : start + _AT_ONCE])
        rows = _shares(connection, some, table.period.in_(periods))
        found += [row for row in rows if row.scope in wanted]
    return sorted(found, key=lambda row: row.key)


def put_shares(connection: Connection, rows: Iterable[ShareRow]) -> None:
    """Adds rows, or takes the place of those with their key."""
    _upsert(connection, AD_SHARES, [_columns(row, _SHARE) for row in rows])


def moved_on(connection: Connection, day: date) -> dict[tuple[str, str], int]:
    """What the ledger has of a day's revenue: micros by (transaction's key, account)."""
    posting, told = LEDGER_POSTINGS.c, LEDGER_TRANSACTIONS.c
    query = (
        select(told.key, posting.account, posting.amount)
        .select_from(LEDGER_TRANSACTIONS)
        .join(LEDGER_POSTINGS, (posting.currency == told.currency) & (posting.seq == told.seq))
        .where(
            or_(*(told.key.like(f"{kind}:{day.isoformat()}:%") for kind in ("adspend", "adshare"))),
            posting.moves,
        )
    )
    return {(key, account): amount for key, account, amount in connection.execute(query)}


_CELL = tuple(field.name for field in fields(Cell))
_SHARE = tuple(field.name for field in fields(ShareRow))


def _columns(of: Cell | ShareRow, names: tuple[str, ...]) -> dict[str, Any]:
    """As `asdict`, which copies every value and takes ten times as long."""
    return {name: getattr(of, name) for name in names}


def _shares(connection: Connection, *wanted: Any) -> list[ShareRow]:
    columns = [AD_SHARES.c[name] for name in _SHARE]
    rows = (ShareRow(*row) for row in connection.execute(select(*columns).where(*wanted)))
    return sorted(rows, key=lambda row: row.key)


def _upsert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    keys = [column.name for column in table.primary_key]
    others = {c.name: statement.excluded[c.name] for c in table.c if c.name not in keys}
    change = statement.on_conflict_do_update(index_elements=keys, set_=others)
    for some in _batches(rows):
        connection.execute(change, some)


def _batches(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(rows), _AT_ONCE):
        yield rows[start : start + _AT_ONCE]
