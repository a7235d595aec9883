"""Short links in SQL: made once, found by code, and read whole for the workers.

Never here: what a code says by itself (`affiliate.link`). The one surprising fact: a link is never
changed. The same words always make the same code, so what a link leads to, and earns, is what it
was when it was first handed out; other words make another link.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from adserver.marketplace.problem import Sentence
from adserver.stores.link_tables import LINK_REVISIONS, LINKS
from adserver.stores.partners import merchant_of, partners_of
from adserver.stores.products import products_of
from affiliate import link as rules
from affiliate.link import Link, Target
from affiliate.partner import Rate, Standing
from models.domain.ids import LinkCode, MerchantId, PartnerId, Sku

_CODES_AT_ONCE = 1_000


class LinkRefusedError(ValueError):
    """A link that cannot be made; the message says what to do."""


def links_of(connection: Connection, codes: Collection[LinkCode]) -> dict[LinkCode, Link]:
    """The links behind short codes; codes that say all by themselves have none."""
    short = sorted({code for code in codes if rules.is_short(code)})
    found = {}
    for start in range(0, len(short), _CODES_AT_ONCE):
        own = LINKS.c.code.in_(short[start : start + _CODES_AT_ONCE])
        for row in connection.execute(select(LINKS).where(own)).mappings():
            found[LinkCode(row["code"])] = _link(row)
    return found


def find_links(
    connection: Connection,
    partner_id: PartnerId | None = None,
    merchant_id: MerchantId | None = None,
) -> list[Link]:
    """All links, of one partner and to one merchant where given; in the order they were made."""
    query = select(LINKS)
    if partner_id is not None:
        query = query.where(LINKS.c.partner_id == partner_id)
    if merchant_id is not None:
        query = query.where(LINKS.c.merchant_id == merchant_id)
    rows = connection.execute(query).mappings().all()
    return [_link(row) for row in sorted(rows, key=lambda row: (row["made_at"], row["code"]))]


def make_link(connection: Connection, wanted: Link, now: datetime) -> Link:
    """The link with these words, made if it is not there yet; `wanted.code` is not looked at.

    Raises:
        LinkRefusedError: no such partner, merchant or product, a partner or merchant out of use, a
            page of another host, or a link of the same words with other sub-ids or another rate.
    """
    require_sound(connection, wanted)
    for length in range(rules.SHORTEST_CODE, rules.LONGEST_CODE + 1):
        code = rules.short_code(wanted.target, wanted.url, wanted.name, length)
        made = replace(wanted, code=code)
        _insert(connection, made, now)
        there = links_of(connection, [code])[code]
        if there == made:
            return there
        if _words(there) == _words(made):
            there_is = (
                "there is such a link already, %(code)s, with other sub-ids or another rate; "
                "a link never changes: make another with a --name of its own"
            )
            raise LinkRefusedError(Sentence(there_is, code=code))
    raise LinkRefusedError(Sentence("no code is free for this link: give it another --name"))


def require_sound(connection: Connection, wanted: Link) -> None:
    """Raises LinkRefusedError, as `make_link`, when the link would lead nowhere or elsewhere."""
    target = wanted.target
    partner = partners_of(connection, [target.partner_id]).get(target.partner_id)
    merchant = merchant_of(connection, target.merchant_id)
    if partner is None:
        raise LinkRefusedError(f"there is no partner {target.partner_id}")
    if partner.standing is not Standing.APPROVED:
        waits = "partner %(partner)s is %(standing)s, not approved"
        raise LinkRefusedError(
            Sentence(waits, partner=target.partner_id, standing=partner.standing)
        )
    if merchant is None:
        nobody = "there is no merchant %(merchant)s"
        raise LinkRefusedError(Sentence(nobody, merchant=target.merchant_id))
    if not merchant.active:
        archived = "merchant %(merchant)s is archived"
        raise LinkRefusedError(Sentence(archived, merchant=target.merchant_id))
    template, values = rules.url_fault_parts(wanted.url, merchant.home_url)
    if wanted.url and template:
        fault = Sentence(template, **values)
        raise LinkRefusedError(Sentence("%(url)s %(why)s", url=wanted.url, why=fault))
    known = products_of(connection, target.merchant_id, [target.sku]) if target.sku else {}
    if target.sku and not wanted.url and target.sku not in known:
        unknown = "merchant %(merchant)s has no product %(sku)s"
        raise LinkRefusedError(Sentence(unknown, merchant=target.merchant_id, sku=target.sku))


def revisions(connection: Connection) -> dict[str, int]:
    """How often partners, merchants, products and links were changed."""
    return {row.name: int(row.revision) for row in connection.execute(select(LINK_REVISIONS))}


def _words(link: Link) -> tuple[Target, str, str]:
    return link.target, link.url, link.name


def _insert(connection: Connection, link: Link, now: datetime) -> None:
    """Leaves what is there alone: another process may make the same link just now."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    rate = link.rate or Rate()
    values = {f"sub{number}": sub for number, sub in enumerate(link.subs, 1)} | {
        "code": link.code,
        "partner_id": link.target.partner_id,
        "merchant_id": link.target.merchant_id,
        "sku": link.target.sku,
        "url": link.url,
        "name": link.name,
        "rate_ppm": rate.ppm,
        "flat_minor": rate.flat_minor,
        "made_at": now,
    }
    statement: Any = dialect.insert(LINKS)
    connection.execute(statement.on_conflict_do_nothing(), values)


def _link(row: Mapping[Any, Any]) -> Link:
    has_rate = row["rate_ppm"] is not None or row["flat_minor"] is not None
    return Link(
        code=LinkCode(row["code"]),
        target=Target(
            PartnerId(row["partner_id"]), MerchantId(row["merchant_id"]), Sku(row["sku"])
        ),
        url=row["url"],
        name=row["name"],
        subs=(row["sub1"], row["sub2"], row["sub3"], row["sub4"], row["sub5"]),
        rate=Rate(row["rate_ppm"], row["flat_minor"]) if has_rate else None,
    )
