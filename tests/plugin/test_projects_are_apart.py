"""With a token of another project, a run, its artifacts, its experiment and its model do not exist."""

import uuid
from types import SimpleNamespace
from typing import Any

import pytest

ABSENT = "It does not exist, or you may not see it."


def looks(shelf: Any) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Every way to come by Dana's things: method, path, and what is asked."""
    run, experiment, model = shelf.run_id, shelf.experiment_id, shelf.model
    files = "/api/2.0/mlflow-artifacts/artifacts"
    return {
        "run by id": ("GET", "runs/get", {"params": {"run_id": run}}),
        "run by its old name": ("GET", "runs/get", {"params": {"run_uuid": run}}),
        "metric history": ("GET", "metrics/get-history", {"params": {"run_id": run, "metric_key": "m"}}),
        "experiment by id": ("GET", "experiments/get", {"params": {"experiment_id": experiment}}),
        "experiment by name": (
            "GET",
            "experiments/get-by-name",
            {"params": {"experiment_name": shelf.experiment_name}},
        ),
        "model": ("GET", "registered-models/get", {"params": {"name": model}}),
        "version": ("GET", "model-versions/get", {"params": {"name": model, "version": "1"}}),
        "version's files": ("GET", "model-versions/get-download-uri", {"params": {"name": model, "version": "1"}}),
        "run's files": ("GET", "artifacts/list", {"params": {"run_id": run}}),
        "file by path": ("GET", f"{files}/{shelf.artifact}", {}),
        "files by path": ("GET", files, {"params": {"path": shelf.artifact.rpartition("/")[0]}}),
        "file in the page": ("GET", "/get-artifact", {"params": {"run_id": run, "path": "note.txt"}}),
        "log a metric": ("POST", "runs/log-metric", {"json": {"run_id": run, "key": "m", "value": 2, "timestamp": 2}}),
        "tag it": ("POST", "runs/set-tag", {"json": {"run_id": run, "key": "a", "value": "b"}}),
        "delete the run": ("POST", "runs/delete", {"json": {"run_id": run}}),
        "delete the experiment": ("POST", "experiments/delete", {"json": {"experiment_id": experiment}}),
        "delete the model": ("DELETE", "registered-models/delete", {"json": {"name": model}}),
        "start a run there": ("POST", "runs/create", {"json": {"experiment_id": experiment}}),
        "overwrite the file": ("PUT", f"{files}/{shelf.artifact}", {"data": b"x"}),
        "delete the file": ("DELETE", f"{files}/{shelf.artifact}", {}),
    }


NOTHING = SimpleNamespace(run_id="", experiment_id="", experiment_name="", artifact="", model="")
WAYS = sorted(looks(NOTHING))


@pytest.mark.parametrize("what", WAYS)
def test_another_project_finds_nothing(server: Any, shelf: Any, what: str) -> None:
    """Erin maintains `churn`; in `fraud` she is a stranger."""
    method, path, options = looks(shelf)[what]
    answer = server.ask("erin", method, path, **options)
    assert (answer.status_code, answer.json()["message"]) == (404, ABSENT)


@pytest.mark.parametrize("what", WAYS)
def test_naming_the_project_in_the_header_does_not_help(server: Any, shelf: Any, what: str) -> None:
    """It is as if the project did not exist: the same answer, word for word but for the name."""
    method, path, options = looks(shelf)[what]
    real = server.ask("erin", method, path, project="fraud", **options)
    invented = server.ask("erin", method, path, project="nowhere", **options)
    assert real.status_code == invented.status_code == 404
    assert real.text.replace("fraud", "nowhere") == invented.text


@pytest.mark.parametrize("what", WAYS)
def test_what_exists_elsewhere_looks_like_what_exists_nowhere(server: Any, shelf: Any, what: str) -> None:
    invented = type(shelf)("987654", "no such name", uuid.uuid4().hex, "workspaces/churn/987654/x/artifacts/y", "none")
    answers = []
    for things in (shelf, invented):
        method, path, options = looks(things)[what]
        answers.append(server.ask("erin", method, path, **options))
    assert answers[0].status_code == answers[1].status_code == 404
    assert answers[0].text == answers[1].text


