"""Refuses what a client would set to make the server read or write somewhere else: locations, sources, kinds."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any
from urllib.parse import unquote, urlparse

from mlflow.exceptions import MlflowException
from mlflow.prompt.constants import _PROMPT_SOURCE_PLACEHOLDERS, IS_PROMPT_TAG_KEY
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST
from mlflow.utils.mlflow_tags import (
    MLFLOW_ARTIFACT_LOCATION,
    MLFLOW_TRACE_ARCHIVE_LOCATION,
    MLFLOW_TRACE_SPANS_LOCATION,
)

from cerberus.policy import Kind, Resource, Verb
from cerberus_mlflow.adopted import names_adopted
from cerberus_mlflow.answers import NOT_FOUND, Refused
from cerberus_mlflow.context import Call, current_call
from cerberus_mlflow.host import auth, sql_store
from cerberus_mlflow.messages import in_terms_of, tags_in
from cerberus_mlflow.queries import experiments_of_traces, traces_of_assessments

LOCATION_TAGS = frozenset({MLFLOW_ARTIFACT_LOCATION, MLFLOW_TRACE_SPANS_LOCATION, MLFLOW_TRACE_ARCHIVE_LOCATION})
SPAN_TAG = "mlflow.traceTag."
DEFAULT_WORKSPACE = "default"


def refuse_locations(message: Any, body: dict[str, Any], call: Call) -> None:
    """
    Refuses a body that sets where the server keeps something. Whether the caller may read what a source names is
    MLflow's check; ours is that it is in this project and not anywhere else the server can reach.
    """
    for tag in tags_in(message.DESCRIPTOR, body):
        if tag.key in LOCATION_TAGS:
            raise Refused(400, f"The tag {tag.key} is set by the server.")
    check = CHECKS.get(message.DESCRIPTOR.name)
    if check is not None:
        check(in_terms_of(message.DESCRIPTOR, body), call)


def _experiment(body: dict[str, Any], _: Call) -> None:
    if body.get("artifact_location"):
        raise Refused(400, "Leave artifact_location out: the server keeps artifacts in the project's own place.")


def _version(body: dict[str, Any], call: Call) -> None:
    source = body.get("source")
    if isinstance(source, str) and source not in _PROMPT_SOURCE_PLACEHOLDERS and not is_own_source(source, call):
        raise Refused(
            400,
            "A model version's source must be in this project: runs:/..., models:/... or mlflow-artifacts:/... "
            "Log the model to a run first.",
        )


def is_own_source(source: str, call: Call) -> bool:
    """
    Whether a source is MLflow's name for something in the caller's project.
    """
    parsed = urlparse(source)
    path = parsed.path
    while (decoded := unquote(path)) != path:
        path = decoded
    if parsed.netloc or parsed.query or parsed.fragment or ".." in path.split("/") or "\\" in path:
        return False
    if parsed.scheme == "mlflow-artifacts":
        inside = path.lstrip("/").startswith(f"workspaces/{call.project}/")
        return call.project == DEFAULT_WORKSPACE or inside or _is_adopted_source(path, call)
    return parsed.scheme in ("runs", "models") and path.strip("/") != ""


def _is_adopted_source(path: str, call: Call) -> bool:
    if call.project is None:
        return False
    experiment_id = path.strip("/").partition("/")[0]
    readable = call.can(Verb.READ, Resource(call.project, Kind.EXPERIMENT, experiment_id))
    return readable and names_adopted(path, call.project)


def _model_tag(body: dict[str, Any], _: Call) -> None:
    if body.get("key") == IS_PROMPT_TAG_KEY:
        raise Refused(400, "A registered model cannot become a prompt, nor a prompt a model: create another one.")


CHECKS: dict[str, Callable[[dict[str, Any], Call], None]] = {
    "CreateExperiment": _experiment,
    "CreateModelVersion": _version,
    "SetRegisteredModelTag": _model_tag,
    "DeleteRegisteredModelTag": _model_tag,
}


def guard_traces() -> None:
    """
    Puts the same checks into MLflow's store for spans, which come as protobuf past Flask, and refuses to write to a
    trace of another experiment by using its id.
    """
    store = sql_store.SqlAlchemyStore
    start, log = store._start_trace_once, store._log_spans_once

    @wraps(start)
    def start_trace(self: Any, trace_info: Any) -> Any:
        if current_call() is not None:
            _refuse_tags(trace_info.tags)
            _refuse_foreign(self, [trace_info.trace_id], str(trace_info.experiment_id))
            _refuse_foreign_assessments(self, trace_info)
        return start(self, trace_info)

    @wraps(log)
    def log_spans(self: Any, location: str, spans: list[Any], tracking_uri: Any = None) -> Any:
        if current_call() is not None:
            for span in spans:
                _refuse_tags(key.removeprefix(SPAN_TAG) for key in span.attributes if key.startswith(SPAN_TAG))
            _refuse_foreign(self, [span.trace_id for span in spans], str(location))
        return log(self, location, spans, tracking_uri=tracking_uri)

    link = store.link_traces_to_run

    @wraps(link)
    def link_traces(self: Any, trace_ids: list[str], run_id: str) -> Any:
        if current_call() is not None and not auth._authorize_run_id(run_id, "update"):
            raise MlflowException(NOT_FOUND, error_code=RESOURCE_DOES_NOT_EXIST)
        return link(self, trace_ids, run_id)

    store._start_trace_once, store._log_spans_once = start_trace, log_spans
    store.link_traces_to_run = link_traces


def _refuse_tags(keys: Iterable[str]) -> None:
    for key in keys:
        if key in LOCATION_TAGS:
            raise MlflowException.invalid_parameter_value(f"The tag {key} is set by the server.")


def _refuse_foreign(store: Any, trace_ids: list[str], experiment_id: str) -> None:
    if experiments_of_traces(store, trace_ids) - {experiment_id}:
        raise MlflowException.invalid_parameter_value("This trace id cannot be used in this experiment.")


def _refuse_foreign_assessments(store: Any, trace_info: Any) -> None:
    """
    MLflow would move an assessment of another trace, whoever's, into this one by its id.
    """
    ids = {assessment.assessment_id for assessment in trace_info.assessments} - {None, ""}
    if ids and traces_of_assessments(store, ids) - {trace_info.trace_id}:
        raise MlflowException.invalid_parameter_value("An assessment's id cannot be used in this trace.")
