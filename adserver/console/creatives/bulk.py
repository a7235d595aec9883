"""Many creatives at once: a ZIP of files and one CSV that says what they are; all or nothing.

Never here: pages. The one surprising fact: every row is looked at before anything is kept, and each
row that is wrong is said with its reason, so that one more try is enough.
"""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from adserver.accounts.identity import Identity
from adserver.console.creatives import drafts, intake, saving
from adserver.console.creatives.drafts import Draft, Files
from adserver.console.creatives.intake import Examined
from adserver.console.creatives.owned import Market
from adserver.console.creatives.wording import DECLARATIONS, Say, refusal_in_words
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call
from adserver.console.web.language import N_
from adserver.marketplace.problem import CatalogError
from adserver.media import checking
from adserver.media.shelf import shelf_of
from adserver.media.verdict import Reason, Refused
from adserver.stores import database, media_files
from adserver.stores.media_files import MediaFile
from models.domain.campaign import Creative
from models.domain.placement import Format

COLUMNS = (
    "file", "line_item_id", "format", "landing_url", "title", "description", "cta", "landing_kind",
    "fallback_url", "icon", "declared",
)  # fmt: skip
NEEDED = ("file", "line_item_id", "format", "landing_url")
MOST_CSV_BYTES = 1_000_000
MOST_ROWS = 100
_YES = frozenset({"yes", "true", "1", "是"})


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row of the CSV (counted as a spreadsheet does), 0: with the whole."""

    row: int
    file: str
    words: str

    def __str__(self) -> str:
        row = f"row {self.row}" if self.row else ""
        return ": ".join(filter(None, (row, self.file, self.words)))


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was read."""

    number: int
    values: dict[str, str]

    @property
    def file(self) -> str:
        """The file's name in the archive."""
        return self.values["file"]


