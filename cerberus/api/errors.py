"""The only place that knows status codes: every error becomes a problem (RFC 9457, `application/problem+json`)."""

import json
import logging
from http import HTTPStatus
from typing import Final

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from cerberus.api import metrics
from cerberus.api.shapes import Problem
from cerberus.api.trace import request_id
from cerberus.errors import (
    CerberusError,
    Conflict,
    Forbidden,
    InProgress,
    Invalid,
    NotFound,
    NotSignedIn,
    Stale,
    Throttled,
    Unavailable,
)

STATUS: Final[dict[type[CerberusError], HTTPStatus]] = {
    NotSignedIn: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Stale: HTTPStatus.PRECONDITION_FAILED,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    Throttled: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}

UNREADABLE_BODY: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
)
"""What a body that cannot even be read answers."""

PROBLEM_TYPE: Final = "application/problem+json"
READ_ONLY: Final = Forbidden
"""What a change with a token for reading only answers."""

RETRY_SECONDS: Final = 1

HINTS: Final = {
    HTTPStatus.NOT_FOUND: "There is nothing at this address: /api/v1/openapi.json lists what there is.",
    HTTPStatus.METHOD_NOT_ALLOWED: "The Allow header names the methods that this address knows.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Send the body as JSON, with 'Content-Type: application/json'.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Send less in one request.",
}

log = logging.getLogger(__name__)


def problem(status: HTTPStatus, code: str, *, detail: str, hint: str = "", field: str = "") -> Response:
    """
    A response that tells a person what happened and a program which case it is.
    """
    body = Problem(
        type=f"urn:mlstudio:problem:{code}",
        title=status.phrase,
        status=int(status),
        code=code,
        detail=detail,
        hint=hint or None,
        field=field or None,
        request_id=request_id(),
    )
    text = json.dumps(body.model_dump(mode="json", exclude_none=True))
    return Response(text, status=int(status), content_type=PROBLEM_TYPE)


def from_cerberus(error: CerberusError) -> Response:
    """
    The translation of an error of the core; a class that nobody listed is a fault of ours.
    """
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), None)
    if status is None:
        return from_fault(error)
    metrics.failed(error, request.endpoint)
    field = error.field if isinstance(error, Invalid) else ""
    response = problem(status, error.code, detail=error.message, hint=error.hint, field=field)
    if isinstance(error, NotSignedIn):
        response.headers["WWW-Authenticate"] = 'Bearer realm="cerberus"'
    if isinstance(error, Throttled):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unavailable | InProgress):
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def from_http(error: HTTPException) -> Response:
    """
    The translation of what Flask refuses by itself: unknown address, wrong method, a body that is too large.
    """
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    code = status.name.lower()
    response = problem(status, code, detail=error.description or status.phrase, hint=HINTS.get(status, ""))
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def from_fault(error: Exception) -> Response:
    """
    The answer to a mistake of ours: it names the request, and the log has the rest.
    """
    log.error("fault in request %s", request_id(), exc_info=error)
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        detail="Something went wrong on the server.",
        hint="Tell the operators the request id: their log has the details.",
    )


def install(app: Flask) -> None:
    """
    Makes every error of the app a problem.
    """
    app.register_error_handler(CerberusError, from_cerberus)
    app.register_error_handler(HTTPException, from_http)
    app.register_error_handler(Exception, from_fault)