def test_another_project_itself_is_not_found(server: Any) -> None:
    real, invented = (server.ask("erin", "GET", f"/api/3.0/mlflow/workspaces/{slug}") for slug in ("fraud", "nowhere"))
    assert real.status_code == invented.status_code == 404
    assert real.text.replace("fraud", "nowhere") == invented.text
    assert server.ask("bob", "GET", "/api/3.0/mlflow/workspaces/fraud").status_code == 200


def test_searches_of_another_project_find_nothing(server: Any, shelf: Any) -> None:
    own = server.experiment("erin")
    found = server.post("erin", "experiments/search", {"max_results": 100}).json().get("experiments", [])
    assert own in {each["experiment_id"] for each in found}
    assert shelf.experiment_id not in {each["experiment_id"] for each in found}
    assert not server.post("erin", "runs/search", {"experiment_ids": [shelf.experiment_id]}).json().get("runs")
    assert shelf.model not in server.ask("erin", "GET", "registered-models/search").text
    assert shelf.model not in server.ask("erin", "GET", "model-versions/search").text
    assert shelf.model in server.ask("bob", "GET", "registered-models/search").text
    assert shelf.model in server.ask("bob", "GET", "model-versions/search").text
    query = {"query": '{mlflowGetRun(input: {runId: "%s"}) {run {info {runUuid}}}}' % shelf.run_id}  # noqa: UP031
    assert shelf.run_id not in server.post("erin", "/graphql", query).text


def test_a_path_of_another_project_with_ones_own_experiment_in_it_is_refused(server: Any, shelf: Any) -> None:
    """The experiment's id is the caller's own, the folder is not."""
    own = server.experiment("erin")
    path = f"/api/2.0/mlflow-artifacts/artifacts/workspaces/fraud/{own}/x/artifacts/y.txt"
    for method in ("GET", "PUT", "DELETE"):
        assert server.ask("erin", method, path, data=b"x").status_code in (400, 404), method


def test_a_reader_finds_all_of_it(server: Any, shelf: Any) -> None:
    """The same requests as a reader of the project: none of the refusals above came from a wrong request."""
    for what, (method, path, options) in looks(shelf).items():
        if method == "GET":
            answer = server.ask("bob", method, path, **options)
            assert answer.status_code == 200, (what, answer.text)
    runs = server.post("bob", "runs/search", {"experiment_ids": [shelf.experiment_id]}).json()["runs"]
    assert [run["info"]["run_id"] for run in runs] == [shelf.run_id]


def test_projects_have_names_of_their_own(server: Any, shelf: Any) -> None:
    """What a name is taken for in one project does not show in another."""
    server.experiment("erin", shelf.experiment_name)
    assert server.post("erin", "registered-models/create", {"name": shelf.model}).status_code == 200
    answer = server.ask("erin", "DELETE", "registered-models/delete", json={"name": shelf.model})
    assert answer.status_code == 200


def test_a_header_in_wsgis_spelling_names_no_project(server: Any) -> None:
    """To WSGI `X_MLFLOW_WORKSPACE` is `X-MLFLOW-WORKSPACE`: it is left out, as proxies do."""
    token = server.cast.token("dana", project="fraud")
    for name in ("X_MLFLOW_WORKSPACE", "X_MLFLOW-WORKSPACE"):
        answer = server.post(
            "dana", "experiments/create", {"name": uuid.uuid4().hex}, token=token, headers={name: "churn"}
        )
        assert answer.status_code == 200, answer.text
        seen = {"experiment_id": answer.json()["experiment_id"]}
        assert server.ask("dana", "GET", "experiments/get", token=token, params=seen).status_code == 200
