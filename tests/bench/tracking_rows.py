"""What is asked of the tracking servers: a new row is a row of `ROWS`."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asking import MARK
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tracking_data import FEW, MANY, RUNS, START, VISIBLE
from tracking_servers import TrackingServer

API = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
PAGE = 1000
NEW = int(MARK)
"""Another number in each request, so that nothing is logged twice."""


@dataclass(frozen=True)
class Filled:
    """A server with something in it to ask for, made by the worker."""

    server: TrackingServer
    experiment: str
    secret: str
    scratch: str
    run: str
    scratch_runs: Sequence[str]
    model: str
    artifact: str

    @property
    def name(self) -> str:
        """The server's, which is a column of the table."""
        return self.server.name


@dataclass(frozen=True)
class Question:
    """A request, or several that take turns, by one of the people. `counting` names the list in a full answer."""

    method: str
    paths: Sequence[str]
    bodies: Sequence[Any] = (None,)
    person: str = "worker"
    headers: Mapping[str, str] = field(default_factory=dict)
    counting: str = ""
    wanted: int = 0

    def requests(self, on: Filled) -> list[bytes]:
        """
        The bytes to send, whole.
        """
        return [self._bytes(path, body, on) for path in self.paths for body in self.bodies]

    def _bytes(self, path: str, body: Any, on: Filled) -> bytes:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        headers = {"Host": on.server.url.removeprefix("http://"), **on.server.headers[self.person]}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
        headers |= self.headers
        head = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        return f"{self.method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content


@dataclass(frozen=True)
class Row:
    """One line of the table: what is asked, by how many at once, and what is tidied up after each turn."""

    name: str
    ask: Callable[[Filled], Question]
    clients: tuple[int, ...] = (1, 4)
    wanted: float | None = None
    tidy: Callable[[Filled], Sequence[str]] = lambda _: ()
    grown: bool = False


def get(path: str, **more: Any) -> Question:
    """
    A question without a body.
    """
    return Question("GET", (path,), **more)


def post(path: str, *bodies: Any, **more: Any) -> Question:
    """
    A question of MLflow's own API with one of these bodies.
    """
    return Question("POST", (f"{API}/{path}",), bodies, **more)


def points(number: int, step: int = NEW) -> list[dict[str, Any]]:
    """
    So many metrics' values at one step.
    """
    return [{"key": f"m{each}", "value": 0.5, "timestamp": step, "step": step} for each in range(number)]


def new_run(on: Filled) -> dict[str, Any]:
    """
    What MLflow's client sends to begin a run.
    """
    tags = {"mlflow.user": "worker", "mlflow.source.name": "train.py", "mlflow.source.type": "LOCAL"}
    return {
        "experiment_id": on.scratch,
        "run_name": "created",
        "start_time": NEW,
        "tags": [{"key": key, "value": value} for key, value in {**tags, "mlflow.runName": "created"}.items()],
    }


def created_runs(on: Filled) -> list[str]:
    """
    Statements that take created runs away: MLflow finds runs by reading all of them.
    """
    runs = f"SELECT run_uuid FROM runs WHERE experiment_id = {on.scratch} AND name = 'created'"
    return [f"DELETE FROM tags WHERE run_uuid IN ({runs})", f"DELETE FROM runs WHERE run_uuid IN ({runs})"]


def logged_params(on: Filled) -> list[str]:
    """
    A statement that takes logged parameters away: MLflow reads all of a run's to log one.
    """
    runs = ", ".join(f"'{each}'" for each in on.scratch_runs)
    return [f"DELETE FROM params WHERE run_uuid IN ({runs})"]


def param_batches(on: Filled) -> list[Any]:
    """
    Twenty parameters each, for the scratch runs in turn.
    """
    params = [{"key": f"p{each}-{NEW}", "value": str(each)} for each in range(20)]
    return [{"run_id": run, "params": params} for run in on.scratch_runs]


