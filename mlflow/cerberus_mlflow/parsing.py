"""A request's body is parsed into MLflow's message once, however many of its checks ask for it, or refused."""

from collections.abc import Callable
from typing import Any

from flask import request
from google.protobuf.json_format import ParseError
from mlflow.exceptions import MlflowException

from cerberus_mlflow.context import current_call
from cerberus_mlflow.host import auth, handlers


def strict(parse: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """
    MLflow's parser, whose errors end the request: MLflow's handlers would go on with what they could parse.
    """

    def parsed(values: Any, message: Any) -> None:
        try:
            parse(values, message)
        except (ParseError, RecursionError) as error:
            raise MlflowException.invalid_parameter_value(f"The request's body cannot be read: {error}") from None

    return parsed


def once(parse: Callable[..., Any]) -> Callable[..., Any]:
    """
    MLflow's reading of the current request's body, which is copied where it was read before as the same message.
    """

    def read(message: Any, flask_request: Any = request, schema: Any = None) -> Any:
        call = current_call()
        if call is None or flask_request is not request or (request.method == "GET" and request.args):
            return parse(message, flask_request, schema)
        key = (once, type(message))
        if key not in call.kept:
            call.kept[key] = parse(type(message)())
        message.MergeFrom(call.kept[key])
        handlers._validate_request_json_with_schema(handlers._get_normalized_request_json(), schema, True)
        return message

    return read


def read_once() -> None:
    """
    Puts both in MLflow's place, in its handlers and in its checks.
    """
    handlers.parse_dict = strict(handlers.parse_dict)
    handlers._get_request_message = auth._get_request_message = once(handlers._get_request_message)
