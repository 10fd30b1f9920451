"""
Real servers: the API under gunicorn as it runs for people, and a MySQL of one's own that can be killed and frozen.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]
UID = "mysql"


@dataclass
class Api:
    """The API at an address, and tokens for it."""

    url: str
    cast: Any
    process: "subprocess.Popen[bytes]"
    tokens: dict[str, str] = field(default_factory=dict)

    def ask(self, who: str, method: str, path: str, body: Any = None, *, timeout: float = 30) -> requests.Response:
        """One request with somebody's token, or with none, on a connection of its own."""
        headers = {"Connection": "close", **({"Authorization": f"Bearer {self.tokens[who]}"} if who else {})}
        return requests.request(method, f"{self.url}/api/v1{path}", json=body, headers=headers, timeout=timeout)

    def at_once(self, calls: list[tuple[Any, ...]]) -> list[int]:
        """The statuses of requests that all begin at the same moment."""
        gate, statuses = threading.Barrier(len(calls)), [0] * len(calls)

        def do(place: int) -> None:
            gate.wait(30)
            statuses[place] = self.ask(*calls[place]).status_code

        threads = [threading.Thread(target=do, args=(place,)) for place in range(len(calls))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return statuses


@contextmanager
def serving_on(database_url: str, cast: Any, directory: Path) -> Iterator[Api]:
    """
    gunicorn with four workers, as it runs for people.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "CERBERUS_DATABASE_URL": database_url,
        "CERBERUS_WORKERS": "4",
        "MLSTUDIO_DATA": str(directory),
        "MLSTUDIO_SECRETS_DIR": str(directory / "none"),
    }
    command = [str(BIN / "gunicorn"), "--config", "python:cerberus.serving", "--bind", f"127.0.0.1:{port}"]
    with (directory / "api.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "cerberus.api:create_app()"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: requests.get(f"{url}/readyz", timeout=5).ok, seconds=60)
        yield Api(url, cast, process)
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """The API on a database: `with serving(database_url, cast) as api`."""
    return lambda database_url, cast: serving_on(database_url, cast, tmp_path_factory.mktemp("api"))


def wait_until(done: Callable[[], bool], *, seconds: float) -> float:
    """How long it took until that was so; fails when it takes longer than it may."""
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        with suppress(requests.RequestException, OSError):
            if done():
                return time.monotonic() - began
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} seconds")


@dataclass
class Mysql:
    """A MySQL server of one's own."""

    directory: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Where Cerberus' database is."""
        return f"mysql+pymysql://root@127.0.0.1:{self.port}/cerberus"

    def start(self) -> None:
        """Starts it, and returns at once."""
        options = ["--no-defaults", f"--datadir={self.directory}", "--bind-address=127.0.0.1", f"--port={self.port}"]
        files = [f"--socket={self.directory}/s", f"--pid-file={self.directory}/pid", "--skip-log-bin"]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [shutil.which("mariadbd") or "mariadbd", *options, *files],
                stdout=log,
                stderr=log,
                **({"user": UID, "group": UID} if os.getuid() == 0 else {}),
            )

    def send(self, number: int) -> None:
        """A signal: SIGKILL, SIGSTOP, SIGCONT."""
        assert self.process is not None
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait(30)

    def answers_now(self) -> bool:
        """The same, and no where it refuses them."""
        with suppress(OSError):
            return self.answers()
        return False

    def answers(self) -> bool:
        """Whether it takes connections and greets them."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            return bool(connection.recv(1))


@pytest.fixture
def mysql() -> Iterator[Mysql]:
    """A MySQL that may be killed, with an empty database `cerberus`."""
    if shutil.which("mariadbd") is None:
        pytest.skip("there is no mariadbd to be killed")
    directory = Path(tempfile.mkdtemp(prefix="mlstudio-mysql-"))
    if os.getuid() == 0:
        shutil.chown(directory, UID, UID)
    as_user = {"user": UID, "group": UID} if os.getuid() == 0 else {}
    install = ["mariadb-install-db", "--no-defaults", f"--datadir={directory}", "--skip-test-db"]
    subprocess.run([*install, "--auth-root-authentication-method=normal"], check=True, capture_output=True, **as_user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server = Mysql(directory, probe.getsockname()[1])
    server.start()
    wait_until(server.answers, seconds=60)
    make_database(server)
    yield server
    server.send(signal.SIGCONT)
    server.send(signal.SIGKILL)
    shutil.rmtree(directory, ignore_errors=True)


def make_database(server: Mysql) -> None:
    """An empty database."""
    from sqlalchemy import create_engine

    engine = create_engine(server.url.rpartition("/")[0], isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE cerberus CHARACTER SET utf8mb4")
    engine.dispose()
