"""What every test can ask for: a migrated Cerberus on a throw-away database, and the cast.

Alice owns (maintainer of `fraud`), Dana contributes there, Bob reads there through the group `readers`, Charlie has
nothing. Erin owns `churn`, which none of them sees. `admin` is the platform's admin.
"""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cerberus.policy import Scope
from cerberus.service import SYSTEM, Actor, Cerberus, Origin

pytest_plugins = ["left_out", "browser", "running"]

PASSWORD = "three blue-ish horses"
QUICK = 4  # bcrypt rounds
MYSQL = os.environ.get("MLSTUDIO_TEST_MYSQL", "mysql+pymysql://root@127.0.0.1:3306")


@dataclass
class Cast:
    """The people of the tests, each an Actor, and how they sign in."""

    cerberus: Cerberus
    password: str = PASSWORD
    people: dict[str, Actor] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Actor:
        if name not in ("alice", "bob", "charlie", "dana", "erin", "admin"):
            raise AttributeError(name)
        return self.actor(name)

    def actor(self, name: str) -> Actor:
        """Somebody, as the database knows them now."""
        return Actor(self.cerberus.decisions.access_of_name(name).principal, Origin("192.0.2.1", "tests", "req-1"))

    def token(
        self, name: str, *, project: str | None = None, scopes: Any = (Scope.READ, Scope.WRITE), days: int = 90
    ) -> str:
        """A new access token of somebody."""
        made = self.cerberus.tokens.create(self.actor(name), "test", scopes=scopes, project=project, days=days)
        return made.secret


def populate(cerberus: Cerberus) -> Cast:
    """
    Puts the cast into an empty database.
    """
    cast = Cast(cerberus)
    cerberus.people.create_user(SYSTEM, "admin", display_name="Admin", password=PASSWORD, admin=True)
    for name in ("alice", "bob", "charlie", "dana", "erin"):
        cerberus.people.create_user(SYSTEM, name, display_name=name.title(), password=PASSWORD)
    cerberus.groups.create(SYSTEM, "readers", display_name="Bob's team")
    cerberus.groups.add_member(SYSTEM, "readers", member="bob")
    for slug, owner in (("fraud", "alice"), ("churn", "erin")):
        cerberus.projects.create(SYSTEM, slug, name=slug.title())
        cerberus.projects.add_member(SYSTEM, slug, subject=owner, role="maintainer")
    cerberus.projects.add_member(SYSTEM, "fraud", subject="dana", role="contributor")
    cerberus.projects.add_member(SYSTEM, "fraud", subject="readers", role="viewer")
    return cast


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests marked `on_each_database` run on SQLite and on MySQL."""
    if "database_url" in metafunc.fixturenames and metafunc.definition.get_closest_marker("on_each_database"):
        databases = ["sqlite", pytest.param("mysql", marks=pytest.mark.services)]
        metafunc.parametrize("database_url", databases, indirect=True)


@pytest.fixture(scope="session")
def empty_mysql() -> Iterator[str]:
    """The URL of an empty MySQL database that is gone after the tests."""
    from sqlalchemy import create_engine, make_url

    name = f"mlstudio_test_{os.getpid()}"
    server = create_engine(MYSQL, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    yield make_url(MYSQL).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name}")
    server.dispose()


@pytest.fixture(scope="session")
def migrated_mysql(empty_mysql: str) -> str:
    """The same, with Cerberus' tables."""
    cerberus = Cerberus(empty_mysql)
    cerberus.migrate()
    cerberus.close()
    return empty_mysql


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with Cerberus' tables, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "cerberus.db"
    cerberus = Cerberus(f"sqlite:///{path}")
    cerberus.migrate()
    with cerberus._database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    cerberus.close()
    return path


@pytest.fixture(scope="session")
def populated_sqlite(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the cast in it, to be copied: making them anew takes a test a third of a second."""
    path = tmp_path_factory.mktemp("populated") / "cerberus.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    cerberus = Cerberus(f"sqlite:///{path}", password_rounds=QUICK)
    populate(cerberus)
    cerberus.settle()
    with cerberus._database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    cerberus.close()
    return path


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated database, SQLite or with `on_each_database` also MySQL; people are in it for a test with the cast."""
    if getattr(request, "param", "sqlite") == "sqlite":
        path = tmp_path / "cerberus.db"
        ready = "populated_sqlite" if "cast" in request.fixturenames else "migrated_sqlite"
        path.write_bytes(request.getfixturevalue(ready).read_bytes())
        return f"sqlite:///{path}"
    url: str = request.getfixturevalue("migrated_mysql")
    _empty(url)
    return url


def _empty(url: str) -> None:
    from sqlalchemy import create_engine, text

    from cerberus.store.audit import FIRST_HASH
    from cerberus.store.tables import Base

    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("SET foreign_key_checks = 0"))
        for table in Base.metadata.tables.values():
            if table.name != "policy_state":
                connection.execute(table.delete())
        whole = text("UPDATE policy_state SET version = 1, chain_head = :first, chain_start = :first")
        connection.execute(whole, {"first": FIRST_HASH})
    engine.dispose()


@pytest.fixture
def cerberus(database_url: str) -> Iterator[Cerberus]:
    """The service on a migrated database."""
    service = Cerberus(database_url, password_rounds=QUICK)
    yield service
    service.close()


@pytest.fixture
def cast(cerberus: Cerberus, database_url: str) -> Cast:
    """The people of the tests, in `cerberus`."""
    return Cast(cerberus) if database_url.startswith("sqlite") else populate(cerberus)


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def cast_of() -> Any:
    """Makes the cast's handle for a Cerberus that has them, for fixtures that outlive one test."""
    return Cast


@pytest.fixture(scope="session")
def populated() -> Any:
    """Puts the cast into an empty Cerberus, for fixtures that outlive one test."""
    return populate


@pytest.fixture(scope="session")
def emptied() -> Any:
    """Empties a migrated MySQL database, for fixtures that outlive one test."""
    return _empty
