"""The advertisers' own web site: their pictures and a landing page, so that a tap leads somewhere.

Never here: anything of ours; a creative's files live with whoever owns them. The surprising fact:
the landing page shows the `click_id` it was given, all that an advertiser learns of a click.
"""

import html
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

PAGE = """<!doctype html><meta charset="utf-8"><title>{creative}</title>
<body style="font:16px system-ui;max-width:40em;margin:3em auto">
<h1>You have arrived</h1><p>This is the landing page of creative <b>{creative}</b>.</p>
<p>click_id: <code style="word-break:break-all">{click}</code></p>
<img src="/creatives/{creative}.png" style="max-width:20em" alt="the ad">"""


async def _landing(request: web.Request) -> web.Response:
    page = PAGE.format(
        creative=html.escape(request.match_info["creative"]),
        click=html.escape(request.query.get("click_id", "")),
    )
    return web.Response(text=page, content_type="text/html")


@asynccontextmanager
async def advertisers_site(pictures: Path, host: str, port: int) -> AsyncIterator[None]:
    """Serves the pictures under /creatives/ and landing pages under /landing/ while open."""
    app = web.Application()
    app.router.add_static("/creatives/", pictures)
    app.router.add_get("/landing/{creative}", _landing)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    try:
        yield
    finally:
        await runner.cleanup()
