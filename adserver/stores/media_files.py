"""What is known of uploaded files, and whose uploads they are.

Never here: the files (`adserver.media.shelf`). The one surprising fact: two advertisers who upload
the same picture share one file, and neither learns of the other.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adserver.stores.creative_tables import MEDIA_FILES, MEDIA_UPLOADS
from adserver.stores.tables import CREATIVES

UNUSED_FOR = timedelta(days=1)
"""An upload that no creative ever had is swept after this."""
GIVEN_UP_FOR = timedelta(days=90)
"""A file that a creative had once, and none has any more, is swept after this."""
_BATCH = 500


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file as it lies on the shelf; `poster` is the file of a film's first picture."""

    sha256: str
    extension: str
    mime: str
    w: int
    h: int
    bytes: int
    duration_ms: int = 0
    frames: int = 1
    look: str = ""
    poster: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in an advertiser's library, under the name it came with."""

    file: MediaFile
    advertiser_id: str
    name: str
    cleaned: tuple[str, ...]
    uploaded_at: datetime
    uploaded_by: str


def take_in(connection: Connection, file: MediaFile, now: datetime) -> None:
    """Notes a file that lies on the shelf; one that is known already is as good as new."""
    row = {**asdict(file), "stored_at": now, "referenced_at": None}
    statement = _insert(connection)(MEDIA_FILES).values(row)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["sha256"], set_={"stored_at": now})
    )


def put_in_library(connection: Connection, upload: Upload) -> None:
    """Notes whose upload a file is; the same file again takes the newer name."""
    row = {
        "advertiser_id": upload.advertiser_id,
        "sha256": upload.file.sha256,
        "name": upload.name[:255],
        "cleaned": list(upload.cleaned),
        "uploaded_at": upload.uploaded_at,
        "uploaded_by": upload.uploaded_by[:320],
    }
    statement = _insert(connection)(MEDIA_UPLOADS).values(row)
    newer = {name: row[name] for name in ("name", "cleaned", "uploaded_at", "uploaded_by")}
    key = ["advertiser_id", "sha256"]
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=newer))


def uploads_of(
    connection: Connection, advertiser_id: str, *, limit: int, before: tuple[datetime, str] | None
) -> list[Upload]:
    """An advertiser's uploads, the newest first, from before (moment, hash) where given."""
    table = MEDIA_UPLOADS
    query = _joined().where(table.c.advertiser_id == advertiser_id)
    if before is not None:
        at, sha256 = before
        same = (table.c.uploaded_at == at) & (table.c.sha256 > sha256)
        query = query.where(or_(table.c.uploaded_at < at, same))
    query = query.order_by(table.c.uploaded_at.desc(), table.c.sha256).limit(limit)
    return [_upload(row) for row in connection.execute(query).mappings()]


def find(connection: Connection, advertiser_id: str, sha256: str) -> Upload | None:
    """One upload of an advertiser's, None when it has no such file."""
    table = MEDIA_UPLOADS
    query = _joined().where(table.c.advertiser_id == advertiser_id, table.c.sha256 == sha256)
    row = connection.execute(query).mappings().first()
    return _upload(row) if row else None


def files(connection: Connection, hashes: Iterable[str]) -> dict[str, MediaFile]:
    """The files of these hashes that there are, whosever they are."""
    wanted = sorted(set(hashes))
    found: dict[str, MediaFile] = {}
    for start in range(0, len(wanted), _BATCH):
        query = select(MEDIA_FILES).where(MEDIA_FILES.c.sha256.in_(wanted[start : start + _BATCH]))
        found |= {row["sha256"]: _file(row) for row in connection.execute(query).mappings()}
    return found


def bytes_of(connection: Connection, advertiser_id: str) -> int:
    """How many bytes an advertiser's library holds."""
    query = (
        select(func.coalesce(func.sum(MEDIA_FILES.c.bytes), 0))
        .join(MEDIA_UPLOADS, MEDIA_UPLOADS.c.sha256 == MEDIA_FILES.c.sha256)
        .where(MEDIA_UPLOADS.c.advertiser_id == advertiser_id)
    )
    return int(connection.execute(query).scalar_one())


def looks(connection: Connection, advertiser_id: str = "") -> list[tuple[str, str]]:
    """(hash, look) of the files of one advertiser, or of all that creatives ever had."""
    table = MEDIA_FILES
    query = select(table.c.sha256, table.c.look).where(table.c.look != "")
    if advertiser_id:
        query = query.join(MEDIA_UPLOADS, MEDIA_UPLOADS.c.sha256 == table.c.sha256).where(
            MEDIA_UPLOADS.c.advertiser_id == advertiser_id
        )
    else:
        query = query.where(table.c.referenced_at.is_not(None))
    return [(row.sha256, row.look) for row in connection.execute(query.order_by(table.c.sha256))]


def mark_referenced(connection: Connection, hashes: Iterable[str], now: datetime) -> None:
    """Notes that creatives have these files now, and the posters of those that are films."""
    wanted = sorted(set(hashes))
    for start in range(0, len(wanted), _BATCH):
        batch = MEDIA_FILES.c.sha256.in_(wanted[start : start + _BATCH])
        connection.execute(update(MEDIA_FILES).where(batch).values(referenced_at=now))


def sweep(connection: Connection, now: datetime) -> list[tuple[str, str]]:
    """Forgets files that nobody uses; answers (hash, extension) of those to remove.

    Creatives of every state count as users, archived and removed ones too.
    """
    used = hashes_in_use(connection)
    mark_referenced(connection, used, now)
    table = MEDIA_FILES
    never = table.c.referenced_at.is_(None) & (table.c.stored_at < now - UNUSED_FOR)
    given_up = table.c.referenced_at < now - GIVEN_UP_FOR
    query = select(table.c.sha256, table.c.extension).where(or_(never, given_up))
    gone = [(row.sha256, row.extension) for row in connection.execute(query)]
    for start in range(0, len(gone), _BATCH):
        hashes = [sha256 for sha256, _ in gone[start : start + _BATCH]]
        connection.execute(delete(MEDIA_UPLOADS).where(MEDIA_UPLOADS.c.sha256.in_(hashes)))
        connection.execute(delete(table).where(table.c.sha256.in_(hashes)))
    return gone


def hashes_in_use(connection: Connection) -> set[str]:
    """The hashes of all files of all creatives, and of the posters of their films."""
    found = {
        asset["sha256"]
        for assets in connection.execute(select(CREATIVES.c.assets)).scalars()
        for asset in assets
    }
    posters = select(MEDIA_FILES.c.sha256, MEDIA_FILES.c.poster).where(MEDIA_FILES.c.poster != "")
    return found | {row.poster for row in connection.execute(posters) if row.sha256 in found}


def known(connection: Connection) -> set[str]:
    """The hashes of all files that are known."""
    return set(connection.execute(select(MEDIA_FILES.c.sha256)).scalars())


def _joined() -> Any:
    return select(MEDIA_FILES, MEDIA_UPLOADS).join(
        MEDIA_UPLOADS, MEDIA_UPLOADS.c.sha256 == MEDIA_FILES.c.sha256
    )


def _upload(row: RowMapping) -> Upload:
    return Upload(
        _file(row),
        row["advertiser_id"],
        row["name"],
        tuple(row["cleaned"]),
        row["uploaded_at"],
        row["uploaded_by"],
    )


def _file(row: RowMapping) -> MediaFile:
    names = MediaFile.__dataclass_fields__
    return MediaFile(**{name: row[name] for name in names})


def _insert(connection: Connection) -> Callable[[Any], Any]:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
