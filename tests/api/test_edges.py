"""
What no description covers: malformed headers and bodies, secrets in logs, request ids, the database away.
"""

import base64
import io
import json
import logging

import pytest

from cerberus.api import create_app
from cerberus.errors import Unavailable
from cerberus.policy import ALL_SCOPES
from cerberus.service import Cerberus
from cerberus.settings import Settings

CHECK = {"verb": "read", "kind": "experiment", "project": "fraud"}


def basic(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer mls_",
        "Bearer mls_" + "a" * 49,
        "Bearer " + "x" * 5000,
        "Bearer \xff\xfe",
        "bearer mls_x mls_y",
        "Basic",
        "Basic !!!",
        "Basic " + "A" * 3,
        basic(b"no colon"),
        basic(b"alice:three blue-ish horses"),
        basic(b"\xff\xfe:\xff"),
        basic(b"alice:mls_x\x00"),
        "Digest username=x",
        "Negotiate abc",
        "mls_x",
        "Bearer,Bearer",
    ],
)
def test_a_malformed_credential_is_refused_and_told_how(api, is_problem, header):
    problem = is_problem(api.as_(None).get("/me", headers={"Authorization": header}), 401)
    assert problem["hint"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(api, cast, scheme):
    token = cast.token("bob")
    assert api.as_(None).get("/me", headers={"Authorization": f"{scheme} {token}"}).status_code == 200


def test_the_token_is_taken_as_a_password_too(api, cast):
    header = basic(f"anything:{cast.token('bob')}".encode())
    assert api.as_(None).get("/me", headers={"Authorization": header}).get_json()["name"] == "bob"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"", 400, None),
        (b"\xff\xfe", 400, None),
        (b"nonsense", 400, None),
        (b'{"verb": NaN}', 400, None),
        (b'{"verb": 1' + b"0" * 5000 + b"}", 400, None),
        (b'{"verb": "read", "verb": "manage"}', 400, None),
        (b"[" * 30_000, 400, None),
        (b'{"a":' * 10_000, 400, None),
        (b"null", 422, None),
        (b'"{}"', 422, None),
        (b"{}", 422, "verb"),
        (json.dumps({**CHECK, "verb": "fly"}).encode(), 422, "verb"),
        (json.dumps({**CHECK, "verb": 1}).encode(), 422, "verb"),
        (json.dumps({**CHECK, "project": None}).encode(), 422, "project"),
        (json.dumps({**CHECK, "project": ""}).encode(), 422, "project"),
        (json.dumps({**CHECK, "id": "x" * 257}).encode(), 422, "id"),
        (json.dumps({**CHECK, "id": "a\x00b"}).encode(), 422, "id"),
        (json.dumps({**CHECK, "id": "\ud800"}).encode(), 422, "id"),
        (json.dumps({**CHECK, "\ud800": 1}).encode(), 422, "\\ud800"),
        (json.dumps({**CHECK, "who": "alice"}).encode(), 422, "who"),
    ],
)
def test_a_malformed_body_is_refused_by_name(api, is_problem, body, status, field):
    response = api.as_("bob").post("/check", data=body, content_type="application/json")
    assert is_problem(response, status).get("field") == field


@pytest.mark.parametrize(("size", "status"), [(100, 400), (70_000, 413)])
def test_a_body_in_chunks_is_limited_too(api, is_problem, size, status):
    environ = {"wsgi.input": io.BytesIO(b"[" * size), "wsgi.input_terminated": True}
    headers = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}
    response = api.as_("bob").post("/check", headers=headers, environ_overrides=environ)
    is_problem(response, status)


def test_a_body_that_ends_early_is_refused(api, is_problem):
    whole = json.dumps(CHECK).encode()
    environ = {"wsgi.input": io.BytesIO(whole), "CONTENT_LENGTH": str(len(whole) + 1)}
    response = api.as_("bob").post("/check", content_type="application/json", environ_overrides=environ)
    assert "whole" in is_problem(response, 400)["detail"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/checks", {"checks": []}, "checks"),
        ("/checks", {"checks": [CHECK] * 101}, "checks"),
        ("/checks", {"checks": [CHECK, {**CHECK, "verb": "fly"}]}, "checks.1.verb"),
        ("/tokens", {"name": ""}, "name"),
        ("/tokens", {"name": "a\u202eb"}, "name"),
        ("/tokens", {"name": "x", "days": "90"}, "days"),
        ("/tokens", {"name": "x", "days": True}, "days"),
        ("/tokens", {"name": "x", "days": 366}, "days"),
        ("/tokens", {"name": "x", "scopes": []}, "scopes"),
        ("/tokens", {"name": "x", "scopes": ["root"]}, "scopes.0"),
        ("/projects", {"slug": "Bad Slug"}, "slug"),
        ("/projects", {"slug": "credit", "description": "x" * 2001}, "description"),
        ("/users", {"name": "Zoë!"}, "name"),
        ("/users", {"name": "zoe", "password": "short"}, "password"),
        ("/users", {"name": "zoe", "admin": "yes"}, "admin"),
        ("/me/password", {"current": "three blue-ish horses", "new": "x"}, "new"),
    ],
)
def test_a_wrong_value_is_refused_by_name(api, is_problem, path, body, field):
    assert is_problem(api.as_("admin", scopes=ALL_SCOPES).post(path, body), 422)["field"] == field


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "king"}, "role"),
        ({"role": "viewer", "expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"role": "viewer", "expires_at": "2999-01-01T00:00:00"}, "expires_at"),
        ({"role": "viewer", "expires_at": "9999-12-31T23:59:59-12:00"}, "expires_at"),
        ({"role": "viewer", "expires_at": 1}, "expires_at"),
        ({"role": "viewer", "reason": "x" * 501}, "reason"),
    ],
)
def test_a_wrong_membership_is_refused_by_name(api, is_problem, body, field):
    assert is_problem(api.as_("alice").put("/projects/fraud/members/charlie", body), 422)["field"] == field


