"""The ports of the three applications, taken from the addresses that people use."""

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from cerberus.settings import Settings as CerberusSettings
from studio.local.problem import Problem
from studio.settings import Settings as StudioSettings


@dataclass(frozen=True)
class Ports:
    """
    Where each application listens.
    """

    cerberus: int
    mlflow: int
    studio: int


def ports_of(cerberus: CerberusSettings, studio: StudioSettings) -> Ports:
    """
    The ports that the public addresses name, three different ones.
    """
    ports = Ports(
        cerberus=_port(cerberus.cerberus_public_url, "CERBERUS_PUBLIC_URL"),
        mlflow=_port(studio.mlflow_public_url, "MLFLOW_PUBLIC_URL"),
        studio=_port(studio.public_url, "STUDIO_PUBLIC_URL"),
    )
    if len({ports.cerberus, ports.mlflow, ports.studio}) < 3:
        raise Problem("CERBERUS_PUBLIC_URL, MLFLOW_PUBLIC_URL and STUDIO_PUBLIC_URL must name three different ports.")
    return ports


def require_free(ports: Ports) -> None:
    """
    Problem that names the first port that something else listens on.
    """
    for title, port in (("Cerberus", ports.cerberus), ("MLflow", ports.mlflow), ("Studio", ports.studio)):
        if not _is_free(port):
            raise Problem(
                f"Port {port}, which {title} needs, is taken: stop what uses it (another `make run`?), "
                f"or choose another with {title.upper()}_PUBLIC_URL=http://localhost:{port % 10000 + 10000}."
            )


def _port(address: str, setting: str) -> int:
    try:
        parts = urlsplit(address)
        return parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (KeyError, ValueError) as error:
        raise Problem(f"{setting} is {address!r}: it should look like http://localhost:5000.") from error


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
