"""The API as each of the cast sees it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from cerberus.api import create_app
from cerberus.api.description import operation
from cerberus.api.endpoint import SHOWN, Endpoint
from cerberus.policy import ALL_SCOPES, Scope
from cerberus.service import Actor, Cerberus


class Api:
    """The app, and a way to call it with somebody's token."""

    def __init__(self, app: Flask, cast: Any) -> None:
        self.app = app
        self.cast = cast
        self.tokens: dict[tuple[str, frozenset[Scope], str | None], str] = {}

    def as_(self, who: str | None, *, scopes: frozenset[Scope] = ALL_SCOPES, project: str | None = None) -> "Caller":
        """
        Calls with a token of that person; None calls without one.
        """
        if who is None:
            return Caller(self.app, {})
        limits = (who, scopes, project)
        if limits not in self.tokens:
            self.tokens[limits] = self.cast.token(who, project=project, scopes=tuple(scopes))
        return self.with_token(self.tokens[limits])

    def with_token(self, token: str) -> "Caller":
        """
        Calls with this token.
        """
        return Caller(self.app, {"Authorization": f"Bearer {token}"})


class Caller:
    """One caller's requests, all below /api/v1 unless the path says otherwise."""

    def __init__(self, app: Flask, headers: dict[str, str]) -> None:
        self.app = app
        self.client = app.test_client()
        self.headers = headers

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        """
        One request.
        """
        headers = {**self.headers, **options.pop("headers", {})}
        address = path if path.startswith(("/livez", "/readyz", "/api/")) else f"/api/v1{path}"
        endpoint, rule = self.endpoint_of(address, method)
        asks = endpoint is not None and endpoint.conditional and rule in self.app.extensions[SHOWN]
        if asks and "If-Match" not in headers:
            self.must_ask_first(address, method, headers, options)
        response = self.client.open(address, method=method, headers=headers, **options)
        if endpoint is not None:
            described = operation(endpoint, rule).responses or {}
            assert str(response.status_code) in described, (method, address, response.get_data(as_text=True))
        return response

    def endpoint_of(self, address: str, method: str) -> tuple[Endpoint | None, str]:
        """
        What answers there, and the rule of its address.
        """
        try:
            rule, _ = self.app.url_map.bind("localhost").match(address.partition("?")[0], method, return_rule=True)
        except HTTPException:
            return None, ""
        endpoint = self.app.view_functions[rule.endpoint]
        assert isinstance(endpoint, Endpoint)
        return endpoint, rule.rule

    def must_ask_first(self, address: str, method: str, headers: dict[str, str], options: dict[str, Any]) -> None:
        """
        A change of what can be seen is refused, in all tests, when it was meant for another state of it.
        """
        conditional = {**headers, "If-Match": '"another-state"'}
        response = self.client.open(address, method=method, headers=conditional, **options)
        assert 400 <= response.status_code < 500 or response.status_code == 503, (method, address, response.status)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.call("POST", path, **({"json": json} if json is not None else {}), **options)

    def put(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.call("PUT", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.call("DELETE", path, **options)


@pytest.fixture
def app(cerberus: Any) -> Flask:
    return create_app(cerberus=cerberus)


@pytest.fixture
def api(app: Flask, cast: Any) -> Api:
    return Api(app, cast)


class Minter:
    """Makes tokens for the people of a database that is there already."""

    def __init__(self, cerberus: Cerberus) -> None:
        self.cerberus = cerberus

    def token(self, who: str, *, project: str | None, scopes: tuple[Scope, ...]) -> str:
        """
        A new token of that person.
        """
        owner = Actor(self.cerberus.decisions.access_of_name(who).principal)
        return self.cerberus.tokens.create(owner, "test", scopes=scopes, project=project).secret


@pytest.fixture(scope="module")
def refusing(populated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """
    One API for a whole module: for tests in which every request is refused, so that nothing changes.
    """
    path = tmp_path_factory.mktemp("refusing") / "cerberus.db"
    path.write_bytes(populated_sqlite.read_bytes())
    cerberus = Cerberus(f"sqlite:///{path}")
    yield Api(create_app(cerberus=cerberus), Minter(cerberus))
    cerberus.close()


@pytest.fixture
def is_problem() -> Callable[[TestResponse, int], dict[str, Any]]:
    """
    Asserts that the answer is a problem of this status, and gives it back.
    """

    def check(response: TestResponse, status: int) -> dict[str, Any]:
        assert response.status_code == status, response.get_data(as_text=True)
        assert response.content_type == "application/problem+json"
        problem: dict[str, Any] = response.get_json(force=True)
        assert problem["status"] == status
        assert problem["code"]
        assert problem["detail"]
        assert problem["request_id"] == response.headers["X-Request-ID"]
        return problem

    return check
