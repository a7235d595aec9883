"""The worker's view of links: what a code leads to, as of the last publication.

Never here: HTTP (`api.links`) or what is published (`adserver.link_package`). The one surprising
fact: a page that no longer lies under its merchant's host, whoever wrote it, is not led to. The
shopper gets the merchant's home, and the partner still earns.
"""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from adserver import link_package, metrics
from adserver.link_package import Pages
from adserver.reload import Watched
from affiliate import link as rules
from affiliate.link import NO_SUBS, Subs, Target
from models.domain.ids import LinkCode

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What a code leads to: `page` is where, `subs` stand where the click brings none."""

    code: LinkCode
    target: Target
    page: str
    subs: Subs = NO_SUBS


class LinkBook:
    """Publications of links and of products, taken up as they come. Look-ups never wait.

    `has_looked` says whether a code that is not found is really not there.
    """

    def __init__(self, data_dir: Path, poll_s: float) -> None:
        self._watched = (
            Watched("links", data_dir / link_package.LINKS, Pages),
            Watched("products", data_dir / link_package.PRODUCTS, Pages),
        )
        self._poll_s = poll_s
        self._links: Pages | None = None
        self._products: Pages | None = None
        self.has_looked = False

    def find(self, code: str) -> Found | None:
        """What a code leads to; None for an unknown one, or one whose partner or shop is out."""
        links = self._links
        if links is None:
            return None
        if rules.is_short(code):
            known = links.link(code)
            if known is None:
                return None
            target, url, subs = known
            return self._found(LinkCode(code), target, url, subs)
        plain = rules.parse_plain(code)
        return self._found(rules.plain_code(plain), plain, "", NO_SUBS) if plain else None

    def _found(self, code: LinkCode, target: Target, url: str, subs: Subs) -> Found | None:
        links, products = self._links, self._products
        if links is None or products is None or not links.is_approved(target.partner_id):
            return None
        home = links.home_of(target.merchant_id)
        if home is None or rules.url_fault(home, home):
            return None
        page: str | None = url or home
        if target.sku and not url:
            page = products.page_of(target.merchant_id, target.sku)
        if page is None:
            return None
        return Found(code, target, home if rules.url_fault(page, home) else page, subs)

    async def run(self) -> None:
        """Looks for publications until cancelled. A failure is logged, and the loop goes on."""
        while True:
            try:
                for one in self._watched:
                    await asyncio.to_thread(one.look)
                self._take_up()
            except Exception:
                log.exception("links could not be loaded; those in force go on")
                metrics.RELOADS.add("links_failed")
            await asyncio.sleep(self._poll_s)

    def close(self) -> None:
        """Lets go of the files. Call it when no request is left."""
        for pages in (self._links, self._products):
            if pages is not None:
                pages.close()
        self._links = self._products = None

    def _take_up(self) -> None:
        """In one turn of the loop: no look-up is under way, so the old files may be closed."""
        self.has_looked = True
        before = (self._links, self._products)
        self._links, self._products = (one.content for one in self._watched)
        for old, new in zip(before, (self._links, self._products), strict=True):
            if old is not None and old is not new:
                old.close()
