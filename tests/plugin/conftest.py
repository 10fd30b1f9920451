"""Real MLflow servers behind Cerberus, shared by all tests of the plugin, and the cast's calls to them."""

import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from cerberus.service import Cerberus

ROOT = Path(__file__).parents[2]
START_WITHIN = 400
PACKAGE_ENV = ROOT / "mlflow" / "server.env"


def server_env() -> dict[str, str]:
    """The settings that a server is to be run with."""
    lines = [line for line in PACKAGE_ENV.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Server:
    """A running server, and what tests do with it."""

    url: str
    cast: Any
    log: Path
    process: subprocess.Popen[bytes]
    tokens: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    """What another process needs in its environment to serve the same databases and files."""

    def token(self, name: str) -> str:
        """Somebody's token, made once."""
        if name not in self.tokens:
            self.tokens[name] = self.cast.token(name)
        return self.tokens[name]

    def ask(
        self,
        who: str | None,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        token: str | None = None,
        project: str | None = None,
        **options: Any,
    ) -> requests.Response:
        """One request on a connection of its own."""
        sent = {"Connection": "close", **(headers or {})}
        secret = token or (self.token(who) if who else None)
        if secret:
            sent.setdefault("Authorization", f"Bearer {secret}")
        if project:
            sent["X-MLFLOW-WORKSPACE"] = project
        path = path if path.startswith("/") else f"/api/2.0/mlflow/{path}"
        return requests.request(method, self.url + path, headers=sent, timeout=60, **options)

    def post(self, who: str, path: str, body: Any, **options: Any) -> requests.Response:
        """A POST with a JSON body; a text is sent as it is."""
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        headers = {"Content-Type": "application/json", **options.pop("headers", {})}
        return self.ask(who, "POST", path, data=data, headers=headers, **options)

    def experiment(self, who: str, name: str = "", **options: Any) -> str:
        """A new experiment's id."""
        answer = self.post(who, "experiments/create", {"name": name or f"e-{uuid.uuid4().hex[:8]}"}, **options)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["experiment_id"])

    def run(self, who: str, experiment_id: str, **body: Any) -> str:
        """A new run's id."""
        answer = self.post(who, "runs/create", {"experiment_id": experiment_id, **body})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["run"]["info"]["run_id"])

    def tags(self, who: str, run_id: str) -> dict[str, str]:
        """A run's tags."""
        run = self.ask(who, "GET", "runs/get", params={"run_id": run_id}).json()["run"]
        return {tag["key"]: tag["value"] for tag in run["data"]["tags"]}


def start(
    *, data: Path, backend: str, cerberus_url: str, cast: Any, workers: int, extra: dict[str, str] | None = None
) -> Server:
    """Starts a server as it is run in earnest, and waits until it is healthy."""
    chosen = port()
    log = data / "server.log"
    ours = {**server_env(), "CERBERUS_DATABASE_URL": cerberus_url, "MLSTUDIO_DATA": str(data), **(extra or {})}
    env = {**os.environ, "PYTHONWARNINGS": "ignore", **ours}
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--app-name", "cerberus", "--host", "127.0.0.1"),
        *("--port", str(chosen), "--workers", str(workers), "--backend-store-uri", backend),
        *("--artifacts-destination", str(data / "artifacts")),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=env, cwd=data, stdout=output, stderr=subprocess.STDOUT)
    stores = {"_MLFLOW_SERVER_FILE_STORE": backend, "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(data / "artifacts")}
    stores |= {"_MLFLOW_SERVER_SERVE_ARTIFACTS": "true", "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/"}
    asked = {**ours, **stores, "_MLFLOW_SGI_NAME": "uvicorn"}
    server = Server(f"http://127.0.0.1:{chosen}", cast, log, process, env=asked)
    until = time.monotonic() + START_WITHIN
    while time.monotonic() < until and process.poll() is None:
        if log.read_text().count("Application startup complete") >= workers:
            return server
        time.sleep(0.3)
    stop(server)
    raise AssertionError(f"the server did not start:\n{log.read_text()[-3000:]}")


def stop(server: Server) -> None:
    """Ends a server with all its processes."""
    server.process.terminate()
    try:
        server.process.wait(20)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()


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
