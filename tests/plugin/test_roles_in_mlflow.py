"""What each role may do on the server, and what a token or an archived project takes away."""

import json
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from cerberus.errors import NotFound
from cerberus.policy import ALL_SCOPES, Kind, Level, Resource, Scope
from cerberus.service import SYSTEM

WRITES = {
    "create an experiment": ("experiments/create", lambda _: {"name": f"x-{uuid.uuid4().hex}"}),
    "rename an experiment": ("experiments/update", lambda s: {"experiment_id": s.experiment_id, "new_name": "y"}),
    "start a run": ("runs/create", lambda s: {"experiment_id": s.experiment_id}),
    "log a metric": ("runs/log-metric", lambda s: {"run_id": s.run_id, "key": "m", "value": 1, "timestamp": 1}),
    "log many": ("runs/log-batch", lambda s: {"run_id": s.run_id, "metrics": []}),
    "tag a run": ("runs/set-tag", lambda s: {"run_id": s.run_id, "key": "k", "value": "v"}),
    "delete a run": ("runs/delete", lambda s: {"run_id": s.run_id}),
    "register a model": ("registered-models/create", lambda _: {"name": f"m-{uuid.uuid4().hex}"}),
    "register a version": (
        "model-versions/create",
        lambda s: {"name": s.model, "source": f"runs:/{s.run_id}/note.txt", "run_id": s.run_id},
    ),
    "move an alias": ("registered-models/alias", lambda s: {"name": s.model, "alias": "a", "version": "1"}),
    "register a prompt": (
        "registered-models/create",
        lambda _: {"name": f"p-{uuid.uuid4().hex}", "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]},
    ),
    "start a logged model": ("logged-models", lambda s: {"experiment_id": s.experiment_id}),
}


@pytest.mark.parametrize("what", WRITES)
def test_a_viewer_may_look_but_not_change(server: Any, shelf: Any, what: str) -> None:
    """Bob sees it, so he is told that he may not: 403, not 404."""
    path, body = WRITES[what]
    answer = server.post("bob", path, body(shelf))
    assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize("what", WRITES)
def test_who_is_in_no_project_gets_nowhere(server: Any, shelf: Any, what: str) -> None:
    path, body = WRITES[what]
    assert server.post("charlie", path, body(shelf), project="fraud").status_code == 404
    answer = server.post("charlie", path, body(shelf))
    assert answer.status_code == 403
    assert "no project" in answer.json()["message"]


def test_a_viewer_cannot_upload_or_delete_artifacts(server: Any, shelf: Any) -> None:
    path = f"/api/2.0/mlflow-artifacts/artifacts/{shelf.artifact}"
    assert server.ask("bob", "PUT", path, data=b"x").status_code == 403
    assert server.ask("bob", "DELETE", path).status_code == 403
    assert server.ask("bob", "GET", path).content == b"secret"


def test_a_contributor_deletes_what_they_made_and_nothing_else(server: Any) -> None:
    """Dana gets MANAGE on what she creates; on Alice's she has EDIT."""
    danas, alices = server.experiment("dana"), server.experiment("alice")
    assert server.post("dana", "experiments/delete", {"experiment_id": danas}).status_code == 200
    assert server.post("dana", "runs/create", {"experiment_id": alices}).status_code == 200
    assert server.post("dana", "experiments/delete", {"experiment_id": alices}).status_code == 403
    for name, status in (("dana", 200), ("alice", 403)):
        model = f"model-{uuid.uuid4().hex[:8]}"
        assert server.post(name, "registered-models/create", {"name": model}).status_code == 200
        assert server.ask("dana", "DELETE", "registered-models/delete", json={"name": model}).status_code == status


def test_ownership_moves_with_a_new_name_and_ends_with_the_thing(server: Any) -> None:
    old, new = f"old-{uuid.uuid4().hex[:6]}", f"new-{uuid.uuid4().hex[:6]}"
    assert server.post("dana", "registered-models/create", {"name": old}).status_code == 200
    assert server.post("dana", "registered-models/rename", {"name": old, "new_name": new}).status_code == 200
    assert server.ask("dana", "DELETE", "registered-models/delete", json={"name": new}).status_code == 200
    assert server.post("alice", "registered-models/create", {"name": new}).status_code == 200
    assert server.ask("dana", "DELETE", "registered-models/delete", json={"name": new}).status_code == 403


def test_a_reading_token_reads_and_a_project_token_stays_in_its_project(server: Any, shelf: Any) -> None:
    reading = server.cast.token("alice", scopes=(Scope.READ,))
    assert server.ask(None, "GET", "runs/get", params={"run_id": shelf.run_id}, token=reading).status_code == 200
    assert server.post(None, "runs/delete", {"run_id": shelf.run_id}, token=reading).status_code == 403
    assert server.post(None, "experiments/create", {"name": "z"}, token=reading).status_code == 403
    bound = server.cast.token("admin", project="churn", scopes=tuple(ALL_SCOPES))
    assert server.ask(None, "GET", "runs/get", params={"run_id": shelf.run_id}, token=bound).status_code == 404
    assert server.post(None, "experiments/search", {"max_results": 5}, token=bound, project="fraud").status_code == 404


def test_an_admin_works_in_every_project_that_they_name(server: Any, shelf: Any) -> None:
    token = server.cast.token("admin", scopes=tuple(ALL_SCOPES))
    unnamed = server.post(None, "experiments/search", {"max_results": 5}, token=token)
    assert unnamed.status_code == 400
    assert "MLFLOW_WORKSPACE" in unnamed.json()["message"]
    found = server.ask(None, "GET", "runs/get", params={"run_id": shelf.run_id}, token=token, project="fraud")
    assert found.status_code == 200
    assert (
        server.ask(None, "GET", "runs/get", params={"run_id": shelf.run_id}, token=token, project="churn").status_code
        == 404
    )


@pytest.fixture
def alices_second(server: Any) -> Iterator[str]:
    """Another project that Alice maintains. She leaves it at the end: who is in two must say which at every request."""
    slug, projects = f"second-{uuid.uuid4().hex[:6]}", server.cast.cerberus.projects
    projects.create(SYSTEM, slug)
    for name in ("admin", "alice"):
        projects.add_member(SYSTEM, slug, subject=name, role="maintainer")
    yield slug
    for name in ("alice", "charlie"):
        with suppress(NotFound):
            projects.remove_member(SYSTEM, slug, subject=name)


def test_an_archived_project_can_only_be_read_even_by_admins(server: Any, alices_second: str) -> None:
    slug, cerberus = alices_second, server.cast.cerberus
    admin = server.cast.token("admin", scopes=tuple(ALL_SCOPES))
    experiment_id = server.experiment("alice", project=slug)
    cerberus.projects.archive(SYSTEM, slug)
    for token in (server.token("alice"), admin):
        answer = server.ask(
            None, "GET", "experiments/get", params={"experiment_id": experiment_id}, token=token, project=slug
        )
        assert answer.status_code == 200
        body = {"experiment_id": experiment_id}
        assert server.post(None, "experiments/delete", body, token=token, project=slug).status_code == 403
        assert server.post(None, "experiments/create", {"name": "new"}, token=token, project=slug).status_code == 403
    cerberus.projects.restore(SYSTEM, slug)
    assert server.post("alice", "experiments/delete", {"experiment_id": experiment_id}, project=slug).status_code == 200


def test_a_grant_on_a_kind_lets_create_that_kind_only(server: Any, shelf: Any, alices_second: str) -> None:
    """Charlie gets EDIT on models and nothing on experiments: MLflow itself would let him create both."""
    slug, cerberus = alices_second, server.cast.cerberus
    hidden = server.experiment("alice", project=slug)
    models = Resource(slug, Kind.REGISTERED_MODEL)
    cerberus.grants.give(SYSTEM, models, subject="charlie", level=Level.EDIT)
    assert server.post("charlie", "registered-models/create", {"name": "m"}, project=slug).status_code == 200
    assert server.post("charlie", "experiments/create", {"name": "e"}, project=slug).status_code == 403
    prompt = {"name": "p", "tags": [{"key": "mlflow.prompt.is_prompt", "value": "true"}]}
    assert server.post("charlie", "registered-models/create", prompt, project=slug).status_code == 403
    listed = server.post("charlie", "experiments/search", {"max_results": 9}, project=slug).json()
    assert hidden not in json.dumps(listed)


def test_mlflow_user_is_who_is_signed_in_whatever_the_client_says(server: Any, shelf: Any) -> None:
    experiment_id = server.experiment("dana")
    claimed = {"key": "mlflow.user", "value": "alice"}
    run_id = server.run("dana", experiment_id, user_id="alice", tags=[claimed])
    spelled = server.run("dana", experiment_id, userId="alice")
    for each in (run_id, spelled):
        info = server.ask("dana", "GET", "runs/get", params={"run_id": each}).json()["run"]["info"]
        assert info["user_id"] == "dana"
        assert server.tags("dana", each)["mlflow.user"] == "dana"
    assert server.post("dana", "runs/set-tag", {"run_id": run_id, **claimed}).status_code == 200
    assert server.post("dana", "runs/log-batch", {"run_id": run_id, "tags": [claimed]}).status_code == 200
    assert server.tags("dana", run_id)["mlflow.user"] == "dana"
    deletion = server.post("dana", "runs/delete-tag", {"run_id": run_id, "key": "mlflow.user"})
    assert deletion.status_code == 400
    assert server.post("dana", "runs/set-tag", {"run_id": run_id, "key": "mine", "value": "alice"}).status_code == 200
    assert server.tags("dana", run_id)["mine"] == "alice"


def test_denials_are_in_the_audit_with_the_request_id(server: Any, shelf: Any) -> None:
    request_id = f"test-{uuid.uuid4().hex[:8]}"
    answer = server.post("bob", "runs/delete", {"run_id": shelf.run_id}, headers={"X-Request-ID": request_id})
    assert answer.headers["X-Request-ID"] == request_id
    import time

    for _ in range(50):
        lines = server.cast.cerberus.audit.search(SYSTEM, who="bob", outcome="denied")
        if any(line.request_id == request_id for line in lines):
            break
        time.sleep(0.1)
    line = next(line for line in lines if line.request_id == request_id)
    assert (line.action, line.target, line.project) == (
        "experiment.delete",
        f"experiment:{shelf.experiment_id}",
        "fraud",
    )


def test_a_version_of_a_scorer_is_deleted_without_its_grants(server: Any, shelf: Any) -> None:
    """Its owner may delete the rest, and who is denied the scorer stays so; the last version takes them along."""
    name, scorers = f"s-{uuid.uuid4().hex[:8]}", "/api/3.0/mlflow/scorers"
    body = {"experiment_id": shelf.experiment_id, "name": name}
    for _ in range(2):
        registered = {**body, "serialized_scorer": json.dumps({"name": name})}
        assert server.post("dana", f"{scorers}/register", registered).status_code == 200
    grants, actor = server.cast.cerberus.grants, server.cast.admin
    resource = Resource("fraud", Kind.SCORER, f"{shelf.experiment_id}/{name}")
    grants.give(SYSTEM, resource, subject="bob", level=Level.DENY)
    first = server.ask("dana", "DELETE", f"{scorers}/delete", json={**body, "version": 1})
    assert first.status_code == 200, first.text
    assert grants.owner(actor, resource).subject == "dana"
    assert server.ask("bob", "GET", f"{scorers}/get", params=body).status_code == 404
    assert server.ask("dana", "DELETE", f"{scorers}/delete", json=body).status_code == 200
    with pytest.raises(NotFound):
        grants.owner(actor, resource)
