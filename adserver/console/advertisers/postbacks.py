"""The keys of an advertiser's postbacks, an example that works, and a test that is really sent.

Never here: how conversions are counted (`adserver.api.conversions`). The one surprising fact: the
test is a signed call over the network like any other, whose click is invented; so the right answer
is 200 with "bad_signature" for the click, and nothing is counted or billed.
"""

import http.client
import json
import time
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from adserver.api.signing import signature
from adserver.console.desk import Desk
from adserver.console.web.exchange import Call
from adserver.console.web.language import N_
from models.domain.campaign import Advertiser

PATH = "/v1/conversions"
SHOWN_OF_A_KEY = 4
TEST_LIMIT_S = 5.0
MOST_ANSWER_BYTES = 4_096
TEST_CLICK = "test-click-of-the-console"


@dataclass(frozen=True, slots=True)
class Keys:
    """What an advertiser's server sends and signs with; `masked` is the key as pages show it."""

    url: str
    key: str
    secret: str
    generation: int

    @property
    def masked(self) -> str:
        """The owner's part, and the last letters."""
        return f"{self.key.rpartition('.')[0]}.••••{self.key[-SHOWN_OF_A_KEY:]}"

    @property
    def masked_secret(self) -> str:
        """The last letters."""
        return f"••••{self.secret[-SHOWN_OF_A_KEY:]}"


@dataclass(frozen=True, slots=True)
class Tried:
    """A test postback: what was sent, what came back (status 0: nothing), and what that means.

    `verdict` is an English sentence to translate; `ok`: keys, signature and network are right.
    """

    sent: str
    status: int
    answer: str
    took_ms: int
    verdict: str
    ok: bool


def keys_of(desk: Desk, advertiser: Advertiser) -> Keys:
    """The advertiser's keys of this generation."""
    owner, generation = advertiser.advertiser_id, advertiser.key_generation
    return Keys(
        desk.settings.base_url.rstrip("/") + PATH,
        desk.keyring.api_key("advertiser", owner, generation),
        desk.keyring.signing_secret("advertiser", owner, generation),
        generation,
    )


def rotate(desk: Desk, call: Call, advertiser: Advertiser) -> Advertiser:
    """Makes new keys; the old ones stop working within two seconds."""
    catalog = desk.catalog.acting_for(call.identity)
    return catalog.edit(
        Advertiser,
        advertiser.advertiser_id,
        lambda one: replace(one, key_generation=one.key_generation + 1),
        call.now,
    )


def example(keys: Keys, currency: str, *, shown: bool) -> str:
    """A call for a shell that signs itself; the keys in it only when they are `shown`."""
    key = keys.key if shown else "$KEY"
    secret = keys.secret if shown else "$SECRET"
    body = json.dumps(
        {"conversions": [{"conversion_id": "order-1001", "click_id": "$CLICK_ID",
                          "event": "purchase", "value_minor": 12900, "currency": currency}]}
    )  # fmt: skip
    escaped = body.replace('"', '\\"')
    return "\n".join([
        f'BODY="{escaped}"',
        "T=$(date +%s)",
        f'V1=$(printf \'%s.%s\' "$T" "$BODY" | openssl dgst -sha256 -hmac "{secret}" -r'
        " | cut -d' ' -f1)",
        f"curl -X POST {keys.url} \\",
        f'  -H "Authorization: Bearer {key}" \\',
        '  -H "X-Signature: t=$T,v1=$V1" \\',
        '  -H "Content-Type: application/json" \\',
        '  -d "$BODY"',
    ])  # fmt: skip


def send_test(keys: Keys, at: datetime) -> Tried:
    """Sends one signed conversion of an invented click to the serving plane."""
    now = int(at.timestamp())
    body = json.dumps(
        {"conversions": [{"conversion_id": f"console-test-{now}", "click_id": TEST_CLICK,
                          "event": "test"}]}
    ).encode()  # fmt: skip
    headers = {
        "Authorization": f"Bearer {keys.key}",
        "X-Signature": signature(keys.secret, now, body),
        "Content-Type": "application/json",
    }
    begun = time.perf_counter()
    try:
        status, answer = _post(keys.url, body, headers)
    except (OSError, http.client.HTTPException) as error:
        status, answer = 0, str(error)
    took_ms = int((time.perf_counter() - begun) * 1000)
    return Tried(body.decode(), status, answer, took_ms, _verdict(status), status == 200)


def _post(address: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """Posts to our own serving plane, whose address is the house's setting."""
    parts = urlsplit(address)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    line = kind(parts.hostname or "", parts.port, timeout=TEST_LIMIT_S)
    try:
        line.request("POST", parts.path, body, headers)
        reply = line.getresponse()
        return reply.status, reply.read(MOST_ANSWER_BYTES).decode("utf-8", "replace")
    finally:
        line.close()


def _verdict(status: int) -> str:
    verdicts = {
        200: N_(
            "Key and signature are right. The click was invented, so it is not counted, as it "
            "should be."
        ),
        401: N_(
            "The key or the signature was not accepted. If you have just made new keys, wait two "
            "seconds and try again."
        ),
        0: N_("The ad server did not answer. Try again; if it stays so, tell your contact."),
        503: N_("The ad server is not ready. Try again in a few seconds."),
    }
    return verdicts.get(status, N_("The ad server refused the call; its answer says why."))
