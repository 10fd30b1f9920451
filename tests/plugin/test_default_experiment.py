"""Experiment 0, which a client names where a script names none, is each project's own `Default`."""

import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from mlflow.utils.workspace_context import get_request_workspace
from operation import spans

from cerberus.policy import Kind, Level, Resource, Scope
from cerberus.service import SYSTEM
from cerberus_mlflow import default_experiment

TRACES = "/api/3.0/mlflow/traces"


@dataclass
class Team:
    """A project of its own with a contributor and a viewer, whose only one it is."""

    server: Any
    project: str
    worker: str
    reader: str

    def post(self, who: str, path: str, body: Any, **options: Any) -> requests.Response:
        answer: requests.Response = self.server.post(who, path, body, **options)
        return answer

    def get(self, path: str, **parameters: Any) -> Any:
        answer = self.server.ask(self.worker, "GET", path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def start(self, **body: Any) -> str:
        """The experiment of a run that the worker starts."""
        answer = self.post(self.worker, "runs/create", body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["run"]["info"]["experiment_id"])


@pytest.fixture
def make_team(server: Any) -> Any:
    def make() -> Team:
        word, cerberus = uuid.uuid4().hex[:10], server.cast.cerberus
        team = Team(server, f"p-{word}", f"worker-{word}", f"reader-{word}")
        cerberus.projects.create(SYSTEM, team.project)
        for name, role in ((team.worker, "contributor"), (team.reader, "viewer")):
            cerberus.people.create_user(SYSTEM, name, password=server.cast.password)
            cerberus.projects.add_member(SYSTEM, team.project, subject=name, role=role)
        return team

    return make


@pytest.fixture
def team(make_team: Any) -> Team:
    found: Team = make_team()
    return found


def test_a_run_that_names_it_goes_into_the_projects_own(team):
    experiment_id = team.start(experiment_id="0")
    assert experiment_id != "0"
    found = team.get("experiments/get", experiment_id="0")["experiment"]
    assert (found["experiment_id"], found["name"]) == (experiment_id, "Default")
    assert found["artifact_location"].startswith(f"mlflow-artifacts:/workspaces/{team.project}/")


def test_each_project_has_its_own(make_team):
    first, second = make_team(), make_team()
    assert first.start(experiment_id="0") != second.start(experiment_id="0")
    assert first.start(experiment_id="0") == first.start(experiment_id="0")


def test_searches_find_what_was_logged_to_it(team):
    experiment_id = team.start(experiment_id="0")
    found = team.post(team.worker, "runs/search", {"experiment_ids": ["7654321", "0"]}).json()["runs"]
    assert [each["info"]["experiment_id"] for each in found] == [experiment_id]
    logged = team.post(team.worker, "logged-models", {"experiment_id": "0", "name": "m"})
    assert logged.json()["model"]["info"]["experiment_id"] == experiment_id
    found = team.post(team.worker, "logged-models/search", {"experiment_ids": ["0"]}).json()["models"]
    assert len(found) == 1


def test_a_trace_goes_into_it_and_is_found_there(team):
    at = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}
    info = {"trace_id": f"tr-{uuid.uuid4().hex}", "trace_location": at, "request_time": "2026-01-01T00:00:00Z"}
    made = team.post(team.worker, TRACES, {"trace": {"trace_info": info}})
    assert made.status_code == 200, made.text
    place = made.json()["trace"]["trace_info"]["trace_location"]["mlflow_experiment"]["experiment_id"]
    assert place == team.get("experiments/get-by-name", experiment_name="Default")["experiment"]["experiment_id"]
    found = team.post(team.worker, f"{TRACES}/search", {"locations": [at]}).json()["traces"]
    assert [each["trace_id"] for each in found] == [info["trace_id"]]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/3.0/mlflow/datasets/create", {"name": "d", "experiment_ids": ["0"]}),
        ("/api/3.0/mlflow/scorers/register", {"name": "s", "experiment_id": "0", "serialized_scorer": '{"name": "s"}'}),
        ("/api/2.0/mlflow/logged-models", {"name": "m", "experiment_id": "0"}),
    ],
)
def test_whatever_a_script_begins_with_makes_it(team, path, body):
    answer = team.post(team.worker, path, body)
    assert answer.status_code == 200, answer.text
    made = team.get("experiments/get", experiment_id="0")["experiment"]
    assert (made["name"], made["experiment_id"] != "0") == ("Default", True)


