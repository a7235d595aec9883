"""What the ledger is told of ad revenue: the difference between a row before and after.

Never here: what a row should be (`ad_shares`, `advertising`). The one surprising fact: share,
subsidy and guarantee are posted as they were before findings, and what findings take back is a
transaction of its own, so that a statement shows the deduction as a line.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo

from adserver.stores.revenue import ShareRow
from affiliate.ad_revenue import begin_of_day
from affiliate.chart_of_accounts import (
    PLATFORM_REVENUE,
    AccountName,
    advertiser_prepaid,
    partner_clawback,
    partner_pending,
    subsidy_pool,
)
from affiliate.ledger import Posting, Reason, Transaction
from affiliate.maturity import standing
from models.domain.ids import AdvertiserId, PartnerId, PoolId
from models.domain.money import Micros

Refs = tuple[tuple[str, str], ...]


def moment_of(day: str, zone: tzinfo) -> datetime:
    """When a day's transactions happened: as it began."""
    return begin_of_day(date.fromisoformat(day), zone)


def share_transactions(
    before: ShareRow, after: ShareRow, refs: Refs, zone: tzinfo
) -> tuple[ShareRow, list[Transaction]]:
    """The transactions of a row's change; with the row as it then is, its revision raised.

    Their keys are "adshare:{day}:{app}:{placement}:{partner}:{revision}:{part}".
    """
    numbered = replace(after, revision=before.revision + 1)
    made: list[Transaction] = []
    earned = before.earned
    for part, reason, parties in _parts(before, after):
        moved = sum(amount for _, amount in parties)
        postings = [Posting(account, Micros(-amount)) for account, amount in parties if amount]
        postings += _to_partner(before, earned, earned + moved)
        earned += moved
        if postings:
            made.append(_transaction(numbered, (part, reason), postings, refs, zone))
    return (numbered, made) if made else (after, [])


Party = tuple[AccountName, int]


def _parts(before: ShareRow, after: ShareRow) -> Iterator[tuple[str, Reason, list[Party]]]:
    """(part of the key, reason, what each payer gives)."""
    fund = subsidy_pool(PoolId(after.pool_id))
    invalid_share = after.invalid_share_micros - before.invalid_share_micros
    invalid_guarantee = after.invalid_guarantee_micros - before.invalid_guarantee_micros
    invalid_subsidy = after.invalid_subsidy_micros - before.invalid_subsidy_micros
    share = after.share_micros - before.share_micros + invalid_share
    subsidy = after.subsidy_micros - before.subsidy_micros + invalid_subsidy
    guarantee = after.guarantee_micros - before.guarantee_micros + invalid_guarantee
    yield "share", Reason.AD_SHARE, [(PLATFORM_REVENUE, share)]
    yield "subsidy", Reason.SUBSIDY, [(fund, subsidy)]
    yield "guarantee", Reason.GUARANTEE, [(PLATFORM_REVENUE, guarantee)]
    taken = [(PLATFORM_REVENUE, -invalid_share - invalid_guarantee), (fund, -invalid_subsidy)]
    yield "invalid", Reason.INVALID_TRAFFIC, taken


def _to_partner(row: ShareRow, before: int, after: int) -> list[Posting]:
    """How the partner's accounts change when a row has earned `after` instead of `before`."""
    partner = PartnerId(row.partner_id)
    was, is_ = standing(before, row.matured_micros), standing(after, row.matured_micros)
    changes = (
        (partner_pending(partner), is_.pending - was.pending),
        (partner_clawback(partner), is_.clawback - was.clawback),
    )
    return [Posting(account, Micros(amount)) for account, amount in changes if amount]


def _transaction(
    row: ShareRow, what: tuple[str, Reason], postings: Sequence[Posting], refs: Refs, zone: tzinfo
) -> Transaction:
    part, reason = what
    told = {
        "day": row.day,
        "app": row.app_id,
        "placement": row.placement_id,
        "partner": row.partner_id,
        "contract": row.contract_id,
        "version": str(row.contract_version),
        "rule": row.rule,
        "base": str(row.revenue_micros),
        "impressions": str(row.impressions),
        "funder": row.pool_id if part == "subsidy" else "platform",
        "reason": row.reason,
    }
    if part == "invalid":
        told |= {
            "invalid_base": str(row.invalid_revenue_micros),
            "invalid_impressions": str(row.invalid_impressions),
        }
    return Transaction(
        key=f"adshare:{':'.join(row.key)}:{row.revision}:{part}",
        currency=row.currency,
        reason=reason,
        occurred_at=moment_of(row.day, zone),
        postings=tuple(postings),
        refs=(*((name, value) for name, value in told.items() if value), *refs),
    )


@dataclass(frozen=True, slots=True)
class Spend:
    """What an advertiser is charged for a day, and what of it findings give back, in micros."""

    charged: int = 0
    returned: int = 0

    def less(self, other: "Spend") -> "Spend":
        """The difference to what was posted before."""
        return Spend(self.charged - other.charged, self.returned - other.returned)


@dataclass(frozen=True, slots=True)
class DayNote:
    """What all transactions of a day's revenue have in common."""

    day: str
    revision: int
    currency: str
    occurred_at: datetime
    refs: Refs = ()


def spend_transactions(
    note: DayNote, changes: Iterable[tuple[str, Spend]]
) -> Iterator[Transaction]:
    """For each advertiser what it is charged, and apart from it what it is given back.

    Their keys are "adspend:{day}:{advertiser}:{revision}", with ":invalid" for the second.
    """
    for advertiser, change in changes:
        key = f"adspend:{note.day}:{advertiser}:{note.revision}"
        if change.charged:
            yield _spend(note, advertiser, key, Reason.AD_SPEND, change.charged)
        if change.returned:
            key += ":invalid"
            yield _spend(note, advertiser, key, Reason.INVALID_TRAFFIC, -change.returned)


def _spend(note: DayNote, advertiser: str, key: str, reason: Reason, amount: int) -> Transaction:
    return Transaction(
        key=key,
        currency=note.currency,
        reason=reason,
        occurred_at=note.occurred_at,
        postings=(
            Posting(advertiser_prepaid(AdvertiserId(advertiser)), Micros(-amount)),
            Posting(PLATFORM_REVENUE, Micros(amount)),
        ),
        refs=(("day", note.day), ("advertiser", advertiser), *note.refs),
    )
