"""What the log says so far.

Impressions, clicks and conversions for each creative in each placement.

The finest cell only; wider groups (line item, advertiser, placement, format) are sums that
`models.ctr` makes.
"""

from dataclasses import dataclass

from models.domain.ids import CreativeId, PlacementId


@dataclass(frozen=True, slots=True)
class HistoryCell:
    """De-duplicated counts of one creative in one placement."""

    creative_id: CreativeId
    placement_id: PlacementId
    impressions: int
    clicks: int
    conversions: int


@dataclass(frozen=True, slots=True)
class History:
    """All cells, and the instant up to which they were counted (Unix milliseconds; 0.

    Nothing counted yet).
    """

    as_of_ms: int = 0
    cells: tuple[HistoryCell, ...] = ()
