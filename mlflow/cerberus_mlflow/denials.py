"""What a refused caller is told: 404 about what they may not read, 403 about what they may read but not do.

Time must not tell hidden from absent either: before the answer, the caller's own eyes (`sight.py`) look for what the
request names, which find the one as little as the other. What the audit says is found out afterwards.
"""

import re

import anyio.to_thread
from flask import request
from mlflow.utils import workspace_context
from starlette.types import Message, Scope, Send
from werkzeug.wrappers import Response

from cerberus.policy import Verb
from cerberus_mlflow import hindsight
from cerberus_mlflow.answers import NOT_FOUND, Refused, refusal, send_refusal
from cerberus_mlflow.context import Call, require_call
from cerberus_mlflow.named import Named, named_in, verb_of
from cerberus_mlflow.paths import Paths

ABOUT_ALL = re.compile(r"/mlflow/(?:experiments/create|registered-models/create|workspaces)$")
"""Requests that name nothing that could be hidden: they make something in the project, or are an admin's."""

FORBIDDEN = "You may see this, but not do that to it. Ask a maintainer of the project."


def hide_or_forbid(answer: Response) -> Response:
    """
    MLflow's refusal of the current Flask request, made the same for what is hidden and what does not exist.
    """
    call, verb, named = require_call(), verb_of(request.method, request.path), named_in(request)
    certain = answer.status_code == 403
    forbidden = certain and _may_know(call, verb, named, about_all=ABOUT_ALL.search(request.path))
    hindsight.soon(hindsight.Denial(call, verb, named, certain=certain))
    return refusal(Refused(403, FORBIDDEN) if forbidden else Refused(404, NOT_FOUND))


def hide(*named: Named) -> Response:
    """
    The answer to a request that names, among other things, one that its caller may not read.
    """
    hindsight.soon(hindsight.Denial(require_call(), Verb.READ, named, certain=False))
    return refusal(Refused(404, NOT_FOUND))


def forbid(verb: Verb, *named: Named) -> Response:
    """
    The answer to a request for something that its caller may read, but not do.
    """
    hindsight.soon(hindsight.Denial(require_call(), verb, named, certain=True))
    return refusal(Refused(403, FORBIDDEN))


def _may_know(call: Call, verb: Verb, named: tuple[Named, ...], *, about_all: object) -> bool:
    """
    Whether the caller may read all that the request names. Refused a read, they may not: nothing needs to be looked up.
    """
    if not named:
        return bool(about_all)
    if verb is Verb.READ:
        return False
    return all((found := each.found(call)) is not None and call.can(Verb.READ, found) for each in named)


def hiding(paths: Paths, scope: Scope, send: Send) -> Send:
    """
    Does the same for what MLflow serves without Flask: artifacts, and spans.
    """
    named = _named_natively(paths, scope)
    if named is None:
        return send
    call, verb = require_call(), verb_of(scope["method"], scope["path"])
    replaced = False

    def judged() -> bool:
        workspace_context.set_server_request_workspace(call.project)
        return _may_know(call, verb, (named,), about_all=None)

    async def sending(message: Message) -> None:
        nonlocal replaced
        if message["type"] == "http.response.start" and message["status"] in (403, 404):
            replaced = True
            certain = message["status"] == 403
            forbidden = certain and await anyio.to_thread.run_sync(judged)
            hindsight.soon(hindsight.Denial(call, verb, (named,), certain=certain))
            await send_refusal(send, Refused(403, FORBIDDEN) if forbidden else Refused(404, NOT_FOUND))
        elif not replaced:
            await send(message)

    return sending


def _named_natively(paths: Paths, scope: Scope) -> Named | None:
    artifact = paths.artifact(scope["path"])
    if artifact is not None:
        return Named("artifact_path", artifact)
    if paths.is_spans(scope["path"]):
        found = [value for key, value in scope["headers"] if key.lower() == b"x-mlflow-experiment-id"]
        return Named("experiment_id", b"".join(found).decode("latin-1"))
    return None