def trace(on: Filled) -> Question:
    """
    A trace of three spans as OpenTelemetry sends it.
    """
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number, name in enumerate(("agent", "retrieve", "generate")):
        span = spans.add(trace_id=b"test" + MARK, span_id=b"span000%d" % number, name=name)
        span.parent_span_id = b"" if number == 0 else b"span0000"
        span.start_time_unix_nano, span.end_time_unix_nano = START * 10**6, (START + 5) * 10**6
        for key in ("mlflow.spanInputs", "mlflow.spanOutputs"):
            span.attributes.add(key=key).value.string_value = json.dumps({"text": "a question, or its answer " * 8})
    body = request.SerializeToString()
    headers = {"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": on.scratch}
    return Question("POST", ("/v1/traces",), (body,), headers=headers)


def experiments(person: str, wanted: int) -> Question:
    """
    A page of the experiments that somebody sees.
    """
    return post("experiments/search", {"max_results": PAGE}, person=person, counting="experiments", wanted=wanted)


def runs(on: Filled, ids: Sequence[str], person: str) -> Question:
    """
    A page of 100 runs.
    """
    body = {"experiment_ids": list(ids), "max_results": RUNS}
    return post("runs/search", body, person=person, counting="runs", wanted=RUNS)


BYTES = {"Content-Type": "application/octet-stream"}
MEGABYTE = b"1234567\n" * (1 << 17)
ROWS: Sequence[Row] = (
    Row("get experiment", lambda on: get(f"{API}/experiments/get?experiment_id={on.experiment}"), wanted=0.9),
    Row("get run", lambda on: get(f"{API}/runs/get?run_id={on.run}"), wanted=0.9),
    Row(
        "log metric",
        lambda on: post(
            "runs/log-metric",
            {"run_id": on.scratch_runs[0], "key": "loss", "value": 0.5, "timestamp": NEW, "step": NEW},
        ),
        wanted=0.9,
    ),
    Row(
        "log batch of 100",
        lambda on: post("runs/log-batch", {"run_id": on.scratch_runs[0], "metrics": points(100)}),
        wanted=0.9,
    ),
    Row("search 100 runs", lambda on: runs(on, [on.experiment], "worker"), wanted=0.9),
    Row(f"search experiments, {VISIBLE} of 1,000", lambda _: experiments("reader", VISIBLE), wanted=1.0),
    Row(
        f"search models, {VISIBLE} of 1,000",
        lambda _: get(
            f"{API}/registered-models/search?max_results={PAGE}",
            person="reader",
            counting="registered_models",
            wanted=VISIBLE,
        ),
        wanted=1.0,
    ),
    Row("create run", lambda on: post("runs/create", new_run(on)), clients=(1,), tidy=created_runs),
    Row("log 20 params", lambda on: post("runs/log-batch", *param_batches(on)), clients=(1,), tidy=logged_params),
    Row(
        "metric history of 1,000",
        lambda on: get(f"{API}/metrics/get-history?run_id={on.run}&metric_key=curve", counting="metrics", wanted=1000),
        clients=(1,),
    ),
    Row(
        "search 100 runs, 100 more denied",
        lambda on: runs(on, [on.experiment, on.secret], "colleague"),
        clients=(1,),
    ),
    Row("get version", lambda on: get(f"{API}/model-versions/get?name={on.model}&version=1"), clients=(1,)),
    Row(
        "get version by alias",
        lambda on: get(f"{API}/registered-models/alias?name={on.model}&alias=champion"),
        clients=(1,),
    ),
    Row("download 1 MB", lambda on: get(f"{ARTIFACTS}/{on.artifact}"), clients=(1,)),
    Row(
        "upload 1 MB",
        lambda on: Question("PUT", (f"{ARTIFACTS}/{on.artifact}",), (MEGABYTE,), headers=BYTES),
        clients=(1,),
    ),
    Row("log a trace of 3 spans", trace, clients=(1,)),
    Row(
        f"search experiments, {FEW} of {MANY:,}",
        lambda _: experiments("newcomer", FEW),
        clients=(1,),
        grown=True,
    ),
)
