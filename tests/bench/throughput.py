"""Requests a second of two gunicorns with the same configuration, asked in turns."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

HERE = Path(__file__).parent
WORKERS = "2"
CLIENTS = 8
SECONDS = 2.0
ROUNDS = 5


def compare(database_url: str, token: str, project: str) -> tuple[float, float]:
    """
    Checks a second of the API and of an empty Flask route: the best of five rounds each.
    """
    with ExitStack() as stack:
        api = stack.enter_context(_served("cerberus.api:create_app()", database_url))
        empty = stack.enter_context(_served("empty_app:create_app()", database_url))
        request = _request(token, project)
        best = {api: 0.0, empty: 0.0}
        for _ in range(ROUNDS):
            for port in best:
                best[port] = max(best[port], _per_second(port, request))
    return best[api], best[empty]


def _request(token: str, project: str) -> bytes:
    body = json.dumps({"verb": "read", "kind": "experiment", "project": project, "id": "7"})
    head = ("POST /api/v1/check HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}")
    head += ("Content-Type: application/json", f"Content-Length: {len(body)}")
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


def _per_second(port: int, request: bytes) -> float:
    counts: list[int] = []
    until = time.perf_counter() + SECONDS
    clients = [Thread(target=lambda: counts.append(_ask(port, request, until))) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return sum(counts) / SECONDS


def _ask(port: int, request: bytes, until: float) -> int:
    done = 0
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        while time.perf_counter() < until:
            connection.sendall(request)
            answer = connection.recv(65536)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"not an answer: {answer[:300]!r}")
            head, _, body = answer.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            while len(body) < length:
                body += connection.recv(65536)
            done += 1
    return done


@contextmanager
def _served(application: str, database_url: str) -> Iterator[int]:
    """
    The port of a gunicorn that answers.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    gunicorn = str(Path(sys.executable).parent / "gunicorn")
    options = ["--config", "python:cerberus.serving", "--workers", WORKERS, "--keep-alive", "30"]
    environment = {**os.environ, "CERBERUS_DATABASE_URL": database_url, "PYTHONPATH": f"{Path.cwd()}:{HERE}"}
    server = subprocess.Popen(
        [gunicorn, *options, "--bind", f"127.0.0.1:{port}", application],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(port)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def _wait(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            time.sleep(2)  # a worker or two may still be starting
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("gunicorn does not answer")
