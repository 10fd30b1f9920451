"""What is asked very often takes a short way past Flask: the same answers, word for word, whichever way is taken."""

import io
import json
import logging
from typing import Any

import pytest
from werkzeug.test import TestResponse

from cerberus.api import create_app
from cerberus.api.direct import Direct
from cerberus.api.endpoint import EXTENSION, Endpoint
from cerberus.errors import Unavailable
from cerberus.policy import Scope

CHECK = {"verb": "read", "kind": "experiment", "project": "fraud"}
CHECKS = {"checks": [CHECK, {"verb": "manage", "kind": "project", "project": "nowhere", "id": "nowhere"}]}
JSON = {"Content-Type": "application/json"}


def flasks_way(address: str) -> dict[str, Any]:
    """The same request, of whose address it is not said how it was spelled."""
    return {"environ_overrides": {"RAW_URI": f"{address}?"}}


class Counting:
    """How often the app was asked in Flask's way."""

    def __init__(self, app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times, dispatch = 0, app.full_dispatch_request

        def noted() -> Any:
            self.times += 1
            return dispatch()

        monkeypatch.setattr(app, "full_dispatch_request", noted)


@pytest.fixture
def flask(app, monkeypatch) -> Counting:
    return Counting(app, monkeypatch)


def told(response: TestResponse) -> tuple[int, dict[str, str], Any]:
    """An answer without what differs from request to request."""
    headers = {name: value for name, value in response.headers.items() if name not in ("X-Request-ID", "Date")}
    body = response.get_json()
    if isinstance(body, dict) and "request_id" in body:
        assert body.pop("request_id") == response.headers["X-Request-ID"]
    return response.status_code, headers, body


def as_sent(body: Any, **headers: str) -> dict[str, Any]:
    """A body and headers as a client sends them."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return {"data": data, "headers": {**JSON, **headers}}


ASKED: dict[str, tuple[str, dict[str, Any], int]] = {
    "a question": ("/check", as_sent(CHECK), 200),
    "many": ("/checks", as_sent(CHECKS), 200),
    "a client's own id": ("/check", as_sent(CHECK, **{"X-Request-ID": "mine"}), 200),
    "a name in another script": ("/check", as_sent({**CHECK, "id": "Übung"}), 200),
    "spelled with a charset": ("/check", as_sent(CHECK, **{"Content-Type": "application/json; charset=utf-8"}), 200),
    "no body": ("/check", as_sent(b""), 400),
    "no JSON": ("/check", as_sent(b"{"), 400),
    "a field twice": ("/check", as_sent(b'{"verb":"read","verb":"read","kind":"experiment","project":"fraud"}'), 400),
    "half a letter": ("/check", as_sent({**CHECK, "id": "\ud800"}), 422),
    "no object": ("/check", as_sent([CHECK]), 422),
    "an unknown field": ("/check", as_sent({**CHECK, "more": 1}), 422),
    "a wrong type": ("/check", as_sent({**CHECK, "project": 7}), 422),
    "no questions": ("/checks", as_sent({"checks": []}), 422),
    "too many": ("/checks", as_sent({"checks": [CHECK] * 101}), 422),
    "too large": ("/check", as_sent(b'"' + b"x" * 70_000 + b'"'), 413),
    "not sent as JSON": ("/check", as_sent(CHECK, **{"Content-Type": "text/plain"}), 415),
    "compressed": ("/check", as_sent(CHECK, **{"Content-Encoding": "gzip"}), 415),
    "no credential": ("/check", as_sent(CHECK, Authorization=""), 401),
    "an unknown one": ("/check", as_sent(CHECK, Authorization="Bearer mls_" + "a" * 49), 401),
}


@pytest.mark.parametrize("name", ASKED)
def test_both_ways_answer_the_same(api, flask, name):
    path, sent, status = ASKED[name]
    short = api.as_("bob").post(path, **sent)
    assert (short.status_code, flask.times) == (status, 0)
    long = api.as_("bob").post(path, **sent, **flasks_way(f"/api/v1{path}"))
    assert flask.times == 1
    assert told(short) == told(long)


@pytest.mark.parametrize("who", ["alice", "bob", "charlie", "admin"])
def test_both_ways_allow_the_same(api, flask, who):
    questions = {
        "checks": [{**CHECK, "verb": verb} for verb in ("read", "use", "create", "update", "delete", "manage")]
    }
    short = api.as_(who).post("/checks", json=questions)
    long = api.as_(who).post("/checks", json=questions, **flasks_way("/api/v1/checks"))
    assert (short.status_code, flask.times) == (200, 1)
    assert told(short) == told(long)


def test_a_token_to_read_may_ask(api):
    assert api.as_("bob", scopes=frozenset({Scope.READ})).post("/check", json=CHECK).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
def test_another_method_is_flasks_to_refuse(api, flask, method):
    assert api.as_("bob").call(method, "/check").status_code == 405
    assert flask.times == 1


@pytest.mark.parametrize(
    "spelled", ["/api/v1/check?", "//api/v1/check", "/api/v1/%63heck", "http://other/api/v1/check"]
)
def test_an_address_spelled_otherwise_is_flasks(api, flask, spelled):
    bob = api.as_("bob")
    bob.client.post("/api/v1/check", json=CHECK, headers=bob.headers, environ_overrides={"RAW_URI": spelled})
    assert flask.times == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"HTTP_HOST": "a..b"},
        {"HTTP_HOST": ".a"},
        {"HTTP_HOST": "a."},
        {"HTTP_HOST": "x" * 64},
        {"HTTP_HOST": "[::1]:5000"},
        {"HTTP_HOST": "a/b"},
        {"HTTP_HOST": "\xfc"},
        {"HTTP_HOST": ""},
        {"HTTP_CONNECTION": "upgrade", "HTTP_UPGRADE": "websocket"},
    ],
    ids=str,
)
def test_a_host_or_a_protocol_that_routing_may_refuse_is_flasks(api, flask, odd):
    bob = api.as_("bob")
    bob.client.post("/api/v1/check", json=CHECK, headers=bob.headers, environ_overrides=odd)
    assert bob.client.post("/api/v1/check", json=CHECK, headers=bob.headers).status_code == 200
    assert flask.times == 1


def test_a_body_without_a_length_is_read_to_its_end(api):
    """In chunks: the server marks where such a body ends."""
    body = json.dumps(CHECK).encode()
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True, "wsgi.input": io.BytesIO(body)}
    response = api.as_("bob").post("/check", headers=JSON, environ_overrides=chunked)
    assert response.get_json()["allowed"] is True


def test_a_database_that_is_away_is_told(api, app, flask, monkeypatch):
    caller = api.as_("bob")

    def away() -> int:
        raise Unavailable("Cerberus' database cannot be reached.")

    monkeypatch.setattr(app.extensions[EXTENSION]._database, "version", away)
    response = caller.post("/check", json=CHECK)
    assert (response.status_code, response.headers["Retry-After"], flask.times) == (503, "1", 0)


def test_a_fault_names_the_request_and_nothing_else(api, flask, monkeypatch, caplog):
    def broken(*_: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr("cerberus.api.checks.answer", broken)
    bob = api.as_("bob")
    response = bob.client.post("/api/v1/check", json=CHECK, headers=bob.headers)
    assert (response.status_code, flask.times) == (500, 0)
    assert "secret" not in response.get_data(as_text=True)
    assert response.headers["X-Request-ID"] in caplog.text


def test_both_ways_leave_the_same_line_and_are_counted_alike(api, caplog):
    def counted() -> float:
        text = api.as_(None).client.get("/metrics").get_data(as_text=True)
        start = 'cerberus_http_requests_total{endpoint="checks.check",method="POST",status="2xx"}'
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(start))

    before = counted()
    with caplog.at_level(logging.INFO, logger="cerberus.api.requests"):
        api.as_("bob").post("/check", json=CHECK)
        api.as_("bob").post("/check", json=CHECK, **flasks_way("/api/v1/check"))
    lines = [json.loads(record.message) for record in caplog.records if record.name == "cerberus.api.requests"]
    for line in lines:
        assert line.pop("request_id")
        assert line.pop("ms") >= 0
        del line["time"]
    assert lines[0] == lines[1]
    assert lines[0]["who"] == "bob"
    assert counted() == before + 2


def test_only_questions_can_be_asked_so(cerberus):
    """A change needs Flask's contexts, for its ETag or its idempotency key: it cannot be declared so by mistake."""
    app = create_app(cerberus=cerberus)
    change = next(each for each in app.view_functions.values() if isinstance(each, Endpoint) and each.once)
    object.__setattr__(change, "direct", True)
    try:
        with pytest.raises(TypeError, match="cannot be answered"):
            Direct(app)
    finally:
        object.__setattr__(change, "direct", False)
