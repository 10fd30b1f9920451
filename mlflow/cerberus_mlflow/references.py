"""Refuses a body that names what its caller may not read, where MLflow's checks ask only for what is written to.

Hidden and absent get the same answer, so nobody learns by it. MLflow's stores look with the caller's eyes (`sight.py`).
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import Message
from mlflow.exceptions import MlflowException
from mlflow.tracing.constant import AssessmentMetadataKey, TraceMetadataKey, TraceTagKey

from cerberus_mlflow.host import auth, handlers
from cerberus_mlflow.named import Named

RUN_KEYS = frozenset({TraceMetadataKey.SOURCE_RUN, AssessmentMetadataKey.SOURCE_RUN_ID})
"""Tags and metadata whose value is a run's id. `mlflow.parentRunId` is a word like any other: nothing on the server
follows it, and who imports runs from elsewhere writes their old parents' ids before the new ones'."""

AT_MOST = 200
Names = Iterator[tuple[Callable[[str], bool], str]]
"""Names, each with the question whether the caller may read what it names."""


def unreadable(message: Any) -> Named | None:
    """
    The first thing that the current Flask request, parsed as its handler will, names and its caller may not read.
    """
    if message.DESCRIPTOR.name not in NAMING:
        return None
    named = _named(handlers._get_request_message(message()))
    return next((Named(FIELDS[readable], value) for readable, value in named if not readable(value)), None)


def _named(body: Message) -> Names:
    """
    Each name in the body, once, with the question about it; refuses a body with too many to ask for.
    """
    find = NAMING[body.DESCRIPTOR.name]
    found = list(dict.fromkeys(find(body)))
    if len(found) > AT_MOST:
        raise MlflowException.invalid_parameter_value(f"A request may name {AT_MOST} other things at most.")
    yield from found


def _run(run_id: str) -> bool:
    return bool(auth._authorize_run_id(run_id, "read"))


def _experiment(experiment_id: str) -> bool:
    return bool(auth._get_experiment_permission(experiment_id, auth.authenticate_request().username).can_read)


def _prompt(name: str) -> bool:
    try:
        return bool(handlers._get_model_registry_store().get_registered_model(name)._is_prompt())
    except MlflowException:
        return False


def _issue(issue_id: str) -> bool:
    try:
        issue = handlers._get_tracking_store().get_issue(issue_id)
    except MlflowException:
        return False
    return _experiment(issue.experiment_id)


FIELDS = {_run: "run_id", _experiment: "experiment_id", _prompt: "name", _issue: "issue_id"}
"""What the thing is called where it is the one that a request is about."""


def _pair(key: str, value: str) -> Names:
    """
    What one tag, or one line of metadata, names.
    """
    if key in RUN_KEYS and value:
        yield _run, value
    if key == TraceTagKey.LINKED_PROMPTS:
        for name in _linked(value):
            yield _prompt, name


def _linked(value: str) -> Iterator[str]:
    try:
        links = json.loads(value)
    except (ValueError, RecursionError):
        return
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and isinstance(link.get("name"), str):
            yield link["name"]


def _pairs(items: Any) -> Names:
    for item in items.items() if hasattr(items, "items") else ((each.key, each.value) for each in items):
        yield from _pair(*item)


def _tags(body: Any) -> Names:
    yield from _pairs(body.tags)


def _tag(body: Any) -> Names:
    yield from _pair(body.key, body.value)


def _old_trace(body: Any) -> Names:
    yield from _pairs(body.tags)
    yield from _pairs(body.request_metadata)


def _trace(body: Any) -> Names:
    info = body.trace.trace_info
    yield from _pairs(info.tags)
    yield from _pairs(info.trace_metadata)
    for assessment in info.assessments:
        yield from _of_assessment(assessment)


def _assessment(body: Any) -> Names:
    yield from _of_assessment(body.assessment)


def _of_assessment(assessment: Any) -> Names:
    yield from _pairs(assessment.metadata)
    if assessment.HasField("issue"):
        yield _issue, assessment.assessment_name


def _prompts(body: Any) -> Names:
    for version in body.prompt_versions:
        yield _prompt, version.name


def _source_run(body: Any) -> Names:
    if body.source_run_id:
        yield _run, body.source_run_id


def _in_experiment(body: Any) -> Names:
    """
    MLflow decides about a scorer by rules for scorers, but the experiment's come first.
    """
    if body.experiment_id:
        yield _experiment, body.experiment_id


NAMING: dict[str, Callable[[Any], Names]] = {
    "CreateRun": _tags,
    "LogBatch": _tags,
    "SetTag": _tag,
    "StartTrace": _old_trace,
    "EndTrace": _old_trace,
    "StartTraceV3": _trace,
    "SetTraceTag": _tag,
    "SetTraceTagV3": _tag,
    "LinkPromptsToTrace": _prompts,
    "CreateAssessment": _assessment,
    "UpdateAssessment": _assessment,
    "CreateIssue": _source_run,
    "CreateLoggedModel": _source_run,
    "RegisterScorer": _in_experiment,
    "ListScorers": _in_experiment,
    "GetScorer": _in_experiment,
    "ListScorerVersions": _in_experiment,
    "DeleteScorer": _in_experiment,
}
