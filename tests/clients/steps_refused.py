"""What is refused to a viewer of the project, and to somebody who is no member."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import mlflow
import requests
from mlflow import MlflowClient
from mlflow.exceptions import RestException
from requests import HTTPError
from steps import own, person, step


@contextmanager
def _being(name: str) -> Iterator[MlflowClient]:
    before, os.environ["MLFLOW_TRACKING_TOKEN"] = os.environ["MLFLOW_TRACKING_TOKEN"], person(name).token
    try:
        yield MlflowClient()
    finally:
        os.environ["MLFLOW_TRACKING_TOKEN"] = before


def _refused(call: Callable[[], Any], status: int) -> None:
    answered = 200
    try:
        call()
    except RestException as error:
        answered = error.get_http_status_code()
    except HTTPError as error:  # of what the client asks for without MLflow's own messages
        answered = error.response.status_code
    assert answered == status, f"{answered} instead of {status}"


def _thing(name: str) -> tuple[str, str]:
    experiment_id = own(name)
    with mlflow.start_run() as run:
        mlflow.log_text("secret", "note.txt")
    return experiment_id, str(run.info.run_id)


@step("a viewer reads, and is refused what writes (403)")
def viewer() -> None:
    """All reads, no write."""
    experiment_id, run_id = _thing("seen by a viewer")
    with _being("viewer") as client:
        assert client.get_experiment(experiment_id).name == "seen by a viewer"
        assert mlflow.artifacts.load_text(f"runs:/{run_id}/note.txt") == "secret"
        writes: tuple[Callable[[], Any], ...] = (
            lambda: client.create_experiment("a viewer's"),
            lambda: client.create_run(experiment_id),
            lambda: client.log_metric(run_id, "m", 1),
            lambda: client.set_tag(run_id, "a", "b"),
            lambda: client.delete_run(run_id),
            lambda: client.delete_experiment(experiment_id),
            lambda: client.create_registered_model("a viewer's"),
        )
        for write in writes:
            _refused(write, 403)
        _refused_upload(experiment_id, run_id, 403)


@step("a stranger finds nothing (404)")
def stranger() -> None:
    """Another project's member, told what they would be told of nothing."""
    experiment_id, run_id = _thing("hidden from a stranger")
    MlflowClient().create_registered_model("hidden")
    with _being("stranger") as client:
        asked: tuple[Callable[[], Any], ...] = (
            lambda: client.get_experiment(experiment_id),
            lambda: client.get_run(run_id),
            lambda: client.create_run(experiment_id),
            lambda: client.log_metric(run_id, "m", 1),
            lambda: client.delete_run(run_id),
            lambda: client.get_registered_model("hidden"),
            lambda: client.list_artifacts(run_id),
        )
        for ask in asked:
            _refused(ask, 404)
        assert client.get_experiment_by_name("hidden from a stranger") is None
        assert list(client.search_registered_models("name = 'hidden'")) == []
        _refused_upload(experiment_id, run_id, 404)


def _refused_upload(experiment_id: str, run_id: str, status: int) -> None:
    """Straight to the address of the run's artifacts, past what the client asks first."""
    address = f"{mlflow.get_tracking_uri()}/api/2.0/mlflow-artifacts/artifacts/{os.environ['CLIENTS_ARTIFACTS']}"
    headers = {"Authorization": f"Bearer {os.environ['MLFLOW_TRACKING_TOKEN']}"}
    path = f"{experiment_id}/{run_id}/artifacts/b.txt"
    found = requests.put(f"{address}/{path}", data=b"b", headers=headers, timeout=30).status_code
    assert found == status, f"an upload: {found} instead of {status}"
