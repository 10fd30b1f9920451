"""The tracking servers that are measured side by side: plain, ours, and MLflow's own access control."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests
from running import ROOT, free_ports
from sqlalchemy import create_engine, make_url

from cerberus.policy import Kind, Level, Resource
from cerberus.service import SYSTEM, Cerberus

POSTGRESQL = os.environ.get("TEST_POSTGRESQL_URL", "postgresql+psycopg2://postgres@127.0.0.1:5432/postgres")
PROJECT = "bench"
PASSWORD = "three blue-ish horses"
BASIC_AUTH = """[mlflow]
default_permission = NO_PERMISSIONS
database_uri = sqlite:///{users}
admin_username = admin
admin_password = {password}
auth_cache_ttl_seconds = {seconds}
"""


@dataclass
class TrackingServer:
    """One server with one worker. `show` opens things to the reader, who sees nothing else."""

    name: str
    url: str
    worker: dict[str, str]
    reader: dict[str, str]
    show: Callable[[list[str], list[str]], None] = field(repr=False)


def credentials(name: str) -> dict[str, str]:
    """
    A basic-auth header.
    """
    return {"Authorization": requests.auth._basic_auth_str(name, PASSWORD)}


@contextmanager
def plain(directory: Path) -> Iterator[TrackingServer]:
    """
    MLflow as it comes, without access control: everybody sees everything.
    """
    with _running("plain", directory, [], {}) as url:
        yield TrackingServer("plain", url, {}, {}, lambda *_: None)


@contextmanager
def ours(directory: Path) -> Iterator[TrackingServer]:
    """
    MLflow behind Cerberus, which is on the same kind of database that a laptop has.
    """
    with behind_cerberus(directory) as (url, cerberus):
        cerberus.projects.create(SYSTEM, PROJECT)
        tokens = {}
        for name in ("worker", "reader"):
            cerberus.people.create_user(SYSTEM, name, password=PASSWORD)
        cerberus.projects.add_member(SYSTEM, PROJECT, subject="worker", role="contributor")
        cerberus.grants.give(SYSTEM, Resource(PROJECT, Kind.PROMPT), subject="reader", level=Level.READ)
        for name in ("worker", "reader"):
            made = cerberus.tokens.create(SYSTEM, "bench", owner=name, project=PROJECT)
            tokens[name] = {"Authorization": f"Bearer {made.secret}"}

        def show(experiments: list[str], models: list[str]) -> None:
            for kind, ids in ((Kind.EXPERIMENT, experiments), (Kind.REGISTERED_MODEL, models)):
                for each in ids:
                    cerberus.grants.give(SYSTEM, Resource(PROJECT, kind, each), subject="reader", level=Level.READ)

        yield TrackingServer("ours", url, tokens["worker"], tokens["reader"], show)


@contextmanager
def behind_cerberus(directory: Path) -> Iterator[tuple[str, Cerberus]]:
    """
    The address of an MLflow behind an empty Cerberus, and that Cerberus.
    """
    database = f"sqlite:///{directory / 'cerberus.db'}"
    cerberus = Cerberus(database)
    cerberus.migrate()
    lines = (ROOT / "mlflow" / "server.env").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    settings |= {"CERBERUS_DATABASE_URL": database, "MLSTUDIO_DATA": str(directory)}
    with _running("ours", directory, ["--app-name", "cerberus"], settings) as url:
        yield url, cerberus
    cerberus.close()


@contextmanager
def basic_auth(directory: Path, *, cache_seconds: int) -> Iterator[TrackingServer]:
    """
    MLflow's own access control, with its cache of checked passwords (0 seconds: without).
    """
    name = "basic-auth cached" if cache_seconds else "basic-auth"
    config = directory / f"{name}.ini"
    config.write_text(BASIC_AUTH.format(users=directory / f"{name}.db", password=PASSWORD, seconds=cache_seconds))
    settings = {"MLFLOW_AUTH_CONFIG_PATH": str(config), "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex()}
    with _running(name, directory, ["--app-name", "basic-auth"], settings) as url:
        admin = requests.Session()
        admin.auth = ("admin", PASSWORD)

        def call(path: str, **body: str) -> None:
            admin.post(f"{url}/api/2.0/mlflow/{path}", json=body).raise_for_status()

        for user in ("worker", "reader"):
            call("users/create", username=user, password=PASSWORD)

        def show(experiments: list[str], models: list[str]) -> None:
            for each in experiments:
                call("experiments/permissions/create", experiment_id=each, username="reader", permission="READ")
            for each in models:
                call("registered-models/permissions/create", name=each, username="reader", permission="READ")

        yield TrackingServer(name, url, credentials("worker"), credentials("reader"), show)


@contextmanager
def _running(name: str, directory: Path, arguments: list[str], settings: dict[str, str]) -> Iterator[str]:
    port, slug = free_ports()[0], name.replace(" ", "_").replace("-", "_")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "CERBERUS_"))}
    environment = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    environment = {**inherited, **environment, **settings}
    mlflow = str(Path(sys.executable).parent / "mlflow")
    with _database(f"mlstudio_bench_{slug}_{os.getpid()}") as database, (directory / f"{slug}.log").open("wb") as log:
        command = [mlflow, "server", *arguments, "--backend-store-uri", database, "--port", str(port)]
        command += ["--workers", "1", "--artifacts-destination", str(directory / f"{slug}-artifacts")]
        server = subprocess.Popen(
            command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=directory, start_new_session=True
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/health", server, Path(log.name))
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, 15)
            server.wait(30)


@contextmanager
def _database(name: str) -> Iterator[str]:
    """
    The URL of an empty PostgreSQL database that is gone afterwards.
    """
    server = create_engine(POSTGRESQL, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield make_url(POSTGRESQL).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        server.dispose()


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            if requests.get(url, timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.3)
    raise SystemExit(f"{url} does not answer:\n{log.read_text()[-2000:]}")
