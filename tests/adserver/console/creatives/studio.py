"""A house with two advertisers who have line items, and slots to fill; pages and REST listen.

Never here: a test.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adserver.accounts.identity import Role
from adserver.config import Settings
from adserver.console.areas import AREAS
from adserver.console.desk import Desk
from adserver.console.media_route import media_routes
from models.domain.marketplace import Marketplace
from models.domain.placement import Format
from tests import builders
from tests.adserver.api.running import Reply
from tests.adserver.console.web.people import browser_of, program_of
from tests.adserver.console.web.running import MULTIPART, Browser, desk_over, listening, multipart
from tests.adserver.media import made_files as files

NOW = builders.NOW
BASE = "/advertisers/adv1/creatives"


@dataclass
class Studio:
    """A desk and the port of its pages."""

    desk: Desk
    port: int

    @property
    def media(self) -> Path:
        """Where files are kept."""
        return self.desk.settings.data_dir / "media"

    def kept(self) -> list[str]:
        """The names of all kept files."""
        return sorted(path.name for path in self.media.rglob("*") if path.is_file())

    def advertiser(self, owner: str = "adv1") -> Browser:
        """Somebody of an advertiser's, signed in."""
        return browser_of(self.desk, self.port, Role.ADVERTISER, owner)

    def operator(self) -> Browser:
        """Somebody of the house, signed in."""
        return browser_of(self.desk, self.port, Role.OPERATOR)

    def program(self, owner: str = "adv1") -> Browser:
        """A program of an advertiser's."""
        return program_of(self.desk, self.port, Role.ADVERTISER, owner)

    def house_program(self) -> Browser:
        """A program of the house."""
        return program_of(self.desk, self.port, Role.OPERATOR)


def send(program: Browser, path: str, part: str, name: str, content: bytes) -> Reply:
    """One file in a multipart body to REST."""
    body = multipart({}, [(part, name, content)])
    return program.call("POST", path, body, Content_Type=MULTIPART)


def market() -> Marketplace:
    """Two advertisers with a line item each; splash slots of two sizes, banners, any native."""
    return Marketplace(
        advertisers=(builders.advertiser(), builders.advertiser(advertiser_id="adv2", name="Two")),
        campaigns=(
            builders.campaign(),
            builders.campaign(campaign_id="cmp2", advertiser_id="adv2", name="Campaign Two"),
        ),
        line_items=(
            builders.line_item(),
            builders.line_item(line_item_id="li2", campaign_id="cmp2", name="Line item Two"),
        ),
        creatives=(builders.creative(), builders.creative(creative_id="cr2", line_item_id="li2")),
        apps=(builders.app(),),
        placements=(
            builders.placement(sizes=((540, 960), (1080, 1920))),
            builders.placement(
                placement_id="pl2", name="Banner", format=Format.BANNER, sizes=((320, 50),)
            ),
            builders.placement(placement_id="pl3", name="Native", format=Format.NATIVE),
        ),
    )


@contextmanager
def open_studio(tmp_path: Path) -> Iterator[Studio]:
    """The house, open."""
    settings = Settings(data_dir=tmp_path)
    with desk_over(settings) as desk:
        desk.catalog.replace(market(), NOW)
        with listening(desk, AREAS, media_routes(settings)) as port:
            yield Studio(desk, port)


DECLARED = ["label_area_free", "no_fake_close"]


def uploaded(program: Browser, name: str, content: bytes, owner: str = "adv1") -> str:
    """The hash of a file that was uploaded by REST."""
    reply = send(program, f"/api/v1/advertisers/{owner}/files", "file", name, content)
    assert reply.status == 201, reply.body
    return str(json.loads(reply.body)["sha256"])


def handed_in(studio: Studio, **changes: Any) -> dict[str, Any]:
    """A creative of adv1 that waits for review, as REST answers it."""
    program = studio.program()
    wanted = {
        "line_item_id": "li1",
        "format": "splash",
        "landing_url": "https://shop.example/spring",
        "title": "Spring",
        "declared": DECLARED,
        **changes,
    }
    if "file" not in wanted:
        wanted["file"] = uploaded(program, "a.png", files.encoded("PNG"))
    reply = rest(program, "POST", "/advertisers/adv1/creatives", wanted)
    assert reply.status == 201, reply.body
    return dict(json.loads(reply.body))


def rest(program: Browser, method: str, path: str, body: Any = None) -> Reply:
    """A REST call with a JSON body."""
    sent = None if body is None else json.dumps(body).encode()
    return program.call(method, f"/api/v1{path}", sent, Content_Type="application/json")


def judged(studio: Studio, creative: dict[str, Any], verdict: str, **said: str) -> Reply:
    """The house's verdict on a creative as REST answered it."""
    body = {"verdict": verdict, "version": creative["version"], **said}
    program = studio.house_program()
    return rest(program, "POST", f"/house/reviews/{creative['creative_id']}", body)
