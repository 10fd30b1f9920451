"""The three applications as commands with their environment: the same for `make run` and for the containers."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cerberus.settings import secrets_dir
from studio.local.environment import variables_in
from studio.local.layout import ROOT, Layout
from studio.local.ports import Ports
from studio.local.secret_files import secret
from studio.settings import Settings as StudioSettings

NAMES = ("cerberus", "mlflow", "studio")
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Service:
    """
    One application: how it is started, and the path that says whether it is well.
    """

    name: str
    title: str
    port: int
    health: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)

    @property
    def health_url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.health}"


def services(layout: Layout, studio: StudioSettings, ports: Ports) -> tuple[Service, ...]:
    """
    Cerberus, MLflow and Studio, for this machine only.
    """
    return tuple(service(name, layout, studio, ports) for name in NAMES)


def service(name: str, layout: Layout, studio: StudioSettings, ports: Ports, host: str = "127.0.0.1") -> Service:
    """
    One of the three, listening on `host`. Makes the secrets that it needs, and no other's.
    """
    if name == "cerberus":
        return _cerberus(ports.cerberus, host)
    return _mlflow(layout, studio, ports.mlflow, host) if name == "mlflow" else _studio(layout, ports.studio, host)


def _cerberus(port: int, host: str) -> Service:
    command = (
        str(BIN / "gunicorn"),
        *("--config", "python:cerberus.serving", "--bind", f"{host}:{port}"),
        "cerberus.api:create_app()",
    )
    return Service("cerberus", "Cerberus", port, "/livez", command, dict(os.environ))


def _mlflow(layout: Layout, studio: StudioSettings, port: int, host: str) -> Service:
    environment = {
        **variables_in(ROOT / "mlflow" / "server.env"),
        "MLFLOW_ARTIFACTS_DESTINATION": str(layout.artifacts),
        **os.environ,
        "MLFLOW_BACKEND_STORE_URI": studio.mlflow_database_url,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": _secret(layout, "mlflow_server_secret_key"),
    }
    command = (
        *(str(BIN / "mlflow"), "server", "--app-name", "cerberus", "--workspace-store-uri", "cerberus://"),
        *("--enable-workspaces", "--serve-artifacts", "--host", host, "--port", str(port)),
    )
    return Service("mlflow", "MLflow", port, "/health", command, {"MLFLOW_WORKERS": "2", **environment})


def _studio(layout: Layout, port: int, host: str) -> Service:
    command = (
        *(str(BIN / "streamlit"), "run", str(ROOT / "studio" / "app.py")),
        *("--server.port", str(port), "--server.address", host),
    )
    environment = {**os.environ, "STREAMLIT_SERVER_COOKIE_SECRET": _secret(layout, "studio_cookie_secret")}
    return Service("studio", "Studio", port, "/livez", command, environment)


def _secret(layout: Layout, name: str) -> str:
    """
    From the directory of mounted secrets where there is one (containers), else made in the data directory.
    """
    mounted = secrets_dir()
    return secret(mounted if mounted and (mounted / name).exists() else layout.secrets, name)
