"""Steps of the SQL schema from empty to today, run from code when a control-plane command starts.

Never here: a step that was released and is changed afterwards; a mistake is mended by a further
step. The one surprising fact: several processes may arrive at once, so the first takes a lock in
the database and the others find nothing left to do.
"""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from adserver.config import SettingError
from adserver.stores import database

_LOCK = 0x6164756E  # PostgreSQL advisory locks are numbers; this one spells "adun"


def upgrade(engine: Engine) -> None:
    """Brings the schema to the newest step, whole or not at all. Cheap when it is there.

    Raises:
        SettingError: a newer version has been here, whose steps this one does not know.
    """
    with engine.connect() as connection:
        there = reached(connection)
    if there == newest():
        return
    if there is not None and there not in _known():
        raise SettingError(
            f"the catalog's database is at step {there} of a newer adunion; "
            f"this one knows steps up to {newest()}"
        )
    with database.writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@cache
def newest() -> str:
    """The id of the newest step."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def reached(connection: Connection) -> str | None:
    """The id of the step that the database is at, None when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _known() -> set[str]:
    steps = ScriptDirectory.from_config(_config()).walk_revisions()
    return {step.revision for step in steps}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
