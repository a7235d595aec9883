"""What waits for somebody in the demo's console: creatives to review, a payment to confirm, a link.

Never here: pages. The one surprising fact: all of it comes in by the REST API with keys, as an
advertiser's and a partner's own programs would bring it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from adserver.demo.system import DemoError, System
from adserver.demo.world import World, catalog_of
from models.domain.campaign import Creative
from models.domain.placement import Format

TOP_UP_MICROS = 5_000_000_000
MOST_UPLOADS = 3
SPLASH_DECLARES = ["label_area_free", "no_fake_close"]


@dataclass(frozen=True, slots=True)
class Program:
    """A program of an owner of the house."""

    session: aiohttp.ClientSession
    address: str
    key: str

    async def post(self, path: str, body: Any) -> Any:
        """What the call answers.

        Raises:
            DemoError: it was refused.
        """
        sent: dict[str, Any] = {"data": body}
        if not isinstance(body, aiohttp.FormData):
            sent = {"json": body}
        return await self._answer("POST", path, sent)

    async def get(self, path: str) -> Any:
        """As `post`, for reading."""
        return await self._answer("GET", path, {})

    async def _answer(self, method: str, path: str, sent: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        url = f"{self.address}/api/v1{path}"
        async with self.session.request(method, url, headers=headers, **sent) as answer:
            said = await answer.text()
            if not answer.ok:
                raise DemoError(f"{method} {path} answered {answer.status}: {said[:500]}")
            return json.loads(said) if said else None


async def leave_work(system: System, world: World, advertiser: str, partner: str) -> dict[str, int]:
    """Uploads, asks and links; answers how many of each.

    Raises:
        DemoError: the console refused something.
    """
    address = system.settings.console_address
    async with aiohttp.ClientSession() as session:

        async def program(role: str, owner: str) -> Program:
            return Program(session, address, await _key(system, role, owner))

        buyer = await program("advertiser", advertiser)
        uploads = await _upload(buyer, world, advertiser)
        await _reject_one(await program("operator", ""), uploads)
        asked = {"amount_micros": TOP_UP_MICROS, "note": "transfer 2026-4711"}
        await buyer.post(f"/advertisers/{advertiser}/top-ups", asked)
        shop = world.market.shops[0]
        link = {"merchant_id": shop.merchant_id, "name": "newsletter", "subs": ["autumn"]}
        await (await program("partner", partner)).post(f"/partners/{partner}/links", link)
    return {"creatives": len(uploads), "top_ups": 1, "links": 1}


async def _key(system: System, role: str, owner: str) -> str:
    whose = ("--role", role, *(("--owner", owner) if owner else ()))
    said = await system.run("admin", "key", *whose, "--name", "the demo", "--json")
    return str(msgspec.json.decode(said)["key"])


async def _upload(buyer: Program, world: World, advertiser: str) -> list[Any]:
    """A few of the advertiser's own pictures once more, as new creatives."""
    made = []
    for creative in _own(world, advertiser)[:MOST_UPLOADS]:
        form = aiohttp.FormData()
        path = _picture(world.pictures, creative)
        form.add_field("file", path.read_bytes(), filename=path.name)
        file = await buyer.post(f"/advertisers/{advertiser}/files", form)
        wanted = {
            "line_item_id": creative.line_item_id,
            "format": creative.format.value,
            "file": file["sha256"],
            "landing_url": creative.landing_url,
            "title": f"{creative.title} (autumn)",
            "description": creative.description,
            "cta": creative.cta,
            "declared": SPLASH_DECLARES if creative.format is Format.SPLASH else [],
        }
        made.append(await buyer.post(f"/advertisers/{advertiser}/creatives", wanted))
    return made


def _own(world: World, advertiser: str) -> list[Creative]:
    """The advertiser's creatives with a picture, one a format first; rewarded ones are films."""
    mine = {item for item, owner in world.truth.advertiser_of.items() if owner == advertiser}
    found = [
        one
        for one in catalog_of(world).creatives
        if one.line_item_id in mine and one.format is not Format.REWARDED_VIDEO and one.assets
    ]
    first = {one.format: one for one in reversed(found)}
    return sorted(found, key=lambda one: first[one.format] is not one)


def _picture(directory: Path, creative: Creative) -> Path:
    return directory / creative.assets[0].url.rsplit("/", 1)[-1]


async def _reject_one(operator: Program, uploads: list[Any]) -> None:
    """The last upload is rejected, so that its advertiser finds out why."""
    if len(uploads) == MOST_UPLOADS:
        last = uploads[-1]
        verdict = {
            "verdict": "rejected",
            "version": last["version"],
            "reason": "quality",
            "words": "The small print cannot be read on a phone.",
        }
        await operator.post(f"/house/reviews/{last['creative_id']}", verdict)
