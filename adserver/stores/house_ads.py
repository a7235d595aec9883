"""Apps' own ads in SQL: made, approved, taken back; and what of them goes to the workers.

Never here: their pictures (`adserver.media`). The one surprising fact: an ad is never edited. A
change is another ad, which waits for approval, so what was approved is what is shown.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from adserver.stores.house_package import Travelling
from adserver.stores.partner_desk_tables import HOUSE_ADS
from adserver.stores.tables import APPS
from models.domain.campaign import Review
from models.domain.placement import Format

_H = HOUSE_ADS.c
_WAITS = and_(_H.review == Review.PENDING.value, _H.active)


@dataclass(frozen=True, slots=True)
class HouseAd:
    """An ad of an app's own. `asset_url` is "" for one of words only."""

    house_ad_id: str
    app_id: str
    format: Format
    w: int
    h: int
    title: str
    description: str
    cta: str
    landing_url: str
    asset_url: str
    asset_mime: str
    asset_bytes: int
    asset_sha256: str
    review: Review
    review_reason: str
    active: bool
    changed_at: datetime


def of_app(connection: Connection, app_id: str) -> list[HouseAd]:
    """The ads of an app, newest first, those taken back at the end."""
    query = select(HOUSE_ADS).where(_H.app_id == app_id)
    found = [_ad(row) for row in connection.execute(query).mappings()]
    return sorted(found, key=lambda one: (not one.active, -one.changed_at.timestamp()))


def find(connection: Connection, house_ad_id: str) -> HouseAd | None:
    """One ad."""
    query = select(HOUSE_ADS).where(_H.house_ad_id == house_ad_id)
    row = connection.execute(query).mappings().first()
    return _ad(row) if row else None


def waiting(
    connection: Connection, limit: int | None = None, after: tuple[datetime, str] | None = None
) -> list[HouseAd]:
    """Those that wait for the house's word, the oldest first, at most `limit` of them.

    `after` is the (changed_at, id) of the last one seen.
    """
    query = select(HOUSE_ADS).where(_WAITS)
    if after is not None:
        at, house_ad_id = after
        same = and_(_H.changed_at == at, _H.house_ad_id > house_ad_id)
        query = query.where(or_(_H.changed_at > at, same))
    query = query.order_by(_H.changed_at, _H.house_ad_id).limit(limit)
    return [_ad(row) for row in connection.execute(query).mappings()]


def count_waiting(connection: Connection) -> int:
    """How many wait for the house's word."""
    return int(connection.execute(select(func.count()).where(_WAITS)).scalar_one())


def add(connection: Connection, ad: HouseAd) -> None:
    """Adds an ad. Raises IntegrityError when its id is taken."""
    connection.execute(insert(HOUSE_ADS).values(_row(ad)))


def put(connection: Connection, ad: HouseAd) -> None:
    """Makes an ad that is there into this."""
    own = _H.house_ad_id == ad.house_ad_id
    connection.execute(update(HOUSE_ADS).where(own).values(_row(ad)))


def judged(ad: HouseAd, review: Review, reason: str, now: datetime) -> HouseAd:
    """The ad with the house's word on it."""
    return replace(ad, review=review, review_reason=reason, changed_at=now)


def mark(connection: Connection) -> tuple[int, datetime | None]:
    """What differs as soon as an ad was added or changed."""
    count, latest = connection.execute(select(func.count(), func.max(_H.changed_at))).one()
    return int(count), latest


def travelling(connection: Connection) -> list[Travelling]:
    """What workers may show: approved, in use, of apps in use."""
    query = (
        select(HOUSE_ADS, APPS.c.name)
        .join(APPS, APPS.c.app_id == _H.app_id)
        .where(_H.review == Review.APPROVED.value, _H.active)
        .where(APPS.c.archived_at.is_(None), APPS.c.removed_at.is_(None))
    )
    names = [name for name in Travelling.__struct_fields__ if name not in {"name", "format"}]
    return [
        Travelling(
            name=row["name"], format=Format(row["format"]), **{name: row[name] for name in names}
        )
        for row in connection.execute(query).mappings()
    ]


def _row(ad: HouseAd) -> dict[str, Any]:
    return asdict(ad) | {"format": ad.format.value, "review": ad.review.value}


def _ad(row: Mapping[Any, Any]) -> HouseAd:
    kinds = {"format": Format(row["format"]), "review": Review(row["review"])}
    return HouseAd(**{name: row[name] for name in HouseAd.__slots__} | kinds)
