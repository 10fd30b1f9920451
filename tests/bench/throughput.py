"""Requests a second of two gunicorns with the same configuration, asked in turns."""

import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

HERE = Path(__file__).parent
WORKERS = "2"
CLIENTS = 8
SECONDS = 2.0
ROUNDS = 5
LENGTH = re.compile(rb"(?i)content-length: ([0-9]+)")


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
    """
    How many answers came to clients of which each asks again as soon as it is answered. One thread does it all: many
    would wait for one another, which costs the faster server more.
    """
    done, until = 0, time.perf_counter() + SECONDS
    with ExitStack() as stack:
        ready = stack.enter_context(selectors.DefaultSelector())
        for _ in range(CLIENTS):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            connection.sendall(request)
            ready.register(connection, selectors.EVENT_READ, bytearray())
        while time.perf_counter() < until:
            for key, _ in ready.select(10):
                key.data.extend(key.fileobj.recv(65536))
                if _is_whole(key.data):
                    done += 1
                    key.data.clear()
                    key.fileobj.sendall(request)
    return done / SECONDS


def _is_whole(answer: bytearray) -> bool:
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"not an answer: {bytes(answer[:300])!r}")
    head, end, body = answer.partition(b"\r\n\r\n")
    length = LENGTH.search(head)
    return bool(end) and length is not None and len(body) >= int(length[1])


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
