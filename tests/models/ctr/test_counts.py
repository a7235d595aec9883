import numpy as np
from hypothesis import given

from models.ctr.encoder import bind
from models.ctr.reading import AdAttributes
from models.domain.history import History
from tests.models.ctr.shown import PLACEMENTS, catalogs, histories, total


@given(catalogs, histories)
def test_tallies_are_the_sums_of_their_cells(ads: list[AdAttributes], history: History) -> None:
    counts = bind(ads, PLACEMENTS, history).counts
    assert counts.total[:, 0].tolist() == total(history, ads)
    for row, placement in enumerate(PLACEMENTS):
        there = total(history, ads, placement_id=placement.placement_id)
        assert counts.placement[:, row].tolist() == there
    for row, ad in enumerate(ads):
        for tally, name in (
            (counts.creative, "creative_id"),
            (counts.line_item, "line_item_id"),
            (counts.campaign, "campaign_id"),
            (counts.advertiser, "advertiser_id"),
            (counts.format, "format"),
        ):
            assert tally[:, row].tolist() == total(history, ads, **{name: getattr(ad, name)})


@given(catalogs, histories)
def test_a_cell_is_where_an_ads_line_item_was_shown_in_its_format(
    ads: list[AdAttributes], history: History
) -> None:
    counts = bind(ads, PLACEMENTS, history).counts
    owner = {ad.creative_id: ad.line_item_id for ad in ads}
    shown = {(owner.get(cell.creative_id), cell.placement_id) for cell in history.cells}
    for row, ad in enumerate(ads):
        for place, placement in enumerate(PLACEMENTS):
            there = placement.placement_id
            cell = counts.cell_of[place, row]
            has = (ad.line_item_id, there) in shown and ad.format == placement.format
            assert (cell >= 0) == has
            if has:
                line_item = total(history, ads, line_item_id=ad.line_item_id, placement_id=there)
                creative = total(history, ads, creative_id=ad.creative_id, placement_id=there)
                assert counts.cell_ad[cell] == row
                assert counts.cell_line_item[:, cell].tolist() == line_item
                assert counts.cell_creative[:, cell].tolist() == creative


@given(catalogs, histories)
def test_an_unknown_placement_has_no_cells_and_the_most_shown_come_first(
    ads: list[AdAttributes], history: History
) -> None:
    counts = bind(ads, PLACEMENTS, history).counts
    assert (counts.cell_of[-1] == -1).all()
    assert (np.diff(counts.cell_line_item[0]) <= 0).all()
