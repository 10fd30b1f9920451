"""`make demo`: real runs, logged as the people who made them, and never twice."""

import os
import subprocess
import sys

import pytest
from mlflow.tracking import MlflowClient
from running import ROOT

from studio.local.demo.plan import plan


def run_demo(ml_studio) -> str:
    """
    What `make demo` printed, after having succeeded.
    """
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("CERBERUS_", "STUDIO_", "ML"))},
        "MLSTUDIO_DATA": str(ml_studio.data),
        "MLSTUDIO_SECRETS_DIR": str(ml_studio.data / "no-such-directory"),
        "MLFLOW_PUBLIC_URL": ml_studio.mlflow,
        "CERBERUS_PUBLIC_URL": ml_studio.cerberus,
        "STUDIO_PUBLIC_URL": ml_studio.studio,
    }
    command = [sys.executable, "-m", "studio.local", "demo"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def demo(ml_studio):
    """An ML Studio with the demo in it."""
    run_demo(ml_studio)
    return ml_studio


@pytest.fixture
def client_of(demo, monkeypatch):
    """The ordinary client of somebody, in a project."""

    def client(name: str, project: str) -> MlflowClient:
        session = demo.sign_in(name)
        made = demo.ask("POST", "tokens", session, name="test", project=project)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", made["secret"])
        return MlflowClient(demo.mlflow)

    return client


def runs_of(client: MlflowClient) -> list:
    """
    Every run that this client sees.
    """
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    return list(client.search_runs(ids, max_results=500)) if ids else []


@pytest.mark.timeout(600)
def test_the_plan_has_what_was_promised():
    studies = plan()
    runs = [run for study in studies for run in study.runs]
    assert sum(study.size for study in studies) >= 60
    assert len({run.project for run in runs}) == 3
    assert len({(run.project, run.key) for run in runs}) == len(runs)
    assert sum(run.fails for run in runs) == 1


@pytest.mark.timeout(900)
def test_every_run_is_there_once_however_often_the_demo_runs(demo, client_of):
    people = {"fraud": "alice", "churn": "erin", "vision": "vera"}
    before = {project: {run.info.run_id for run in runs_of(client_of(who, project))} for project, who in people.items()}
    assert sum(map(len, before.values())) == sum(study.size for study in plan())
    run_demo(demo)
    after = {project: {run.info.run_id for run in runs_of(client_of(who, project))} for project, who in people.items()}
    assert before == after


@pytest.mark.timeout(900)
def test_runs_carry_their_makers_curves_children_and_files(client_of):
    client = client_of("vera", "vision")
    runs = runs_of(client)
    assert {run.data.tags["mlflow.user"] for run in runs} == {"vera", "victor", "vision-trainer"}
    child = next(run for run in runs if run.data.tags.get("mlflow.parentRunId"))
    assert len(client.get_metric_history(child.info.run_id, "val_loss")) == 30
    files = {file.path for file in client.list_artifacts(child.info.run_id)}
    assert files == {"confusion_matrix.png", "curves.plotly.json", "predictions.csv"}
    failed = next(run for run in runs if run.info.status == "FAILED")
    assert "overflow" in failed.data.tags["error"]


@pytest.mark.timeout(900)
def test_models_are_registered_with_aliases(client_of):
    client = client_of("alice", "fraud")
    assert client.get_model_version_by_alias("fraud-detector", "champion").version == "2"
    assert client.get_model_version_by_alias("fraud-detector", "challenger").version == "1"


@pytest.mark.timeout(900)
def test_a_stranger_sees_nothing_of_it_and_has_asked_once(demo):
    me = demo.ask("GET", "me", demo.sign_in("charlie"))
    assert me["projects"] == []
    waiting = demo.ask("GET", "projects/vision/requests", demo.sign_in("vera"))["items"]
    assert [(each["subject"], each["role"], each["state"]) for each in waiting] == [("charlie", "viewer", "open")]
