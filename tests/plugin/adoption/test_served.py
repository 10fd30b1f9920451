"""What was adopted, as our server serves it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cerberus.service import Cerberus

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


@pytest.fixture(scope="module")
def adopted(
    populated_sqlite: Path,
    tmp_path_factory: pytest.TempPathFactory,
    cast_of: Any,
    start_server: Callable[..., Any],
    stop_server: Callable[[Any], None],
    filling: Callable[[str, Path], dict[str, str]],
    old_type: Any,
) -> Iterator[tuple[Any, dict[str, str]]]:
    data = tmp_path_factory.mktemp("adopted")
    (data / "cerberus.db").write_bytes(populated_sqlite.read_bytes())
    url, backend = f"sqlite:///{data}/cerberus.db", f"sqlite:///{data}/mlflow.db"
    ids = filling(backend, data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CERBERUS_DATABASE_URL", url)
        assert old_type(backend, data, ids).adopt("--yes", "--owners") == 0
    cerberus = Cerberus(url, password_rounds=4)
    server = start_server(data=data, backend=backend, cerberus_url=url, cast=cast_of(cerberus), workers=1)
    yield server, ids
    stop_server(server)
    cerberus.close()


@pytest.mark.parametrize(
    ("who", "team", "status"),
    [
        ("dana", "fraud", 200),
        ("bob", "tagged", 200),
        ("erin", "churn", 200),
        ("erin", "fraud", 404),
        ("dana", "churn", 404),
    ],
)
def test_members_find_their_things_and_others_do_not(adopted: Any, who: str, team: str, status: int) -> None:
    server, ids = adopted
    run = ids[f"{team} run"]
    asked = [
        ("experiments/get", {"experiment_id": ids[team]}),
        ("runs/get", {"run_id": run}),
        ("registered-models/get", {"name": f"{team}-model"}),
        ("registered-models/alias", {"name": f"{team}-model", "alias": "best"}),
        ("/api/3.0/mlflow/datasets/" + ids[f"{team} dataset"], {}),
    ]
    answers = {path: server.ask(who, "GET", path, params=params) for path, params in asked}
    assert {path: answer.status_code for path, answer in answers.items()} == {path: status for path, _ in asked}


@pytest.mark.parametrize("who", ["dana", "bob"])
def test_artifacts_are_where_the_old_server_put_them(adopted: Any, who: str) -> None:
    server, ids = adopted
    run = ids["fraud run"]
    stored = server.ask(who, "GET", "runs/get", params={"run_id": run}).json()["run"]["info"]["artifact_uri"]
    assert stored == f"mlflow-artifacts:/{ids['fraud']}/{run}/artifacts"
    path = stored.removeprefix("mlflow-artifacts:")
    assert server.ask(who, "GET", f"{ARTIFACTS}{path}/note.txt").text == "of fraud"
    listed = server.ask(who, "GET", ARTIFACTS, params={"path": path.lstrip("/")}).json()
    assert [each["path"] for each in listed["files"]] == ["note.txt"]
    shown = server.ask(who, "GET", "/get-artifact", params={"run_uuid": run, "path": "note.txt"})
    assert shown.text == "of fraud"


@pytest.mark.parametrize(
    "spelling", ["{id}/{run}", "/{id}/{run}", "0{id}/{run}", "workspaces/fraud/{id}/{run}", "%2e/{id}/{run}"]
)
@pytest.mark.parametrize("who", ["erin", "charlie"])
def test_nobody_else_reads_them(adopted: Any, who: str, spelling: str) -> None:
    server, ids = adopted
    path = spelling.format(id=ids["fraud"], run=ids["fraud run"])
    answer = server.ask(who, "GET", f"{ARTIFACTS}/{path}/artifacts/note.txt")
    assert 400 <= answer.status_code < 500
    assert "of fraud" not in answer.text


def test_new_runs_models_and_artifacts_work_in_an_adopted_experiment(adopted: Any) -> None:
    server, ids = adopted
    run = server.run("dana", ids["fraud"])
    path = f"{ids['fraud']}/{run}/artifacts/new.txt"
    assert server.ask("dana", "PUT", f"{ARTIFACTS}/{path}", data=b"new").ok
    assert server.ask("dana", "GET", f"{ARTIFACTS}/{path}").text == "new"
    version = {"name": "fraud-model", "source": f"mlflow-artifacts:/{path}", "run_id": run}
    made = server.post("dana", "model-versions/create", version)
    assert made.status_code == 200, made.text
    foreign = {**version, "source": f"mlflow-artifacts:/{ids['churn']}/{ids['churn run']}/artifacts/note.txt"}
    assert server.post("dana", "model-versions/create", foreign).status_code == 400


def test_who_ran_it_owns_it(adopted: Any) -> None:
    server, ids = adopted
    renamed = server.post("dana", "experiments/delete", {"experiment_id": ids["tagged"]})
    assert renamed.status_code == 200, renamed.text
    assert server.post("dana", "experiments/restore", {"experiment_id": ids["tagged"]}).ok
