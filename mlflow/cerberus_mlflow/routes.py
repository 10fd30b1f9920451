"""Walks every route of the server, Flask's and FastAPI's, and says of each what guards it."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI
from flask import Flask
from starlette.routing import Mount, Route
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request

from cerberus_mlflow.closed import why_closed
from cerberus_mlflow.host import auth
from cerberus_mlflow.paths import Paths

AUTOMATIC = {"HEAD", "OPTIONS"}
"""Flask's own; MLflow refuses both wherever a check is needed, for it finds none for them."""

A_VALUE = {"int": "1", "path": "1/a/artifacts/b"}

PUBLIC = {
    "/health": "says OK, for the machine that watches the server",
    "/static-files/<path:path>": "the files of MLflow's page",
    "/api/3.0/mlflow/server-info": "says what this version can",
    "/ajax-api/3.0/mlflow/server-info": "says what this version can",
}
"""What MLflow asks no permission for. But for /health, a token is needed there as everywhere."""

ANY_TOKEN = {
    "/": "MLflow's page",
    "/version": "MLflow's version",
    "/api/2.0/mlflow/users/current": "who the token is",
    "/ajax-api/2.0/mlflow/users/current": "who the token is",
}
"""What everybody with a token may have."""

IN_THE_HANDLER = {
    "/graphql": "GraphQLAuthorizationMiddleware",
    "/api/2.0/mlflow/runs/search": "filter_experiment_ids",
    "/ajax-api/2.0/mlflow/runs/search": "filter_experiment_ids",
}
"""What MLflow decides while it answers, and by what."""


def guards(app: Flask, served: FastAPI, paths: Paths) -> Iterator[tuple[str, str | None]]:
    """
    Every route, as `method path (application)` without the static prefix, and its guard; None where there is none.
    """
    for method, rule in flask_routes(app):
        yield f"{method} {paths.without_prefix(rule)} (flask)", flask_guard(app, method, rule, paths)
    for method, path in native_routes(served):
        yield f"{method} {paths.without_prefix(path)} (fastapi)", native_guard(method, path, paths)


def flask_routes(app: Flask) -> Iterator[tuple[str, str]]:
    """
    (method, rule) of each.
    """
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - AUTOMATIC):
            yield method, rule.rule


def native_routes(served: FastAPI) -> Iterator[tuple[str, str]]:
    """
    (method, path) of each that Flask never sees; MOUNT for another application, ? for what is neither.
    """
    for prefix, route in _flat("", served.routes):
        if isinstance(route, Route):
            for method in sorted((route.methods or set()) - AUTOMATIC):
                yield method, prefix + route.path
        elif isinstance(route, Mount):
            yield "MOUNT", f"{prefix}{route.path}/ {type(route.app).__name__}"
        else:
            yield "?", str(route)


def _flat(prefix: str, routes: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """
    Routes one by one: FastAPI keeps those of an included router together.
    """
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield prefix, route
        else:
            yield from _flat(prefix + route.include_context.prefix, inner.routes)


def sample(rule: str) -> str:
    """
    A path that matches a rule of Flask (`<int:x>`) or FastAPI (`{x:path}`).
    """
    flask = re.sub(r"<(?:(\w+):)?\w+>", lambda found: A_VALUE.get(found[1] or "", "a1"), rule)
    return re.sub(r"\{\w+(?::(\w+))?\}", lambda found: A_VALUE.get(found[1] or "", "a1"), flask)


def flask_guard(app: Flask, method: str, rule: str, paths: Paths) -> str | None:
    """
    What decides about a route of Flask's.
    """
    path = sample(rule)
    always = _same_for_all(rule, paths)
    if always is not None:
        return always
    if paths.is_account_administration(path):
        return "refused: Cerberus manages people"
    if paths.is_workspace(path):
        return "asks WorkspaceProvider"
    with app.test_request_context(path, method=method) as context:
        try:
            context.match_request()
        except HTTPException:
            return None
        return None if auth.is_unprotected_route(path) else _flask_check(context.request, rule, paths)


def _flask_check(asked: Request, rule: str, paths: Paths) -> str | None:
    validator = auth._find_validator(asked)
    if validator is None and auth._is_proxy_artifact_path(asked.path):
        validator = auth._get_proxy_artifact_validator(asked.method, asked.view_args)  # type: ignore[attr-defined]
    if validator is not None:
        return _asks(validator)
    inside = IN_THE_HANDLER.get(paths.without_prefix(rule))
    if inside is not None:
        return f"asks {inside} while it answers"
    handler = auth.AFTER_REQUEST_HANDLERS.get((asked.path, asked.method))
    return f"filters {handler.__name__}" if handler in auth._SELF_AUTHORIZING_AFTER_REQUEST_HANDLERS else None


def native_guard(method: str, path: str, paths: Paths) -> str | None:
    """
    What decides about a route of FastAPI's.
    """
    if method == "MOUNT":
        return "asks each route of its own" if path == "/ _EfficientWSGIMiddleware" else None
    always = _same_for_all(path, paths)
    found = auth._find_fastapi_validator(sample(path), method)
    return always or (_asks(found) if found is not None else None)


def _same_for_all(rule: str, paths: Paths) -> str | None:
    """
    What holds for everybody alike, whoever they are.
    """
    path = paths.without_prefix(rule)
    closed = why_closed(paths.without_prefix(sample(rule)))
    if closed is not None:
        return f"closed: {closed.reason}"
    if path in PUBLIC:
        return f"public: {PUBLIC[path]}"
    return f"any token: {ANY_TOKEN[path]}" if path in ANY_TOKEN else None


def _asks(validator: Any) -> str | None:
    """
    A check by its name. One that lets everybody pass is none: such a route stands in a table above, with its reason.
    """
    if validator is auth._allow_authenticated:
        return None
    name: str = validator.__qualname__
    anything = name.startswith(auth._get_require_authentication_validator.__name__)
    return None if anything or name == "<lambda>" else f"asks {name.partition('.')[0]}"
