"""MLflow on PostgreSQL and Cerberus on MySQL, as a team runs them; and faults of Cerberus' database."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import databases
import pytest
from sqlalchemy import make_url

from cerberus.service import SYSTEM, Cerberus

pytestmark = pytest.mark.services


class Wire:
    """A forwarder of TCP between MLflow and Cerberus' database that can be cut and mended."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.pairs: list[socket.socket] = []
        self.listener = self._listen(0)
        self.port = self.listener.getsockname()[1]

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port), reuse_port=False)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection(self.target)
            self.pairs += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    @staticmethod
    def _pump(one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        for each in (one, other):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def cut(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for each in self.pairs:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
            finally:
                each.close()
        self.pairs.clear()

    def mend(self) -> None:
        self.listener = self._listen(self.port)


@pytest.fixture(scope="module")
def empty() -> Iterator[tuple[str, str]]:
    """A database on each server, gone after the tests."""
    with databases.mysql("plugin") as mysql, databases.postgresql("plugin") as postgres:
        yield mysql, postgres


@pytest.fixture(scope="module")
def team(
    empty: tuple[str, str], start_server: Any, stop_server: Any, populated: Any, tmp_path_factory: Any
) -> Iterator[tuple[Any, Wire]]:
    """A server with one worker on both databases, and the wire to Cerberus' one."""
    mysql, postgres = empty
    cerberus = Cerberus(mysql, password_rounds=4)
    cerberus.migrate()
    cast = populated(cerberus)
    parsed = make_url(mysql)
    wire = Wire(parsed.host or "127.0.0.1", parsed.port or 3306)
    through = parsed.set(host="127.0.0.1", port=wire.port).render_as_string(hide_password=False)
    data = tmp_path_factory.mktemp("team")
    server = start_server(data=data, backend=postgres, cerberus_url=through, cast=cast, workers=1)
    yield server, wire
    stop_server(server)
    wire.cut()
    cerberus.close()


def test_projects_are_apart_on_a_teams_databases_too(team: Any) -> None:
    server, _ = team
    experiment_id = server.experiment("dana")
    run_id = server.run("dana", experiment_id)
    artifact = f"/api/2.0/mlflow-artifacts/artifacts/workspaces/fraud/{experiment_id}/{run_id}/artifacts/a.txt"
    assert server.ask("dana", "PUT", artifact, data=b"x").status_code == 200
    assert server.ask("bob", "GET", artifact).content == b"x"
    assert server.post("bob", "runs/delete", {"run_id": run_id}).status_code == 403
    assert server.ask("erin", "GET", artifact).status_code == 404
    assert server.ask("erin", "GET", "runs/get", params={"run_id": run_id}).status_code == 404
    assert server.ask("erin", "GET", "runs/get", params={"run_id": run_id}, project="fraud").status_code == 404
    assert server.post("dana", "experiments/delete", {"experiment_id": experiment_id}).status_code == 200


def test_while_cerberus_database_is_away_nothing_is_allowed_and_then_it_recovers(team: Any) -> None:
    server, wire = team
    body = {"max_results": 1}
    admin = server.token("admin")
    for name in ("dana", "bob", "admin"):
        server.token(name)
    run_id = server.run("dana", server.experiment("dana"))
    path = f"/api/2.0/mlflow-artifacts/artifacts/workspaces/fraud/1/{run_id}/artifacts/a.txt"
    wire.cut()
    for _ in range(3):
        assert server.post("dana", "experiments/search", body).status_code == 503
        assert server.ask("dana", "GET", "runs/get", params={"run_id": run_id}).status_code == 503
        assert server.ask("dana", "PUT", path, data=b"x").status_code == 503
        assert server.post(None, "experiments/search", body, token=admin, project="fraud").status_code == 503
        assert server.post("erin", "experiments/search", body, token="mls_nonsense").status_code in (401, 503)
    assert server.ask(None, "GET", "/health").status_code == 200
    assert server.ask(None, "GET", "/version").status_code == 401
    wire.mend()
    until = time.monotonic() + 30
    while server.post("dana", "experiments/search", body).status_code != 200:
        assert time.monotonic() < until, "it did not recover"
        time.sleep(0.2)
    assert server.ask("dana", "GET", "runs/get", params={"run_id": run_id}).status_code == 200


def test_what_was_revoked_while_the_database_was_away_stays_revoked(team: Any) -> None:
    server, wire = team
    token = server.cast.token("dana")
    assert server.post(None, "experiments/search", {"max_results": 1}, token=token).status_code == 200
    wire.cut()
    made = next(
        each for each in server.cast.cerberus.tokens.list(SYSTEM, owner="dana") if token.startswith(f"mls_{each.id}")
    )
    server.cast.cerberus.tokens.revoke(SYSTEM, made.id)
    assert server.post(None, "experiments/search", {"max_results": 1}, token=token).status_code == 503
    wire.mend()
    until = time.monotonic() + 30
    while (status := server.post(None, "experiments/search", {"max_results": 1}, token=token).status_code) == 503:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert status == 401
