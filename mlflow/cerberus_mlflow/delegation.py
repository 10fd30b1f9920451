"""The short way to MLflow's Flask application, which answers most requests.

MLflow's FastAPI application leads there through three layers that each run a request in a task of its own; they do
something for the routes that FastAPI serves itself, and here nothing that Flask does not do again. What is left is
MLflow's security layer (hosts, origins, headers) and a bridge from ASGI to WSGI. Flask's own hooks, and ours, check
every request on either way.
"""

from typing import Any

from fastapi import FastAPI
from flask import Flask
from mlflow.server.fastapi_security import init_fastapi_security
from mlflow.utils.workspace_context import clear_server_request_workspace
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from cerberus_mlflow.answers import Refused, refuse_natively
from cerberus_mlflow.bridge import Bridge
from cerberus_mlflow.host import auth
from cerberus_mlflow.native import short_way
from cerberus_mlflow.paths import Paths
from cerberus_mlflow.routes import native_routes


class Delegation:
    """
    ASGI application: what FastAPI serves itself goes to `served`, or its own short way, everything else to Flask.
    """

    def __init__(self, served: FastAPI, flask: Flask, paths: Paths) -> None:
        self.served = served
        self.paths = paths
        self.short = short_way(served, paths)
        handlers: Any = {Refused: refuse_natively}
        security: Any = Starlette(routes=[Mount("/", Bridge(flask))], exception_handlers=handlers)
        init_fastapi_security(security)
        self.to_flask = security
        self.native = auth._native_fastapi_routes(served)
        self.beginnings = tuple({path.partition("{")[0] for _, path in native_routes(served)})

    def is_native(self, method: str, root_path: str, path: str) -> bool:
        """
        Whether FastAPI serves it. Nothing is remembered: by its time, an answer would tell which paths others ask for.
        """
        if not root_path and not path.startswith(self.beginnings):
            return False  # 1 us; the routes' own answer takes 200
        scope = {"type": "http", "method": method, "root_path": root_path, "path": path, "headers": []}
        return bool(auth._scope_matches_native_route(self.native, scope))

    def is_shortened(self, method: str, root_path: str, path: str) -> bool:
        """
        Whether the short way to FastAPI's endpoints serves it.
        """
        if root_path:
            return False
        if self.paths.is_spans(path):
            return method == "POST"
        return method in ("GET", "PUT") and self.paths.is_artifact_route(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.is_shortened(scope["method"], scope.get("root_path", ""), scope["path"]):
            await self.short(scope, receive, send)
            return
        if scope["type"] != "http" or self.is_native(scope["method"], scope.get("root_path", ""), scope["path"]):
            await self.served(scope, receive, send)
            return
        # uvicorn serves a connection's next request in the context of the one before it where that had a large body;
        # Flask would then work in that one's workspace. Forgotten, it is found anew, as FastAPI's middleware does.
        clear_server_request_workspace()
        await self.to_flask(scope, receive, send)
