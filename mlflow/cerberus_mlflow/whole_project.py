"""Lets a search that names no experiment be one of the whole project, as it is of a plain server's whole database.

MLflow's checks refuse these, since it would not leave out what is hidden; here the statement does (`sight.py`).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from mlflow.protos.issues_pb2 import SearchIssues
from mlflow.protos.service_pb2 import SearchEvaluationDatasets

from cerberus_mlflow.host import auth, handlers

Check = Callable[[], bool]


def search_whole_projects() -> None:
    """
    Changes MLflow's checks of searches for datasets and for issues.
    """
    for check, message, field in (
        (auth.validate_can_search_evaluation_datasets, SearchEvaluationDatasets, "experiment_ids"),
        (auth.validate_can_search_issues, SearchIssues, "experiment_id"),
    ):
        routes = [route for route, known in auth.BEFORE_REQUEST_VALIDATORS.items() if known is check]
        auth.BEFORE_REQUEST_VALIDATORS.update(dict.fromkeys(routes, _unless_none_is_named(check, message, field)))


def _unless_none_is_named(check: Check, message: Any, field: str) -> Check:
    @wraps(check)
    def allowed() -> bool:
        return not getattr(handlers._get_request_message(message()), field) or check()

    return allowed
