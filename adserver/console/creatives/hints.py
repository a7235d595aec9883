"""Pictures that look like one another: uploaded twice, or rejected before.

Never here: a verdict; a likeness is a hint for a person. The one surprising fact: an advertiser is
told of its own files only, operators are told of everybody's.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from adserver.media.likeness import are_alike
from adserver.stores import media_files
from adserver.stores.tables import CAMPAIGNS, CREATIVES, LINE_ITEMS
from models.domain.campaign import Creative, Review

MOST_HINTS = 5


@dataclass(frozen=True, slots=True)
class Alike:
    """A creative whose picture looks like another's."""

    creative_id: str
    advertiser_id: str
    review: Review
    sha256: str


def alike_in_library(connection: Connection, advertiser_id: str, sha256: str) -> list[str]:
    """Hashes of an advertiser's other files that look like this one."""
    looks = media_files.looks(connection, advertiser_id)
    own = dict(looks).get(sha256, "")
    found = [other for other, look in looks if other != sha256 and are_alike(own, look)]
    return found[:MOST_HINTS]


def alike_elsewhere(connection: Connection, creative: Creative) -> list[Alike]:
    """Other creatives whose files look like this one's, the rejected ones first."""
    own = {asset.sha256 for asset in creative.assets if asset.sha256}
    looks = dict(media_files.looks(connection))
    mine = [looks[sha256] for sha256 in own if sha256 in looks]
    wanted = {
        sha256
        for sha256, look in looks.items()
        if sha256 in own or any(are_alike(look, one) for one in mine)
    }
    found = [
        one
        for one in _all_with_files(connection)
        if one.sha256 in wanted and one.creative_id != creative.creative_id
    ]
    found.sort(key=lambda one: (one.review is not Review.REJECTED, one.creative_id))
    return found[:MOST_HINTS]


def _all_with_files(connection: Connection) -> list[Alike]:
    owner = CAMPAIGNS.c.advertiser_id
    query = (
        select(CREATIVES.c.creative_id, owner, CREATIVES.c.review, CREATIVES.c.assets)
        .join(LINE_ITEMS, LINE_ITEMS.c.line_item_id == CREATIVES.c.line_item_id)
        .join(CAMPAIGNS, CAMPAIGNS.c.campaign_id == LINE_ITEMS.c.campaign_id)
        .where(CREATIVES.c.removed_at.is_(None))
    )
    return [
        Alike(row.creative_id, row.advertiser_id, Review(row.review), row.assets[0]["sha256"])
        for row in connection.execute(query)
        if row.assets
    ]
