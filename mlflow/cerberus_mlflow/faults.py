"""Answers 400 where MLflow stumbles over a request's form (a null, a text where it wants a list): it would say 500.

Clients repeat what got a 500, and a 500 wakes somebody. The traceback stays in the log.
"""

import logging
from functools import wraps
from typing import Any

from flask import Flask
from google.protobuf.json_format import ParseError
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE, ErrorCode
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from cerberus_mlflow.answers import Refused, refusal

_logger = logging.getLogger(__name__)

UNREADABLE = "The request cannot be read: a part of it is missing, or is of another type than expected."
FAULTS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, ParseError)
"""What Python raises over data of another shape than expected. A database that is away raises none of them."""


def put_down_to_the_request(app: Flask) -> None:
    """
    Does so for what a check or a handler lets out, and for what MLflow's stores wrap into an internal error.
    """
    for fault in FAULTS:
        app.register_error_handler(fault, _unreadable)
    MlflowException.serialize_as_json = _as_the_requests(MlflowException.serialize_as_json)  # type: ignore[method-assign]


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
        if self.error_code == ErrorCode.Name(INTERNAL_ERROR) and isinstance(self.__cause__, FAULTS):
            _logger.warning("a request that MLflow's store cannot read", exc_info=self)
            self.error_code, self.message = ErrorCode.Name(INVALID_PARAMETER_VALUE), UNREADABLE
            self.sqlstate = self.error_class = None  # type: ignore[assignment]
        elif " Error: (" in str(self.message):
            self.message = str(self.message).partition(" Error: (")[0]  # the database's own words, statement and all
        text: str = serialize(self)
        return text

    return serialize_as_json
