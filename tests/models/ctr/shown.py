"""Small catalogs with random histories, and their sums as plain loops."""

from dataclasses import replace

from hypothesis import strategies as st

from models.ctr.reading import AdAttributes
from models.domain.history import History, HistoryCell
from models.domain.ids import CreativeId, PlacementId
from models.domain.placement import Format
from tests import builders

FORMATS = (Format.SPLASH, Format.BANNER)
PLACEMENTS = tuple(
    builders.placement(placement_id=f"pl{n}", format=FORMATS[n % 2]) for n in range(4)
)

histories = st.lists(
    st.builds(
        HistoryCell,
        st.integers(0, 9).map(lambda n: CreativeId(f"cr{n}")),
        st.integers(0, 5).map(lambda n: PlacementId(f"pl{n}")),
        st.integers(0, 1000),
        st.integers(0, 50),
        st.integers(0, 5),
    ),
    max_size=25,
).map(lambda drawn: History(1, tuple(drawn)))


def ads_of(line_items: list[int]) -> list[AdAttributes]:
    """Ad n is creative n of the n-th line item; formats alternate, two line items a campaign."""
    plain = AdAttributes.of(builders.advertiser(), builders.line_item(), builders.creative())
    return [
        replace(
            plain,
            creative_id=f"cr{n}",
            line_item_id=f"li{owner}",
            campaign_id=f"cmp{owner // 2}",
            format=FORMATS[n % 2],
        )
        for n, owner in enumerate(line_items)
    ]


catalogs = st.lists(st.integers(0, 3), max_size=8).map(ads_of)


def total(history: History, ads: list[AdAttributes], **match: str) -> list[int]:
    """Impressions, clicks and conversions of all cells whose ad and placement match."""
    owners = {ad.creative_id: ad for ad in ads}
    sums = [0, 0, 0]
    for cell in history.cells:
        owner = owners.get(cell.creative_id)
        told = {"placement_id": cell.placement_id}
        told |= {name: getattr(owner, name, "") for name in match if name != "placement_id"}
        if all(told[name] == value for name, value in match.items()):
            counted = (cell.impressions, cell.clicks, cell.conversions)
            sums = [a + b for a, b in zip(sums, counted, strict=True)]
    return sums
