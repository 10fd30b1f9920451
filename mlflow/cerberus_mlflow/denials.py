"""What a refused caller is told: 404 about what they may not read, 403 about what they may read but not do."""

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import anyio.to_thread
from flask import request
from mlflow.exceptions import MlflowException
from mlflow.utils import workspace_context
from starlette.types import Message, Scope, Send
from werkzeug.wrappers import Response

from cerberus.policy import Decision, Kind, Resource, Verb
from cerberus_mlflow.answers import NOT_FOUND, Refused, refusal, send_refusal
from cerberus_mlflow.context import Call, cerberus, require_call
from cerberus_mlflow.host import auth, handlers
from cerberus_mlflow.paths import Paths
from cerberus_mlflow.sight import everything

ONLY_AT = {
    "name": re.compile(r"/model-versions/(?!search$)|/registered-models/(?!search$|create$)"),
    "path": re.compile(r"/mlflow-artifacts/"),
}
"""Fields that name a thing on some routes only."""

ABOUT_ALL = re.compile(r"/mlflow/(?:experiments/create|registered-models/create|workspaces)$")

AT_MOST = 20
FORBIDDEN = "You may see this, but not do that to it. Ask a maintainer of the project."

VERBS = (
    ("create", Verb.CREATE),
    ("register", Verb.CREATE),
    ("delete", Verb.DELETE),
    ("restore", Verb.DELETE),
    ("search", Verb.READ),
    ("list", Verb.READ),
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


def hide_or_forbid(answer: Response) -> Response:
    """
    MLflow's refusal of the current Flask request, made the same for what is hidden and what does not exist.
    """
    call = require_call()
    verb = verb_of(request.method, request.path)
    with everything():
        resources = list(_named(call))
    seen = all(resource is not None and call.can(Verb.READ, resource) for resource in resources)
    if answer.status_code == 403 or (not seen and any(resources)):
        _record(call, verb, resources)
    if answer.status_code == 404 or not seen or (verb is Verb.READ and resources) or not (resources or _is_about_all()):
        return refusal(Refused(404, NOT_FOUND))
    return refusal(Refused(403, FORBIDDEN))


def _is_about_all() -> bool:
    """
    Whether the request names nothing that could be hidden: it makes something in the project, or is an admin's.
    """
    return ABOUT_ALL.search(request.path) is not None


def hiding(paths: Paths, scope: Scope, send: Send) -> Send:
    """
    Does the same for the artifact proxy, which MLflow serves without Flask.
    """
    artifact = paths.artifact(scope["path"])
    if artifact is None:
        return send
    call = require_call()
    replaced = False

    async def sending(message: Message) -> None:
        nonlocal replaced
        if message["type"] == "http.response.start" and message["status"] in (403, 404):
            replaced = True
            seen = message["status"] == 403 and await anyio.to_thread.run_sync(_judge, call, scope)
            await send_refusal(send, Refused(403, FORBIDDEN) if seen else Refused(404, NOT_FOUND))
        elif not replaced:
            await send(message)

    return sending


def _judge(call: Call, scope: Scope) -> bool:
    """
    Records the denial; whether the caller may read the artifact, of which they know the path.
    """
    workspace_context.set_server_request_workspace(call.project)
    readable = auth._authorize_fastapi_artifact_proxy(scope["path"], call.name, None, "read")
    with everything():
        resource = _existing(_of_artifact, scope["path"].partition("/artifacts/")[2], call)
    _record(call, verb_of(scope["method"], scope["path"]), [resource])
    return bool(readable)


def _record(call: Call, verb: Verb, resources: list[Resource | None]) -> None:
    if call.project is None:
        return
    named = next((resource for resource in resources if resource), None)
    decision = call.access.check(verb, named or Resource(call.project, Kind.EXPERIMENT))
    cerberus().audit.record_denial(call.access.principal, _refusing(decision), call.origin)


def _refusing(decision: Decision) -> Decision:
    """
    The decision as MLflow took it: its rules for a route can ask for more than the one verb.
    """
    return decision if not decision.allowed else dataclasses.replace(decision, allowed=False)


def _named(call: Call) -> Iterator[Resource | None]:
    """
    Each resource that the request names; None for one that does not exist in this project.
    """
    fields = _fields()
    for name, find in FINDERS.items():
        if name in ONLY_AT and not ONLY_AT[name].search(request.path):
            continue
        value = fields.get(name) or fields.get(f"{name}s") or []
        for one in (value if isinstance(value, list) else [value])[:AT_MOST]:
            if isinstance(one, str) and one:
                yield _existing(find, one, call)


def _fields() -> dict[str, Any]:
    body: object = None
    if request.content_length and "mlflow-artifacts" not in request.path:
        try:
            body = json.loads(request.get_data(cache=True))
        except ValueError:
            body = None
    found = dict(body) if isinstance(body, dict) else {}
    for name in ("trace", "trace_info", "trace_location", "mlflow_experiment"):
        inner = found.get(name)
        found.update(inner if isinstance(inner, dict) else {})
    return {**found, **request.args.to_dict(), **(request.view_args or {})}


def _existing(find: Callable[[str, Call], Resource | None], value: str, call: Call) -> Resource | None:
    try:
        return find(value, call)
    except MlflowException:
        return None


def _in_experiment(experiment_id: str, call: Call) -> Resource | None:
    return Resource(call.project, Kind.EXPERIMENT, str(experiment_id)) if call.project else None


def _of_experiment(value: str, call: Call) -> Resource | None:
    return _in_experiment(handlers._get_tracking_store().get_experiment(value).experiment_id, call)


def _of_experiment_name(value: str, call: Call) -> Resource | None:
    found = handlers._get_tracking_store().get_experiment_by_name(value)
    return _in_experiment(found.experiment_id, call) if found else None


def _of_run(value: str, call: Call) -> Resource | None:
    return _in_experiment(handlers._get_tracking_store().get_run(value).info.experiment_id, call)


def _of_logged_model(value: str, call: Call) -> Resource | None:
    return _in_experiment(handlers._get_tracking_store().get_logged_model(value).experiment_id, call)


def _of_trace(value: str, call: Call) -> Resource | None:
    return _in_experiment(handlers._get_tracking_store().get_trace_info(value).experiment_id, call)


def _of_dataset(value: str, call: Call) -> Resource | None:
    ids = handlers._get_tracking_store().get_dataset_experiment_ids(value)
    among = [Resource(call.project, Kind.EXPERIMENT, str(each)) for each in ids] if call.project else []
    return next((each for each in among if not call.can(Verb.READ, each)), among[0] if among else None)


def _of_issue(value: str, call: Call) -> Resource | None:
    return _in_experiment(handlers._get_tracking_store().get_issue(value).experiment_id, call)


def _of_schema(value: str, call: Call) -> Resource | None:
    return _in_experiment(handlers._get_tracking_store().get_label_schema(value).experiment_id, call)


def _of_queue(value: str, call: Call) -> Resource | None:
    return _in_experiment(handlers._get_tracking_store().get_review_queue(value).experiment_id, call)


def _of_model(value: str, call: Call) -> Resource | None:
    kind = Kind.PROMPT if handlers._get_model_registry_store().get_registered_model(value)._is_prompt() else None
    return Resource(call.project, kind or Kind.REGISTERED_MODEL, value) if call.project else None


def _of_artifact(value: str, call: Call) -> Resource | None:
    experiment_id = auth._experiment_id_from_canonical_proxy_path(value)
    return _of_experiment(experiment_id, call) if experiment_id else None


def _of_workspace(value: str, _: Call) -> Resource | None:
    return Resource(value, Kind.PROJECT, value)


FINDERS: dict[str, Callable[[str, Call], Resource | None]] = {
    "experiment_id": _of_experiment,
    "experiment_name": _of_experiment_name,
    "run_id": _of_run,
    "run_uuid": _of_run,
    "source_run_id": _of_run,
    "model_id": _of_logged_model,
    "trace_id": _of_trace,
    "request_id": _of_trace,
    "dataset_id": _of_dataset,
    "issue_id": _of_issue,
    "schema_id": _of_schema,
    "queue_id": _of_queue,
    "name": _of_model,
    "artifact_path": _of_artifact,
    "path": _of_artifact,
    "workspace_name": _of_workspace,
}
