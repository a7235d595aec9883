"""Every key the house keeps in Redis, on one page; docs/user-state.md tells their contents.

Never here: a command. The surprising fact: the braces are not decoration. Redis Cluster puts keys
with equal text in braces on one node, and a script may only touch keys of one node.

    p{user}            string  profile, packed                           no end
    x{user}            string  exposures by line item, packed            90 days after the last
    s{user}            zset    impressions in the exposures, by event    3 days
    c{user} a{address} zset    the last 25 counted clicks                1 day
    o{offer}           hash    who claimed the offer, and when which     see bookkeeper
                               kind of event was counted
    d{event}verdict    string  a doubtful event that is logged already   1 hour
    e{shard}event      string  what a counted event was charged          3 days
    m{shard}           hash    micros spent by line item, in total       no end
    m{shard}day        hash    micros spent by line item on a local day  6 days
    n{shard}kind       hash    counted events by line item               no end
"""

from binascii import b2a_base64, crc32
from uuid import UUID

from models.domain.event import EventKind, Verdict
from models.domain.ids import LineItemId, UserKey

SHARDS = 64  # of the line items: one script reads the spend of all that share one


def user_tag(user: UserKey) -> bytes:
    """63 bits as 11 characters: with them a profile's key fills its 16 bytes of memory exactly."""
    return b2a_base64(user.to_bytes(8, "big"), newline=False)[:11]


def profile(user: UserKey) -> bytes:
    return b"p{%b}" % user_tag(user)


def no_profile(user: UserKey) -> bytes:
    """A key that does not exist, for who must not be recognised."""
    return b"-{%b}" % user_tag(user)


def exposures(user: UserKey) -> bytes:
    return b"x{%b}" % user_tag(user)


def impressions_seen(user: UserKey) -> bytes:
    return b"s{%b}" % user_tag(user)


def clicks_of_user(user: UserKey) -> bytes:
    return b"c{%b}" % user_tag(user)


def clicks_of_address(address_key: int) -> bytes:
    return b"a{%x}" % address_key


def offer(offer_id: UUID) -> bytes:
    return b"o{%b}" % short(offer_id)


def doubt(event_id: UUID, verdict: Verdict) -> bytes:
    return b"d{%b}%b" % (short(event_id), verdict.encode())


def doubt_of_address(address_key: int, verdict: Verdict) -> bytes:
    return b"d{%x}%b" % (address_key, verdict.encode())


def shard(line_item_id: LineItemId) -> int:
    """Which of the `SHARDS` counts this line item."""
    return crc32(line_item_id.encode()) % SHARDS


def charge(at: int, event_id: UUID) -> bytes:
    return b"e{%d}%b" % (at, short(event_id))


def spent_in_total(at: int) -> bytes:
    return b"m{%d}" % at


def spent_on(at: int, day: int) -> bytes:
    return b"m{%d}%d" % (at, day)


def counted(at: int, kind: EventKind) -> bytes:
    return b"n{%d}%b" % (at, kind.encode())


def short(number: UUID) -> bytes:
    """128 bits as 22 characters."""
    return b2a_base64(number.bytes, newline=False)[:22]
