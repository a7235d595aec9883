"""The advertisers' servers: report purchases to `POST /v1/conversions`, signed, in batches.

Never here: who buys. The surprising fact: the advertiser learns of a click only by the `click_id`
in its landing page's address, as in life.
"""

import hashlib
import hmac
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from loadtest.http_client import HttpClient

BATCH = 500


class AdvertiserKeys(NamedTuple):
    """What an advertiser was given: its key, and the secret that signs its bodies."""

    key: str
    secret: str


def signed_header_lines(
    keys: AdvertiserKeys, body: bytes, now: datetime
) -> tuple[tuple[str, str], ...]:
    """The two headers of a server-to-server call."""
    stamp = str(int(now.timestamp()))
    tag = hmac.new(keys.secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return (("Authorization", f"Bearer {keys.key}"), ("X-Signature", f"t={stamp},v1={tag}"))


class ConversionDesk:
    """Collects purchases by advertiser and reports them."""

    def __init__(self, client: HttpClient, keys: Mapping[str, AdvertiserKeys]) -> None:
        self.client, self.keys = client, keys
        self.waiting: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self.reported = 0

    def note(self, advertiser_id: str, click_id: str, value_minor: int) -> None:
        """A purchase after a click."""
        self.reported += 1
        self.waiting[advertiser_id].append(
            {
                "conversion_id": f"order-{self.reported}",
                "click_id": click_id,
                "event": "purchase",
                "value_minor": value_minor,
                "currency": "CNY",
                "occurred_at": datetime.now(UTC).isoformat(),
            }
        )

    async def send(self) -> Counter[str]:
        """Reports all that wait; answers how many of each verdict came back."""
        outcome: Counter[str] = Counter()
        waiting, self.waiting = self.waiting, defaultdict(list)
        for advertiser_id, conversions in waiting.items():
            for start in range(0, len(conversions), BATCH):
                batch = conversions[start : start + BATCH]
                outcome += await self._post(advertiser_id, batch)
        return outcome

    async def _post(self, advertiser_id: str, batch: list[dict[str, Any]]) -> Counter[str]:
        body = msgspec.json.encode({"conversions": batch})
        lines = signed_header_lines(self.keys[advertiser_id], body, datetime.now(UTC))
        headers = "".join(f"{name}: {value}\r\n" for name, value in lines)
        answer = await self.client.post_json("/v1/conversions", body, headers)
        if answer.status != 200:
            return Counter({f"http_{answer.status}": len(batch)})
        verdicts = msgspec.json.decode(answer.body)["results"]
        return Counter(
            "counted" if verdict.get("counted") else str(verdict.get("reason"))
            for verdict in verdicts
        )
