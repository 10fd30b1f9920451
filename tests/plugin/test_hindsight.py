"""Refusals are written into the audit, each as it was; nobody waits for that, and what is too much is counted."""

import json
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from cerberus.policy import Kind, Level, Resource
from cerberus.service import SYSTEM
from cerberus_mlflow.hindsight import MOST_WAITING, Hindsight

V2, V3, ARTIFACTS = "/api/2.0/mlflow", "/api/3.0/mlflow", "/api/2.0/mlflow-artifacts/artifacts"


@pytest.fixture(scope="module")
def hidden(server: Any) -> dict[str, str]:
    """Things of Alice's that Dana is denied, and a run of Dana's own."""
    experiment = server.experiment("alice", "kept from dana")
    run = server.run("alice", experiment)
    for model in ("kept model", "kept prompt"):
        tags = [{"key": "mlflow.prompt.is_prompt", "value": "true"}] if "prompt" in model else []
        assert server.post("alice", "registered-models/create", {"name": model, "tags": tags}).ok
    logged = server.post("alice", "logged-models", {"experiment_id": experiment}).json()["model"]["info"]["model_id"]
    named = {Kind.EXPERIMENT: experiment, Kind.REGISTERED_MODEL: "kept model", Kind.PROMPT: "kept prompt"}
    for kind, each in named.items():
        resource = Resource("fraud", kind, each)
        server.cast.cerberus.grants.give(SYSTEM, resource, subject="dana", level=Level.DENY)
    mine = server.experiment("dana")
    return {"experiment": experiment, "run": run, "logged": logged, "mine": mine, "own": server.run("dana", mine)}


