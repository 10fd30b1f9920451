"""Makes and upgrades both databases. An embedded one is built beside its place and moved there when it is complete."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from cerberus.errors import CerberusError, Unavailable
from cerberus.service import Cerberus
from cerberus.settings import Settings as CerberusSettings
from studio.local.layout import Layout
from studio.local.people import ensure_admin
from studio.local.problem import Problem
from studio.settings import Settings as StudioSettings
from studio.tracking.schema import MLFLOW_VERSION, REVISION

OTHER_VERSION = 3  # what mlflow_database ends with when it does not know the schema


def prepare(layout: Layout, cerberus: CerberusSettings, studio: StudioSettings) -> None:
    """
    Both databases have the schema that this version knows, and Cerberus has an admin. Problem where that cannot be.
    """
    if studio.mlflow_database:
        _migrate_mlflow(studio.mlflow_database_url)
    elif _mlflow_revision(layout.mlflow_db) != REVISION:
        with _built_aside(layout.mlflow_db) as path:
            _migrate_mlflow(f"sqlite:///{path}")
    try:
        if cerberus.cerberus_database_url:
            _migrate_cerberus(layout, cerberus)
        else:
            with _built_aside(layout.cerberus_db) as path:
                _migrate_cerberus(layout, cerberus.model_copy(update={"cerberus_database_url": f"sqlite:///{path}"}))
    except Unavailable as error:
        raise Problem(f"{error.message} {error.hint}") from error


def _migrate_cerberus(layout: Layout, settings: CerberusSettings) -> None:
    cerberus = Cerberus.open(settings)
    try:
        cerberus.migrate()
        ensure_admin(cerberus, layout)
    except Unavailable:
        raise
    except CerberusError as error:
        raise Problem(f"The first admin cannot be made: {error.message} {error.hint}".strip()) from error
    finally:
        cerberus.close()


@contextmanager
def _built_aside(place: Path) -> Iterator[Path]:
    """
    A path to build a new database at; or that of the existing one, to upgrade, with a copy of it until that worked.
    """
    if place.exists():
        with _restored_on_failure(place):
            yield place
        return
    new = place.with_name(f"{place.name}.new")
    _remove(new)
    try:
        yield new
    except BaseException:
        _remove(new)
        raise
    new.chmod(0o600)
    new.rename(place)


@contextmanager
def _restored_on_failure(place: Path) -> Iterator[None]:
    copy = place.with_name(f"{place.name}.before-upgrade")
    with closing(sqlite3.connect(place)) as old, closing(sqlite3.connect(copy)) as kept:
        old.backup(kept)
    try:
        yield
    except BaseException:
        _remove(place)
        copy.rename(place)
        raise
    _remove(copy)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _mlflow_revision(path: Path) -> str | None:
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise Problem(f"{path} is not a database of MLflow ({error}): move it away, or restore it.") from error
    return str(row[0]) if row else None


def _migrate_mlflow(url: str) -> None:
    """
    In a process of its own: importing MLflow takes seconds, and it takes over the logging.
    """
    done = subprocess.run(
        [sys.executable, "-m", "studio.local.mlflow_database"],
        env={**os.environ, "MLFLOW_BACKEND_STORE_URI": url},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == OTHER_VERSION:
        raise Problem(
            f"MLflow's database was made by another, probably newer, version than MLflow {MLFLOW_VERSION}: "
            "install that version, or use another database."
        )
    if done.returncode:
        raise Problem(f"MLflow's database could not be made or upgraded: {_last_words(done.stderr)}")


def _last_words(said: str) -> str:
    """
    The last line of a traceback that says something: SQLAlchemy ends its errors with a link to their background.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith("(Background on this error")]
    return telling[-1] if telling else "no message"
