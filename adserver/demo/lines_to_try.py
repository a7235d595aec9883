"""Three curl lines that work: request an ad, open its impression, click it.

Never here: starting anything. The surprising fact: the impression and the click belong to an ad
that was asked for just now, so they count once, and the second time they say so.
"""

import shlex

import msgspec

from adserver.demo.phases import Stage
from adserver.demo.system import DemoError

ASKED_FOR = 20
JSON_TYPE = "'Content-Type: application/json'"


async def lines_to_try(stage: Stage) -> str:
    """The lines, with a heading.

    Raises:
        DemoError: no ad for any of the first users.
    """
    crowd = stage.crowd
    slot = crowd.phones.slots[0][0].decode()
    key = crowd.app_keys[crowd.phones.app_of(0)]
    for user in range(ASKED_FOR):
        body: dict[str, object] = {
            "request_id": f"try-{crowd.run}-{user}",
            "placement_id": slot,
            "user": {"id": crowd.phones.people.user_ids[user]},
        }
        answer = await crowd.client.post_json(
            "/v1/ads", msgspec.json.encode(body), f"X-App-Key: {key}\r\n"
        )
        if answer.body:
            trackers = msgspec.json.decode(answer.body)["ads"][0]["trackers"]
            return _lines(stage, key, body, trackers["impression"][0], trackers["click_through"])
    raise DemoError(f"no ad for any of {ASKED_FOR} users in {slot}")


def _lines(stage: Stage, key: str, body: dict[str, object], impression: str, click: str) -> str:
    settings = stage.system.settings
    ask = shlex.quote(msgspec.json.encode(body).decode())
    return f"""
It keeps serving on {settings.base_url}; Ctrl-C stops it. Try:

[bold]# request an ad[/bold]
curl -s {settings.base_url}/v1/ads -H 'X-App-Key: {key}' -H {JSON_TYPE} -d {ask}

[bold]# open its impression: counted once, then a duplicate[/bold]
curl -s '{impression}?f=j'

[bold]# click it: a redirect to the advertiser's landing page[/bold]
curl -si '{click}'
"""
