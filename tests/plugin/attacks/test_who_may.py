"""Every operation of the table, four times: who may, can; a viewer cannot write; a stranger and nobody find nothing."""

from typing import Any

import pytest
from operation import Operation
from operations import LISTS, READS, endings, writes
from shelves import furnish

WRITES, ENDINGS = writes(), endings()
NAMING = [operation for operation in (*WRITES, *ENDINGS) if operation.names_something]
EVERYTHING = (*READS, *LISTS, *WRITES, *ENDINGS)


def named(operation: Operation) -> str:
    return operation.name


@pytest.mark.parametrize("operation", [*READS, *LISTS], ids=named)
def test_who_may_read_can(scene: Any, operation: Operation) -> None:
    """And a viewer's reading writes nothing."""
    before = scene.kept()
    assert scene.ask("bob", operation, scene.shelf).status_code == 200
    assert scene.kept() == before
    for who in ("alice", "dana"):
        assert scene.ask(who, operation, scene.shelf).status_code == 200, who


@pytest.mark.parametrize("operation", WRITES, ids=named)
def test_who_may_write_can(scene: Any, operation: Operation) -> None:
    before = scene.kept()
    answer = scene.ask("alice", operation, scene.spare)
    assert answer.status_code == 200, answer.text
    assert scene.kept() != before


@pytest.mark.parametrize("operation", ENDINGS, ids=named)
def test_who_may_delete_can(scene: Any, operation: Operation) -> None:
    answer = scene.ask("alice", operation, furnish(scene.server, "alice", "fraud"))
    assert answer.status_code in (200, 204), answer.text


@pytest.mark.parametrize("operation", [*WRITES, *ENDINGS], ids=named)
def test_a_viewer_cannot_write(scene: Any, unchanged: Any, operation: Operation) -> None:
    assert scene.ask("bob", operation, scene.shelf).status_code == 403


@pytest.mark.parametrize("operation", [*READS, *NAMING], ids=named)
def test_who_is_in_another_project_finds_nothing(
    scene: Any, unchanged: Any, shows_nothing: Any, operation: Operation
) -> None:
    """Erin, in her own project and when she names theirs."""
    for project in (None, "churn", "fraud"):
        answer = scene.ask("erin", operation, scene.shelf, project=project)
        assert answer.status_code == 404, answer.text
        shows_nothing(answer, scene.shelf)


@pytest.mark.parametrize("operation", LISTS, ids=named)
def test_who_is_in_another_project_gets_none_of_it_in_lists(
    scene: Any, unchanged: Any, shows_nothing: Any, operation: Operation
) -> None:
    shows_nothing(scene.ask("erin", operation, scene.shelf), scene.shelf)
    assert scene.ask("erin", operation, scene.shelf, project="fraud").status_code == 404
    shows_nothing(scene.ask("alice", operation, scene.shelf), scene.theirs)


@pytest.mark.parametrize("operation", EVERYTHING, ids=named)
def test_nobody_gets_nowhere_without_a_token(
    scene: Any, unchanged: Any, shows_nothing: Any, operation: Operation
) -> None:
    answer = scene.ask(None, operation, scene.shelf, project="fraud")
    assert answer.status_code == 401
    shows_nothing(answer, scene.shelf)


@pytest.mark.parametrize("operation", [*READS, *LISTS, *NAMING], ids=named)
def test_hidden_is_the_same_as_absent(
    scene: Any, unchanged: Any, same_as_absent: Any, shows_nothing: Any, operation: Operation
) -> None:
    """Dana works in the project and is denied this shelf: in status, headers and every word it is not there."""
    shows_nothing(same_as_absent("dana", operation), scene.hidden)
