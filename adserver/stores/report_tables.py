"""What reports keep between two countings: the users of each app, and when they were counted.

Never here: queries (`audiences`). The one surprising fact: these counts are exact and may be of a
single user; what leaves the house has passed `reports.suppression`.
"""

from sqlalchemy import BigInteger, Column, Integer, String, Table

from adserver.stores.tables import METADATA, Instant

AUDIENCE_CELLS = Table(
    "audience_cells",
    METADATA,
    Column("scope", String(80), primary_key=True),  # an app, "@" and a partner, "" the network
    Column("dimension", String(16), primary_key=True),
    Column("value", String(80), primary_key=True),
    Column("users", BigInteger, nullable=False),
)

AUDIENCE_REQUESTS = Table(
    "audience_requests",
    METADATA,
    Column("app_id", String(64), primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("opted_out", BigInteger, nullable=False),  # requests of users who opted out
)

AUDIENCE_COUNTS = Table(
    "audience_counts",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),
)