class BulkRefusedError(Exception):
    """Nothing was kept; `faults` say why."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = faults


def take(desk: Desk, call: Call, market: Market, archive: Path) -> list[Creative]:
    """Makes the creatives of an archive; they wait for review.

    Raises:
        BulkRefusedError: anything is wrong with any row; nothing was kept.
    """
    try:
        with (
            intake.examining(desk) as examine,
            shelf_of(desk.settings.data_dir).aside() as aside,
        ):
            work = _Work(desk, call.identity, market, call._)
            found = work.unpacked(archive, aside)
            rows = work.rows(found)
            examined = work.examined(rows, found, examine)
            creatives = work.checked(rows, examined)
            return work.kept(call, rows, examined, creatives)
    except checking.BusyError:
        raise BulkRefusedError(
            Fault(0, "", refusal_in_words(Refused(Reason.BUSY), call._))
        ) from None


@dataclass(frozen=True, slots=True)
class _Work:
    """One archive's way; each step raises BulkRefusedError with all that it found."""

    desk: Desk
    who: Identity
    market: Market
    say: Say

    def unpacked(self, archive: Path, aside: Path) -> dict[str, Path]:
        """The archive's files by name."""
        verdict = checking.unpacked(archive, aside)
        if isinstance(verdict, Refused):
            raise BulkRefusedError(Fault(0, "", refusal_in_words(verdict, self.say)))
        return {name: aside / str(number) for number, name in enumerate(verdict.names)}

    def rows(self, found: dict[str, Path]) -> list[Row]:
        """The rows of the one CSV."""
        tables = [name for name in found if name.lower().endswith(".csv")]
        if len(tables) != 1:
            raise self._refusal(N_("The archive needs exactly one CSV file."))
        path = found.pop(tables[0])
        if path.stat().st_size > MOST_CSV_BYTES:
            raise self._refusal(N_("The CSV is longer than a megabyte."))
        try:
            rows = read_rows(path.read_text("utf-8-sig"))
        except (ValueError, csv.Error):
            raise self._refusal(N_("The CSV is not text in UTF-8.")) from None
        if rows is None:
            raise self._refusal(N_("The CSV needs the columns file, line_item_id, format and "
                                   "landing_url."))  # fmt: skip
        if not 0 < len(rows) <= MOST_ROWS:
            raise self._refusal(N_("The CSV has 1 to 100 rows."))
        self._require_named(rows, found)
        return rows

    def _require_named(self, rows: list[Row], found: dict[str, Path]) -> None:
        faults = [
            Fault(row.number, name, self.say(N_("There is no such file in the archive.")))
            for row in rows
            for name in (row.file, row.values["icon"])
            if name not in found and (name or name is row.file)
        ]
        named = {name for row in rows for name in (row.file, row.values["icon"])}
        unnamed = self.say(N_("This file is in no row of the CSV."))
        faults += [Fault(0, name, unnamed) for name in found if name not in named]
        if faults:
            raise BulkRefusedError(*faults)

    def examined(
        self, rows: list[Row], found: dict[str, Path],
        examine: Callable[[intake.Incoming], Examined | Refused],
    ) -> dict[str, Examined]:  # fmt: skip
        """Each file made anew, lying aside."""
        good: dict[str, Examined] = {}
        faults = []
        first = {name: row for row in reversed(rows) for name in (row.file, row.values["icon"])}
        for name in sorted(filter(None, first)):
            verdict = examine((name.rpartition("/")[2], found[name]))
            if isinstance(verdict, Refused):
                words = refusal_in_words(verdict, self.say)
                faults.append(Fault(first[name].number, name, words))
            else:
                good[name] = verdict
        if faults:
            raise BulkRefusedError(*sorted(faults, key=lambda fault: fault.row))
        if intake.is_full(self.desk, self.market.advertiser_id):
            raise BulkRefusedError(Fault(0, "", refusal_in_words(intake.full(), self.say)))
        return good

    def checked(self, rows: list[Row], examined: dict[str, Examined]) -> list[Creative]:
        """The creatives without their files' addresses."""
        creatives, faults = [], []
        for row in rows:
            try:
                main = _unkept(examined[row.file])
                icon = examined.get(row.values["icon"])
                files = Files(main, _unkept(icon) if icon else None)
                creatives.append(drafts.built(draft_of(row), files, self.market, self.say))
            except CatalogError as error:
                words = "; ".join(_said(self.say, one.field, one.message) for one in error.problems)
                faults.append(Fault(row.number, row.file, words))
        if faults:
            raise BulkRefusedError(*faults)
        return creatives

    def kept(
        self, call: Call, rows: list[Row], examined: dict[str, Examined], creatives: list[Creative]
    ) -> list[Creative]:
        """Everything kept, and handed in."""
        names = sorted(examined)
        owner = self.market.advertiser_id
        uploads = intake.keep(
            self.desk, owner, self.who, [examined[name] for name in names], call.now
        )
        files = {name: one.file for name, one in zip(names, uploads, strict=True)}
        posters = self._posters(files)
        media_url = self.desk.settings.media_base_url
        whole = []
        for row, creative in zip(rows, creatives, strict=True):
            main = files[row.file]
            chosen = Files(main, files.get(row.values["icon"]), posters.get(main.poster))
            whole.append(drafts.with_assets(creative, chosen, media_url))
        declared = [draft_of(row).declared for row in rows]
        handed = list(zip(whole, declared, strict=True))
        saving.hand_in(self.desk, self.who, handed, call.now)
        return whole

    def _posters(self, files: dict[str, MediaFile]) -> dict[str, MediaFile]:
        with database.reading(self.desk.engine) as connection:
            return media_files.files(connection, [one.poster for one in files.values()])

    def _refusal(self, words: str) -> BulkRefusedError:
        return BulkRefusedError(Fault(0, "", self.say(words)))


def read_rows(text: str) -> list[Row] | None:
    """The rows of a CSV; None when a needed column is missing.

    Raises:
        csv.Error: it is no CSV.
    """
    table = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    head = [name.strip().lower() for name in table.fieldnames or ()]
    table.fieldnames = head
    if not set(NEEDED) <= set(head):
        return None
    rows = []
    for line in table:
        values = {name: (line.get(name) or "").strip() for name in COLUMNS}
        if any(values.values()):
            rows.append(Row(table.line_num, values))
        if len(rows) > MOST_ROWS:
            break
    return rows


def draft_of(row: Row) -> Draft:
    """What a row asks for; "yes" under `declared` stands for both declarations."""
    values = row.values
    is_declared = values["format"].lower() == Format.SPLASH and values["declared"].lower() in _YES
    return Draft(
        values["line_item_id"],
        values["format"].lower(),
        values["landing_url"],
        values["landing_kind"].lower() or "web",
        values["fallback_url"],
        values["title"],
        values["description"],
        values["cta"],
        tuple(DECLARATIONS) if is_declared else (),
    )


def _said(say: Say, field: str, message: str) -> str:
    return f"{field}: {say(message)}" if field else say(message)


def _unkept(one: Examined) -> MediaFile:
    """A file as it will be, for the rules."""
    seen = one.measures
    return MediaFile(
        "", str(seen.kind), seen.kind.mime, seen.w, seen.h, seen.bytes, seen.duration_ms
    )
