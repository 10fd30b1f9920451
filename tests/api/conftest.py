"""The API as each of the cast sees it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from cerberus.api import create_app
from cerberus.api.description import operation
from cerberus.api.endpoint import Endpoint
from cerberus.policy import ALL_SCOPES, Scope


class Api:
    """The app, and a way to call it with somebody's token."""

    def __init__(self, app: Flask, cast: Any) -> None:
        self.app = app
        self.cast = cast

    def as_(self, who: str | None, *, scopes: frozenset[Scope] = ALL_SCOPES, project: str | None = None) -> "Caller":
        """
        Calls with a fresh token of that person; None calls without one.
        """
        headers = {}
        if who is not None:
            headers["Authorization"] = f"Bearer {self.cast.token(who, project=project, scopes=tuple(scopes))}"
        return Caller(self.app, headers)

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
        response = self.client.open(address, method=method, headers=headers, **options)
        self.must_be_described(address, method, response)
        return response

    def must_be_described(self, address: str, method: str, response: TestResponse) -> None:
        """
        The OpenAPI description names every status that an endpoint answers, in all tests.
        """
        try:
            rule, _ = self.app.url_map.bind("localhost").match(address.partition("?")[0], method, return_rule=True)
        except HTTPException:
            return
        endpoint = self.app.view_functions[rule.endpoint]
        assert isinstance(endpoint, Endpoint)
        assert str(response.status_code) in (operation(endpoint, rule.rule).responses or {}), (method, address)

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
