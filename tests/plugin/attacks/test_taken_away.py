"""What is taken away is gone at the very next request, on every way to it; until then, each way works."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from operation import ARTIFACTS, V2, V3, Operation, Shelf, graphql
from shelves import secrets

from cerberus.policy import Kind, Level, Resource, Scope
from cerberus.service import SYSTEM, Actor

RUN = {"run_id": "{run}"}
READING = {
    "run": Operation("GET", f"{V2}/runs/get", query=RUN),
    "artifact": Operation("GET", ARTIFACTS + "/{folder}/{experiment}/{run}/artifacts/note.txt"),
    "old artifact": Operation("GET", "/get-artifact", query={**RUN, "path": "note.txt"}),
    "trace": Operation("GET", f"{V3}/traces/" + "{trace}"),
    "search": Operation("POST", f"{V2}/runs/search", {"experiment_ids": ["{experiment}"]}),
    "graphql": graphql('{ mlflowGetRun(input: {runId: "{run}"}) { run { info { runName runId } } } }'),
}
WRITING = {
    "tag": Operation("POST", f"{V2}/runs/set-tag", {**RUN, "key": "late", "value": "v"}),
    "upload": Operation("PUT", ARTIFACTS + "/{folder}/{experiment}/{run}/artifacts/more.txt", raw=b"x"),
    "trace tag": Operation("PATCH", f"{V3}/traces/" + "{trace}/tags", {"key": "late", "value": "v"}),
}


@dataclass
class Newcomer:
    """Somebody who contributes to `fraud` for one test, and their token."""

    name: str
    token: str
    token_id: str
    cerberus: Any


@pytest.fixture
def newcomer(scene: Any) -> Iterator[Newcomer]:
    cerberus, name = scene.server.cast.cerberus, f"new-{uuid.uuid4().hex[:8]}"
    cerberus.people.create_user(SYSTEM, name, password=scene.server.cast.password)
    cerberus.projects.add_member(SYSTEM, "fraud", subject=name, role="contributor")
    actor = Actor(cerberus.decisions.access_of_name(name).principal)
    made = cerberus.tokens.create(actor, "notebook", scopes=(Scope.READ, Scope.WRITE))
    yield Newcomer(name, made.secret, made.token.id, cerberus)
    cerberus.people.disable(SYSTEM, name)


def deny(who: Newcomer, resource: Resource) -> None:
    who.cerberus.grants.give(SYSTEM, resource, subject=who.name, level=Level.DENY)


TAKEN: dict[str, Callable[[Newcomer, Shelf], Any]] = {
    "the token": lambda who, _: who.cerberus.tokens.revoke(SYSTEM, who.token_id),
    "the account": lambda who, _: who.cerberus.people.disable(SYSTEM, who.name),
    "the project": lambda who, _: who.cerberus.projects.remove_member(SYSTEM, "fraud", subject=who.name),
    "the experiment": lambda who, shelf: deny(who, Resource("fraud", Kind.EXPERIMENT, shelf["experiment"])),
    "experiments": lambda who, _: deny(who, Resource("fraud", Kind.EXPERIMENT)),
}


def asked(scene: Any, who: Newcomer, operation: Operation) -> Any:
    return scene.ask(None, operation, scene.spare, token=who.token, project="fraud")


@pytest.mark.parametrize("way", [*READING, *WRITING])
@pytest.mark.parametrize("what", TAKEN)
def test_what_is_taken_away_is_gone_at_once(scene: Any, newcomer: Newcomer, what: str, way: str) -> None:
    operation = (READING | WRITING)[way]
    assert asked(scene, newcomer, operation).status_code == 200
    TAKEN[what](newcomer, scene.spare)
    before = scene.kept()
    answer = asked(scene, newcomer, operation)
    unseen = (200, 404) if way in ("search", "graphql") else (404,)
    assert answer.status_code in ((401,) if what in ("the token", "the account") else unseen), answer.text
    assert not [word for word in secrets(scene.spare) if word in answer.text]
    assert scene.kept() == before


@pytest.mark.parametrize("way", WRITING)
def test_who_becomes_a_viewer_writes_no_more_and_reads_on(scene: Any, newcomer: Newcomer, way: str) -> None:
    assert asked(scene, newcomer, WRITING[way]).status_code == 200
    newcomer.cerberus.projects.change_role(SYSTEM, "fraud", subject=newcomer.name, role="viewer")
    before = scene.kept()
    assert asked(scene, newcomer, WRITING[way]).status_code == 403
    assert scene.kept() == before
    assert asked(scene, newcomer, READING["run"]).status_code == 200


@pytest.mark.parametrize("way", WRITING)
def test_a_token_to_read_with_writes_nothing(scene: Any, newcomer: Newcomer, way: str) -> None:
    actor = Actor(newcomer.cerberus.decisions.access_of_name(newcomer.name).principal)
    newcomer.token = newcomer.cerberus.tokens.create(actor, "reading", scopes=(Scope.READ,)).secret
    before = scene.kept()
    assert asked(scene, newcomer, WRITING[way]).status_code == 403
    assert scene.kept() == before
    assert asked(scene, newcomer, READING["run"]).status_code == 200


BAD_TOKENS = (
    "", "x", "Bearer", "Bearer ", "Bearer x", "Bearer mls_", "Bearer mls_x", "bearer mls_" + "a" * 60, "Basic",
    "Basic x",
    "Basic YWxpY2U6", "Basic YWxpY2U6eA==", "Basic OnBhc3M=", "Digest x", "Negotiate x", "mls_x", "Token mls_x",
    "Bearer mls_x, Bearer mls_y", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.", "Bearer " + "x" * 5000,
)  # fmt: skip


@pytest.mark.parametrize("value", BAD_TOKENS, ids=lambda value: value[:30])
@pytest.mark.parametrize("way", ["run", "artifact", "graphql"])
def test_what_is_no_token_gets_nobody_in(scene: Any, way: str, value: str) -> None:
    answer = scene.ask(None, READING[way], scene.shelf, headers={"Authorization": value}, project="fraud")
    assert answer.status_code == 401
    assert "www-authenticate" in answer.headers
