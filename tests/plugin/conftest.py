"""Real MLflow servers behind Cerberus, shared by all tests of the plugin."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import databases
import pytest
from real_mlflow import Server, start, stop

from cerberus.service import Cerberus


@pytest.fixture(scope="session")
def start_server() -> Callable[..., Server]:
    return start


@pytest.fixture(scope="session")
def stop_server() -> Callable[[Server], None]:
    return stop


@pytest.fixture(scope="session")
def server(populated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory, cast_of: Any) -> Iterator[Server]:
    """MLflow with four workers, and a Cerberus with the cast, both on SQLite."""
    data = tmp_path_factory.mktemp("server")
    (data / "cerberus.db").write_bytes(populated_sqlite.read_bytes())
    url = f"sqlite:///{data}/cerberus.db"
    cerberus = Cerberus(url, password_rounds=4)
    running = start(
        data=data, backend=f"sqlite:///{data}/mlflow.db", cerberus_url=url, cast=cast_of(cerberus), workers=4
    )
    yield running
    stop(running)
    cerberus.close()


@pytest.fixture(scope="session")
def team_server(tmp_path_factory: pytest.TempPathFactory, populated: Any) -> Iterator[Server]:
    """MLflow with two workers on PostgreSQL, and a Cerberus with the cast on MySQL, as a team runs them."""
    with databases.mysql("team") as mysql, databases.postgresql("team") as postgresql:
        cerberus = Cerberus(mysql, password_rounds=4)
        cerberus.migrate()
        data = tmp_path_factory.mktemp("team")
        running = start(data=data, backend=postgresql, cerberus_url=mysql, cast=populated(cerberus), workers=2)
        yield running
        stop(running)
        cerberus.close()


@dataclass(frozen=True)
class Shelf:
    """What Dana has put into `fraud`: an experiment, a run with an artifact, a registered model."""

    experiment_id: str
    experiment_name: str
    run_id: str
    artifact: str
    model: str


@pytest.fixture(scope="session")
def shelf(server: Server) -> Shelf:
    """Things of Dana's that tests only look at."""
    name = "danas work"
    experiment_id = server.experiment("dana", name)
    run_id = server.run("dana", experiment_id)
    artifact = f"workspaces/fraud/{experiment_id}/{run_id}/artifacts/note.txt"
    assert server.ask("dana", "PUT", f"/api/2.0/mlflow-artifacts/artifacts/{artifact}", data=b"secret").ok
    assert server.post("dana", "runs/log-metric", {"run_id": run_id, "key": "m", "value": 1, "timestamp": 1}).ok
    assert server.post("dana", "registered-models/create", {"name": "danas model"}).ok
    version = {"name": "danas model", "source": f"runs:/{run_id}/note.txt", "run_id": run_id}
    assert server.post("dana", "model-versions/create", version).ok
    return Shelf(experiment_id, name, run_id, artifact, "danas model")