def test_spans_whose_header_names_it_go_there(team):
    headers = {"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": "0"}
    sent = team.server.ask(team.worker, "POST", "/v1/traces", data=spans(uuid.uuid4().int), headers=headers)
    assert sent.status_code == 200, sent.text
    experiment_id = team.get("experiments/get-by-name", experiment_name="Default")["experiment"]["experiment_id"]
    found = team.get("traces", experiment_ids=[experiment_id])["traces"]
    assert len(found) == 1


def test_whoever_made_it_owns_it(team):
    experiment_id = team.start(experiment_id="0")
    resource = Resource(team.project, Kind.EXPERIMENT, experiment_id)
    owner = team.server.cast.cerberus.grants.owner(team.server.cast.actor(team.worker), resource)
    assert owner.subject == team.worker


def test_twenty_first_runs_at_once_share_one(team):
    with ThreadPoolExecutor(20) as pool:
        found = set(pool.map(lambda _: team.start(experiment_id="0"), range(20)))
    assert len(found) == 1
    assert len(team.post(team.worker, "experiments/search", {"max_results": 9}).json()["experiments"]) == 1


def test_reading_makes_none(team):
    assert "runs" not in team.post(team.worker, "runs/search", {"experiment_ids": ["0"]}).json()
    answer = team.server.ask(team.worker, "GET", "experiments/get", params={"experiment_id": "0"})
    assert answer.status_code == 404
    assert "experiments" not in team.post(team.worker, "experiments/search", {"max_results": 9}).json()


def test_who_may_not_create_makes_none_and_who_may_not_write_writes_nothing(team):
    assert team.post(team.reader, "runs/create", {"experiment_id": "0"}).status_code == 404
    read_only = team.server.cast.token(team.worker, scopes=(Scope.READ,))
    assert team.post(team.worker, "runs/create", {"experiment_id": "0"}, token=read_only).status_code in (403, 404)
    team.start(experiment_id="0")
    assert team.post(team.reader, "runs/create", {"experiment_id": "0"}).status_code == 403
    assert len(team.post(team.reader, "runs/search", {"experiment_ids": ["0"]}).json()["runs"]) == 1


def test_a_hidden_one_is_absent_and_stays_one(team):
    experiment_id = team.start(experiment_id="0")
    cerberus = team.server.cast.cerberus
    hidden = Resource(team.project, Kind.EXPERIMENT, experiment_id)
    cerberus.people.create_user(SYSTEM, f"other-{team.project}", password=team.server.cast.password)
    cerberus.projects.add_member(SYSTEM, team.project, subject=f"other-{team.project}", role="contributor")
    cerberus.grants.give(SYSTEM, hidden, subject=f"other-{team.project}", level=Level.DENY)
    answer = team.post(f"other-{team.project}", "runs/create", {"experiment_id": "0"})
    assert answer.status_code == 404, answer.text
    assert "runs" not in team.post(f"other-{team.project}", "runs/search", {"experiment_ids": ["0"]}).json()
    assert len(team.post(team.worker, "experiments/search", {"max_results": 9}).json()["experiments"]) == 1


def test_two_names_for_one_thing_are_refused_as_ever(team):
    body = '{"experiment_id": "0", "experimentId": "0"}'
    assert team.post(team.worker, "runs/create", body).status_code == 400


def test_looking_for_it_sets_no_project_for_the_whole_process(monkeypatch: Any) -> None:
    """MLflow's own way of naming a workspace writes it into the environment, where other threads' requests find it."""
    seen: list[tuple[str | None, str | None]] = []

    class Store:
        def get_experiment(self, _: str) -> Any:
            seen.append((get_request_workspace(), os.environ.get("MLFLOW_WORKSPACE")))
            return SimpleNamespace(experiment_id="5")

    monkeypatch.setattr(default_experiment.handlers, "_get_tracking_store", Store)
    call: Any = SimpleNamespace(project="fraud")
    assert default_experiment.own_experiment(call, making=False) == "5"
    assert seen == [("fraud", None)]
