"""`cerberus adopt` on what MLflow 2.22.5 and 3.1.4 left, and that as our server serves it to the pinned client."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import databases
import pytest
from old_releases import REVISIONS, old_database, upgrade

from cerberus.service import Cerberus

READ = """
import json, os, sys
import mlflow

def read(ids):
    client, run = mlflow.MlflowClient(), ids["run"]
    yield "metric", lambda: [each.value for each in client.get_metric_history(run, "loss")]
    yield "parent", lambda: client.get_run(run).data.tags["mlflow.parentRunId"]
    yield "inputs", lambda: [each.dataset.name for each in client.get_run(run).inputs.dataset_inputs]
    yield "deleted run", lambda: client.get_run(ids["deleted run"]).info.lifecycle_stage
    yield "artifact", lambda: mlflow.artifacts.load_text(f"runs:/{run}/note.txt")
    yield "alias", lambda: client.get_model_version_by_alias(ids["model"], "best").current_stage
    yield "version", lambda: client.get_model_version(ids["model"], "2").tags
    yield "model", lambda: mlflow.artifacts.load_text(f"models:/{ids['model']}@best/MLmodel")
    yield "prompt", lambda: mlflow.genai.load_prompt("prompts:/fraud-greeting@live").template
    yield "trace", lambda: [each.inputs for each in mlflow.get_trace(ids["trace"]).data.spans]
    yield "traces", lambda: len(client.search_traces(locations=[ids["experiment"]]))
    if "logged model" in ids:
        yield "logged model", lambda: [each.value for each in client.get_logged_model(ids["logged model"]).metrics]

for env, ids in json.load(sys.stdin):
    os.environ.update(env)
    found = {}
    for name, ask in read(ids):
        try:
            found[name] = ask()
        except Exception as error:
            found[name] = type(error).__name__
    print(json.dumps(found))
"""
FOUND = {
    "metric": [1.0, 0.5],
    "inputs": ["rows"],
    "deleted run": "deleted",
    "artifact": "of fraud",
    "alias": "Production",
    "version": {"checked": "yes"},
    "model": "of fraud",
    "prompt": "Hi {{name}}",
    "trace": [{"q": "fraud"}],
    "traces": 1,
}


KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.services)]


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=REVISIONS)
def left(
    request: pytest.FixtureRequest,
    kind: str,
    tmp_path_factory: pytest.TempPathFactory,
    populated_sqlite: Path,
    old_type: Any,
) -> Iterator[Any]:
    """What a release left, not upgraded yet, and a Cerberus with the cast that the command finds."""
    data = tmp_path_factory.mktemp("left")
    (data / "cerberus.db").write_bytes(populated_sqlite.read_bytes())
    sqlite = nullcontext(f"sqlite:///{data}/mlflow.db")
    with sqlite if kind == "sqlite" else databases.postgresql("left") as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CERBERUS_DATABASE_URL", f"sqlite:///{data}/cerberus.db")
        yield old_type(url, data, old_database(url, data / "artifacts", request.param))


@pytest.fixture(scope="module")
def upgraded(left: Any) -> Any:
    """The same after MLflow's own upgrade."""
    upgrade(left.url)
    return left


@pytest.fixture(scope="module")
def served(
    upgraded: Any, cast_of: Any, start_server: Callable[..., Any], stop_server: Callable[[Any], None]
) -> Iterator[Any]:
    """Our server on what was adopted."""
    (upgraded.data / "journal.jsonl").unlink(missing_ok=True)
    assert upgraded.adopt("--yes") == 0
    url = f"sqlite:///{upgraded.data}/cerberus.db"
    cerberus = Cerberus(url, password_rounds=4)
    server = start_server(data=upgraded.data, backend=upgraded.url, cerberus_url=url, cast=cast_of(cerberus), workers=1)
    yield server
    stop_server(server)
    cerberus.close()


def test_who_forgets_the_upgrade_is_told_and_nothing_is_touched(left: Any, capsys: pytest.CaptureFixture[str]) -> None:
    before = left.dump()
    assert left.adopt("--yes") == 2
    said = capsys.readouterr().err
    assert "mlflow db upgrade" in said
    assert "backup" in said
    assert left.dump() == before
    assert not (left.data / "journal.jsonl").exists()


def test_what_an_old_release_left_goes_there_and_back_even_when_killed(upgraded: Any) -> None:
    before = upgraded.dump()
    assert upgraded.adopt() == 0
    assert upgraded.dump() == before, "the dry run"
    assert upgraded.adopt_killed("--yes") == 9
    half = upgraded.dump()
    assert half != before
    assert upgraded.adopt("--yes") == 0
    adopted = upgraded.dump()
    assert half != adopted
    assert upgraded.adopt("--undo", "--yes") == 0
    assert upgraded.dump() == before
    (upgraded.data / "journal.jsonl").unlink()
    assert upgraded.adopt("--yes") == 0
    assert upgraded.dump() == adopted
    assert upgraded.adopt("--undo", "--yes") == 0


@pytest.fixture(scope="module")
def reading(served: Any, upgraded: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """
    What somebody's client gets of a team's, by person and team; for what it does not get, the error. Who may not read
    comes first, as clients keep some answers.
    """
    asking = [
        ("charlie", "fraud", "fraud"),
        ("erin", "churn", "fraud"),
        ("erin", "churn", "churn"),
        ("bob", "fraud", "fraud"),
    ]
    told = []
    for who, project, team in asking:
        known = {"MLFLOW_TRACKING_TOKEN": served.token(who), "MLFLOW_WORKSPACE": project}
        told.append((known, upgraded.of(team)))
    env = {**os.environ, "MLFLOW_TRACKING_URI": served.url, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
    command = [sys.executable, "-W", "ignore", "-c", READ]
    done = subprocess.run(
        command, input=json.dumps(told), env=env, capture_output=True, text=True, timeout=300, check=True
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {(who, team): found for (who, _, team), found in zip(asking, lines, strict=True)}


def test_members_read_what_an_old_release_left(reading: Any, upgraded: Any) -> None:
    expected = FOUND | {"parent": upgraded.ids["fraud parent"]}
    if "fraud logged model" in upgraded.ids:
        expected["logged model"] = [1.0]
    assert reading["bob", "fraud"] == expected


@pytest.mark.parametrize("who", ["erin", "charlie"])
def test_nobody_else_reads_it(reading: Any, who: str) -> None:
    """
    Erin asks in a project of her own, Charlie in that where it is.
    """
    found = dict(reading[who, "fraud"])
    assert found.pop("traces") in (0, "RestException")
    assert set(found.values()) <= {"RestException", "MlflowException", "AttributeError"}, "get_trace returns None"


def test_data_that_two_projects_logged_is_in_both(reading: Any) -> None:
    """
    MLflow had one row for it, in the experiment that logged it first.
    """
    assert reading["bob", "fraud"]["inputs"] == reading["erin", "churn"]["inputs"] == ["rows"]
