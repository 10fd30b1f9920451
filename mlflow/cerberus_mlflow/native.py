"""The short way to what FastAPI serves itself and notebooks use all day: artifacts' up- and downloads, and spans.

MLflow's middlewares in front of them run each request in two tasks more and its body through queues, and build a
request of Flask's to learn who asks. This asks MLflow's same validators, and then runs the same endpoints behind its
own security layer.
"""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, FastAPI
from mlflow.exceptions import MlflowException
from mlflow.server.artifact_router import artifact_router
from mlflow.server.fastapi_security import init_fastapi_security
from mlflow.server.otel_api import otel_router
from mlflow.utils.workspace_context import clear_server_request_workspace, set_server_request_workspace
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cerberus_mlflow.answers import Refused, refuse_natively
from cerberus_mlflow.context import require_call
from cerberus_mlflow.host import auth
from cerberus_mlflow.paths import Paths

ROUTERS: tuple[tuple[APIRouter, Callable[[Paths], str]], ...] = (
    (otel_router, lambda paths: paths.prefix),
    (artifact_router, lambda _: ""),
)
"""What is served, and the prefix that MLflow gives it."""


async def _broken_off(_: Request, __: Exception) -> Response:
    return Response(status_code=400)  # which nobody reads; the log names the request without a traceback


OF_THE_BODY: dict[Any, Any] = {Refused: refuse_natively, ClientDisconnect: _broken_off}
"""What may be found out while a body is read, and the answers to that."""


def short_way(served: FastAPI, paths: Paths) -> FastAPI:
    """
    An application of those routes alone, which answers faults as `served` does.
    """
    short = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    init_fastapi_security(short)
    short.add_middleware(Permitted, paths=paths)
    short.exception_handlers.update({**served.exception_handlers, **OF_THE_BODY})
    for router, prefix in ROUTERS:
        short.include_router(router, prefix=prefix(paths))
    return short


class Permitted:
    """
    ASGI middleware, in the place of MLflow's for permissions and for the workspace: asks the route's validator, and
    lets the endpoint work in the call's project.
    """

    def __init__(self, app: ASGIApp, paths: Paths) -> None:
        self.app = app
        self.paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        call = require_call()
        set_server_request_workspace(call.project)
        try:
            nothing = self.paths.names_no_artifact(scope["path"])
            refused = PlainTextResponse("Not Found", 404) if nothing else await _refused(scope, call.name)
            await (refused or self.app)(scope, receive, send)
        finally:
            clear_server_request_workspace()


async def _refused(scope: Scope, name: str) -> PlainTextResponse | None:
    """
    MLflow's answer to who may not; None for who may.
    """
    validator: Any = auth._find_fastapi_validator(scope["path"], scope["method"])
    if validator is None:
        return PlainTextResponse("Permission denied", status_code=403)
    try:
        user = auth.store.get_user(name)
        scope.setdefault("state", {}).update(username=user.username, user_id=user.id)
        allowed = user.is_admin or await validator(name, Request(scope))
    except MlflowException as error:
        return PlainTextResponse(error.message, status_code=error.get_http_status_code())  # type: ignore[no-untyped-call]
    return None if allowed else PlainTextResponse("Permission denied", status_code=403)
