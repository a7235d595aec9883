"""What each placement's partner is owed for a day: traffic, contracts and standings put together.

Never here: rates and tiers (`affiliate.revenue_share`), funds and postings (`advertising`). The one
surprising fact: a row that has a contract keeps it. Only days that had none look for one again, so
a narrower contract that is made later changes nothing about days that were counted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo

from sqlalchemy import Connection

from adserver.stores import partners, revenue as store
from adserver.stores.revenue import ShareRow
from affiliate.ad_revenue import DayRevenue, begin_of_day, end_of_day
from affiliate.partner import Contract, Standing, Terms
from affiliate.revenue_share import Owed, Shortfall, contract_of_day, share_month
from models.domain.event import NO_PARTNER
from models.domain.ids import AppId, PartnerId, PlacementId

NO_TERMS = Terms()

Key = tuple[str, str, str, str]
"""(day, app, placement, partner), as `ShareRow.key`."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A row as it was, with its day's traffic and contract; and what it is owed now.

    `row` still has the amounts of `before`, what the ledger was told last.
    """

    before: ShareRow
    row: ShareRow
    terms: Terms
    owed: Owed | None


def claims_of_day(
    connection: Connection, revenue: DayRevenue, zone: tzinfo, currency: str
) -> list[Claim]:
    """The day's rows, and other days' rows of the month whose tier they move, in their order."""
    there = {row.key: row for row in store.shares_of_day(connection, revenue.day)}
    for key in _places(revenue) - there.keys():
        there[key] = ShareRow(*key, currency=currency, period=key[0][:7])
    contracts = partners.contracts_of(connection, {PartnerId(key[-1]) for key in there})
    versions = _versions(contracts)
    rows = _with_contracts(connection, _with_traffic(there, revenue), contracts, revenue.day, zone)
    tiered = {row.scope for row in rows if _terms(row, versions).ad_tiers}
    others = store.shares_of_scopes(connection, tiered)
    there |= {row.key: row for row in others if row.key not in there}
    rows += [row for row in others if row.day != revenue.day.isoformat()]
    owed = _owed(rows, versions, currency)
    return [
        Claim(there[row.key], row, _terms(row, versions), owed.get(row.key))
        for row in sorted(rows, key=lambda row: row.key)
    ]


def _places(revenue: DayRevenue) -> set[Key]:
    """The keys of the rows that a day has: one for each placement of a partner."""
    day = revenue.day.isoformat()
    return {
        (day, cell.app_id, cell.placement_id, cell.partner_id)
        for cell in revenue.cells
        if cell.partner_id != NO_PARTNER
    }


def _versions(contracts: Mapping[PartnerId, Sequence[Contract]]) -> dict[tuple[str, int], Contract]:
    return {(one.contract_id, one.version): one for own in contracts.values() for one in own}


def _terms(row: ShareRow, versions: Mapping[tuple[str, int], Contract]) -> Terms:
    return versions[row.scope[:2]].terms if row.contract_id else NO_TERMS


def _with_traffic(rows: Mapping[Key, ShareRow], revenue: DayRevenue) -> list[ShareRow]:
    """The rows with what the cells say was billed there, and what of it is invalid."""
    day = revenue.day.isoformat()
    sums: dict[Key, Counter[str]] = {key: Counter() for key in rows}
    for cell in revenue.cells:
        total = sums.get((day, cell.app_id, cell.placement_id, cell.partner_id), Counter())
        total["impressions"] += cell.impressions - cell.invalid_impressions
        total["revenue_micros"] += cell.revenue_micros - cell.invalid_micros
        total["invalid_impressions"] += cell.invalid_impressions
        total["invalid_revenue_micros"] += cell.invalid_micros
    return [_with_sums(row, sums[key]) for key, row in rows.items()]


def _with_sums(row: ShareRow, sums: Counter[str]) -> ShareRow:
    return replace(
        row,
        impressions=sums["impressions"],
        revenue_micros=sums["revenue_micros"],
        invalid_impressions=sums["invalid_impressions"],
        invalid_revenue_micros=sums["invalid_revenue_micros"],
    )


def _with_contracts(
    connection: Connection,
    rows: Iterable[ShareRow],
    contracts: Mapping[PartnerId, Sequence[Contract]],
    day: date,
    zone: tzinfo,
) -> list[ShareRow]:
    """Rows without a contract get the day's, where their partner was approved and has one."""
    lives = partners.lives_of(connection, contracts.keys())
    span = begin_of_day(day, zone), end_of_day(day, zone)
    found = []
    for row in rows:
        partner_id = PartnerId(row.partner_id)
        life = lives.get(partner_id)
        if row.contract_id:
            found.append(row)
        elif life is None or life.at(span[0]).standing is not Standing.APPROVED:
            found.append(replace(row, reason=Shortfall.PARTNER_NOT_APPROVED.value))
        else:
            found.append(_with_contract(row, contracts[partner_id], span))
    return found


def _with_contract(
    row: ShareRow, contracts: Sequence[Contract], span: tuple[datetime, datetime]
) -> ShareRow:
    place = AppId(row.app_id), PlacementId(row.placement_id)
    contract = contract_of_day(contracts, place, *span)
    if contract is None:
        return replace(row, reason=Shortfall.NO_CONTRACT.value)
    subsidy = contract.terms.subsidy
    return replace(
        row,
        contract_id=contract.contract_id,
        contract_version=contract.version,
        pool_id=subsidy.pool_id if subsidy else "",
        reason="",
    )


def _owed(
    rows: Iterable[ShareRow], versions: Mapping[tuple[str, int], Contract], currency: str
) -> dict[Key, Owed]:
    """What rows with a contract are owed; a tiered contract's month is judged together."""
    groups: dict[tuple[object, ...], list[ShareRow]] = defaultdict(list)
    for row in rows:
        if row.contract_id:
            groups[row.scope if _terms(row, versions).ad_tiers else row.key].append(row)
    found = {}
    for group in groups.values():
        terms = _terms(group[0], versions)
        shared = share_month([row.traffic for row in group], terms, currency)
        found.update({(one.of.day.isoformat(), *one.of.key[1:]): one for one in shared})
    return found
