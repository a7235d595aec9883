"""The creatives and files of the advertiser in the path; what is not its own is not found.

Never here: what is done with them.
"""

from dataclasses import dataclass

from adserver.api.problems import NotFoundError
from adserver.console.buyer_desk import own
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call
from adserver.media.specs import Slots, slots_of
from adserver.stores import database, media_files
from adserver.stores.buyers import Holdings
from adserver.stores.media_files import Upload
from models.domain.campaign import Creative, LineItem
from models.domain.placement import Format, Placement

NO_FILE = "there is no such file in this library"


@dataclass(frozen=True, slots=True)
class Market:
    """What a creative is held against: its owner's things, and the slots there are."""

    held: Holdings
    slots: dict[Format, Slots]

    @property
    def advertiser_id(self) -> str:
        """Whose market it is."""
        return self.held.advertiser.advertiser_id

    def line_items(self) -> list[LineItem]:
        """The line items that may get a creative."""
        live = {one.campaign_id for one in self.held.campaigns if one.active}
        return [one for one in self.held.line_items if one.active and one.campaign_id in live]


def market_of(desk: Desk, call: Call) -> Market:
    """The advertiser's things and the slots of all formats.

    Raises:
        NotFoundError: there is no such advertiser.
    """
    held = own(desk, call)
    placements = desk.catalog.find(Placement)
    return Market(held, {form: slots_of(placements, form) for form in Format})


def own_creative(held: Holdings, call: Call) -> Creative:
    """The path's creative.

    Raises:
        NotFoundError: it is not the advertiser's.
    """
    wanted = call.params["creative_id"]
    found = next((one for one in held.creatives if one.creative_id == wanted), None)
    if found is None:
        raise NotFoundError("there is no such creative")
    return found


def find_upload(desk: Desk, advertiser_id: str, sha256: str) -> Upload | None:
    """A file of the advertiser's library, None when it has no such file."""
    with database.reading(desk.engine) as connection:
        return media_files.find(connection, advertiser_id, sha256)


def own_upload(desk: Desk, advertiser_id: str, sha256: str) -> Upload:
    """A file of the advertiser's library.

    Raises:
        NotFoundError: it has no such file.
    """
    found = find_upload(desk, advertiser_id, sha256)
    if found is None:
        raise NotFoundError(NO_FILE)
    return found
