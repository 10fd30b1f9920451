"""The OpenAPI 3.1 description, made from the endpoints' own declarations (why so: docs/adr/openapi-description.md)."""

import json
import re
from functools import cache
from typing import Any, Final

from flask import Flask, Response
from openapi_pydantic import (
    Components,
    Header,
    Info,
    MediaType,
    OpenAPI,
    Operation,
    Parameter,
    ParameterLocation,
    PathItem,
    RequestBody,
    Schema,
    SecurityScheme,
    Server,
)
from openapi_pydantic import Response as Described
from openapi_pydantic.util import PydanticSchema, construct_open_api_with_schema_class
from pydantic import BaseModel

from cerberus.api import errors, etags, idempotency
from cerberus.api.endpoint import Endpoint
from cerberus.api.parsing import LONGEST_NAME
from cerberus.api.shapes import Problem
from cerberus.errors import CerberusError, Conflict, Invalid, NotSignedIn, Stale, Unavailable
from cerberus.service.idempotency import FIELD

ADDRESS: Final = "/api/v1/openapi.json"
VERSION: Final = "1"
PARAMETER: Final = re.compile(r"<(?:\w+:)?(\w+)>")

ABOUT: Final = """Who may do what in ML Studio.

Show a token as `Authorization: Bearer mls_...`. What you may not see answers 404; what you may see but not do
answers 403. Errors are problems (RFC 9457) with a `code` for programs, a `detail` and a `hint` for people."""

ONCE: Final = "With a key of your making this happens once: sent again within a day, it is answered the same."
UNCHANGED: Final = "The ETag that you have: the change happens only while it is still right."
NEWS: Final = "The ETag that you have: while it is still right, the answer is 304 without a body."
ETAG: Final = "Changes with the answer. Send it as If-Match with a change, or as If-None-Match to ask for news."


def content(model: type[BaseModel], media_type: str = "application/json") -> dict[str, MediaType]:
    return {media_type: MediaType(schema=PydanticSchema(schema_class=model))}


def described(text: str, **values: Any) -> Described:
    return Described(
        description=text,
        headers={"X-Request-ID": Header(schema=Schema(type="string"), description="The id of this request.")},
        **values,
    )


def refusals(endpoint: Endpoint) -> dict[str, Described]:
    """
    Every error that the endpoint can answer, by status.
    """
    raises: list[type[CerberusError]] = [Invalid, *endpoint.raises]
    if not endpoint.public:
        raises += [NotSignedIn, Unavailable]
    if not endpoint.public and not endpoint.reads:
        raises.append(errors.READ_ONLY)
    if endpoint.once:
        raises.append(Conflict)
    if endpoint.conditional:
        raises.append(Stale)
    statuses = {errors.STATUS[error] for error in raises}
    if endpoint.body is not None:
        statuses.update(errors.UNREADABLE_BODY)
    return {
        str(int(status)): described(status.phrase, content=content(Problem, errors.PROBLEM_TYPE))
        for status in sorted(statuses)
    }


def written_out(schema: Any, definitions: dict[str, Any]) -> Any:
    """
    A schema without references: a parameter's stands alone.
    """
    if isinstance(schema, list):
        return [written_out(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return written_out(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {name: written_out(each, definitions) for name, each in schema.items()}


def parameters(endpoint: Endpoint, rule: str) -> list[Parameter]:
    """
    What goes into the path and the query string.
    """
    found = [
        Parameter(
            name=name,
            **{"in": ParameterLocation.PATH},
            required=True,
            param_schema=Schema(type="string", minLength=1, maxLength=LONGEST_NAME),
        )
        for name in PARAMETER.findall(rule)
    ]
    schema = endpoint.query.model_json_schema()
    for name, each in schema.get("properties", {}).items():
        found.append(
            Parameter(
                name=name,
                **{"in": ParameterLocation.QUERY},
                required=name in schema.get("required", ()),
                param_schema=Schema.model_validate(written_out(each, schema.get("$defs", {}))),
            )
        )
    return [*found, *header_parameters(endpoint)]


def header_parameters(endpoint: Endpoint) -> list[Parameter]:
    """
    The headers that make a request depend on what was before.
    """
    found = []
    if endpoint.once:
        found.append(header(FIELD, idempotency.PATTERN, longest=idempotency.LONGEST, text=ONCE))
    if endpoint.conditional:
        found.append(header(etags.IF_MATCH, etags.LIST, longest=etags.LONGEST, text=UNCHANGED))
    if endpoint.shows:
        found.append(header(etags.IF_NONE_MATCH, etags.LIST, longest=etags.LONGEST, text=NEWS))
    return found


def header(name: str, pattern: str, *, longest: int, text: str) -> Parameter:
    schema = Schema(type="string", pattern=pattern, minLength=1, maxLength=longest)
    return Parameter(name=name, **{"in": ParameterLocation.HEADER}, description=text, param_schema=schema)


def successes(endpoint: Endpoint) -> dict[str, Described]:
    """
    What it answers when nothing goes wrong, by status.
    """
    if endpoint.answer is None and not endpoint.produces:
        return {"204": described("Done")}
    shown = content(endpoint.answer) if endpoint.answer else {}
    shown |= {media_type: MediaType() for media_type in endpoint.produces}
    done = described("Done", content=shown)
    if not endpoint.shows:
        return {str(int(endpoint.status)): done}
    done.headers = {**(done.headers or {}), "ETag": Header(schema=Schema(type="string"), description=ETAG)}
    return {str(int(endpoint.status)): done, "304": described("Not changed since")}


def operation(endpoint: Endpoint, rule: str) -> Operation:
    """
    One endpoint in OpenAPI's words.
    """
    body = RequestBody(required=True, content=content(endpoint.body)) if endpoint.body else None
    return Operation(
        tags=[endpoint.tag],
        summary=endpoint.summary,
        operationId=endpoint.view.__name__,
        parameters=parameters(endpoint, rule) or None,
        requestBody=body,
        responses={**successes(endpoint), **refusals(endpoint)},
        security=[] if endpoint.public else [{"token": []}, {"basic": []}],
    )


def describe(app: Flask, *, server: str) -> dict[str, Any]:
    """
    The whole description as JSON values.
    """
    paths: dict[str, dict[str, Operation]] = {}
    for rule in app.url_map.iter_rules():
        endpoint = app.view_functions[rule.endpoint]
        if isinstance(endpoint, Endpoint):
            (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            address = PARAMETER.sub(r"{\1}", rule.rule)
            paths.setdefault(address, {})[method.lower()] = operation(endpoint, rule.rule)
    document = OpenAPI(
        openapi="3.1.1",
        info=Info(title="Cerberus", version=VERSION, description=ABOUT),
        servers=[Server(url=server)],
        paths={address: PathItem.model_validate(methods) for address, methods in sorted(paths.items())},
        components=Components(
            securitySchemes={
                "token": SecurityScheme(type="http", scheme="bearer", description="An access token: mls_..."),
                "basic": SecurityScheme(type="http", scheme="basic", description="Any name, the token as password."),
            }
        ),
    )
    whole = construct_open_api_with_schema_class(document)
    values: dict[str, Any] = whole.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
    return values


def install_description(app: Flask, *, server: str) -> None:
    """
    Serves the description. Made at the first request for it, and kept: it does not change while the process lives.
    """

    @cache
    def text() -> str:
        return json.dumps(describe(app, server=server))

    def openapi() -> Response:
        return Response(text(), content_type="application/json")

    app.add_url_rule(ADDRESS, "openapi", openapi, methods=["GET"])
