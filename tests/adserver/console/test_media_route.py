"""Files as everybody fetches them: never anything but a picture or film, whatever it was."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adserver.console.creatives.studio import Studio, open_studio, uploaded
from tests.adserver.console.web.running import Browser
from tests.adserver.media import made_files as files


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with open_studio(tmp_path) as opened:
        yield opened


def test_a_file_is_served_to_strangers_for_ever_and_never_runs(studio: Studio) -> None:
    sha256 = uploaded(studio.program(), "a.png", files.encoded("PNG"))
    stranger = Browser(studio.port)
    reply = stranger.call("GET", f"/media/{sha256}.png")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "image/png"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert "immutable" in reply.headers["Cache-Control"]
    assert "Set-Cookie" not in reply.headers
    small = stranger.call("GET", f"/media/{sha256}.thumb.webp")
    assert small.headers["Content-Type"] == "image/webp"
    head = stranger.call("HEAD", f"/media/{sha256}.png")
    assert int(head.headers["Content-Length"]) == len(reply.body)


def test_a_film_can_be_fetched_in_parts(studio: Studio) -> None:
    sha256 = uploaded(studio.program(), "a.mp4", files.film())
    stranger = Browser(studio.port)
    whole = stranger.call("GET", f"/media/{sha256}.mp4").body
    part = stranger.call("GET", f"/media/{sha256}.mp4", Range="bytes=100-199")
    assert (part.status, part.body) == (206, whole[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(whole)}"
    assert part.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert stranger.call("GET", f"/media/{sha256}.mp4", Range="bytes=9999999-").status == 416


@pytest.mark.parametrize(
    "name",
    ["{sha}.html", "{sha}.svg", "{sha}.gif", "{sha}", "{sha}.png.html", "..%2f{sha}.png",
     "../catalog.sqlite", "%2e%2e%2fcatalog.sqlite", "{SHA}.png", "{sha}.png%00.html", "aside"],
)  # fmt: skip
def test_nothing_else_is_served(studio: Studio, name: str) -> None:
    sha256 = uploaded(studio.program(), "a.png", files.encoded("PNG"))
    path = f"/media/{name}".replace("{sha}", sha256).replace("{SHA}", sha256.upper())
    assert Browser(studio.port).call("GET", path).status == 404


def test_the_address_in_rest_is_the_one_apps_use(studio: Studio) -> None:
    program = studio.program()
    sha256 = uploaded(program, "a.png", files.encoded("PNG"))
    found = json.loads(program.call("GET", f"/api/v1/advertisers/adv1/files/{sha256}").body)
    assert found["url"] == f"{studio.desk.settings.media_base_url}/{sha256}.png"
