"""The three applications as commands with their environment: the same for `make run` and for the containers."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from honcho.environ import parse

from cerberus.settings import Settings as CerberusSettings
from cerberus.settings import secrets_dir
from studio.local.layout import ROOT, Layout
from studio.local.problem import Problem
from studio.local.secret_files import secret
from studio.settings import Settings as StudioSettings

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


def services(cerberus: CerberusSettings, studio: StudioSettings, host: str = "127.0.0.1") -> tuple[Service, ...]:
    """
    Cerberus, MLflow and Studio, on the ports of their public addresses.
    """
    layout = Layout(cerberus.data)
    return (
        _cerberus(port_of(cerberus.cerberus_public_url, "CERBERUS_PUBLIC_URL"), host),
        _mlflow(layout, studio, port_of(studio.mlflow_public_url, "MLFLOW_PUBLIC_URL"), host),
        _studio(layout, port_of(studio.public_url, "STUDIO_PUBLIC_URL"), host),
    )


def port_of(address: str, setting: str) -> int:
    """
    The port that `address` names, or the one that its scheme implies.
    """
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (KeyError, ValueError) as error:
        raise Problem(f"{setting} is {address!r}: it should look like http://localhost:5000.") from error
    return port


def dotenv(path: Path) -> dict[str, str]:
    """
    The variables that a file of KEY=value lines sets; none where there is no file.
    """
    return dict(parse(path.read_text())) if path.exists() else {}


def _cerberus(port: int, host: str) -> Service:
    command = (
        str(BIN / "gunicorn"),
        *("--bind", f"{host}:{port}", "--workers", "2", "--threads", "4", "--no-control-socket"),
        *("--worker-tmp-dir", "/dev/shm" if Path("/dev/shm").is_dir() else "/tmp"),  # noqa: S108 - gunicorn's own names
        *("--access-logfile", "-", "cerberus.api:create_app()"),
    )
    return Service("cerberus", "Cerberus", port, "/livez", command, dict(os.environ))


def _mlflow(layout: Layout, studio: StudioSettings, port: int, host: str) -> Service:
    settings = dotenv(ROOT / "mlflow" / "server.env")
    environment = {
        "MLFLOW_BACKEND_STORE_URI": studio.mlflow_database_url,
        "MLFLOW_ARTIFACTS_DESTINATION": str(layout.artifacts),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": _secret(layout, "mlflow_server_secret_key"),
        "MLFLOW_WORKSPACE_STORE_URI": "cerberus://",
        **settings,
        **os.environ,
    }
    command = (str(BIN / "mlflow"), "server", "--app-name", "cerberus", "--host", host, "--port", str(port))
    return Service("mlflow", "MLflow", port, "/health", command, environment)


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
