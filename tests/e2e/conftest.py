"""A small town for the browser: Studio and MLflow as their own processes, on embedded databases, with real runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cerberus.policy import Scope
from cerberus.service import SYSTEM, Actor, Cerberus

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery 9"
SEED = """
import mlflow
mlflow.set_experiment("baseline")
for depth in range(1, 8):
    with mlflow.start_run(run_name=f"forest-{depth}"):
        mlflow.log_params({"depth": depth, "model": "forest"})
        for step in range(12):
            mlflow.log_metric("accuracy", 0.5 + 0.05 * depth * step / 12, step=step)
        mlflow.log_text("hello from run", "notes.txt")
mlflow.set_experiment("boosting")
with mlflow.start_run(run_name="boosted"):
    mlflow.log_param("rate", 0.1)
    mlflow.log_metric("accuracy", 0.91)
client = mlflow.MlflowClient()
broken = client.create_run(mlflow.get_experiment_by_name("boosting").experiment_id, run_name="broken")
client.set_terminated(broken.info.run_id, "FAILED")
"""


@dataclass
class Town:
    """Where everything is. Alice maintains `fraud`, Dana contributes, Bob reads, Charlie has no project."""

    studio: str
    mlflow: str
    cerberus: Cerberus
    admin: Actor
    count: int = 0
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def newcomer(self, role: str | None = "viewer") -> str:
        """A user of this test's own, in `fraud` with that role."""
        self.count += 1
        name = f"guest{self.count}"
        self.cerberus.people.create_user(SYSTEM, name, display_name=f"Guest {self.count}", password=PASSWORD)
        if role:
            self.cerberus.projects.add_member(self.admin, "fraud", subject=name, role=role)
        return name


@pytest.hookimpl(tryfirst=True)  # before `left_out` looks at the markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever lies here needs a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Studio and MLflow, well, with the cast and their runs."""
    data, patch = tmp_path_factory.mktemp("town"), pytest.MonkeyPatch()
    studio, mlflow, unused = _free_ports(3)
    for name in ("CERBERUS_DATABASE_URL", "MLFLOW_DATABASE_URL"):
        patch.delenv(name, raising=False)
    for name, value in {
        "MLSTUDIO_DATA": str(data),
        "MLSTUDIO_SECRETS_DIR": str(data / "none"),
        "MLFLOW_WORKERS": "1",
        "STUDIO_PUBLIC_URL": f"http://127.0.0.1:{studio}",
        "STUDIO_MLFLOW_URL": f"http://127.0.0.1:{mlflow}",
        "MLFLOW_PUBLIC_URL": f"http://127.0.0.1:{mlflow}",
        "CERBERUS_PUBLIC_URL": f"http://127.0.0.1:{unused}",
    }.items():
        patch.setenv(name, value)
    with _running(data) as (cerberus, admin, processes):
        yield Town(f"http://127.0.0.1:{studio}", f"http://127.0.0.1:{mlflow}", cerberus, admin, processes=processes)
    patch.undo()


@contextmanager
def _running(data: Path) -> Iterator[tuple[Cerberus, Actor, dict[str, subprocess.Popen[bytes]]]]:
    from cerberus.settings import Settings as CerberusSettings
    from studio.local.layout import Layout
    from studio.local.ports import ports_of
    from studio.local.services import services
    from studio.settings import Settings

    layout = Layout(data)
    for directory in (layout.secrets, layout.logs, layout.artifacts):
        directory.mkdir(mode=0o700)
    cerberus = Cerberus(CerberusSettings().database_url, password_rounds=4)
    admin = _populate(cerberus)
    database = f"sqlite:///{layout.mlflow_db}"
    subprocess.run(
        [sys.executable, "-m", "studio.local.mlflow_database"],
        check=True,
        cwd=ROOT,
        env={**os.environ, "MLFLOW_BACKEND_STORE_URI": database},
        capture_output=True,
    )
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        applications = services(layout, Settings(), ports_of(CerberusSettings(), Settings()))
        needed = [service for service in applications if service.name != "cerberus"]
        for service in needed:
            log = (layout.logs / f"{service.name}.log").open("wb")
            processes[service.name] = subprocess.Popen(
                service.command, env=dict(service.environment), cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )
        for service in needed:
            _wait_for(service.health_url, processes[service.name], layout.logs / f"{service.name}.log")
        _seed(cerberus)
        yield cerberus, admin, processes
    finally:
        for process in processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in processes.values():
            process.wait(20)
        cerberus.close()


def _populate(cerberus: Cerberus) -> Actor:
    cerberus.migrate()
    for name in ("admin", "alice", "bob", "charlie", "dana"):
        cerberus.people.create_user(SYSTEM, name, display_name=name.title(), password=PASSWORD, admin=name == "admin")
    admin = Actor(cerberus.decisions.access_of_name("admin").principal)
    cerberus.projects.create(admin, "fraud", name="Fraud detection", description="Payments that are not what they seem")
    cerberus.projects.create(admin, "churn", name="Churn")
    for subject, role in (("alice", "maintainer"), ("dana", "contributor"), ("bob", "viewer")):
        cerberus.projects.add_member(admin, "fraud", subject=subject, role=role)
    cerberus.projects.add_member(admin, "churn", subject="alice", role="viewer")
    return admin


def _seed(cerberus: Cerberus) -> None:
    dana = Actor(cerberus.decisions.access_of_name("dana").principal)
    token = cerberus.tokens.create(dana, "seed", scopes=(Scope.READ, Scope.WRITE), project="fraud", days=1).secret
    environment = {**os.environ, "MLFLOW_TRACKING_URI": os.environ["STUDIO_MLFLOW_URL"], "MLFLOW_TRACKING_TOKEN": token}
    done = subprocess.run([sys.executable, "-c", SEED], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def _free_ports(number: int) -> list[int]:
    probes = [socket.socket() for _ in range(number)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 240
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    pytest.fail(f"{url} does not answer:\n{log.read_text()[-3000:]}")


@pytest.fixture
def visit(chromium: Any, town: Town) -> Iterator[Callable[..., Any]]:
    """Opens a browser of its own: `visit("/members?project=fraud", who="alice")` gives the page, signed in."""
    contexts: list[Any] = []

    def open_page(path: str = "/", *, who: str | None = None, password: str = PASSWORD, **options: Any) -> Any:
        options = {"viewport": {"width": 1440, "height": 900}, **options}
        contexts.append(chromium.new_context(base_url=town.studio, **options))
        contexts[-1].set_default_timeout(20_000)
        page = contexts[-1].new_page()
        page.goto(path)
        if who is not None:
            sign_in(page, who, password)
            page.get_by_role("button", name="Sign out").wait_for(state="attached")
        return page

    yield open_page
    for context in contexts:
        context.close()


def sign_in(page: Any, who: str, password: str = PASSWORD) -> None:
    """Fill in the form and send it."""
    page.get_by_label("User name").fill(who)
    page.get_by_role("textbox", name="Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.fixture
def fill_in() -> Callable[..., None]:
    """The form, filled in and sent."""
    return sign_in
