"""Rows of serving: a request encoded against a catalog with its history, and what is logged.

Where values are found is `reading`, what they become is `encoding`. No model is known here.

The one surprising fact: most of a row is made once, when a catalog and its history are bound. A
request encodes its own half and names the few ads its user has seen; the rest is looked up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from operator import attrgetter
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from models.ctr import encoding
from models.ctr.counts import Counts, Grouping, count
from models.ctr.encoding import MISSING, Floats
from models.ctr.features import SERVING_SCHEMA, FeatureSchema, Half, Kind
from models.ctr.reading import AdAttributes, RequestReader, RequestView
from models.ctr.smoothing import Histories
from models.domain.ad_request import AdRequest
from models.domain.history import History
from models.domain.placement import Placement
from models.domain.user import Exposure, UserState

SEEN_SLOTS = 3
"""The pair half begins with what this user has seen: times, times this hour, hours since."""

LOGGED = np.dtype("<f8")
NEVER_SEEN = (0.0, 0.0, MISSING)
_NEVER_SEEN = np.array(NEVER_SEEN)
_NO_SEEN = np.empty((0, SEEN_SLOTS))
_NO_ROWS = np.empty(0, np.int32)


@dataclass(frozen=True, slots=True)
class EncodedRequest:
    """One request as numbers.

    `row` is the request half. `placement` is the placement's row in the bound encoder (-1
    unknown). `seen_line_items` are the rows of the line items this user has seen, `seen` what there
    is to say of each: times, times this hour, hours since.
    """

    row: Floats
    placement: int
    seen_line_items: NDArray[np.int32]
    seen: Floats


@dataclass(frozen=True, slots=True)
class BoundEncoder:
    """An encoder with a catalog and its history: ad halves and pair defaults ready to be read.

    `ad_rows` is float64[ads, ad slots]. The history part of the pair half is `cell_rows[cell]`
    where `counts.cell_of[placement, ad]` names a cell, and `default_rows[ad]` where not.
    """

    schema: FeatureSchema
    ads: tuple[AdAttributes, ...]
    counts: Counts
    ad_rows: Floats
    default_rows: Floats
    cell_rows: Floats
    line_item_of: NDArray[np.int32]
    line_item_row: dict[str, int]
    placement_row: dict[str, int]
    placement_histories: Floats
    reader: RequestReader
    zone: tzinfo = UTC

    def encode(self, request: AdRequest, user: UserState, now: datetime) -> EncodedRequest:
        """The request's half, and what its user has seen of this catalog.

        Without personalisation the user has seen nothing: caps still see the exposures, the model
        does not.
        """
        placement = self.placement_row.get(request.placement.placement_id, -1)
        values = self.reader.read(RequestView.of(request, user, now, self.zone))
        values += self.placement_histories[placement].tolist()
        rows, seen = _NO_ROWS, _NO_SEEN
        if user.exposures and user.loaded and request.personalized:
            rows, seen = self._seen(user.exposures, now.timestamp())
        return EncodedRequest(np.array(values, np.float64), placement, rows, seen)

    def _seen(
        self, exposures: dict[str, Exposure], now_s: float
    ) -> tuple[NDArray[np.int32], Floats]:
        rows: list[int] = []
        told: list[float] = []
        hour = int(now_s // 3600)
        for line_item, shown in exposures.items():
            row = self.line_item_row.get(line_item)
            if row is not None:
                lifetime, _, _, in_hour_of, in_hour, _, _, last_seen_s = shown
                rows.append(row)
                told += (
                    lifetime,
                    in_hour if in_hour_of == hour else 0,
                    max(now_s - last_seen_s, 0.0) / 3600.0,
                )
        if not rows:
            return _NO_ROWS, _NO_SEEN
        return np.array(rows, np.int32), np.array(told, np.float64).reshape(-1, SEEN_SLOTS)

    def pair_rows(self, ads: NDArray[np.int32], encoded: EncodedRequest) -> Floats:
        """The pair half of some ads, float64[ads, pair slots].

        For logs and tests, not for speed: scoring reads the same values in its kernel.
        """
        cells = self.counts.cell_of[encoded.placement][ads]
        histories = np.where((cells >= 0)[:, None], self._cell(cells), self.default_rows[ads])
        seen = np.tile(NEVER_SEEN, (len(ads), 1))
        for line_item, told in zip(encoded.seen_line_items, encoded.seen, strict=True):
            seen[self.line_item_of[ads] == line_item] = told
        return np.concatenate([seen, histories], axis=1)

    @property
    def pair_slots(self) -> int:
        """How many slots the pair half has."""
        return self.schema.width_of(Half.PAIR)

    def unseen_pair_rows(self, cells: int) -> Floats:
        """The pair rows of every ad, then of the first cells, for a user who has seen none."""
        histories = np.concatenate([self.default_rows, self.cell_rows[:cells]])
        return np.concatenate([np.tile(NEVER_SEEN, (len(histories), 1)), histories], axis=1)

    def _cell(self, cells: NDArray[np.int32]) -> Floats:
        if not len(self.cell_rows):
            return np.full((len(cells), self.default_rows.shape[1]), MISSING)
        return self.cell_rows[cells]

    def rows(self, ads: NDArray[np.int32], encoded: EncodedRequest) -> Floats:
        """The whole rows of some ads as the model sees them, float64[ads, slots]."""
        request = np.tile(encoded.row, (len(ads), 1))
        return np.concatenate([request, self.ad_rows[ads], self.pair_rows(ads, encoded)], axis=1)

    def row(self, ad: int, encoded: EncodedRequest) -> bytes:
        """The whole row of one ad as it is logged: little-endian float64, slot by slot.

        What `rows` gives for one ad, without making arrays of one: 3 us instead of 20.
        """
        seen = _NEVER_SEEN
        line_item = self.line_item_of[ad]
        for place, row in enumerate(encoded.seen_line_items.tolist()):
            if row == line_item:
                seen = encoded.seen[place]
        cell = self.counts.cell_of[encoded.placement][ad]
        history = self.cell_rows[cell] if cell >= 0 else self.default_rows[ad]
        halves: Sequence[Floats] = (encoded.row, self.ad_rows[ad], seen, history)
        if not LOGGED.isnative:
            halves = [half.astype(LOGGED) for half in halves]
        return b"".join([half.tobytes() for half in halves])


def bind(
    ads: Sequence[AdAttributes],
    placements: Sequence[Placement],
    history: History,
    schema: FeatureSchema = SERVING_SCHEMA,
) -> BoundEncoder:
    """Binds the serving schema of some time zone to a catalog. Off the request path.

    Raises:
        ZoneInfoNotFoundError: the schema's time zone is none that is known.
    """
    line_items = _numbered(ad.line_item_id for ad in ads)
    counts = count(_grouping(ads, line_items), placements, history)
    histories = Histories.of(counts)
    columns = {
        f.sources[0]: list(map(attrgetter(f.sources[0]), ads))
        for f in schema.half(Half.AD)
        if f.kind is not Kind.HISTORY
    }
    plain = encoding.encode_table(
        FeatureSchema(tuple(f for f in schema.half(Half.AD) if f.kind is not Kind.HISTORY)),
        columns,
    )
    return BoundEncoder(
        schema=schema,
        ads=tuple(ads),
        counts=counts,
        ad_rows=np.concatenate([plain, histories.ad], axis=1),
        default_rows=histories.default,
        cell_rows=histories.cell,
        line_item_of=np.array([line_items[ad.line_item_id] for ad in ads], np.int32),
        line_item_row=line_items,
        placement_row={p.placement_id: row for row, p in enumerate(placements)},
        placement_histories=histories.placement,
        reader=RequestReader(schema.half(Half.REQUEST)),
        zone=ZoneInfo(schema.time_zone),
    )


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: row for row, name in enumerate(dict.fromkeys(names))}


def _grouping(ads: Sequence[AdAttributes], line_items: dict[str, int]) -> Grouping:
    def numbers(names: list[str], known: dict[str, int]) -> NDArray[np.int32]:
        return np.array([known[name] for name in names], np.int32)

    campaigns = [ad.campaign_id for ad in ads]
    advertisers = [ad.advertiser_id for ad in ads]
    formats = [ad.format for ad in ads]
    return Grouping(
        creative_ids=[ad.creative_id for ad in ads],
        line_item=numbers([ad.line_item_id for ad in ads], line_items),
        campaign=numbers(campaigns, _numbered(campaigns)),
        advertiser=numbers(advertisers, _numbered(advertisers)),
        format=numbers(formats, _numbered(formats)),
        formats=list(_numbered(formats)),
    )
