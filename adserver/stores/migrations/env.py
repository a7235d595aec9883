"""Alembic runs this file for every migration; the connection comes from `upgrade`.

Never here: a database address. Alembic is not run from its own command line in this house.
"""

from alembic import context

from adserver.stores.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
