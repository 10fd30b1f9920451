"""
Four workers, and not one of them answers from what it knew before: 1,000 requests that begin when the revoking call has
returned, at all four workers at once, each of which had just answered the same.

Broken on purpose, and seen to fail here: a version that is asked for once in half a second only.
"""

import http.client
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from cerberus.policy import Kind, Level, Resource, Scope
from cerberus.service import SYSTEM, Actor

ROUNDS = 10
AT_EACH_WORKER = 5
WORKERS = 4
API = "/api/2.0/mlflow"
TAG = {"key": "k", "value": "v"}
WORKSPACE = "X-MLFLOW-WORKSPACE"


@dataclass
class Somebody:
    """A contributor who is there for one test, what may be done, and how it is asked for."""

    server: Any
    name: str
    experiment_id: str
    run_id: str
    secret: str = ""
    number: str = ""

    def sign_in(self) -> None:
        """A new token."""
        cerberus = self.server.cast.cerberus
        actor = Actor(cerberus.decisions.access_of_name(self.name).principal)
        made = cerberus.tokens.create(actor, "notebook", scopes=(Scope.READ, Scope.WRITE))
        self.secret, self.number = made.secret, made.token.id


@pytest.fixture
def gina(server: Any) -> Somebody:
    name = f"gina-{uuid.uuid4().hex[:6]}"
    server.cast.cerberus.people.create_user(SYSTEM, name, password=server.cast.password)
    server.cast.cerberus.projects.add_member(SYSTEM, "fraud", subject=name, role="contributor")
    experiment_id = server.experiment("alice")
    run_id = server.run("alice", experiment_id, tags=[TAG])  # four who add it at once collide in MLflow
    somebody = Somebody(server, name, experiment_id, run_id)
    somebody.sign_in()
    return somebody


def search(_: Somebody) -> tuple[str, str, Any]:
    return "POST", f"{API}/experiments/search", {"max_results": 1}


def get(gina: Somebody) -> tuple[str, str, Any]:
    return "GET", f"{API}/experiments/get?experiment_id={gina.experiment_id}", None


def write(gina: Somebody) -> tuple[str, str, Any]:
    return "POST", f"{API}/runs/set-tag", {"run_id": gina.run_id, **TAG}


@dataclass(frozen=True)
class Way:
    """A way of taking something away, how it is given back, what is asked for, and what that gets."""

    take: Callable[[Any, Somebody], object]
    give_back: Callable[[Any, Somebody], object]
    question: Callable[[Somebody], tuple[str, str, Any]]
    refused: int


def deny(cerberus: Any, gina: Somebody) -> None:
    resource = Resource("fraud", Kind.EXPERIMENT, gina.experiment_id)
    cerberus.grants.give(SYSTEM, resource, subject=gina.name, level=Level.DENY)


def allow(cerberus: Any, gina: Somebody) -> None:
    found = cerberus.grants.page(SYSTEM, "fraud", subject=gina.name, kind=Kind.EXPERIMENT)
    cerberus.grants.revoke(SYSTEM, found[0].id)


WAYS = {
    "the token is revoked": Way(
        lambda on, gina: on.tokens.revoke(SYSTEM, gina.number), lambda _, gina: gina.sign_in(), search, 401
    ),
    "the member is removed": Way(
        lambda on, gina: on.projects.remove_member(SYSTEM, "fraud", subject=gina.name),
        lambda on, gina: on.projects.add_member(SYSTEM, "fraud", subject=gina.name, role="contributor"),
        search,
        404,
    ),
    "the person is disabled": Way(
        lambda on, gina: on.people.disable(SYSTEM, gina.name),
        lambda on, gina: on.people.enable(SYSTEM, gina.name),
        search,
        401,
    ),
    "the role becomes a smaller one": Way(
        lambda on, gina: on.projects.change_role(SYSTEM, "fraud", subject=gina.name, role="viewer"),
        lambda on, gina: on.projects.change_role(SYSTEM, "fraud", subject=gina.name, role="contributor"),
        write,
        403,
    ),
    "one thing is denied": Way(deny, allow, get, 404),
}


class Line:
    """An open connection to one worker."""

    def __init__(self, server: Any) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
        self.status("GET", "/health", None)
        self.connection.auto_open = 0  # another connection could be another worker's
        self.port = self.connection.sock.getsockname()[1]

    def status(self, method: str, path: str, body: Any, *, secret: str = "") -> int:
        """One request's status."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {secret}", WORKSPACE: "fraud"}
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status


class Lines:
    """An open connection to each worker. One that is idle for some seconds is closed by its worker."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.open: list[Line] = []

    def close(self) -> None:
        while self.open:
            self.open.pop().connection.close()

    def renew(self) -> None:
        """New ones."""
        self.close()
        found: dict[int, Line] = {}
        for _ in range(50):
            with ThreadPoolExecutor(2 * WORKERS) as pool:
                lines = list(pool.map(lambda _: Line(self.server), range(2 * WORKERS)))
            asking = {worker.pid: ports_asking(worker) for worker in self.server.ready()}
            found = {pid: line for pid, ports in asking.items() for line in lines if line.port in ports} | found
            self.open = list(found.values())
            for line in lines:
                if line not in self.open:
                    line.connection.close()
            if len(found) == WORKERS:
                return
        raise AssertionError(f"only {len(found)} workers answer")

    def ask(self, ask: Callable[[Line], int], times: int) -> list[int]:
        """The statuses of so many requests to each worker, to all at the same time."""
        gate = threading.Barrier(len(self.open))

        def work(line: Line) -> list[int]:
            gate.wait(30)
            return [ask(line) for _ in range(times)]

        with ThreadPoolExecutor(len(self.open)) as pool:
            return [status for statuses in pool.map(work, self.open) for status in statuses]

    def warm_up(self, ask: Callable[[Line], int]) -> list[int]:
        """The statuses of one request to each worker, on new connections where some were closed."""
        with suppress(http.client.HTTPException, OSError):
            if self.open:
                return self.ask(ask, 1)
        self.renew()
        return self.ask(ask, 1)


def ports_asking(worker: psutil.Process) -> set[int]:
    """The ports of those who are connected to it."""
    with suppress(psutil.Error):
        return {each.raddr.port for each in worker.net_connections("tcp") if each.raddr}
    return set()


@pytest.fixture
def lines(server: Any) -> Iterator[Lines]:
    found = Lines(server)
    yield found
    found.close()


def test_there_are_1000_tries_at_four_workers() -> None:
    assert len(WAYS) * ROUNDS * WORKERS * AT_EACH_WORKER == 1000


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_served_once_it_was_taken_away(server: Any, gina: Somebody, lines: Lines, way: str) -> None:
    chosen, cerberus = WAYS[way], server.cast.cerberus
    method, path, body = chosen.question(gina)

    def ask(line: Line) -> int:
        return line.status(method, path, body, secret=gina.secret)

    for _ in range(ROUNDS):
        assert lines.warm_up(ask) == [200] * WORKERS
        chosen.take(cerberus, gina)
        assert lines.ask(ask, AT_EACH_WORKER) == [chosen.refused] * WORKERS * AT_EACH_WORKER
        chosen.give_back(cerberus, gina)
