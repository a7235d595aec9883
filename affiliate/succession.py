"""How one contract version follows another: what may begin when, and what it ends.

Never here: a table or a clock. The one surprising fact: a version may reach back into the past, but
only where nothing was agreed. What was in force at an instant that is over stays in force there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from affiliate.partner import Contract


class SuccessionError(ValueError):
    """A change of contracts that would change the past, or makes no sense. It says what would."""


@dataclass(frozen=True, slots=True)
class Succession:
    """What a new version comes to: itself, ended where a later one begins, and whom it ends."""

    new: Contract
    ended: tuple[Contract, ...] = ()


def succeed(
    existing: Sequence[Contract], new: Contract, now: datetime, open_from: datetime | None = None
) -> Succession:
    """Puts a new version among all others of its partner.

    `open_from` is the first moment of the first month that is not closed. A version of the same
    scope (app and placement) that is in force when the new one begins ends there; one that is to
    begin later ends the new one.

    Raises:
        SuccessionError: it ends before it begins, begins in a closed month, or begins in the past
            where it would take the place of another.
    """
    if new.ends_at is not None and new.ends_at <= new.starts_at:
        raise SuccessionError("it ends before it begins")
    _require_open(new.starts_at, open_from)
    if new.starts_at <= now:
        _require_nothing_agreed(existing, new)
    rivals = [one for one in existing if _scope(one) == _scope(new) and not is_void(one)]
    ended = tuple(
        replace(one, ends_at=new.starts_at)
        for one in rivals
        if one.starts_at <= new.starts_at and _goes_beyond(one, new.starts_at)
    )
    later = min(
        (one.starts_at for one in rivals if one.starts_at > new.starts_at), default=new.ends_at
    )
    if later is not None and _goes_beyond(new, later):
        new = replace(new, ends_at=later)
    return Succession(new, ended)


def ended(
    version: Contract, moment: datetime, now: datetime, open_from: datetime | None = None
) -> Contract:
    """A version that ends at an instant to come; one that has not begun may end as it begins.

    Raises:
        SuccessionError: the instant is over, in a closed month, before the version begins or not
            before it ends.
    """
    if not _goes_beyond(version, moment):
        raise SuccessionError(f"it ends earlier already, at {version.ends_at}")
    if moment < version.starts_at:
        raise SuccessionError(f"it begins at {version.starts_at}; end it then and it never holds")
    if moment <= now:
        raise SuccessionError("an end lies in the future: what was in force stays in force")
    _require_open(moment, open_from)
    return replace(version, ends_at=moment)


def is_void(contract: Contract) -> bool:
    """Whether it was ended as it begins, so that it is never in force."""
    return contract.ends_at is not None and contract.ends_at <= contract.starts_at


def _require_open(moment: datetime, open_from: datetime | None) -> None:
    if open_from is not None and moment < open_from:
        raise SuccessionError(f"months before {open_from} are closed; choose that or later")


def _require_nothing_agreed(existing: Sequence[Contract], new: Contract) -> None:
    for one in existing:
        if _takes_place_of(new, one) and _goes_beyond(one, new.starts_at) and not is_void(one):
            raise SuccessionError(
                f"it begins in the past, where {one.contract_id} version {one.version} is agreed "
                f"from {one.starts_at} on; choose a start in the future"
            )


def _takes_place_of(new: Contract, other: Contract) -> bool:
    """Whether the new one would count instead of the other where both are in force."""
    meets = all(
        mine is None or theirs is None or mine == theirs
        for mine, theirs in zip(_scope(new), _scope(other), strict=True)
    )
    return meets and _width(new) <= _width(other)


def _width(contract: Contract) -> int:
    """The narrowest counts: an app's placement, a placement, an app, all that a partner has."""
    return 2 * (contract.placement_id is None) + (contract.app_id is None)


def _scope(contract: Contract) -> tuple[str | None, str | None]:
    return contract.app_id, contract.placement_id


def _goes_beyond(contract: Contract, moment: datetime) -> bool:
    return contract.ends_at is None or moment < contract.ends_at