@pytest.mark.parametrize("name", ["%00", "a%00b", "%ff", "a%0Ab", "x" * 300, "%E2%80%AE", "..%2f..", "%F0%9F%98%80"])
def test_an_odd_name_in_the_path_is_not_found(api, is_problem, name):
    is_problem(api.as_("admin").get(f"/projects/{name}"), 404)


def test_an_unknown_address_is_a_problem_too(api, is_problem):
    assert "openapi" in is_problem(api.as_(None).get("/nowhere"), 404)["hint"]


def test_every_answer_carries_security_headers(api):
    for response in (api.as_(None).get("/livez"), api.as_(None).get("/me"), api.as_("bob").get("/me")):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
        names = [name.lower() for name, _ in response.headers]
        assert len(names) == len(set(names))
        assert "Strict-Transport-Security" not in response.headers
        assert "Set-Cookie" not in response.headers


def test_over_https_browsers_are_told_to_stay_there(cerberus):
    app = create_app(Settings(cerberus_public_url="https://cerberus.example.org"), cerberus=cerberus)
    assert "max-age" in app.test_client().get("/livez").headers["Strict-Transport-Security"]


def test_a_sane_request_id_is_kept_and_another_is_replaced(api):
    def asked_with(sent):
        return api.as_(None).get("/livez", headers={"X-Request-ID": sent}).headers["X-Request-ID"]

    assert asked_with("build-17.a_B") == "build-17.a_B"
    for odd in ("", "a b", "x" * 65, "é", '"}', "a;b"):
        assert asked_with(odd) not in ("", odd)


def test_a_request_is_one_line_without_secrets(api, cast, caplog):
    caplog.set_level(logging.INFO)
    token = cast.token("bob")
    api.with_token(token).get(f"/projects/{token}?text={cast.password}", headers={"User-Agent": f"curl {token}"})
    api.as_(None).post("/sign-in", {"name": "bob", "password": cast.password})
    lines = [record.getMessage() for record in caplog.records if record.name == "cerberus.api.requests"]
    assert len(lines) == 2
    first = json.loads(lines[0])
    assert (first["method"], first["status"], first["who"]) == ("GET", 422, "bob")
    assert token not in caplog.text
    assert cast.password not in caplog.text


def test_a_refused_value_is_not_repeated(api):
    response = api.as_(None).post("/sign-in", {"name": "bob", "password": ["my secret"]})
    assert response.status_code == 422
    assert "my secret" not in response.get_data(as_text=True)


def test_guessing_passwords_is_slowed_down(api, is_problem, cast):
    visitor = api.as_(None)
    answers = [visitor.post("/sign-in", {"name": "bob", "password": f"guess {number}"}) for number in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    is_problem(visitor.post("/sign-in", {"name": "bob", "password": cast.password}), 429)


def test_who_does_not_exist_is_told_the_same_as_who_mistyped(api):
    visitor = api.as_(None)
    answers = [visitor.post("/sign-in", {"name": name, "password": "x"}).get_json(force=True) for name in ("bob", "no")]
    assert answers[0]["detail"] == answers[1]["detail"]


def test_the_database_away_is_503_and_allows_nothing(is_problem, free_port, monkeypatch):
    url = f"mysql+pymysql://root:s3cret@127.0.0.1:{free_port}/cerberus"
    cerberus = Cerberus(url)
    visitor = create_app(cerberus=cerberus).test_client()
    assert visitor.get("/livez").status_code == 200
    for path in ("/readyz", "/api/v1/me"):
        token = "mls_" + "a" * 10 + "b" * 32
        from cerberus.service.secrets import _checksum

        response = visitor.get(path, headers={"Authorization": f"Bearer {token}{_checksum(token)}"})
        assert is_problem(response, 503)["code"] == "unavailable"
        assert response.headers["Retry-After"]
        assert "s3cret" not in response.get_data(as_text=True)
    cerberus.close()


def test_without_a_schema_it_is_not_ready(tmp_path, is_problem):
    cerberus = Cerberus(f"sqlite:///{tmp_path / 'empty.db'}")
    problem = is_problem(create_app(cerberus=cerberus).test_client().get("/readyz"), 503)
    assert "cerberus migrate" in problem["hint"]
    cerberus.close()


def test_a_fault_of_ours_tells_the_request_and_no_more(app, is_problem, monkeypatch, caplog):
    def broken() -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setitem(app.view_functions, "health.livez", broken)
    problem = is_problem(app.test_client().get("/livez"), 500)
    assert problem["code"] == "internal"
    assert "secret of the house" not in str(problem)
    assert "secret of the house" in caplog.text


def test_an_error_of_a_new_class_is_found_by_its_parent():
    class Gone(Unavailable):
        pass

    from flask import Flask

    from cerberus.api.errors import from_cerberus

    with Flask("x").test_request_context():
        assert from_cerberus(Gone("x")).status_code == 503
