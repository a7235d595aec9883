"""Creatives written by people of the console: each change is a line in two logs and a new review.

Never here: forms. The one surprising fact: what is approved is a creative as it was looked at, so a
verdict names the version it is about (`version_of`) and is refused when that has moved on.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from adserver.accounts.identity import Identity
from adserver.console.desk import Desk
from adserver.console.web.language import N_
from adserver.console.web.problems import ConflictError
from adserver.marketplace.fields import Kind
from adserver.marketplace.problem import CatalogError, Problem
from adserver.stores import audit, creative_reviews, database, media_files
from adserver.stores.catalog import SqlCatalog
from adserver.stores.creative_reviews import Said
from models.domain.campaign import Creative, Review

MOVED_ON = N_("the creative was changed meanwhile; look at it again")
_ACTIONS = {Review.APPROVED: "approve", Review.REJECTED: "reject"}


def version_of(creative: Creative) -> str:
    """What a reviewer has seen: all of the creative but its state."""
    seen = replace(creative, review=Review.PENDING, active=True)
    return hashlib.blake2b(msgspec.json.encode(seen), digest_size=8).hexdigest()


Handed = tuple[Creative, tuple[str, ...]]
"""A new creative, and what its advertiser declares of it."""


def hand_in(desk: Desk, who: Identity, handed: Sequence[Handed], now: datetime) -> None:
    """Adds new creatives, all or none; they wait for review.

    Raises:
        CatalogError: a rule refuses one.
    """
    declared = {creative.creative_id: said for creative, said in handed}
    waiting = [replace(creative, review=Review.PENDING) for creative, _ in handed]

    def said_of(creative: Creative) -> Said:
        return Said(who.actor, Review.PENDING, declared=declared[creative.creative_id])

    _catalog(desk, who, said_of).add_all(waiting, now)


def change(
    desk: Desk, who: Identity, creative_id: str, edit: Callable[[Creative], Creative],
    declared: tuple[str, ...], now: datetime,
) -> Creative:  # fmt: skip
    """Changes a creative, which then waits for review again; nothing changed, nothing waits.

    One that was rejected is handed in again as it is.

    Raises:
        CatalogError: a rule refuses what it would become.
    """

    def changed(before: Creative) -> Creative:
        after = replace(edit(before), review=before.review)
        if after == before and before.review is not Review.REJECTED:
            return before
        return replace(after, review=Review.PENDING)

    said = Said(who.actor, Review.PENDING, declared=declared)
    with database.reading(desk.engine) as connection:
        at = creative_reviews.changed_at(connection, creative_id)
    return _catalog(desk, who, lambda _: said, at).edit(Creative, creative_id, changed, now)


def decide(
    desk: Desk, who: Identity, creative_id: str, version: str, said: Said, now: datetime
) -> Creative:
    """Approves or rejects a creative as it was seen.

    Raises:
        ConflictError: it is no longer what was seen.
        CatalogError: there is none of that id, or a rejection without a reason.
    """
    if said.verdict is Review.REJECTED:
        _require_reason(said)

    def decided(before: Creative) -> Creative:
        if version_of(before) != version:
            raise ConflictError(MOVED_ON)
        return replace(before, review=said.verdict)

    return _catalog(desk, who, lambda _: said).edit(Creative, creative_id, decided, now)


def _require_reason(said: Said) -> None:
    if not said.reason:
        raise CatalogError(Problem("", "", "reason", N_("say why it is rejected")))
    if said.reason == "other" and not said.words.strip():
        raise CatalogError(Problem("", "", "words", N_("say the reason in words")))
    if len(said.words) > creative_reviews.MOST_WORDS:
        raise CatalogError(Problem("", "", "words", N_("say it in at most 1,000 characters")))


def _catalog(
    desk: Desk,
    who: Identity,
    said_of: Callable[[Creative], Said],
    changed_at: datetime | None = None,
) -> SqlCatalog:
    """The catalog, each change of which is told in the audit log and in the creative's story.

    `changed_at` is when the creative became what it is.
    """

    def witness(
        connection: Connection, kind: Kind | None, before: Any, after: Any, now: datetime
    ) -> None:
        if kind is None or not isinstance(after, Creative):
            return
        said = said_of(after)
        action = _ACTIONS.get(said.verdict, "edit" if before else "add")
        audit.record(connection, who, action, kind.name, after.creative_id, before, after, now)
        if before is not None and before.review is Review.APPROVED:
            _require_approval_told(connection, before, changed_at or now)
        creative_reviews.add(connection, after, said, now)
        hashes = [asset.sha256 for asset in after.assets]
        media_files.mark_referenced(connection, hashes, now)

    return SqlCatalog(desk.engine, witness)


def _require_approval_told(connection: Connection, before: Creative, at: datetime) -> None:
    """What the operator approved by writing it himself gets its line before it is changed."""
    approved = creative_reviews.last_approved(connection, [before.creative_id])
    told = approved.get(before.creative_id)
    if told is None or told.creative != msgspec.json.decode(msgspec.json.encode(before)):
        creative_reviews.add(connection, before, Said("", Review.APPROVED), at)
