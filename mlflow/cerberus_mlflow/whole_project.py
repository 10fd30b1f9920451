"""Lets a search that names no experiment be one of the whole project, as it is of a plain server's whole database.

MLflow's checks refuse these, since it would not leave out what is hidden; here the statement does (`sight.py`). They
also refuse a dataset that was taken out of its last experiment, to everybody, so that nobody could put it back or
delete it; here it is the project's, and whoever may do something to all experiments may do it to that dataset.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.protos.issues_pb2 import SearchIssues
from mlflow.protos.service_pb2 import SearchEvaluationDatasets
from mlflow.server.auth.permissions import Permission

from cerberus.policy import Kind, Resource, Verb
from cerberus_mlflow.context import require_call
from cerberus_mlflow.host import auth, handlers

Check = Callable[[], bool]
EVERY = "*"


def search_whole_projects() -> None:
    """
    Changes MLflow's checks of searches for datasets and for issues, and of datasets in no experiment.
    """
    auth._dataset_experiment_permissions = _permissions_on_dataset
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


def _permissions_on_dataset() -> tuple[list[str], list[Permission]]:
    """
    Of each experiment of the dataset that the request names, or of all where it is in none. A hidden dataset is looked
    for as an absent one is, and found as little.
    """
    dataset_id, username = auth._get_request_param("dataset_id"), auth.authenticate_request().username
    store = handlers._get_tracking_store()
    try:
        store.get_dataset(dataset_id)
    except MlflowException as error:
        if error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
            return [], []
        raise
    ids = store.get_dataset_experiment_ids(dataset_id)
    if ids:
        return ids, [auth._get_experiment_permission(each, username) for each in ids]
    return [EVERY], [_permission_on_all()]


def _permission_on_all() -> Permission:
    call = require_call()
    if call.project is None:
        raise MlflowException.invalid_parameter_value("No project is named.")
    every = Resource(call.project, Kind.EXPERIMENT)
    read, update, delete = (call.can(verb, every) for verb in (Verb.READ, Verb.UPDATE, Verb.DELETE))
    return Permission("every experiment", read, False, update, delete, False)
