"""The scene of the attacks: shelves of Alice's in `fraud`, one hidden from Dana, and one of Erin's in `churn`.

Each attack runs twice: on SQLite, and with MLflow on PostgreSQL and Cerberus on MySQL.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from operation import Operation, Shelf
from shelves import absent, furnish, secrets
from sqlalchemy import Engine, create_engine, inspect

from cerberus.policy import Kind, Level, Resource
from cerberus.service import SYSTEM

TEAM = pytest.param("team", marks=pytest.mark.services)
EXPERIMENTS = ("experiment", "second", "deleted_experiment")
KINDS = {**dict.fromkeys(EXPERIMENTS, Kind.EXPERIMENT), "model": Kind.REGISTERED_MODEL, "prompt": Kind.PROMPT}


@dataclass
class Scene:
    """Who has what. Attacks go against `shelf` and `hidden`; what may be done is done on `spare`."""

    server: Any
    shelf: Shelf
    hidden: Shelf
    spare: Shelf
    theirs: Shelf
    database: Engine

    def ask(self, who: str | None, operation: Operation, shelf: Shelf, **options: Any) -> requests.Response:
        """Somebody's request about the things of a shelf."""
        answer: requests.Response = self.server.ask(who, **operation.on(shelf), **options)
        assert answer.status_code < 500, answer.text
        return answer

    def hide(self, shelf: Shelf, who: str) -> None:
        """Denies somebody everything on the shelf."""
        for name, kind in KINDS.items():
            resource = Resource("fraud", kind, shelf[name])
            self.server.cast.cerberus.grants.give(SYSTEM, resource, subject=who, level=Level.DENY)

    def kept(self) -> str:
        """A fingerprint of all that MLflow keeps, in its database and among its files."""
        digest = hashlib.sha256()
        with self.database.connect() as connection:
            for table in sorted(inspect(connection).get_table_names()):
                rows = connection.exec_driver_sql(f'SELECT * FROM "{table}"').fetchall()
                digest.update(repr((table, sorted(map(repr, rows)))).encode())
        for path in sorted((self.server.log.parent / "artifacts").rglob("*")):
            digest.update(repr((str(path), path.read_bytes() if path.is_file() else b"")).encode())
        return digest.hexdigest()


def anonymised(text: str, shelf: Shelf) -> str:
    """An answer with the shelf's own names taken out, to hold it against that of another shelf."""
    for name, value in sorted(shelf.items(), key=lambda item: -len(item[1])):
        if name in (*EXPERIMENTS, "own"):
            continue  # numbers, which other things have, too
        text = re.sub(rf"(?<![\w-]){re.escape(value)}(?![\w-])", "{" + name + "}", text)
    return text


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Says on which databases a test runs."""
    if "scene" in metafunc.fixturenames:
        metafunc.parametrize("scene", ["sqlite", TEAM], indirect=True, scope="session")


@pytest.fixture(scope="session")
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """The shelves, made once on each server."""
    server = request.getfixturevalue("server" if request.param == "sqlite" else "team_server")
    made = [furnish(server, "alice", "fraud") for _ in range(3)]
    database = create_engine(server.env["_MLFLOW_SERVER_FILE_STORE"], isolation_level="AUTOCOMMIT")
    scene = Scene(server, *made, furnish(server, "erin", "churn"), database)
    for shelf in made:
        shelf["own"] = made[0]["experiment"]
    scene.hide(scene.hidden, "dana")
    yield scene
    database.dispose()


@pytest.fixture
def unchanged(scene: Scene) -> Any:
    """Fails a test that changed anything that MLflow keeps."""
    before = scene.kept()
    yield
    assert scene.kept() == before, "something was written"


@pytest.fixture(scope="session")
def shows_nothing() -> Callable[[requests.Response, Shelf], None]:
    """Fails where an answer says something of a shelf."""

    def check(answer: requests.Response, shelf: Shelf) -> None:
        sent = (answer.request.url or "") + str(answer.request.body or "")
        shown = [value for value in secrets(shelf) if value in answer.text and value not in sent]
        assert not shown, answer.text

    return check


@pytest.fixture(scope="session")
def same_as_absent(scene: Scene) -> Callable[[str, Operation], requests.Response]:
    """Asks for what is hidden and for what does not exist, and fails where the answers differ."""

    def check(who: str, operation: Operation) -> requests.Response:
        nowhere = absent(scene.hidden)
        answer, other = scene.ask(who, operation, scene.hidden), scene.ask(who, operation, nowhere)
        assert answer.status_code == other.status_code, (answer.text, other.text)
        assert anonymised(answer.text, scene.hidden) == anonymised(other.text, nowhere)
        assert set(answer.headers) == set(other.headers)
        return answer

    return check
