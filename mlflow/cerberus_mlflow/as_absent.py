"""Makes MLflow's checks take a hidden experiment for one that does not exist, where they tell the two apart.

They refuse a search that names a hidden experiment, and let one that names none pass, which finds nothing. The stores
leave hidden rows out anyway (`sight.py`), so both find nothing.
"""

from collections.abc import Iterable
from functools import wraps
from typing import Any

from mlflow.protos.service_pb2 import QueryTraceMetrics

from cerberus.policy import Kind
from cerberus_mlflow.context import current_call
from cerberus_mlflow.host import auth

NOWHERE = str(2**62)
"""The id of an experiment that there is not."""


def as_absent(experiment_ids: Iterable[str]) -> list[str]:
    """
    The ids, with that of no experiment in the place of each hidden one.
    """
    call = current_call()
    if call is None or call.project is None:
        return list(experiment_ids)
    visible = call.access.visible(Kind.EXPERIMENT, call.project)
    return [each if visible.includes(str(each)) else NOWHERE for each in experiment_ids]


def take_hidden_for_absent() -> None:
    """
    Changes MLflow's checks of trace searches and of trace metrics, after `parsing.read_once`; GraphQL has
    `GraphQLChecks`.
    """
    auth._authorize_trace_search = _search(auth._authorize_trace_search)
    auth._get_request_message = _message(auth._get_request_message)


def _search(authorize: Any) -> Any:
    @wraps(authorize)
    def authorized(experiment_ids: list[str], *filters: str, **options: Any) -> Any:
        return authorize(as_absent(experiment_ids), *filters, **options)

    return authorized


def _message(parse: Any) -> Any:
    @wraps(parse)
    def parsed(message: Any, *args: Any, **options: Any) -> Any:
        found = parse(message, *args, **options)
        if isinstance(found, QueryTraceMetrics):
            found.experiment_ids[:] = as_absent(found.experiment_ids)
        return found

    return parsed


class GraphQLChecks(auth.GraphQLAuthorizationMiddleware):  # type: ignore[misc]
    """
    MLflow's, with hidden experiments taken for absent ones in its searches.
    """

    def _check_authorization(self, field_name: str, args: dict[str, Any], username: str) -> bool:
        asked = args.get("input")
        ids = getattr(asked, "experiment_ids", None)
        if ids:
            asked.experiment_ids = as_absent(ids)  # type: ignore[union-attr]
        return bool(super()._check_authorization(field_name, args, username))
