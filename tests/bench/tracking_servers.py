"""The tracking servers that are measured side by side: what they have in common, the plain one, and ours."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests
from running import ROOT, free_ports
from sqlalchemy import NullPool, create_engine, exc, make_url
from tracking_data import Content, database

from cerberus.policy import Kind, Level, Resource
from cerberus.service import SYSTEM, Cerberus

MYSQL = os.environ.get("MLSTUDIO_TEST_MYSQL", "mysql+pymysql://root@127.0.0.1:3306")
PROJECT = "bench"
PASSWORD = "three blue-ish horses"
PEOPLE = ("worker", "reader", "newcomer", "colleague")
"""Worker made what is asked for. Reader sees 50 of 1,000, newcomer 5 of 10,000; colleague is denied one experiment."""

Headers = Mapping[str, str]
Again = Callable[[Mapping[str, str]], AbstractContextManager[str]]


@dataclass(frozen=True)
class Given:
    """Somebody may read one thing, or, with `denied`, may not."""

    person: str
    kind: Kind
    id: str
    denied: bool = False


@dataclass(frozen=True)
class TrackingServer:
    """
    One server with one worker. `give` is how its permissions are given; `again` starts it once more on the same
    databases, where other URLs may stand for them.
    """

    name: str
    url: str
    process: psutil.Process
    database: str
    headers: Mapping[str, Headers]
    give: Callable[[Sequence[Given]], None] = field(repr=False)
    workspace: str = "default"
    about: str = ""
    cerberus: str = ""
    again: Again | None = field(default=None, repr=False)

    def own_cpu(self) -> float:
        """
        Seconds that its processes have worked so far.
        """
        family = [self.process, *self.process.children(recursive=True)]
        return sum(times.user + times.system for times in (each.cpu_times() for each in family))

    def worker(self) -> int:
        """
        The process that answers: the one below `mlflow server` that listens.
        """
        family = self.process.children(recursive=True)
        return max(family, key=lambda each: each.memory_info().rss).pid


@contextmanager
def plain(directory: Path, template: str, _: Content) -> Iterator[Sequence[TrackingServer]]:
    """
    MLflow as it comes, without access control: everybody sees everything.
    """
    with database(f"mlstudio_bench_plain_{os.getpid()}", template) as url:

        def again(urls: Mapping[str, str]) -> AbstractContextManager[tuple[str, psutil.Process]]:
            return running("plain", directory, urls.get(url, url), [], {})

        with again({}) as (address, process):
            nobody: dict[str, Headers] = {person: {} for person in PEOPLE}
            yield [TrackingServer("plain", address, process, url, nobody, lambda _: None, again=_address_only(again))]


@contextmanager
def ours(directory: Path, template: str, content: Content) -> Iterator[Sequence[TrackingServer]]:
    """
    MLflow behind Cerberus, on MySQL where there is one, as in compose.yaml; the experiments and models of others are
    adopted, as an organisation does that had MLflow before.
    """
    with database(f"mlstudio_bench_ours_{os.getpid()}", template) as url, cerberus_database(directory) as (own, about):
        cerberus = Cerberus(own)
        cerberus.migrate()
        headers = _members(cerberus, content)
        _adopt(directory, url, own)

        def again(urls: Mapping[str, str]) -> AbstractContextManager[tuple[str, psutil.Process]]:
            settings = plugin_settings(urls.get(own, own), directory)
            return running("ours", directory, urls.get(url, url), ["--app-name", "cerberus"], settings)

        def give(given: Sequence[Given]) -> None:
            for each in given:
                level = Level.DENY if each.denied else Level.READ
                cerberus.grants.give(SYSTEM, Resource(PROJECT, each.kind, each.id), subject=each.person, level=level)

        with again({}) as (address, process):
            server = TrackingServer(
                "ours", address, process, url, headers, give, PROJECT, about, own, _address_only(again)
            )
            yield [server]
        cerberus.close()


@contextmanager
def behind_cerberus(directory: Path) -> Iterator[tuple[str, Cerberus]]:
    """
    The address of an MLflow behind an empty Cerberus, and that Cerberus.
    """
    own = f"sqlite:///{directory / 'cerberus.db'}"
    cerberus = Cerberus(own)
    cerberus.migrate()
    settings = plugin_settings(own, directory)
    with (
        database(f"mlstudio_bench_empty_{os.getpid()}") as url,
        running("ours", directory, url, ["--app-name", "cerberus"], settings) as (address, _),
    ):
        yield address, cerberus
    cerberus.close()


def _members(cerberus: Cerberus, content: Content) -> dict[str, Headers]:
    """
    The project and its people, each with a token bound to it. Who sees single things only has no role, but one grant.
    """
    cerberus.projects.create(SYSTEM, PROJECT)
    roles = {"worker": "contributor", "colleague": "viewer"}
    first = Resource(PROJECT, Kind.EXPERIMENT, content.experiments[0])
    headers = {}
    for name in PEOPLE:
        cerberus.people.create_user(SYSTEM, name, password=PASSWORD)
        if name in roles:
            cerberus.projects.add_member(SYSTEM, PROJECT, subject=name, role=roles[name])
        else:
            cerberus.grants.give(SYSTEM, first, subject=name, level=Level.READ)
        made = cerberus.tokens.create(SYSTEM, "bench", owner=name, project=PROJECT)
        headers[name] = {"Authorization": f"Bearer {made.secret}"}
    return headers


def _adopt(directory: Path, url: str, own: str) -> None:
    rules = directory / "rules.toml"
    rules.write_text(f'rest = "{PROJECT}"\n')
    command = [sys.executable, "-m", "cerberus_mlflow.adopt", "--database", url, "--rules", str(rules)]
    command += ["--journal", str(directory / "adoption.jsonl"), "--yes"]
    environment = {**os.environ, "CERBERUS_DATABASE_URL": own, "MLSTUDIO_DATA": str(directory)}
    done = subprocess.run(command, env=environment, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The adoption failed:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")


def plugin_settings(cerberus_url: str, directory: Path) -> dict[str, str]:
    """
    What MLflow's server is told in its environment when it runs behind this Cerberus.
    """
    lines = (ROOT / "mlflow" / "server.env").read_text().splitlines()
    known = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {**known, "CERBERUS_DATABASE_URL": cerberus_url, "MLSTUDIO_DATA": str(directory)}


@contextmanager
def cerberus_database(directory: Path) -> Iterator[tuple[str, str]]:
    """
    The URL of an empty database for Cerberus that is gone afterwards, and what to say about it.
    """
    name = f"mlstudio_bench_tracking_{os.getpid()}"
    server = create_engine(MYSQL, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    try:
        with server.connect() as connection:
            version = connection.exec_driver_sql("SELECT version()").scalar()
            connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    except exc.SQLAlchemyError:
        yield f"sqlite:///{directory / 'cerberus.db'}", "Cerberus on SQLite, as no MySQL answers"
        return
    try:
        url = make_url(MYSQL).set(database=name).render_as_string(hide_password=False)
        yield url, f"Cerberus on MySQL ({version})"
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}")


def _address_only(again: Callable[..., AbstractContextManager[tuple[str, psutil.Process]]]) -> Again:
    @contextmanager
    def address(urls: Mapping[str, str]) -> Iterator[str]:
        with again(urls) as (found, _):
            yield found

    return address


@contextmanager
def running(
    name: str,
    directory: Path,
    backend: str,
    arguments: Sequence[str],
    settings: Mapping[str, str],
    *,
    python: str = sys.executable,
    artifacts: str = "",
    workers: int = 1,
) -> Iterator[tuple[str, psutil.Process]]:
    """
    An `mlflow server` that answers, with one worker unless more are wanted: its address and its first process. Every
    server logs as MLflow does by default, a line a request, to a file.
    """
    port, slug = free_ports()[0], name.replace(" ", "_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "CERBERUS_", "OIDC_"))}
    environment = {
        **kept,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_UVICORN_OPTS": "--timeout-worker-healthcheck=120",
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(),
        "PYTHONUNBUFFERED": "1",
        **settings,
    }
    command = [python, "-m", "mlflow", "server", *arguments, "--backend-store-uri", backend, "--port", str(port)]
    command += ["--workers", str(workers), "--artifacts-destination", str(directory / f"{artifacts or slug}-artifacts")]
    with (directory / f"{slug}.log").open("ab") as log:
        server = subprocess.Popen(
            command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=directory, start_new_session=True
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/health", server, Path(log.name))
            yield f"http://127.0.0.1:{port}", psutil.Process(server.pid)
        finally:
            os.killpg(server.pid, 15)
            server.wait(30)


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """
    Returns when it answers; ends with the end of its log when it never does.
    """
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            if requests.get(url, timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.3)
    raise SystemExit(f"{url} does not answer:\n{log.read_text()[-3000:]}")
