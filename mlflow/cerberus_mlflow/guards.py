"""Refuses requests that MLflow's handlers and its checks could read differently, and what clients must not set."""

import io
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from flask import Flask
from graphql import GraphQLError
from graphql import parse as parse_graphql
from mlflow.server.auth.routes import UPLOAD_ARTIFACT
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from cerberus_mlflow.answers import Refused, refusal
from cerberus_mlflow.authorship import stamp
from cerberus_mlflow.context import Call, current_call
from cerberus_mlflow.default_experiment import name_in_body, name_in_query
from cerberus_mlflow.locations import refuse_locations
from cerberus_mlflow.messages import Messages, in_terms_of, parse_json, refuse_two_spellings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SAME_THING = (frozenset({"run_id", "run_uuid"}),)
"""Different fields that name one thing. MLflow's client sends both, with one value."""


class Guard:
    """
    WSGI middleware around MLflow's Flask application. It judges a request by itself alone, so it may run before
    MLflow's checks: what it refuses, it would refuse to anybody.
    """

    def __init__(self, app: Flask, messages: Messages) -> None:
        self.flask = app
        self.inner: WSGIApplication = app.wsgi_app
        self.messages = messages

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        call = current_call()
        if call is None:
            return refusal(Refused(401, "Nobody is signed in."))(environ, start_response)
        try:
            self.check(environ, call)
        except Refused as refused:
            return refusal(refused)(environ, start_response)
        return self.inner(environ, start_response)

    def check(self, environ: "WSGIEnvironment", call: Call) -> None:
        """
        Raises Refused, or leaves the request as MLflow shall see it.
        """
        method = environ["REQUEST_METHOD"]
        try:
            found: tuple[Rule, Mapping[str, Any]] = self.flask.url_map.bind_to_environ(environ).match(return_rule=True)
        except HTTPException:
            return
        rule, in_path = found
        message = self.messages.get((rule.rule, method))
        query = _query(environ, rule.rule, message)
        name_in_query(environ, query, call)
        if rule.rule.endswith(UPLOAD_ARTIFACT) or "mlflow-artifacts/artifacts" in rule.rule:
            return
        raw = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(raw)
        if not raw.strip():
            if rule.rule.endswith("/graphql"):
                raise Refused(400, "A GraphQL request needs a JSON body with a query.")
            return
        if message is None and not _is_json(environ, rule.rule):
            return
        body = parse_json(raw)
        refuse_body(body, message, rule.rule, query=query, in_path=in_path, method=method)
        if message is not None:
            refuse_locations(message, body, call)
        changed = name_in_body(message, body, call) | stamp(message, body, name=call.name)
        if method == "GET" and message is not None and (query_string := _as_query(message, body)):
            environ.update({"QUERY_STRING": query_string, "wsgi.input": io.BytesIO(), "CONTENT_LENGTH": "0"})
        elif changed:
            raw = json.dumps(body).encode()
            environ.update({"wsgi.input": io.BytesIO(raw), "CONTENT_LENGTH": str(len(raw))})


def _as_query(message: Any, body: dict[str, Any]) -> str:
    """
    The query that says what a GET request's body says, which MLflow's handlers read and its checks do not; empty where
    a query cannot say it.
    """
    pairs: list[tuple[str, Any]] = []
    for name, value in in_terms_of(message.DESCRIPTOR, body).items():
        if isinstance(value, list) != message.DESCRIPTOR.fields_by_name[name].is_repeated:
            return ""
        pairs += [(name, each) for each in (value if isinstance(value, list) else [value])]
    if not all(isinstance(each, str | int | float) for _, each in pairs):
        return ""
    return urlencode([(name, str(each).lower() if isinstance(each, bool) else each) for name, each in pairs])


def _query(environ: "WSGIEnvironment", rule: str, message: Any) -> dict[str, list[str]]:
    """
    The query's values by name; refuses a name that is there twice where one value is expected.
    """
    found: dict[str, list[str]] = {}
    for key, value in parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True):
        found.setdefault(key, []).append(value)
    for key, values in found.items():
        field = message.DESCRIPTOR.fields_by_name.get(key) if message is not None else None
        several = field.is_repeated if field is not None else key.endswith("ids") or rule.endswith("/get-history-bulk")
        if len(values) > 1 and not several:
            raise Refused(400, f"The request's query names {key!r} twice.")
    _refuse_disagreement({key: values[0] for key, values in found.items()})
    return found


def refuse_body(
    body: Any, message: Any, rule: str, *, query: Mapping[str, list[str]], in_path: Mapping[str, Any], method: str
) -> None:
    """
    Refuses a body that names one thing twice, in itself or together with the query or the path.
    """
    if not isinstance(body, dict):
        if message is not None or rule.endswith("/graphql"):
            raise Refused(400, "The request's body must be a JSON object.")
        return
    if rule.endswith("/graphql"):
        _refuse_graphql(body)
    named = _in_mlflows_spelling(body)
    if message is not None:
        refuse_two_spellings(message.DESCRIPTOR, body)
        if method == "GET" and query:
            raise Refused(400, "A GET request has its parameters in the query or in the body, not in both.")
    _refuse_disagreement(named)
    for name in {snake(key) for key in query} & named.keys():
        raise Refused(400, f"The request names {name!r} in its query and in its body.")
    for name, value in in_path.items():
        if name in named and str(named[name]) != str(value):
            raise Refused(400, f"The request names {name!r} in its path and, otherwise, in its body.")
    for same in SAME_THING:
        if same & {snake(key) for key in query} and same & named.keys():
            raise Refused(400, f"The request names {' or '.join(sorted(same))!r} in its query and in its body.")


def _in_mlflows_spelling(body: dict[str, Any]) -> dict[str, Any]:
    """
    The body's own level, also of what its message does not know: MLflow's checks read `run_uuid` on every route.
    """
    found: dict[str, Any] = {}
    for key, value in body.items():
        name = snake(key)
        if name in found:
            raise Refused(400, f"The request's body names {name!r} in two spellings.")
        found[name] = value
    return found


def snake(key: str) -> str:
    """
    A key in MLflow's own spelling.
    """
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)


def _refuse_disagreement(named: Mapping[str, Any]) -> None:
    for same in SAME_THING:
        values = {str(named[name]) for name in same if name in named}
        if len(values) > 1:
            raise Refused(400, f"The request names one thing twice, differently: {' and '.join(sorted(same))}.")


def _refuse_graphql(body: dict[str, Any]) -> None:
    """
    MLflow answers 500 to these.
    """
    query, variables = body.get("query"), body.get("variables")
    if not isinstance(query, str) or not isinstance(variables, dict | None):
        raise Refused(400, "A GraphQL request needs a query (text) and, if any, variables (an object).")
    try:
        parse_graphql(query)
    except (GraphQLError, RecursionError) as error:
        raise Refused(400, f"The GraphQL query cannot be read: {error}") from None


def _is_json(environ: "WSGIEnvironment", rule: str) -> bool:
    return "json" in environ.get("CONTENT_TYPE", "").lower() or rule.endswith("/graphql")
