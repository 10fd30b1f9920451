"""Uploads on the short way: what is too large or breaks off leaves nothing, and a whole one arrives as it was sent."""

import http.client
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

LIMIT = 300_000
PIECE = b"x" * 50_000


@pytest.fixture(scope="module")
def narrow(server: Any, start_server: Any, stop_server: Any) -> Iterator[Any]:
    """A server that takes little, on the same databases."""
    data = server.log.parent
    running = start_server(
        data=data,
        backend=f"sqlite:///{data}/mlflow.db",
        cerberus_url=f"sqlite:///{data}/cerberus.db",
        cast=server.cast,
        workers=1,
        extra={"CERBERUS_MLFLOW_UPLOAD_LIMIT": str(LIMIT)},
    )
    yield running
    stop_server(running)


@pytest.fixture(scope="module")
def run(narrow: Any) -> str:
    """The path of a run's artifacts in the proxy."""
    experiment_id = narrow.experiment("alice", project="fraud")
    run_id = narrow.run("alice", experiment_id)
    return f"workspaces/fraud/{experiment_id}/{run_id}/artifacts"


def sent(server: Any, run: str, pieces: int, *, chunked: bool, ended: bool = True) -> tuple[int, str]:
    """Uploads so many pieces, and breaks off or asks for the answer: its status, or 0, and the artifact's path."""
    artifact = f"{run}/{uuid.uuid4().hex}.bin"
    connection = http.client.HTTPConnection(str(urlsplit(server.url).netloc), timeout=60)
    connection.putrequest("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{artifact}")
    connection.putheader("Authorization", f"Bearer {server.token('alice')}")
    connection.putheader("X-MLFLOW-WORKSPACE", "fraud")
    if chunked:
        connection.putheader("Transfer-Encoding", "chunked")
    else:
        connection.putheader("Content-Length", str(pieces * len(PIECE)))
    connection.endheaders()
    try:
        for _ in range(pieces if ended else pieces - 1):
            connection.send(b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if chunked else PIECE)
        if not ended:
            return 0, artifact
        connection.send(b"0\r\n\r\n" if chunked else b"")
    except OSError:
        pass  # the server has answered, and hung up, before it has everything
    finally:
        if not ended:
            connection.close()
    status = connection.getresponse().status
    connection.close()
    return status, artifact


def stored(server: Any, artifact: str) -> list[Path]:
    """The files in the directory of an artifact, the half ones too."""
    directory = Path(server.env["_MLFLOW_SERVER_ARTIFACT_DESTINATION"]) / os.path.dirname(artifact)
    return sorted(each for each in directory.rglob("*") if each.is_file())


@pytest.mark.parametrize("chunked", [False, True])
def test_a_whole_one_arrives(narrow: Any, run: str, chunked: bool) -> None:
    status, artifact = sent(narrow, run, 5, chunked=chunked)
    assert status == 200
    answer = narrow.ask("alice", "GET", f"/api/2.0/mlflow-artifacts/artifacts/{artifact}", project="fraud")
    assert answer.content == PIECE * 5


@pytest.mark.parametrize("chunked", [False, True])
def test_one_that_is_too_large_leaves_nothing(narrow: Any, run: str, chunked: bool) -> None:
    before = stored(narrow, f"{run}/x")
    status, artifact = sent(narrow, run, 9, chunked=chunked)
    assert status == 413
    path = f"/api/2.0/mlflow-artifacts/artifacts/{artifact}"
    assert narrow.ask("alice", "GET", path, project="fraud").status_code == 404
    assert stored(narrow, artifact) == before


@pytest.mark.parametrize("chunked", [False, True])
def test_one_that_breaks_off_leaves_nothing(narrow: Any, run: str, chunked: bool) -> None:
    before = stored(narrow, f"{run}/x")
    _, artifact = sent(narrow, run, 5, chunked=chunked, ended=False)
    path = f"/api/2.0/mlflow-artifacts/artifacts/{artifact}"
    until = time.monotonic() + 10
    while stored(narrow, artifact) != before and time.monotonic() < until:
        time.sleep(0.05)
    assert stored(narrow, artifact) == before
    assert narrow.ask("alice", "GET", path, project="fraud").status_code == 404
    assert "Traceback" not in narrow.log.read_text()
