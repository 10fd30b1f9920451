"""Four workers, and not one of them answers from what it knew before."""

from typing import Any

import pytest

from cerberus.policy import Scope
from cerberus.service import SYSTEM

TIMES = 100


@pytest.fixture
def gina(server: Any) -> Any:
    """A contributor who is there for one test."""
    import uuid

    name = f"gina-{uuid.uuid4().hex[:6]}"
    server.cast.cerberus.people.create_user(SYSTEM, name, password=server.cast.password)
    server.cast.cerberus.projects.add_member(SYSTEM, "fraud", subject=name, role="contributor")
    return name


def statuses(server: Any, token: str, times: int, **options: Any) -> list[int]:
    """What so many requests get, each on a new connection, so that every worker has its share."""
    body = {"max_results": 1}
    return [server.post(None, "experiments/search", body, token=token, **options).status_code for _ in range(times)]


def token_of(server: Any, name: str) -> tuple[Any, str]:
    cerberus = server.cast.cerberus
    from cerberus.service import Actor

    actor = Actor(cerberus.decisions.access_of_name(name).principal)
    made = cerberus.tokens.create(actor, "notebook", scopes=(Scope.READ, Scope.WRITE))
    return made, made.secret


def test_there_are_four_workers(server: Any) -> None:
    assert server.log.read_text().count("Application startup complete") == 4


def test_a_revoked_token_is_refused_by_every_worker_at_the_next_request(server: Any, gina: str) -> None:
    made, secret = token_of(server, gina)
    assert statuses(server, secret, 40) == [200] * 40
    server.cast.cerberus.tokens.revoke(SYSTEM, made.token.id)
    assert statuses(server, secret, TIMES) == [401] * TIMES


def test_a_removed_member_is_refused_by_every_worker_at_the_next_request(server: Any, gina: str) -> None:
    _, secret = token_of(server, gina)
    assert statuses(server, secret, 40, project="fraud") == [200] * 40
    server.cast.cerberus.projects.remove_member(SYSTEM, "fraud", subject=gina)
    assert statuses(server, secret, TIMES, project="fraud") == [404] * TIMES


def test_a_disabled_person_is_refused_by_every_worker_at_the_next_request(server: Any, gina: str) -> None:
    _, secret = token_of(server, gina)
    assert statuses(server, secret, 20) == [200] * 20
    server.cast.cerberus.people.disable(SYSTEM, gina)
    assert statuses(server, secret, TIMES // 2) == [401] * (TIMES // 2)


def test_a_new_role_is_known_to_every_worker_at_the_next_request(server: Any, gina: str) -> None:
    _, secret = token_of(server, gina)
    experiment_id = server.experiment("alice")
    body = {"experiment_id": experiment_id}

    def starts_a_run() -> int:
        return int(server.post(None, "runs/create", body, token=secret).status_code)

    assert [starts_a_run() for _ in range(20)] == [200] * 20
    server.cast.cerberus.projects.change_role(SYSTEM, "fraud", subject=gina, role="viewer")
    assert [starts_a_run() for _ in range(40)] == [403] * 40
    server.cast.cerberus.projects.change_role(SYSTEM, "fraud", subject=gina, role="contributor")
    assert [starts_a_run() for _ in range(20)] == [200] * 20
