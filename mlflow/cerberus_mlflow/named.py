"""What a request names, and how to find each such thing: for the choice of 403 or 404, and for the audit."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Request
from mlflow.exceptions import MlflowException

from cerberus.policy import Kind, Resource, Verb
from cerberus_mlflow.context import Call
from cerberus_mlflow.host import auth, handlers
from cerberus_mlflow.takeover import ARTIFACT
from cerberus_mlflow.whereabouts import experiment_of_run, has_experiment

ONLY_AT = {
    "name": re.compile(r"/model-versions/(?!search$)|/registered-models/(?!search$|create$)"),
    "path": re.compile(r"/mlflow-artifacts/"),
    "trace_id": re.compile(r"/mlflow/(?!traces$)"),
}
"""Fields that name a thing on some routes only; elsewhere they say how a new one is to be called."""

AT_MOST = 20

VERBS = (
    ("create", Verb.CREATE),
    ("register", Verb.CREATE),
    ("delete", Verb.DELETE),
    ("restore", Verb.DELETE),
    ("search", Verb.READ),
    ("list", Verb.READ),
    ("get-or-create", Verb.CREATE),
    ("get", Verb.READ),
    ("batchget", Verb.READ),
)


def verb_of(method: str, path: str) -> Verb:
    """
    What a request wants, for the audit and for the choice of 403 or 404; MLflow has decided by then.
    """
    if method in ("GET", "HEAD"):
        return Verb.READ
    if method == "DELETE":
        return Verb.DELETE
    last = path.rstrip("/").rsplit("/", 1)[-1].lower()
    return next((verb for word, verb in VERBS if last.startswith(word)), Verb.UPDATE)


@dataclass(frozen=True, slots=True)
class Named:
    """
    A field of a request, and the one thing that it names.
    """

    field: str
    value: str

    def found(self, call: Call) -> Resource | None:
        """
        The thing, if it is in the call's project and `sight` does not hide it.
        """
        if call.project is None:
            return None
        try:
            return FINDERS[self.field](self.value, call.project, call)
        except MlflowException:
            return None


def named_in(request: Request) -> tuple[Named, ...]:
    """
    Each thing that a Flask request names. It costs the same whether there is such a thing or not.
    """
    return tuple(_named(request.path, _fields(request)))


def _named(path: str, fields: Mapping[str, Any]) -> Iterator[Named]:
    for name in FINDERS:
        if name in ONLY_AT and not ONLY_AT[name].search(path):
            continue
        value = fields.get(name) or fields.get(f"{name}s") or []
        for one in (value if isinstance(value, list) else [value])[:AT_MOST]:
            if isinstance(one, str) and one:
                yield Named(name, one)


def _fields(request: Request) -> dict[str, Any]:
    body: object = None
    if request.content_length and "mlflow-artifacts" not in request.path:
        try:
            body = json.loads(request.get_data(cache=True))
        except (ValueError, RecursionError):
            body = None
    found = dict(body) if isinstance(body, dict) else {}
    for name in ("trace", "trace_info", "trace_location", "mlflow_experiment"):
        inner = found.get(name)
        found.update(inner if isinstance(inner, dict) else {})
    return {**found, **request.args.to_dict(), **(request.view_args or {})}


def _experiment(experiment_id: str, project: str, _: Call) -> Resource | None:
    return Resource(project, Kind.EXPERIMENT, experiment_id) if has_experiment(experiment_id) else None


def _experiment_by_name(name: str, project: str, _: Call) -> Resource | None:
    found = handlers._get_tracking_store().get_experiment_by_name(name)
    return Resource(project, Kind.EXPERIMENT, found.experiment_id) if found else None


def _run(run_id: str, project: str, _: Call) -> Resource | None:
    experiment_id = experiment_of_run(run_id)
    return Resource(project, Kind.EXPERIMENT, experiment_id) if experiment_id else None


def _in_experiment(getter: str) -> "Finder":
    """
    Finds the experiment of what a method of MLflow's store gets by its id.
    """

    def find(value: str, project: str, _: Call) -> Resource | None:
        found = getattr(handlers._get_tracking_store(), getter)(value)
        return Resource(project, Kind.EXPERIMENT, str(found.experiment_id))

    return find


def _dataset(dataset_id: str, project: str, call: Call) -> Resource | None:
    """
    The experiment that hides it, if one does; else the first that it belongs to.
    """
    ids = handlers._get_tracking_store().get_dataset_experiment_ids(dataset_id)
    among = [Resource(project, Kind.EXPERIMENT, str(each)) for each in ids]
    return next((each for each in among if not call.can(Verb.READ, each)), among[0] if among else None)


def _model(name: str, project: str, _: Call) -> Resource | None:
    is_prompt = handlers._get_model_registry_store().get_registered_model(name)._is_prompt()
    return Resource(project, Kind.PROMPT if is_prompt else Kind.REGISTERED_MODEL, name)


def _artifact(path: str, project: str, call: Call) -> Resource | None:
    canonical = auth._canonical_artifact_proxy_path(path)
    if canonical is None or ARTIFACT.fullmatch(canonical) is None:
        return None
    experiment_id = auth._experiment_id_from_canonical_proxy_path(canonical)
    return _experiment(experiment_id, project, call) if experiment_id else None


def _workspace(name: str, _: str, __: Call) -> Resource | None:
    return Resource(name, Kind.PROJECT, name)


Finder = Callable[[str, str, Call], Resource | None]
FINDERS: dict[str, Finder] = {
    "experiment_id": _experiment,
    "experiment_name": _experiment_by_name,
    "run_id": _run,
    "run_uuid": _run,
    "source_run_id": _run,
    "model_id": _in_experiment("get_logged_model"),
    "trace_id": _in_experiment("get_trace_info"),
    "request_id": _in_experiment("get_trace_info"),
    "dataset_id": _dataset,
    "issue_id": _in_experiment("get_issue"),
    "schema_id": _in_experiment("get_label_schema"),
    "queue_id": _in_experiment("get_review_queue"),
    "name": _model,
    "artifact_path": _artifact,
    "path": _artifact,
    "workspace_name": _workspace,
}
