"""The ledger's nouns: postings, transactions, what may be refused, and the chain of hashes.

Never here: where it is kept (`adserver.stores.ledger`). The one surprising fact: a refusal is a
value. Refusals are tried in the order in which `Refusal` lists them, so the same wrong transaction
is always refused by the same name.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from affiliate.chart_of_accounts import AccountName
from models.domain.money import NO_MONEY, Micros


class Phase(StrEnum):
    """What a transaction does. PENDING reserves; the last three end a pending one, exactly once."""

    POSTED = "posted"
    PENDING = "pending"
    POST = "post"
    VOID = "void"
    EXPIRE = "expire"


class Reason(StrEnum):
    """Why money moved; every transaction has one."""

    DEPOSIT = "deposit"  # an advertiser's prepayment, a fund's filling, a merchant's payment
    AD_SPEND = "ad_spend"  # a day of an advertiser's billable events
    AD_SHARE = "ad_share"
    SUBSIDY = "subsidy"
    GUARANTEE = "guarantee"
    INVALID_TRAFFIC = "invalid_traffic"
    COMMISSION = "commission"  # an order line was paid for, or its price or state changed
    REFUND = "refund"
    CANCELLED = "cancelled"
    MATURITY = "maturity"  # a closing makes pending money payable
    CLAWBACK = "clawback"  # a closing takes what was overpaid out of what became payable
    PAYOUT = "payout"
    REVERSAL = "reversal"
    CORRECTION = "correction"


class Refusal(StrEnum):
    """Why a transaction is not taken, in the order in which they are tried."""

    KEY_EMPTY = "key_empty"
    KEY_MALFORMED = "key_malformed"  # too long, or with characters that do not print
    KEY_REUSED = "key_reused"  # the same key with another body
    CURRENCY_INVALID = "currency_invalid"
    NO_POSTINGS = "no_postings"
    ACCOUNT_UNKNOWN = "account_unknown"
    ACCOUNT_TWICE = "account_twice"
    AMOUNT_ZERO = "amount_zero"
    AMOUNT_OVERFLOW = "amount_overflow"
    NOT_BALANCED = "not_balanced"
    PENDING_UNKNOWN = "pending_unknown"  # nothing of that key to post, void or expire
    PENDING_SETTLED = "pending_settled"  # it was posted, voided or expired already
    PENDING_EXPIRED = "pending_expired"
    NOT_YET_EXPIRED = "not_yet_expired"
    EXCEEDS_PENDING = "exceeds_pending"  # posts more, or elsewhere, than was reserved
    REVERSED_UNKNOWN = "reversed_unknown"
    REVERSED_ALREADY = "reversed_already"
    NOT_A_REVERSAL = "not_a_reversal"  # its postings do not negate what it reverses
    BELOW_ZERO = "below_zero"  # of an account that is solid
    BALANCE_OVERFLOW = "balance_overflow"
    LINKED = "linked"  # another of the same linked group was refused


LARGEST_AMOUNT = 2**62
LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Posting:
    """A credit (positive) or a debit (negative) of one account."""

    account: AccountName
    amount: Micros


@dataclass(frozen=True, slots=True)
class Transaction:
    """Applies whole or not at all; its postings sum to zero.

    `key` makes it idempotent. `settles` is the key of the pending transaction that POST, VOID and
    EXPIRE end: VOID and EXPIRE have no postings of their own, a POST without postings posts all
    that was reserved, and with postings those (the rest is released). `reverses` is the key of a
    transaction that this one negates, which happens once at most. `refs` is what caused it and
    what explains it, for `explain-earning` and statements: (name, value) pairs, names unique.
    """

    key: str
    currency: str
    reason: Reason
    occurred_at: datetime
    postings: tuple[Posting, ...] = ()
    phase: Phase = Phase.POSTED
    settles: str = ""
    expires_at: datetime | None = None
    reverses: str = ""
    refs: tuple[tuple[str, str], ...] = ()

    def body(self) -> bytes:
        """The same bytes for the same transaction: what idempotency compares and the hash seals."""
        return json.dumps(
            {
                "key": self.key,
                "currency": self.currency,
                "reason": self.reason,
                "occurred_at": self.occurred_at.astimezone(UTC).isoformat(),
                "postings": sorted((p.account, p.amount) for p in self.postings),
                "phase": self.phase,
                "settles": self.settles,
                "expires_at": self.expires_at and self.expires_at.astimezone(UTC).isoformat(),
                "reverses": self.reverses,
                "refs": sorted(self.refs),
            },
            separators=(",", ":"),
        ).encode("ascii")


@dataclass(frozen=True, slots=True)
class Entry:
    """A transaction in the ledger: its place in its currency's chain, its month, and its seal.

    `period` ("2026-10") is the month of the event where that month was open, else the first open
    one. `postings` is what moved or was reserved: for a POST, VOID or EXPIRE too.
    """

    transaction: Transaction
    seq: int
    period: str
    committed_at: datetime
    previous_hash: str
    hash: str
    postings: tuple[Posting, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """The transaction is in the ledger. `again`: it had been there before, with the same body."""

    key: str
    seq: int
    again: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The transaction is not in the ledger, and why."""

    key: str
    refusal: Refusal
    detail: str = ""


Outcome = Taken | Refused


@dataclass(frozen=True, slots=True)
class Balance:
    """Credits minus debits. `reserved` is what pending debits hold, as a positive amount."""

    account: AccountName
    posted: Micros = NO_MONEY
    reserved: Micros = NO_MONEY

    @property
    def available(self) -> Micros:
        """What a solid account still has to give."""
        return Micros(self.posted - self.reserved)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in the ledger that cannot be, found by `verify`."""

    seq: int
    what: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk over the whole ledger found; `head` is the hash it ends on."""

    entries: int
    head: str
    faults: tuple[Fault, ...] = field(default=())


NO_HASH = ""
"""What the first entry of a currency has for a predecessor."""


def seal(
    previous_hash: str, seq: int, period: str, committed_at: datetime, body: bytes,
    postings: Iterable[Posting],
) -> str:  # fmt: skip
    """The hash of an entry: over its predecessor's, its place, its times, and what it says."""
    head = (previous_hash, str(seq), period, committed_at.astimezone(UTC).isoformat())
    moved = (f"{p.account}={p.amount}" for p in sorted(postings, key=lambda p: p.account))
    text = "\x1f".join((*head, *moved)).encode()
    return hashlib.sha256(text + b"\x1e" + body).hexdigest()
