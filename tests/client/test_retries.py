"""
While Cerberus is away for a moment, the client waits; it repeats nothing that could then happen twice.
"""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cerberus.client import Client
from cerberus.client import connection as client_module
from cerberus.errors import CerberusError, Stale, Throttled, Unavailable

ANSWER = {"allowed": True, "visible": True, "reason": "granted", "detail": "yes"}
PROBLEM = {"code": "unavailable", "detail": "The database is away."}


class BrokenOff(bytes):
    """An answer of which a part never comes."""


class Stuttering(ThreadingHTTPServer):
    """Gives each of the prepared answers once, and the last one forever."""

    def __init__(self, answers: list[tuple[int, object]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = answers
        self.requests = 0
        self.keys: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    server: Stuttering

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests += 1
        self.server.keys.append(self.headers.get("Idempotency-Key"))
        status, body = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text) + 10 * isinstance(body, BrokenOff)))
        self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_DELETE = do_POST

    def log_message(self, *arguments: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def stuttering(monkeypatch) -> Iterator[Callable[..., tuple[Stuttering, Client]]]:
    monkeypatch.setattr(client_module, "FIRST_PAUSE", 0.01)
    servers: list[Stuttering] = []

    def start(*answers: tuple[int, object]) -> tuple[Stuttering, Client]:
        server = Stuttering(list(answers))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server, Client(f"http://127.0.0.1:{server.server_port}", "mls_x", retries=3)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_question_is_asked_again_until_it_is_answered(stuttering):
    server, client = stuttering((503, PROBLEM), (503, PROBLEM), (200, ANSWER))
    assert client.can("read", "experiment", "fraud")
    assert server.requests == 3


def test_an_answer_that_breaks_off_is_asked_for_again(stuttering):
    server, client = stuttering((200, BrokenOff(b'{"allowed"')), (200, ANSWER))
    assert client.can("read", "experiment", "fraud")
    assert server.requests == 2


def test_a_file_that_breaks_off_is_no_whole_one(stuttering):
    _, client = stuttering((200, BrokenOff(b"id,at")))
    with pytest.raises(Unavailable):
        list(client.audit.export())


def test_patience_ends(stuttering):
    server, client = stuttering((503, PROBLEM))
    with pytest.raises(Unavailable, match="The database is away"):
        client.me()
    assert server.requests == 4


def test_a_token_is_asked_for_again_under_the_same_key(stuttering):
    server, client = stuttering((503, PROBLEM), (409, {"code": "in_progress", "detail": "Wait."}), (503, PROBLEM))
    with pytest.raises(Unavailable):
        client.create_token("x")
    assert server.requests == 4
    assert len(set(server.keys)) == 1
    assert server.keys[0]
    with pytest.raises(Unavailable):
        client.create_token("x")
    assert len(set(server.keys)) == 2


def test_what_may_happen_twice_needs_no_key(stuttering):
    server, client = stuttering((200, ANSWER))
    client.can("read", "experiment", "fraud")
    assert server.keys == [None]


def test_a_password_is_not_tried_again(stuttering):
    server, client = stuttering((503, PROBLEM))
    with pytest.raises(Unavailable):
        client.sign_in("alice", "x")
    assert server.keys == [None]


def test_a_thing_that_moved_on_is_told_as_such(stuttering):
    _, client = stuttering((412, {"code": "stale", "detail": "It is no longer as you last saw it."}))
    with pytest.raises(Stale):
        client.remove_member("fraud", "dana")


def test_too_many_failures_say_how_long_to_wait(stuttering):
    _, client = stuttering((429, {"code": "throttled", "detail": "Too many."}))
    with pytest.raises(Throttled) as refusal:
        client.sign_in("alice", "x")
    assert refusal.value.retry_after == 7


@pytest.mark.parametrize(("status", "body"), [(502, b"<html>"), (500, b"[]"), (302, b""), (500, b'{"code": 1}')])
def test_what_is_not_cerberus_gives_a_readable_error(stuttering, status, body):
    _, client = stuttering((status, body))
    with pytest.raises(CerberusError) as fault:
        client.me()
    assert fault.value.message


def test_what_claims_success_but_is_no_json_gives_a_readable_error(stuttering):
    _, client = stuttering((200, b"<html>a proxy's sign-in page</html>"))
    with pytest.raises(CerberusError) as fault:
        client.me()
    assert "CERBERUS_URL" in fault.value.hint
