"""Creates and upgrades the tables, and tells whether a database has the schema that this code knows."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select

from cerberus.errors import Unavailable
from cerberus.store.audit import FIRST_HASH
from cerberus.store.database import Database
from cerberus.store.tables import PolicyStateRow


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def head() -> str:
    """
    The revision that this code knows.
    """
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise RuntimeError("there are no migrations")
    return revision


def current(database: Database) -> str | None:
    """
    The revision that the database has; None for one without tables.
    """
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(database: Database) -> None:
    """
    Brings the database to the newest revision; does nothing when it has it. `Unavailable` for a newer one.
    """
    with database.faults_translated():
        _refuse_a_newer_one(database)
        config = _config()
        with database.upgrading() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        with database.writing() as session:
            if session.scalar(select(PolicyStateRow)) is None:
                session.execute(
                    insert(PolicyStateRow).values(id=1, version=1, chain_head=FIRST_HASH, chain_start=FIRST_HASH)
                )


def check(database: Database) -> None:
    """
    `Unavailable` unless the database can be asked and has the newest revision.
    """
    with database.faults_translated():
        _refuse_a_newer_one(database)
        if current(database) != head():
            raise Unavailable("Cerberus' database has an older schema, or none.", hint="Run `cerberus migrate`.")


def _refuse_a_newer_one(database: Database) -> None:
    revision = current(database)
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if revision is not None and revision not in known:
        raise Unavailable(
            "Cerberus' database was made by another, probably newer, version of ML Studio.",
            hint="Install that version, or use another database.",
        )