def line_of(server: Any, request_id: str, seconds: float = 15) -> Any:
    """The audit's line about a request; None when there is none after a while."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for line in server.cast.cerberus.audit.search(SYSTEM, outcome="denied"):
            if line.request_id == request_id:
                return line
        time.sleep(0.1)
    return None


SPANS = {"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": "EXPERIMENT"}
REFUSED = (
    ("bob", "POST", f"{V2}/runs/set-tag", {"run_id": "RUN", "key": "k", "value": "v"}, 403,
     ("experiment.update", "experiment:EXPERIMENT")),
    ("bob", "POST", f"{V2}/runs/delete", {"run_id": "RUN"}, 403, ("experiment.delete", "experiment:EXPERIMENT")),
    ("bob", "POST", f"{V3}/traces", {"trace": {"trace_info": {"trace_id": "tr-new", "trace_location": {
        "type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "EXPERIMENT"}}}}}, 403,
     ("experiment.update", "experiment:EXPERIMENT")),
    ("bob", "PUT", f"{ARTIFACTS}/workspaces/fraud/EXPERIMENT/RUN/artifacts/x", None, 403,
     ("experiment.update", "experiment:EXPERIMENT")),
    ("bob", "POST", "/v1/traces", None, 403, ("experiment.update", "experiment:EXPERIMENT")),
    ("bob", "POST", f"{V2}/experiments/create", {"name": "x"}, 403, ("experiment.create", "experiment:*")),
    ("bob", "PATCH", f"{V2}/registered-models/update", {"name": "kept prompt", "description": "d"}, 403,
     ("prompt.update", "prompt:kept prompt")),
    ("bob", "POST", f"{V3}/scorers/register", {"experiment_id": "EXPERIMENT", "name": "n", "serialized_scorer": "{}"},
     403, ("experiment.create", "experiment:EXPERIMENT")),
    ("dana", "GET", f"{V2}/runs/get?run_id=RUN", None, 404, ("experiment.read", "experiment:EXPERIMENT")),
    ("dana", "GET", f"{V2}/experiments/get?experiment_id=EXPERIMENT", None, 404,
     ("experiment.read", "experiment:EXPERIMENT")),
    ("dana", "GET", f"{V2}/experiments/get-by-name?experiment_name=kept from dana", None, 404,
     ("experiment.read", "experiment:EXPERIMENT")),
    ("dana", "GET", f"{V2}/logged-models/LOGGED", None, 404, ("experiment.read", "experiment:EXPERIMENT")),
    ("dana", "GET", f"{V2}/registered-models/get?name=kept model", None, 404,
     ("registered_model.read", "registered_model:kept model")),
    ("dana", "GET", f"{V2}/registered-models/get?name=kept prompt", None, 404, ("prompt.read", "prompt:kept prompt")),
    ("dana", "POST", f"{V2}/runs/set-tag", {"run_id": "RUN", "key": "k", "value": "v"}, 404,
     ("experiment.update", "experiment:EXPERIMENT")),
    ("dana", "POST", f"{V2}/logged-models", {"experiment_id": "MINE", "source_run_id": "RUN"}, 404,
     ("experiment.update", "experiment:EXPERIMENT")),
    ("dana", "POST", f"{V3}/issues", {"experiment_id": "MINE", "name": "n", "description": "d", "source_run_id": "RUN"},
     404, ("experiment.read", "experiment:EXPERIMENT")),
    ("dana", "GET", f"{ARTIFACTS}/workspaces/fraud/EXPERIMENT/RUN/artifacts/x", None, 404,
     ("experiment.read", "experiment:EXPERIMENT")),
    ("dana", "GET", f"{ARTIFACTS}?path=workspaces/fraud/EXPERIMENT/RUN/artifacts", None, 404,
     ("experiment.read", "experiment:EXPERIMENT")),
    ("dana", "POST", "/v1/traces", None, 404, ("experiment.update", "experiment:EXPERIMENT")),
)  # fmt: skip


@pytest.mark.parametrize(("who", "method", "path", "body", "status", "said"), REFUSED)
def test_a_refusal_is_in_the_audit_as_it_was(
    server: Any, hidden: Any, who: str, method: str, path: str, body: Any, status: int, said: tuple[str, str]
) -> None:
    """Who, what, of which project, from where, with which client, in which request, and when."""

    def filled(text: str) -> str:
        for word, value in hidden.items():
            text = text.replace(word.upper(), value)
        return text

    request_id, begun = f"test-{uuid.uuid4().hex}", datetime.now(UTC)
    headers = {"X-Request-ID": request_id, "User-Agent": "a notebook"}
    if path == "/v1/traces":
        headers |= {name: filled(value) for name, value in SPANS.items()}
    sent = None if body is None else json.loads(filled(json.dumps(body)))
    answer = server.ask(who, method, filled(path), json=sent, headers=headers)
    ended = datetime.now(UTC)
    assert answer.status_code == status, answer.text
    line = line_of(server, request_id)
    assert line is not None
    assert (line.action, line.target) == (said[0], filled(said[1]))
    assert (line.who, line.project, line.outcome) == (who, "fraud", "denied")
    assert (line.address, line.client) == ("127.0.0.1", "a notebook")
    assert begun <= line.at <= ended


@pytest.mark.parametrize("path", ["experiments/get-by-name?experiment_name=nobody's", "runs/get?run_id=mine"])
def test_what_is_not_there_or_allowed_is_no_refusal(server: Any, hidden: Any, path: str) -> None:
    request_id = f"test-{uuid.uuid4().hex}"
    answer = server.ask("dana", "GET", path.replace("mine", hidden["own"]), headers={"X-Request-ID": request_id})
    assert answer.status_code in (200, 404)
    assert line_of(server, request_id, 2) is None


def test_whoever_is_refused_does_not_wait_for_the_audit_and_too_much_is_dropped(caplog: Any) -> None:
    """One is being written, as many as may wait do, and two more are lost; the log says so, and how many."""
    written: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def write(item: int) -> None:
        begun.set()
        assert go_on.wait(60)
        written.append(item)

    later = Hindsight(write, what="a line")
    later.soon(-1)
    assert begun.wait(60)
    for number in range(MOST_WAITING + 2):
        later.soon(number)
    assert written == []
    assert later.dropped == 2
    assert "dropped: a line (2 so far)" in caplog.text
    go_on.set()
    later.settle(60)
    assert written == [-1, *range(MOST_WAITING)]


def test_one_that_cannot_be_written_stops_none_of_the_others(caplog: Any) -> None:
    written: list[int] = []

    def write(item: int) -> None:
        if item == 1:
            raise RuntimeError("away")
        written.append(item)

    later = Hindsight(write, what="a line")
    for number in range(3):
        later.soon(number)
    later.settle(20)
    assert written == [0, 2]
    assert "not written: a line" in caplog.text


def test_what_waits_is_written_before_a_server_ends(
    server: Any, start_server: Any, stop_server: Any, tmp_path: Any
) -> None:
    """A refusal half a moment before the end is in the audit."""
    folder = server.log.parent
    other = start_server(
        data=tmp_path, backend=f"sqlite:///{folder}/mlflow.db", cerberus_url=f"sqlite:///{folder}/cerberus.db",
        cast=server.cast, workers=1,
    )  # fmt: skip
    request_id = f"test-{uuid.uuid4().hex}"
    answer = other.post("bob", "experiments/create", {"name": "x"}, headers={"X-Request-ID": request_id})
    stop_server(other)
    assert answer.status_code == 403
    assert line_of(server, request_id, 5) is not None
