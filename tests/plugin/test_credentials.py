"""Tokens at the server's door: what is accepted, what is refused and how."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cerberus_mlflow.credentials import Credential, credential_of, looks_like_jwt

SEARCH = ("POST", "experiments/search")


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize("user", ["", "token", "dana"])
def test_a_token_is_also_a_password(server: Any, user: str) -> None:
    headers = {"Authorization": basic(user, server.token("dana"))}
    answer = server.ask(None, *SEARCH, json={"max_results": 1}, headers=headers)
    assert answer.status_code == 200


def test_a_token_with_somebody_elses_name_is_refused(server: Any) -> None:
    headers = {"Authorization": basic("alice", server.token("dana"))}
    assert server.ask(None, *SEARCH, json={"max_results": 1}, headers=headers).status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_schemes_name_is_read_in_any_case(server: Any, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {server.token('dana')}"}
    assert server.ask(None, *SEARCH, json={"max_results": 1}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "value",
    [
        None,
        "Bearer",
        "Bearer ",
        "Bearer mls_",
        "Bearer mls_nonsense",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Basic " + base64.b64encode(b"no colon").decode(),
        basic("admin", "password1234"),
        basic("", "three blue-ish horses"),
        basic("nobody", "three blue-ish horses"),
        basic("fraud-readers", "three blue-ish horses"),
        "Digest username=x",
        "Negotiate abc",
        "AWS4-HMAC-SHA256 Credential=x",
        "x" * 5000,
        "mls_x",
        "Bearer mls_\u00e9\u00e9".encode().decode("latin-1"),
    ],
)
@pytest.mark.parametrize("path", ["experiments/search", "/", "/version", "/graphql", "/api/3.0/mlflow/server-info"])
def test_no_token_is_a_clear_401_and_never_500(server: Any, value: str | None, path: str) -> None:
    headers = {} if value is None else {"Authorization": value}
    answer = server.ask(None, "GET", path, headers=headers)
    assert answer.status_code == 401
    assert "account page" in answer.json()["message"]
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_a_name_and_its_password_do_as_in_mlflows_own_access_control(server: Any) -> None:
    headers = {"Authorization": basic("erin", server.cast.password)}
    made = server.ask(None, "POST", "experiments/create", json={"name": "of a password"}, headers=headers)
    assert made.status_code == 200, made.text
    seen = {"experiment_id": made.json()["experiment_id"]}
    assert server.ask("erin", "GET", "experiments/get", params=seen).status_code == 200
    assert server.ask("dana", "GET", "experiments/get", params=seen).status_code == 404
    assert server.ask(None, "GET", "users/current", headers=headers).json()["user"]["username"] == "erin"


def test_wrong_passwords_are_refused_then_throttled_and_both_say_what_to_do(server: Any) -> None:
    """401, not 429: MLflow's client would wait through all of it without a word."""
    told = []
    for number in range(12):
        headers = {"Authorization": basic("somebody", f"wrong {number}")}
        answer = server.ask(None, "GET", "/version", headers=headers)
        assert answer.status_code == 401
        assert "account page" in answer.json()["message"]
        told.append(answer.json()["message"].partition(".")[0])
    assert told == ["The name or the password is wrong"] * 10 + ["Too many failed sign-ins"] * 2


def test_a_project_that_exists_is_not_betrayed_to_callers_without_a_token(server: Any) -> None:
    answers = [server.ask(None, *SEARCH, json={}, project=slug) for slug in ("fraud", "nowhere", "Not A Name")]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1


@pytest.mark.parametrize("slug", ["nowhere", "churn", "default", "../fraud", "FRAUD", "x" * 300, "fraud,churn"])
def test_a_project_that_one_may_not_see_is_not_found(server: Any, slug: str) -> None:
    assert server.ask("dana", *SEARCH, json={"max_results": 1}, project=slug).status_code == 404
    assert server.ask("dana", *SEARCH, json={"max_results": 1}, project="fraud").status_code == 200


