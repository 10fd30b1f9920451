"""Runs of a sweep name their common data set at the same moment, and each of them gets it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST

from cerberus_mlflow import races

ROUNDS, RUNS = 12, 6


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """On SQLite, and on PostgreSQL with MySQL."""
    if "shared" in metafunc.fixturenames:
        metafunc.parametrize("shared", ["server", pytest.param("team_server", marks=pytest.mark.services)])


def test_a_data_set_that_many_runs_name_at_once_is_there_once_and_with_each(shared: str, request: Any) -> None:
    server = request.getfixturevalue(shared)
    experiment_id = server.experiment("alice", project="fraud")
    runs = [server.run("alice", experiment_id) for _ in range(RUNS)]
    together = threading.Barrier(RUNS)

    def log(run_id: str, name: str) -> tuple[int, str]:
        dataset = {"name": name, "digest": "d", "source_type": "local", "source": "s"}
        together.wait(30)
        answer = server.ask(
            "alice",
            "POST",
            "/api/2.0/mlflow/runs/log-inputs",
            project="fraud",
            json={"run_id": run_id, "datasets": [{"dataset": dataset, "tags": []}]},
        )
        return answer.status_code, answer.text

    with ThreadPoolExecutor(RUNS) as pool:
        for number in range(ROUNDS):
            answers = list(pool.map(lambda run_id, name=f"sweep-{number}": log(run_id, name), runs))
            assert {status for status, _ in answers} == {200}, answers
    for run_id in runs:
        answer = server.ask("alice", "GET", "/api/2.0/mlflow/runs/get", project="fraud", params={"run_id": run_id})
        inputs = answer.json()["run"]["inputs"]["dataset_inputs"]
        assert sorted(each["dataset"]["name"] for each in inputs) == sorted(f"sweep-{n}" for n in range(ROUNDS))


@pytest.mark.parametrize(("cause", "times"), [("IntegrityError", races.ATTEMPTS), ("ValueError", 1)])
def test_only_a_lost_race_is_run_again_and_not_for_ever(monkeypatch: Any, cause: str, times: int) -> None:
    asked = []

    def log_inputs(*_: Any) -> None:
        asked.append(1)
        raise MlflowException("no", BAD_REQUEST) from type(cause, (Exception,), {})()

    store = SimpleNamespace(log_inputs=log_inputs)
    monkeypatch.setattr(races, "sql_store", SimpleNamespace(SqlAlchemyStore=store))
    races.log_inputs_again()
    with pytest.raises(MlflowException, match="no"):
        store.log_inputs(None, "run")
    assert len(asked) == times
