"""Clicks on one partner's links by link, sub-id or product, and on all links by product.

Never here: orders (`stores.earnings`). The one surprising fact: doubtful clicks (crawlers, data
centres) are counted beside the honest ones and not left out, so that a partner sees where its
traffic went.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from adserver.ports import EventStore
from models.domain.ids import MerchantId, PartnerId, Sku

COLUMNS = ("link_code", "sub1", "sub2", "sub3", "sub4", "sub5", "merchant_id", "sku")

_BY = """
SELECT name, countIf(bad = '') AS honest, countIf(bad != '') AS doubtful
FROM (SELECT event_id, any({column}) AS name, any(invalid) AS bad FROM link_clicks
      WHERE partner_id = %(partner)s AND received_ms >= %(since)s AND received_ms < %(until)s
        AND {within} GROUP BY event_id)
GROUP BY name ORDER BY honest DESC, name{limit}"""

_BY_PRODUCT = """
SELECT merchant, product, count() AS clicks
FROM (SELECT event_id, any(merchant_id) AS merchant, any(sku) AS product FROM link_clicks
      WHERE received_ms >= %(since)s AND received_ms < %(until)s AND invalid = '' AND sku != ''
      GROUP BY event_id)
GROUP BY merchant, product ORDER BY clicks DESC LIMIT %(most)s"""


@dataclass(frozen=True, slots=True)
class Clicks:
    """Clicks that may earn, and those that may not."""

    honest: int = 0
    doubtful: int = 0


def clicks_by(
    store: EventStore,
    partner_id: PartnerId,
    column: str,
    span: tuple[datetime, datetime],
    link_code: str = "",
    most: int = 0,
) -> Mapping[str, Clicks]:
    """Clicks in [since, until) by one of `COLUMNS`, of one link where given, most clicked first.

    `most`: so many names and no more; 0: all of them.

    Raises:
        StoreAwayError: the event store does not answer.
    """
    if column not in COLUMNS:
        raise LookupError(column)
    within = "link_code = %(code)s" if link_code else "1"
    limit = " LIMIT %(most)s" if most else ""
    given = {**_span(span), "partner": partner_id, "code": link_code, "most": most}
    rows = store.query(_BY.format(column=column, within=within, limit=limit), given)
    return {
        name: Clicks(int(honest), int(doubtful))
        for name, honest, doubtful in zip(*rows.values(), strict=True)
    }


def most_clicked(
    store: EventStore, span: tuple[datetime, datetime], most: int
) -> dict[tuple[MerchantId, Sku], int]:
    """The products that links led to most often.

    Raises:
        StoreAwayError: the event store does not answer.
    """
    rows = store.query(_BY_PRODUCT, {**_span(span), "most": most})
    return {
        (MerchantId(merchant), Sku(sku)): int(clicks)
        for merchant, sku, clicks in zip(*rows.values(), strict=True)
    }


def _span(span: tuple[datetime, datetime]) -> dict[str, int]:
    since, until = (int(one.timestamp() * 1000) for one in span)
    return {"since": since, "until": until}