def test_two_credentials_or_two_projects_in_one_request_are_refused(server: Any) -> None:
    import http.client

    for name in ("Authorization", "X-MLFLOW-WORKSPACE"):
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
        connection.putrequest("GET", "/version")
        connection.putheader("Authorization", f"Bearer {server.token('dana')}")
        connection.putheader("X-MLFLOW-WORKSPACE", "fraud")
        connection.putheader(name, "fraud")
        connection.endheaders()
        assert connection.getresponse().status == 400
        connection.close()


def test_health_needs_no_token_and_tells_nothing(server: Any) -> None:
    answer = server.ask(None, "GET", "/health")
    assert (answer.status_code, answer.text) == (200, "OK")


def test_mlflows_own_accounts_are_refused_and_cerberus_named(server: Any) -> None:
    from cerberus.policy import ALL_SCOPES

    admin = server.cast.token("admin", scopes=tuple(ALL_SCOPES))
    for method, path in (
        ("GET", "/signup"),
        ("POST", "users/create"),
        ("GET", "users/list"),
        ("POST", "/ajax-api/2.0/mlflow/users/create"),
        ("PATCH", "users/update-password"),
        ("PATCH", "users/update-admin"),
        ("GET", "/api/3.0/mlflow/roles/list"),
        ("POST", "/api/3.0/mlflow/users/permissions/grant"),
        ("GET", "/api/3.0/mlflow/users/current/permissions"),
        ("POST", "experiments/permissions/create"),
    ):
        answer = server.ask(None, method, path, json={}, token=admin, project="fraud")
        assert answer.status_code == 403, path
        assert "Cerberus" in answer.json()["message"]
    me = server.ask("dana", "GET", "users/current").json()["user"]
    assert (me["username"], me["is_admin"]) == ("dana", False)


def test_projects_are_listed_as_workspaces_and_only_ones_own(server: Any) -> None:
    for who, slugs in (("dana", {"fraud"}), ("erin", {"churn"})):
        listed = server.ask(who, "GET", "/api/3.0/mlflow/workspaces").json()["workspaces"]
        assert {each["name"] for each in listed} == slugs
        assert server.ask(who, "GET", f"/api/3.0/mlflow/workspaces/{slugs.copy().pop()}").status_code == 200


def test_projects_are_not_made_or_changed_in_mlflow(server: Any) -> None:
    from cerberus.policy import ALL_SCOPES

    admin = server.cast.token("admin", scopes=tuple(ALL_SCOPES))
    for who in (server.token("alice"), admin):
        assert (
            server.post(None, "/api/3.0/mlflow/workspaces", {"name": "mine"}, token=who, project="fraud").status_code
            == 403
        )
        for method in ("PATCH", "DELETE"):
            path = "/api/3.0/mlflow/workspaces/fraud"
            answer = server.ask(None, method, path, json={"description": "x"}, token=who, project="fraud")
            assert answer.status_code == 403
            assert "Cerberus" in answer.json()["message"]


@given(st.binary(max_size=200))
def test_any_header_is_a_credential_or_none(value: bytes) -> None:
    found = credential_of(value)
    assert found is None or found.is_password or found.secret.startswith("mls_")


@given(st.text(st.characters(exclude_characters=":", exclude_categories=["Cs"])), st.text(max_size=50))
def test_a_password_needs_a_name_and_is_what_was_typed(user: str, password: str) -> None:
    found = credential_of(basic(user, password).encode())
    if user.strip() and password and not password.startswith("mls_") and not looks_like_jwt(password):
        assert found == Credential(password, user.strip(), is_password=True)
    else:
        assert found is None or not found.is_password


@given(st.sampled_from([b"Basic ", b"bearer ", b"BASIC"]), st.binary(max_size=100))
def test_any_password_is_a_token_or_none(scheme: bytes, value: bytes) -> None:
    found = credential_of(scheme + base64.b64encode(b"u:mls_" + value))
    assert found is None or (found.user, found.secret.encode()) == ("u", b"mls_" + value)
