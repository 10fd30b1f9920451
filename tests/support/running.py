"""A whole ML Studio as `make run` starts it, on free ports and in a directory of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 240
READY = "ML Studio is ready."


@dataclass
class Launched:
    """One `make run`: its process, what it printed, and where everything is."""

    process: subprocess.Popen[bytes]
    output: Path
    data: Path
    cerberus: str
    mlflow: str
    studio: str

    @property
    def printed(self) -> str:
        """Everything so far."""
        return self.output.read_text()

    def wait_until_ready(self) -> None:
        """Returns once the addresses are printed; fails with what was printed instead."""
        deadline = time.monotonic() + SECONDS
        while READY not in self.printed:
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"make run did not get ready:\n{self.printed[-5000:]}")
            time.sleep(0.3)

    def family(self) -> list[psutil.Process]:
        """Every process that it started, however deep."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def password(self, name: str = "admin") -> str:
        """From the file that says how to sign in."""
        lines = (self.data / "sign-in.txt").read_text().splitlines()
        return next(line.split()[1] for line in lines if line.split()[:1] == [name])

    def sign_in(self, name: str = "admin") -> str:
        """A token of Cerberus' own API."""
        answer = requests.post(
            f"{self.cerberus}/api/v1/sign-in", json={"name": name, "password": self.password(name)}, timeout=20
        )
        answer.raise_for_status()
        return str(answer.json()["token"])

    def ask(self, method: str, path: str, token: str, **body: Any) -> Any:
        """One request to Cerberus' API."""
        answer = requests.request(
            method,
            f"{self.cerberus}/api/v1/{path}",
            json=body or None,
            headers={"Authorization": f"Bearer {token}"},
            timeout=20,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None


def environment_for(data: Path, ports: tuple[int, int, int]) -> dict[str, str]:
    """
    What `make run` needs to stay away from everything else on this machine.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CERBERUS_", "STUDIO_", "ML"))}
    cerberus, mlflow, studio = (f"http://127.0.0.1:{port}" for port in ports)
    return {
        **kept,
        "MLSTUDIO_DATA": str(data),
        "MLSTUDIO_SECRETS_DIR": str(data / "no-such-directory"),
        "CERBERUS_PUBLIC_URL": cerberus,
        "MLFLOW_PUBLIC_URL": mlflow,
        "STUDIO_PUBLIC_URL": studio,
        "MLFLOW_WORKERS": "1",
    }


def free_ports() -> tuple[int, int, int]:
    """
    Three ports that nobody listens on now.
    """
    probes = [socket.socket() for _ in range(3)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    first, second, third = (probe.getsockname()[1] for probe in probes)
    for probe in probes:
        probe.close()
    return first, second, third


def data_directory(path: Path) -> Path:
    """
    An empty data directory in which `make run` makes no demo data.
    """
    path.mkdir(mode=0o700)
    (path / "mlstudio.lock").touch(mode=0o600)
    (path / "demo-done").touch(mode=0o600)
    return path


def start(data: Path, output: Path) -> Launched:
    """
    `python -m studio.local run`, which is what `make run` does, in a process group of its own.
    """
    ports = free_ports()
    environment = environment_for(data, ports)
    with output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "studio.local", "run"],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    addresses = (environment[f"{name}_PUBLIC_URL"] for name in ("CERBERUS", "MLFLOW", "STUDIO"))
    return Launched(process, output, data, *addresses)


@contextmanager
def _stopped_at_the_end() -> Iterator[Callable[..., Launched]]:
    launched: list[Launched] = []

    def launch(data: Path, output: Path) -> Launched:
        launched.append(start(data, output))
        return launched[-1]

    try:
        yield launch
    finally:
        for one in launched:
            if one.process.poll() is None:
                one.process.send_signal(signal.SIGTERM)
                one.process.wait(60)


@pytest.fixture
def launch() -> Iterator[Callable[..., Launched]]:
    """Starts an ML Studio that is gone after the test: `launch(data, output)`."""
    with _stopped_at_the_end() as launch:
        yield launch


@pytest.fixture(scope="session")
def ml_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launched]:
    """One ML Studio for every test that only uses it, without demo data."""
    directory = tmp_path_factory.mktemp("ml-studio")
    with _stopped_at_the_end() as launch:
        launched = launch(data_directory(directory / "data"), directory / "output")
        launched.wait_until_ready()
        yield launched
