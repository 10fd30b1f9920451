"""gunicorn's configuration for the API: `gunicorn --config python:cerberus.serving 'cerberus.api:create_app()'`.

It stands outside `cerberus.api`: importing that imports prometheus_client, which by then must know where to count.
What stands here, an option on the command line or in GUNICORN_CMD_ARGS can change.
"""

import gc
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

bind = "127.0.0.1:5000"
workers = int(os.environ.get("CERBERUS_WORKERS") or 2)
threads = int(os.environ.get("CERBERUS_THREADS") or 8)
worker_class = "cerberus.api.worker.PatientWorker"
worker_connections = 200
backlog = 512

timeout = 90  # a worker that says nothing for so long is replaced: longer than the longest statement
graceful_timeout = 20
keepalive = 5

limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190

forwarded_allow_ips = ""  # who is believed about addresses is CERBERUS_TRUSTED_PROXIES' matter
control_socket_disable = True

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
_made = ""
if not os.environ.get(DIRECTORY):  # prometheus_client asks for it when it is imported
    _made = os.environ[DIRECTORY] = tempfile.mkdtemp(prefix="cerberus-metrics-")


def on_starting(server: Any) -> None:  # noqa: ARG001 - gunicorn's hook
    """
    The directory in which the workers count together is there, and empty.
    """
    directory = Path(os.environ[DIRECTORY])
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("*.db"):
        old.unlink(missing_ok=True)


def post_worker_init(worker: Any) -> None:  # noqa: ARG001 - gunicorn's hook
    """
    What the application is made of stays until the end: looking through it for garbage would hold all requests up for
    a tenth of a second now and then.
    """
    gc.collect()
    gc.freeze()


def child_exit(server: Any, worker: Any) -> None:  # noqa: ARG001 - gunicorn's hook
    """
    What a worker that has ended measured of itself is forgotten; what it counted stays.
    """
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:  # noqa: ARG001 - gunicorn's hook
    """
    The directory goes with the server.
    """
    if _made:
        shutil.rmtree(_made, ignore_errors=True)
