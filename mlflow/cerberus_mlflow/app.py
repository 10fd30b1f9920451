"""The entry point of `mlflow server --app-name cerberus`."""

import gc
import logging
import os
from typing import Any

from fastapi import FastAPI
from flask import Flask, request
from mlflow.protos.service_pb2 import RegisterScorer
from mlflow.server import app as mlflow_app
from mlflow.server.auth.routes import AJAX_GET_CURRENT_USER, GET_CURRENT_USER
from mlflow.server.fastapi_app import create_fastapi_app
from mlflow.server.handlers import STATIC_PREFIX_ENV_VAR
from mlflow.utils.workspace_context import get_request_workspace
from werkzeug.wrappers import Response

from cerberus.policy import Verb
from cerberus_mlflow import (
    afterwards,
    checks,
    denials,
    faults,
    inventory,
    parsing,
    races,
    references,
    routes,
    settling,
    takeover,
)
from cerberus_mlflow.answers import Refused, refusal
from cerberus_mlflow.as_absent import take_hidden_for_absent
from cerberus_mlflow.context import require_call
from cerberus_mlflow.delegation import Delegation
from cerberus_mlflow.guards import Guard
from cerberus_mlflow.host import auth, handlers
from cerberus_mlflow.identity import Identity
from cerberus_mlflow.locations import guard_traces
from cerberus_mlflow.messages import Messages, messages_by_route
from cerberus_mlflow.named import Named
from cerberus_mlflow.paths import Paths
from cerberus_mlflow.settings import PluginSettings
from cerberus_mlflow.whole_project import search_whole_projects

_logger = logging.getLogger(__name__)


def create_app(app: Flask = mlflow_app) -> Any:
    """
    MLflow's application behind Cerberus. Refuses to start where a check fails (see `checks.py`).
    """
    checks.refuse_to_start_if([*checks.before_start(), *checks.in_worker()])
    app, served, paths = assembled(app)
    checks.refuse_to_start_if(inventory.problems(routes.guards(app, served, paths)))
    settling.begin()
    outermost = Identity(Delegation(served, app, paths), PluginSettings(), paths)
    gc.freeze()  # what is here now stays: MLflow's modules are not to be searched for garbage again and again
    return outermost


def assembled(app: Flask = mlflow_app) -> tuple[Flask, FastAPI, Paths]:
    """
    MLflow's two applications with every check of ours but the outermost, and their paths.
    """
    paths, settings = Paths(os.environ.get(STATIC_PREFIX_ENV_VAR, "")), PluginSettings()
    takeover.take_over()
    guard_traces()
    races.log_inputs_again()
    parsing.read_once()
    take_hidden_for_absent()
    search_whole_projects()
    messages = messages_by_route()
    for rule in (GET_CURRENT_USER, AJAX_GET_CURRENT_USER):
        app.add_url_rule(rule=rule, view_func=auth.get_current_user, methods=["GET"])
    app.before_request(lambda: refuse_for_all(paths, settings))
    app.before_request(lambda: authorize(paths, messages))
    app.after_request(afterwards.after_request)
    faults.put_down_to_the_request(app)
    served = create_fastapi_app(app)
    faults.put_down_natively(served)
    auth.add_fastapi_permission_middleware(served)
    app.wsgi_app = Guard(app, messages)  # type: ignore[method-assign]
    return app, served, paths


def refuse_for_all(paths: Paths, settings: PluginSettings) -> Response | None:
    """
    Refuses MLflow's own administration of users, roles and permissions.
    """
    if not paths.is_account_administration(request.path):
        return None
    return refusal(
        Refused(
            403,
            "People, tokens, groups, roles and permissions are managed by Cerberus, not by MLflow: see the pages of "
            f"{settings.studio_public_url} or the API at {settings.cerberus_public_url}.",
        )
    )


@handlers.catch_mlflow_exception  # type: ignore[untyped-decorator]
def authorize(paths: Paths, messages: Messages) -> Any:
    """
    MLflow's check of the route, then what it does not ask.
    """
    if paths.is_workspace(request.path):
        return None
    if not paths.needs_no_project(request.path) and get_request_workspace() != require_call().project:
        _logger.error("MLflow would work in another project than the caller was let into; refusing")
        return refusal(Refused(503, "The project of this request is not clear. Try again."))
    answer = auth._before_request()
    if answer is not None:
        return denials.hide_or_forbid(answer) if answer.status_code in (403, 404) else answer
    rule = request.url_rule.rule if request.url_rule else ""
    message = messages.get((rule, request.method))
    hidden = references.unreadable(message) if message is not None else None
    if hidden is not None:
        return denials.hide(hidden)
    if message is RegisterScorer:
        body = handlers._get_request_message(RegisterScorer())
        if not takeover.may_register_scorer(body.experiment_id, body.name):
            return denials.forbid(Verb.CREATE, Named("experiment_id", body.experiment_id))
    return None
