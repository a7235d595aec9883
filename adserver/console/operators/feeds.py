"""A merchant's feed, uploaded: what went in, what changed, and each row that did not.

Never here: how a feed is written (`adserver.feeds`). The one surprising fact: what is wrong with a
row costs that row only, and a feed that breaks off keeps what came before and prunes nothing.
"""

from datetime import datetime
from pathlib import Path

from msgspec import Struct

from adserver.accounting.feed_intake import FeedIntake
from adserver.accounts.identity import Identity
from adserver.console.desk import Desk
from adserver.console.operators import shops
from adserver.console.operators.refusals import in_words, refused
from adserver.console.web.exchange import Call
from adserver.console.web.language import N_
from adserver.stores import audit, database

UPLOAD_BYTES = 64 * 1024 * 1024
BAD_ROWS_SHOWN = 200


class BadRow(Struct):
    """A row that is no product: its line in the file, what is wrong, its SKU where it has one."""

    line: int
    message: str
    sku: str


class FeedTaken(Struct):
    """What a feed did. `pruned` is how many products went out of stock, 0 without `prune`."""

    added: int
    changed: int
    same: int
    bad: int
    pruned: int
    broke_off: str
    bad_rows: list[BadRow]


def take(desk: Desk, call: Call, merchant_id: str) -> FeedTaken:
    """Takes in the file that was sent as `feed`; with `prune`, what it lacks is out of stock.

    Raises:
        NotFoundError: there is no such merchant.
        CatalogError: no file, or one that cannot be read at all.
    """
    merchant = shops.find(desk, merchant_id)[0].merchant
    uploads = call.files.get("feed", ())
    if not uploads or not uploads[0].size:
        raise refused(N_("choose the feed's file"), "feed")
    intake = FeedIntake(desk.engine, merchant, call.now, most_bad=BAD_ROWS_SHOWN)
    prune = bool(call.form.get("prune", ""))
    with in_words():
        _run(intake, uploads[0].path, prune=prune)
    taken = _taken(intake)
    _witness(desk, call.identity, merchant_id, taken, call.now)
    return taken


def _run(intake: FeedIntake, file: Path, *, prune: bool) -> None:
    intake.run(file, None, "", prune=prune)


def _taken(intake: FeedIntake) -> FeedTaken:
    rows = [BadRow(fault.line, fault.words, fault.sku) for fault in intake.first_bad]
    done = intake.done
    return FeedTaken(
        done.added, done.changed, done.same, intake.bad, intake.pruned or 0, intake.broke_off, rows
    )


def _witness(desk: Desk, who: Identity, merchant_id: str, taken: FeedTaken, now: datetime) -> None:
    """A line of its own: a feed is taken in by many transactions."""
    told = {name: getattr(taken, name) for name in ("added", "changed", "same", "bad", "pruned")}
    with database.writing(desk.engine) as connection:
        audit.record(connection, who, "import_feed", "merchant", merchant_id, None, told, now)
