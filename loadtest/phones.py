"""What a phone sends: the body of `POST /v1/ads` for one user in one placement.

Never here: when, or what comes back. The surprising fact: everything but the request's id and
placement is the same each time a user asks, so it is encoded once per user.
"""

import msgspec

from loadtest.marketplace import Market
from loadtest.population import (
    CARRIERS,
    CITIES,
    CONNECTIONS,
    GENDERS,
    MAKES,
    MODELS,
    REGIONS,
    Population,
)

USER_AGENT = "Mozilla/5.0 (Linux; Android 14; {model}) AppleWebKit/537.36 Mobile Safari/537.36"


class Phones:
    """Encodes requests; remembers each user's part."""

    def __init__(self, people: Population, market: Market) -> None:
        self.people = people
        self.slots = [
            (slot.placement_id.encode(), slot.app_id, slot.max_ads) for slot in market.slots
        ]
        self._known: dict[int, bytes] = {}

    def app_of(self, placement: int) -> str:
        return str(self.slots[placement][1])

    def body(self, user: int, placement: int, request_id: str) -> bytes:
        """The JSON body for a user row and a placement row."""
        slot, _, count = self.slots[placement]
        return b'{"request_id":"%b","placement_id":"%b","count":%d,%b' % (
            request_id.encode(), slot, count, self._about(user))  # fmt: skip

    def _about(self, user: int) -> bytes:
        known = self._known.get(user)
        if known is None:
            known = self._known[user] = msgspec.json.encode(self._parts(user))[1:]
        return known

    def _parts(self, user: int) -> dict[str, object]:
        people = self.people
        make, region = int(people.make[user]), int(people.region[user])
        apple = MAKES[make] == "Apple"
        return {
            "user": {
                "id": people.user_ids[user],
                "gender": GENDERS[int(people.gender[user])],
                "yob": int(people.birth_year[user]),
            },
            "device": {
                "os": "ios" if apple else "android",
                "osv": str(11 + user % 5),
                "make": MAKES[make],
                "model": MODELS[make],
                "devicetype": 4,
                "connectiontype": CONNECTIONS[int(people.connection[user])],
                "carrier": CARRIERS[int(people.carrier[user])],
                "w": 1440,
                "h": 3200,
                "language": "zh",
                "ua": USER_AGENT.format(model=MODELS[make]),
                "ip": address_of(user),
            },
            "geo": {"country": "CHN", "region": REGIONS[region], "city": CITIES[region]},
        }


def address_of(user: int) -> str:
    """Everybody's own address, in the network that is kept for benchmarks (RFC 2544)."""
    return f"198.18.{user // 250 % 256}.{user % 250 + 1}"
