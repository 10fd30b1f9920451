"""A real MLflow server behind Cerberus, and the cast's calls to it."""

import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests

ROOT = Path(__file__).parents[2]
START_WITHIN = 400
READY = "Application startup complete"
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

    def ready(self) -> list[psutil.Process]:
        """The workers that live and answer."""
        log, everybody = self.log.read_text(), psutil.Process(self.process.pid).children(recursive=True)
        named = [each for each in everybody if f"Started server process [{each.pid}]" in log]
        return [each for each in named if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]

    def started(self) -> int:
        """How many workers have become ready so far."""
        return self.log.read_text().count(READY)


def start(
    *,
    data: Path,
    backend: str,
    cerberus_url: str,
    cast: Any,
    workers: int,
    extra: dict[str, str] | None = None,
    program: Sequence[str] = ("-m", "mlflow"),
    arguments: Sequence[str] = ("--app-name", "cerberus"),
) -> Server:
    """Starts a server as it is run in earnest, or by another program, and waits until it is healthy."""
    chosen = port()
    log = data / f"server-{chosen}.log"
    ours = {**server_env(), "CERBERUS_DATABASE_URL": cerberus_url, "MLSTUDIO_DATA": str(data), **(extra or {})}
    env = {**os.environ, "PYTHONWARNINGS": "ignore", **ours}
    command = [
        *(sys.executable, *program, "server", *arguments, "--host", "127.0.0.1"),
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
        if server.started() >= workers:
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
