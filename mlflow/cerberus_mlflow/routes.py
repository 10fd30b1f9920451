"""Walks every route of the server, Flask's and FastAPI's, and finds those that nothing guards."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI
from flask import Flask
from starlette.routing import Mount, Route
from werkzeug.exceptions import HTTPException

from cerberus_mlflow.host import auth
from cerberus_mlflow.paths import Paths

AUTOMATIC = {"HEAD", "OPTIONS"}
"""Flask's own; MLflow refuses both wherever a check is needed, for it finds none for them."""

CLOSED = re.compile(
    r"/build/.*"  # the page's files, which are at /static-files
    r"|/(?:ajax-)?api/2\.0mlflow/experiments/search-datasets"  # a slip in MLflow's own table
    r"|/(?:ajax-)?api/2\.0/mlflow/(?:unified-traces|get-online-trace-details)"  # another vendor's
    r"|/(?:ajax-)?api/3\.0/mlflow/prompt-optimization/jobs/.*"  # jobs are off
    r"|/(?:ajax-)?api/3\.0/mlflow/demo/[^/]*/?"  # MLflow lets anybody signed in fill a project with examples
    r"|/(?:ajax-)?api/3\.0/mlflow/assistant(?:/.*)?"  # runs commands on the server's host for whoever is local to it
)
"""Routes without a check, or with one that asks for no permission, in this version of MLflow. Nobody needs them: they
are refused, to admins too."""

A_VALUE = {"int": "1", "path": "1/a/artifacts/b"}


def unguarded(app: Flask, served: FastAPI, paths: Paths) -> list[str]:
    """
    A sentence for each route that anybody with a token could use, whatever they may do.
    """
    flask = [f"{method} {rule}" for method, rule in flask_routes(app) if not is_guarded(app, method, rule, paths)]
    native = [
        f"{method} {path}"
        for method, path in native_routes(served)
        if not paths.is_health(path) and not _is_native_guarded(path, method)
    ]
    return [f"Nothing guards the route {route}." for route in [*flask, *native]]


def flask_routes(app: Flask) -> Iterator[tuple[str, str]]:
    """
    (method, rule) of each.
    """
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - AUTOMATIC):
            yield method, rule.rule


def native_routes(served: FastAPI) -> Iterator[tuple[str, str]]:
    """
    (method, path) of each that Flask never sees.
    """
    for prefix, route in _flat("", served.routes):
        if isinstance(route, Route):
            for method in sorted((route.methods or set()) - AUTOMATIC):
                yield method, prefix + route.path
        elif not isinstance(route, Mount):
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


def is_closed(paths: Paths, path: str) -> bool:
    """
    Whether the path is one of a route that is refused to everybody.
    """
    return CLOSED.fullmatch(paths.without_prefix(path)) is not None


def sample(rule: str) -> str:
    """
    A path that matches a rule of Flask (`<int:x>`) or FastAPI (`{x:path}`).
    """
    flask = re.sub(r"<(?:(\w+):)?\w+>", lambda found: A_VALUE.get(found[1] or "", "a1"), rule)
    return re.sub(r"\{\w+(?::(\w+))?\}", lambda found: A_VALUE.get(found[1] or "", "a1"), flask)


def is_guarded(app: Flask, method: str, rule: str, paths: Paths) -> bool:
    """
    Whether MLflow decides about the route before or by its answer, or the route needs nothing but a token.
    """
    path = sample(rule)
    if auth.is_unprotected_route(path):
        return paths.needs_no_project(path) or paths.is_health(path)
    if paths.is_account_administration(path) or paths.is_workspace(path) or is_closed(paths, path):
        return True
    with app.test_request_context(path, method=method) as context:
        try:
            context.match_request()
        except HTTPException:
            return False
        asked = context.request
        if auth._find_validator(asked) is not None:
            return True
        if auth._is_proxy_artifact_path(path):
            return auth._get_proxy_artifact_validator(method, asked.view_args) is not None
        return bool(auth._authorized_outside_before_request(asked))


def _is_native_guarded(path: str, method: str) -> bool:
    found: Any = auth._find_fastapi_validator(sample(path), method)
    return found is not None or bool(auth._matches_route_suffix(path, auth._PUBLIC_ROUTE_SUFFIXES))
