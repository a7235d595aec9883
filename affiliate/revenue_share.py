"""What a partner has of a placement's day: share with tiers, guarantee, and what a fund adds.

Never here: what was billed (`ad_revenue`) or posted (`adserver.accounting`). The one surprising
fact: everything is computed twice, on all that was billed and on what findings of invalid traffic
leave of it, so that the deduction is a number of its own and the bridge between both is exact.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise

from affiliate.partner import Contract, Subsidy, Terms, TierKind, contract_for_ads
from models.domain.ids import AppId, PartnerId, PlacementId
from models.domain.money import (
    PPM,
    Micros,
    format_amount,
    half_away_from_zero,
    micros_of,
    minor_digits,
    portion,
)

Steps = Sequence[tuple[int, int]]
"""(from so many micros of the month's revenue on, rate in ppm), the lowest first."""


class Shortfall(StrEnum):
    """Why a row has nothing, or less of its subsidy than the contract says."""

    NO_CONTRACT = "no_contract"
    PARTNER_NOT_APPROVED = "partner_not_approved"
    NOT_ENROLLED = "not_enrolled"
    CAP_REACHED = "subsidy_cap_reached"
    POOL_EMPTY = "pool_empty"


@dataclass(frozen=True, slots=True)
class PlacementDay:
    """A placement's day: micros and impressions before findings, and what findings take of both."""

    day: date
    app_id: AppId
    placement_id: PlacementId
    partner_id: PartnerId
    revenue: int
    impressions: int
    invalid_revenue: int = 0
    invalid_impressions: int = 0

    @property
    def key(self) -> tuple[date, str, str, str]:
        """Its name, and its place in the order in which days meet tiers, caps and funds."""
        return self.day, self.app_id, self.placement_id, self.partner_id


@dataclass(frozen=True, slots=True)
class Dues:
    """What the contract says of some revenue, in micros; whether the fund has it is `draw`'s."""

    share: int = 0
    guarantee: int = 0
    subsidy: int = 0


@dataclass(frozen=True, slots=True)
class Owed:
    """A placement's day, its dues on all that was billed, and on what is valid of it."""

    of: PlacementDay
    billed: Dues
    valid: Dues
    rule: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a row has had from its fund, in micros: `granted` less what findings `returned`.

    `wanted` is what its contract asked for when `granted` was decided.
    """

    wanted: int = 0
    granted: int = 0
    returned: int = 0
    reason: Shortfall | None = None

    @property
    def net(self) -> int:
        """What the partner has of it."""
        return self.granted - self.returned


@dataclass(frozen=True, slots=True)
class Room:
    """What may still be drawn: what is left in the fund, and under the partner's cap."""

    fund: int
    cap: int | None = None

    @property
    def left(self) -> int:
        """The smaller of both; never below 0."""
        return max(0, self.fund if self.cap is None else min(self.fund, self.cap))

    @property
    def limit(self) -> Shortfall:
        """Which of the two it is."""
        capped = self.cap is not None and self.cap < self.fund
        return Shortfall.CAP_REACHED if capped else Shortfall.POOL_EMPTY


def contract_of_day(
    contracts: Sequence[Contract],
    place: tuple[AppId, PlacementId],
    begin: datetime,
    end: datetime,
) -> Contract | None:
    """The partner's contract for a placement's day [begin, end).

    The version in force when the day begins; where there is none, the first that begins in it.
    """
    starts = sorted(one.starts_at for one in contracts if begin < one.starts_at < end)
    found = (contract_for_ads(contracts, *place, moment) for moment in (begin, *starts))
    return next((one for one in found if one is not None), None)


def share_month(days: Sequence[PlacementDay], terms: Terms, currency: str) -> list[Owed]:
    """What is owed for placements' days of one contract version and month, in their order.

    The order is that of `PlacementDay.key`; the revenue of those before counts towards a tier.

    Raises:
        ValueError: a share above 100 %; what is above comes from a fund, as a subsidy.
    """
    steps = _steps(terms, currency)
    if any(not 0 <= rate <= PPM for _, rate in steps):
        raise ValueError("a share of ad revenue is at most 100 %; a fund pays what is above")
    owed: list[Owed] = []
    billed = valid = 0
    for one in sorted(days, key=lambda one: one.key):
        left = one.revenue - one.invalid_revenue
        dues = _dues(terms, steps, (billed, one.revenue), one.impressions)
        net = _dues(terms, steps, (valid, left), one.impressions - one.invalid_impressions)
        owed.append(Owed(one, dues, net, _rule(terms, steps, valid, left, currency)))
        billed += one.revenue
        valid += left
    return owed


def draw(wanted: int, valid: int, before: Drawn, room: Room) -> Drawn:
    """What a row has from its fund when its contract asks for `wanted`, of which `valid` is valid.

    What was granted stays granted: only more wanted than before draws again, and it gets what
    `room` has. So a fund that is filled later owes nothing for days that were short. What findings
    took back and a later count calls valid again is the partner's as far as `room` has it.
    """
    more = max(0, wanted - before.wanted)
    granted = min(wanted, before.granted + min(more, room.left))
    reason = room.limit if more > room.left else before.reason
    spare = room.left + before.granted - granted
    invalid = max(granted - valid, 0)
    returned = max(invalid, before.returned - spare)
    if returned > invalid and reason is None:
        reason = room.limit
    is_short = granted < wanted or returned > invalid
    return Drawn(wanted, granted, returned, reason if is_short else None)


def _dues(terms: Terms, steps: Steps, span: tuple[int, int], impressions: int) -> Dues:
    """`span` is the month's revenue before, and the revenue that is shared."""
    before, revenue = span
    share = half_away_from_zero(sum(_slices(terms, steps, before, revenue)), PPM)
    guaranteed = half_away_from_zero(terms.guaranteed_ecpm_micros * impressions, 1000)
    return Dues(share, max(0, guaranteed - share), _subsidy(terms.subsidy, revenue))


def _subsidy(subsidy: Subsidy | None, revenue: int) -> int:
    return portion(revenue, subsidy.share_ppm) if subsidy else 0


def _steps(terms: Terms, currency: str) -> Steps:
    tiers = sorted((micros_of(tier.from_minor, currency), tier.rate_ppm) for tier in terms.ad_tiers)
    return [(0, terms.ad_share_ppm), *tiers]


def _reached(steps: Steps, total: int) -> tuple[int, int]:
    return [step for step in steps if step[0] <= total][-1]


def _slices(terms: Terms, steps: Steps, before: int, revenue: int) -> Iterator[int]:
    """Revenue times rate, still in millionths of a micro: slice by slice, or whole."""
    if not _is_marginal(terms):
        yield revenue * _reached(steps, before + revenue)[1]
        return
    total = before + revenue
    for (start, rate), (end, _) in pairwise([*steps, (total, 0)]):
        yield max(0, min(total, end) - max(before, start)) * rate


def _rule(terms: Terms, steps: Steps, before: int, revenue: int, currency: str) -> str:
    """The rule in words, for `explain-earning` and statements."""
    start, rate = _reached(steps, before + revenue)
    words = f"{percent(rate)} of ad revenue"
    if start:
        since = format_amount(Micros(start), minor_digits(currency))
        words = f"{percent(rate)} of ad revenue from {since} a month on"
    return f"{words}, slice by slice" if start and _is_marginal(terms) else words


def _is_marginal(terms: Terms) -> bool:
    return terms.ad_tier_kind is TierKind.MARGINAL


def percent(ppm: int) -> str:
    """A rate as a person reads it: 712,500 ppm is "71.25%"."""
    return f"{ppm // 10_000}.{ppm % 10_000:04}".rstrip("0").rstrip(".") + "%"
