"""Who an app's users are, counted from the log: by gender, age, region, device and interests.

    count_users(store, since_ms, until_ms, pause) -> Census

Each user is counted once in an app, once among all apps of its partner and once in the network, by
the last value that was known. Users who opted out have no key in the log, so of them only the
number of requests is known. Never here: what may be shown of it (`reports.suppression`). The one
surprising fact: users are counted in slices by their key, because one statement over ten million
requests would hold up every page that reads the log meanwhile.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from adserver.ports import EventStore
from adserver.reports.by_user import BUCKETS, OPTED_OUT, TABLE
from adserver.reports.lookback import SAMPLE_REQUESTS, Source, look_back

SLICE_REQUESTS = 40_000
MOST_VALUES = 60
"""Of a dimension in a scope; what is rarer is kept as `OTHERS`."""
NETWORK = ""
OTHERS = "*"
TOTAL = "users"
"""The dimension that counts every user once."""
PARTS = ("gender", "age", "region", "device", "os", "make")
"""Dimensions in which a user has exactly one value; unknown is ""."""
MARKS = ("interest",)

AGES = ((18, "..17"), (25, "18..24"), (35, "25..34"), (45, "35..44"), (55, "45..54"))
OLDEST = "55.."


@dataclass(slots=True)
class Census:
    """Users by (scope, dimension, value), and requests by app: of all, and of who opted out.

    A scope is an app's id, `of_partner(...)`, or `NETWORK`.
    """

    users: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    opted_out: Counter[str] = field(default_factory=Counter)


def of_partner(partner_id: str) -> str:
    """The scope of all apps of a partner; no app's id begins like this."""
    return f"@{partner_id}"


def count_users(
    store: EventStore, since_ms: int, until_ms: int, pause: Callable[[], None] = lambda: None
) -> Census:
    """Counts the users of the requests of [since, until); `pause` is called between statements.

    Raises:
        StoreAwayError: the event log does not answer.
    """
    census = Census()
    source = look_back(store, since_ms, until_ms)
    if source is None:
        return census
    for rows, more in _slices(source):
        pause()
        table = {"table": source.table, "rows": rows}
        asked = {**source.parameters, **more}
        out = "opted_out" if source.table == TABLE.name else OPTED_OUT
        found = store.query(_REQUESTS.format(**table, opted_out=out), asked)
        for app, requests, opted_out in zip(*found.values(), strict=True):
            census.requests[app] += int(requests)
            census.opted_out[app] += int(opted_out)
        found = store.query(_USERS.format(**table), asked)
        for scope, dimension, value, users in zip(*found.values(), strict=True):
            census.users[scope, dimension, value] += int(users)
    census.users = _few_values(census.users)
    return census


def _slices(source: Source) -> Iterator[tuple[str, dict[str, int]]]:
    """Conditions that together select all that the source knows, each user in one of them."""
    step = max(1, source.buckets * SLICE_REQUESTS // SAMPLE_REQUESTS)
    within = f"{source.bucket} >= %(first)s AND {source.bucket} < %(past)s"
    for first in range(0, BUCKETS, step):
        yield f"{within} AND {source.in_time}", {"first": first, "past": first + step}


def _few_values(users: Counter[tuple[str, str, str]]) -> Counter[tuple[str, str, str]]:
    """Strangers may send any region; only the most frequent keep their names.

    A name is chosen for all scopes, so that it means the same in each.
    """
    everywhere: Counter[tuple[str, str]] = Counter()
    for (_, dimension, value), count in users.items():
        everywhere[dimension, value] += count
    named: dict[str, set[str]] = {}
    for (dimension, value), _ in everywhere.most_common():
        known = named.setdefault(dimension, set())
        if len(known) < MOST_VALUES:
            known.add(value)
    kept: Counter[tuple[str, str, str]] = Counter()
    for (scope, dimension, value), count in users.items():
        if value in named[dimension]:
            kept[scope, dimension, value] += count
        elif dimension not in MARKS:
            kept[scope, dimension, OTHERS] += count
    return kept


_REQUESTS = """
SELECT app_id, count() AS requests, sum({opted_out}) AS opted_out_requests
FROM {table} WHERE {rows} GROUP BY app_id"""

# Inside out: a user's last known values in each app; in each scope; a row for each value.
_USERS = """
SELECT scope, said.1 AS dimension, said.2 AS value, count() AS users FROM (
  SELECT scope, arrayJoin(arrayConcat(
      [('users', ''), ('gender', gender), ('age', age), ('region', region), ('device', device),
       ('os', os), ('make', make)],
      arrayMap(one -> ('interest', one), interests))) AS said
  FROM (
    SELECT scope, user,
           argMaxIf(gender_in, at, gender_in != '') AS gender,
           argMaxIf(age_in, at, age_in != '') AS age,
           argMaxIf(region_in, at, region_in != '') AS region,
           argMaxIf(device_in, at, device_in != '') AS device,
           argMaxIf(os_in, at, os_in != '') AS os,
           argMaxIf(make_in, at, make_in != '') AS make,
           groupUniqArrayArray(interests_in) AS interests
    FROM (
      SELECT app_id, partner_id, user_key AS user, max(occurred_ms) AS at,
             argMaxIf(toString(gender), occurred_ms, gender != '') AS gender_in,
             argMaxIf(multiIf(age = 0, '', age < 18, '..17', age < 25, '18..24', age < 35, '25..34',
                              age < 45, '35..44', age < 55, '45..54', '55..'),
                      occurred_ms, age != 0) AS age_in,
             argMaxIf(substringUTF8(if(region = '', toString(country),
                                       concat(toString(country), '/', toString(region))), 1, 64),
                      occurred_ms, country != '' OR region != '') AS region_in,
             argMaxIf(if(device_type = 0, '', toString(device_type)),
                      occurred_ms, device_type != 0) AS device_in,
             argMaxIf(substringUTF8(toString(os), 1, 64), occurred_ms, os != '') AS os_in,
             argMaxIf(substringUTF8(toString(make), 1, 64), occurred_ms, make != '') AS make_in,
             groupUniqArrayArray(interests) AS interests_in
      FROM {table} WHERE {rows} AND user_key != 0
      GROUP BY app_id, partner_id, user)
    ARRAY JOIN [toString(app_id), concat('@', toString(partner_id)), ''] AS scope
    GROUP BY scope, user))
GROUP BY scope, dimension, value"""
