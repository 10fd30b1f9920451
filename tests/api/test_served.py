"""
The API as gunicorn serves it, with its own configuration: what a socket can do to it that no test client can.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from cerberus.policy import ALL_SCOPES

CHECK = b'{"verb":"read","kind":"experiment","project":"fraud"}'
JSON = b"Content-Type: application/json\r\n"


@pytest.fixture
def served(cerberus, cast, database_url, free_port, tmp_path) -> Iterator[int]:
    """
    The port of a server with two workers; it ends with the test.
    """
    environment = {
        **os.environ,
        "CERBERUS_DATABASE_URL": database_url,
        "CERBERUS_TRUSTED_PROXIES": "1",
        "MLSTUDIO_DATA": str(tmp_path),
        "MLSTUDIO_SECRETS_DIR": str(tmp_path / "none"),
        "TMPDIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "gunicorn", "--config", "python:cerberus.serving"]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "--bind", f"127.0.0.1:{free_port}", "cerberus.api:create_app()"],
            env=environment,
            stdout=log,
            stderr=log,
            cwd=Path(__file__).parents[2],
        )
    deadline = time.monotonic() + 60
    while True:
        try:
            requests.get(f"http://127.0.0.1:{free_port}/livez", timeout=5)
            break
        except requests.ConnectionError:
            assert server.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.2)
    yield free_port
    server.terminate()
    assert server.wait(30) == 0
    assert not list(tmp_path.glob("cerberus-metrics-*"))


def said(port: int, sent: bytes, *, then: bytes = b"", patience: float = 30) -> bytes:
    """
    What the server answers to these bytes, and to `then` as often as it takes them; empty when it just hangs up.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        try:
            connection.sendall(sent)
            for _ in range(10_000 if then else 0):
                connection.sendall(then)
        except OSError:
            pass  # it has heard enough
        try:
            return connection.recv(65_536)
        except ConnectionResetError:
            return b""


def request(line: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    return line + b" HTTP/1.1\r\nHost: cerberus\r\n" + b"".join(headers) + b"\r\n" + body


def test_odd_requests_are_refused_and_none_is_a_fault(served, cast):
    bearer = f"Authorization: Bearer {cast.token('bob', scopes=ALL_SCOPES)}\r\n".encode()
    length = b"Content-Length: %d\r\n" % len(CHECK)
    chunked = b"Transfer-Encoding: chunked\r\n"
    post = b"POST /api/v1/check"
    cases = {
        "fine": (200, request(post, bearer, JSON, length, body=CHECK)),
        "a long line": (400, request(b"GET /" + b"a" * 9000)),
        "a large header": (431, request(b"GET /livez", b"X: " + b"a" * 20_000 + b"\r\n")),
        "many headers": (431, request(b"GET /livez", *(b"X%d: a\r\n" % number for number in range(100)))),
        "trace": (405, request(b"TRACE /api/v1/me", bearer)),
        "options": (405, request(b"OPTIONS /api/v1/me", bearer)),
        "an overridden method": (
            405,
            request(b"POST /api/v1/projects/fraud", bearer, b"X-HTTP-Method-Override: DELETE\r\nContent-Length: 0\r\n"),
        ),
        "two tokens": (401, request(b"GET /api/v1/me", bearer, b"Authorization: Bearer x\r\n")),
        "two lengths": (400, request(post, bearer, JSON, length, b"Content-Length: 3\r\n", body=CHECK)),
        "length and chunks": (400, request(post, bearer, JSON, length, chunked, body=CHECK)),
        "two types": (400, request(post, bearer, JSON, JSON, length, body=CHECK)),
        "compressed": (415, request(post, bearer, JSON, length, b"Content-Encoding: gzip\r\n", body=CHECK)),
        "another charset": (
            415,
            request(post, bearer, b"Content-Type: application/json; charset=utf-16\r\n", length, body=CHECK),
        ),
        "a trailer": (
            400,
            request(post, bearer, JSON, chunked, body=b"1\r\n{\r\n0\r\nAuthorization: x\r\n\r\n"),
        ),
        "no chunk": (400, request(post, bearer, JSON, chunked, body=b"zz\r\n\r\n")),
        "too long": (413, request(post, bearer, JSON, b"Content-Length: 99999999999\r\n", body=b"{")),
        "two slashes": (404, request(b"GET //api/v1/me", bearer)),
        "a slash in disguise": (404, request(b"GET /api%2Fv1/me", bearer)),
        "a parameter of the path": (404, request(b"GET /api/v1/me;x=1", bearer)),
        "a slash too many": (404, request(b"GET /api/v1/me/", bearer)),
        "upwards": (404, request(b"GET /api/v1/projects/../me", bearer)),
        "two of a parameter": (422, request(b"GET /api/v1/projects?limit=1&limit=2", bearer)),
    }
    got = {name: int(said(served, sent).split()[1]) for name, (_, sent) in cases.items()}
    assert got == {name: status for name, (status, _) in cases.items()}


def test_chunks_without_end_are_cut_off(served, cast):
    bearer = f"Authorization: Bearer {cast.token('bob')}\r\n".encode()
    sent = request(b"POST /api/v1/check", bearer, JSON, b"Transfer-Encoding: chunked\r\n")
    answer = said(served, sent, then=b"2000\r\n" + b"a" * 8192 + b"\r\n")
    assert answer == b"" or b" 413 " in answer.splitlines()[0]


def test_as_many_slow_clients_as_there_are_threads_keep_nobody_out_for_long(served):
    slow = [socket.create_connection(("127.0.0.1", served), timeout=60) for _ in range(16)]
    for connection in slow:
        connection.sendall(b"POST /api/v1/sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
    before = time.monotonic()
    assert requests.get(f"http://127.0.0.1:{served}/livez", timeout=90).status_code == 200
    assert time.monotonic() - before < 40
    for connection in slow:
        connection.close()


def test_workers_count_together(served):
    url = f"http://127.0.0.1:{served}"
    for _ in range(20):
        requests.get(f"{url}/livez", timeout=10)  # a new connection each: now this worker, now that one
    name = 'cerberus_http_requests_total{endpoint="health.livez",method="GET",status="2xx"} '
    (line,) = [line for line in requests.get(f"{url}/metrics", timeout=10).text.splitlines() if line.startswith(name)]
    assert float(line.removeprefix(name)) >= 20


def test_behind_a_proxy_the_client_is_who_the_proxy_says(served, tmp_path):
    forwarded = {"X-Forwarded-For": "198.51.100.7, 203.0.113.9"}
    requests.get(f"http://127.0.0.1:{served}/api/v1/me", headers=forwarded, timeout=10)
    assert '"address": "203.0.113.9"' in (tmp_path / "log").read_text()
    assert requests.get(f"http://127.0.0.1:{served}/metrics", headers=forwarded, timeout=10).status_code == 403


def test_a_request_leaves_one_line(served, tmp_path):
    url = f"http://127.0.0.1:{served}/api/v1/me"
    for number in range(20):
        requests.get(url, headers={"X-Request-ID": f"one-{number}"}, timeout=10)
    lines = [line for line in (tmp_path / "log").read_text().splitlines() if '"one-' in line]
    assert sorted(json.loads(line)["request_id"] for line in lines) == sorted(f"one-{number}" for number in range(20))


def test_without_a_proxy_nobody_says_who_they_are(app):
    response = app.test_client().get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})
    assert response.status_code == 403
