"""An entry of the ledger as a line of a statement: what it was, why, and what it did.

Never here: which entries belong to a month. The one surprising fact: nothing is looked up. All that
explains an entry was sealed into it when it was made, so a line reads the same years later.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from adserver.statements.wording import REASONS, percent, shown
from affiliate.chart_of_accounts import (
    Kind,
    kind_of,
    partner_accounts,
)
from affiliate.ledger import Entry, Phase, Reason
from affiliate.statement import Balances
from models.domain.ids import PartnerId
from models.domain.money import Micros, micros_of


@dataclass(frozen=True, slots=True)
class Line:
    """One entry seen by one partner. `other` is what it did to others' accounts, by kind.

    `late_for` is the closed month that it belongs to by its date; "" for the statement's own.
    """

    seq: int
    occurred_at: datetime
    key: str
    reason: Reason
    what: str
    why: str
    late_for: str
    moved: Balances
    other: Mapping[Kind, Micros]
    refs: Mapping[str, str]


def lines_of(entries: Iterable[Entry], partner: PartnerId) -> Iterator[Line]:
    """The entries that moved something on a partner's accounts, as lines."""
    accounts = partner_accounts(partner)
    for entry in entries:
        if entry.transaction.phase not in (Phase.POSTED, Phase.POST):
            continue
        amounts = {posting.account: posting.amount for posting in entry.postings}
        moved = Balances(*(amounts.get(account, Micros(0)) for account in accounts))
        if any(moved):
            yield _line(entry, moved, accounts)


def why_of(entry: Entry) -> str:
    """What an entry came from, whoever's it is."""
    return why(dict(entry.transaction.refs), _by_kind(entry, ()), entry.transaction.currency)


def _by_kind(entry: Entry, without: Collection[str]) -> dict[Kind, Micros]:
    found: dict[Kind, Micros] = {}
    for posting in entry.postings:
        if posting.account not in without:
            kind = kind_of(posting.account)
            found[kind] = Micros(found.get(kind, 0) + posting.amount)
    return found


def _line(entry: Entry, moved: Balances, accounts: tuple[str, ...]) -> Line:
    said, refs = entry.transaction, dict(entry.transaction.refs)
    other = _by_kind(entry, accounts)
    return Line(
        seq=entry.seq,
        occurred_at=said.occurred_at,
        key=said.key,
        reason=said.reason,
        what=_what(said.reason, refs, entry),
        why=why(refs, other, said.currency),
        late_for=refs.get("late_for", ""),
        moved=moved,
        other=other,
        refs=refs,
    )


def _what(reason: Reason, refs: Mapping[str, str], entry: Entry) -> str:
    """ "Commission: order 17, line 1 of shop"; "Share of ad revenue: 2026-10-05, app/placement"."""
    title = REASONS[reason]
    if "order" in refs:
        of = f" of {refs['merchant']}" if "merchant" in refs else ""
        return f"{title}: order {refs['order']}, line {refs.get('line', '')}{of}"
    if "day" in refs:
        place = "/".join(refs[name] for name in ("app", "placement") if name in refs)
        return f"{title}: {refs['day']}, {place}"
    if "payout" in refs:
        return f"{title} {refs['payout']}"
    if "lines" in refs:
        return f"{title}: {refs['lines']} lines"
    if entry.transaction.reverses:
        return f"{title} of {entry.transaction.reverses}"
    return title


def why(refs: Mapping[str, str], other: Mapping[Kind, Micros], currency: str) -> str:
    """Rule and version, base, rate, rounding, split, subsidy, cap: what the entry came from."""
    said = [
        refs.get("rule", ""),
        _contract(refs),
        _of_revenue(refs, currency) if "day" in refs else _base(refs, currency),
        _split(other, currency),
        *(f"{name.replace('_', ' ')}: {refs[name]}" for name in _PLAIN if name in refs),
        f"happened in {refs['late_for']}, which was closed" if refs.get("late_for") else "",
    ]
    return "; ".join(part for part in said if part)


_PLAIN = ("method", "relation", "status", "reason", "impressions", "invalid_impressions", "note")


def _contract(refs: Mapping[str, str]) -> str:
    """Id and version; an order's own version is another thing."""
    if "contract" not in refs:
        return ""
    version = f" v{refs['version']}" if "day" in refs and "version" in refs else ""
    return f"contract {refs['contract']}{version}"


def _of_revenue(refs: Mapping[str, str], currency: str) -> str:
    """What was valid of a day's revenue, and what was not."""
    said = []
    for name, words in (("base", "valid revenue"), ("invalid_base", "invalid revenue")):
        if refs.get(name, "").isdecimal():
            said.append(f"{words} {shown(int(refs[name]), currency)}")
    return ", ".join(said)


def _base(refs: Mapping[str, str], currency: str) -> str:
    """ "10 % of 269.00, rounded once to 0.01"."""
    rate, base = refs.get("rate", ""), refs.get("base", "")
    ppm = rate.removesuffix(" ppm")
    if rate.endswith(" ppm") and ppm.isdecimal():
        rate = percent(int(ppm))
    elif rate.endswith(" a unit") and rate.removesuffix(" a unit").isdecimal():
        rate = f"{_minor(rate.removesuffix(' a unit'), currency)} a unit"
    if not (rate and base):
        return rate
    if base.isdecimal() and "row" in refs:
        unit = shown(micros_of(1, currency), currency)
        back = refs.get("refunded", "")
        words = f"; {_minor(back, currency)} of it went back" if back.isdecimal() else ""
        return f"{rate} of {_minor(base, currency)}, rounded once to {unit}{words}"
    return f"{rate} of {base}"


def _minor(text: str, currency: str) -> str:
    return shown(micros_of(int(text), currency), currency)


def _split(other: Mapping[Kind, Micros], currency: str) -> str:
    """What merchant, platform and fund have to do with it."""
    said = []
    if commission := -other.get(Kind.MERCHANT_RECEIVABLE, 0):
        said.append(f"commission {shown(commission, currency)}")
    if fee := other.get(Kind.PLATFORM_FEE, 0):
        said.append(f"platform fee {shown(fee, currency)}")
    if subsidy := -other.get(Kind.SUBSIDY_POOL, 0):
        said.append(f"from a fund {shown(subsidy, currency)}")
    if platform := -other.get(Kind.PLATFORM_REVENUE, 0):
        said.append(f"from the platform {shown(platform, currency)}")
    return ", ".join(said)
