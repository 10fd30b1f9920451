"""Answers 400 where MLflow stumbles over a request's form (a null, a text where it wants a list): it would say 500.

Clients repeat what got a 500, and a 500 wakes somebody. The traceback stays in the log.
"""

import logging
from functools import wraps
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from flask import Flask
from google.protobuf.json_format import ParseError
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST, ErrorCode
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from cerberus_mlflow.answers import CODES, Refused, refusal

_logger = logging.getLogger(__name__)

UNREADABLE = "The request cannot be read: a part of it is missing, or is of another type than expected."
SAID = {
    "When an mlflow-artifacts URI was supplied, the tracking URI must be": (
        INVALID_PARAMETER_VALUE,
        "This version's files cannot be had by its name: download them from its run.",
    ),
    "Trace data not stored in tracking store": (RESOURCE_DOES_NOT_EXIST, "The trace has no spans on this server."),
}
"""What MLflow says, as an internal error, to requests that it cannot serve: the code and the words that they get."""

FAULTS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, ParseError)
"""What Python raises over data of another shape than expected. A database that is away raises none of them."""


def put_down_to_the_request(app: Flask) -> None:
    """
    Does so for what a check or a handler lets out, and for what MLflow's stores wrap into an internal error.
    """
    for fault in FAULTS:
        app.register_error_handler(fault, _unreadable)
    MlflowException.serialize_as_json = _as_the_requests(MlflowException.serialize_as_json)  # type: ignore[method-assign]


def put_down_natively(served: FastAPI) -> None:
    """
    Does so for the routes that FastAPI serves itself.
    """
    for fault in FAULTS:
        served.add_exception_handler(fault, _natively)


async def _natively(_: Request, fault: Exception) -> JSONResponse:
    _logger.warning("a request that MLflow cannot read", exc_info=fault)
    return JSONResponse({"error_code": CODES[400], "message": UNREADABLE}, status_code=400)


def _unreadable(fault: Exception) -> Response | HTTPException:
    if isinstance(fault, HTTPException):
        return fault
    _logger.warning("a request that MLflow cannot read", exc_info=fault)
    return refusal(Refused(400, UNREADABLE))


def _as_the_requests(serialize: Any) -> Any:
    if hasattr(serialize, "__wrapped__"):
        return serialize

    @wraps(serialize)
    def serialize_as_json(self: MlflowException) -> str:
        said = next((told for words, told in SAID.items() if str(self.message).startswith(words)), None)
        if said is not None:
            self.error_code, self.message = ErrorCode.Name(said[0]), said[1]
            self.sqlstate = self.error_class = None  # type: ignore[assignment]
        elif self.error_code == ErrorCode.Name(INTERNAL_ERROR) and isinstance(self.__cause__, FAULTS):
            _logger.warning("a request that MLflow's store cannot read", exc_info=self)
            self.error_code, self.message = ErrorCode.Name(INVALID_PARAMETER_VALUE), UNREADABLE
            self.sqlstate = self.error_class = None  # type: ignore[assignment]
        elif "[SQL: " in str(self.message) and " Error: (" not in str(self.message):
            self.message = "It is there already, or it refers to something that is not there."
        elif " Error: (" in str(self.message):
            self.message = str(self.message).partition(" Error: (")[0]  # the database's own words, statement and all
        text: str = serialize(self)
        return text

    return serialize_as_json
