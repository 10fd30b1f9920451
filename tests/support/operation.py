"""One request to MLflow's server about the things on a shelf, and what such requests are made of."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

V2, V3, AJAX2, AJAX3 = ("/api/2.0/mlflow", "/api/3.0/mlflow", "/ajax-api/2.0/mlflow", "/ajax-api/3.0/mlflow")
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
PROMPT = {"key": "mlflow.prompt.is_prompt", "value": "true"}
Shelf = dict[str, str]
NUMBERS = itertools.count(1)
MODEL_JSON = {"artifact_path": "a", "flavors": {"x": {}}, "run_id": "r", "utc_time_created": "2026-01-01 00:00:00"}


@dataclass(frozen=True)
class Operation:
    """One request about `{things}` of a shelf."""

    method: str
    path: str
    body: Any = None
    query: Mapping[str, str] | None = None
    raw: bytes | None = None
    headers: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        """How the case is called."""
        return f"{self.method} {self.path.removeprefix('/')}" + (
            f" {str(self.body)[:40]}" if "graphql" in self.path else ""
        )

    @property
    def names_something(self) -> bool:
        """Whether it is about a thing of the shelf, rather than about the project."""
        parts = [str(part or "")[1:] for part in (self.body, self.query, self.headers)]
        return "{" in f"{self.path} {' '.join(parts)}".replace("{'key", "")

    def on(self, shelf: Shelf) -> dict[str, Any]:
        """The arguments of a request about the things of this shelf."""
        found: dict[str, Any] = {"method": self.method, "path": filled(self.path, shelf)}
        if self.query is not None:
            found["params"] = filled(dict(self.query), shelf)
        if self.body is not None:
            found["json"] = filled(self.body, shelf)
        if self.raw is not None:
            found["data"] = self.raw
        if self.headers is not None:
            found["headers"] = filled(dict(self.headers), shelf)
        return found


def filled(value: Any, shelf: Shelf) -> Any:
    """The value with each `{thing}` replaced, at any depth."""
    if isinstance(value, str):
        for name, thing in shelf.items():
            value = value.replace("{" + name + "}", thing)
        return value
    if isinstance(value, dict):
        return {key: filled(inner, shelf) for key, inner in value.items()}
    return [filled(inner, shelf) for inner in value] if isinstance(value, list) else value


def trace(trace_id: str, experiment_id: str, **info: Any) -> dict[str, Any]:
    """The body that starts a trace."""
    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment_id}}
    known = {
        "trace_id": trace_id,
        "trace_location": location,
        "request_time": "2026-01-01T00:00:00Z",
        "execution_duration": "1s",
        "state": "OK",
        "tags": {},
    }
    return {"trace": {"trace_info": {**known, **info}}}


def feedback(**more: Any) -> dict[str, Any]:
    """An assessment."""
    source = {"source_type": "HUMAN", "source_id": "somebody"}
    return {"assessment_name": "good", "source": source, "feedback": {"value": True}, **more}


def graphql(query: str) -> Operation:
    return Operation("POST", "/graphql", {"query": query})


def experiments(*, of: str = "{experiment}") -> dict[str, str]:
    return {"experiment_id": of}


SCORER = json.dumps(
    {"name": "short", "builtin_scorer_class": "Safety", "builtin_scorer_pydantic_data": {"name": "short"}}
)
SCHEMA = {
    "experiment_id": "{experiment}",
    "name": "quality",
    "type": "FEEDBACK",
    "input": {"pass_fail": {"positive_label": "yes", "negative_label": "no"}},
}


def spans(number: int, attributes: Mapping[str, str] | None = None) -> bytes:
    """A root span with one below it, as OpenTelemetry sends them."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id = number.to_bytes(16, "big"), b"12345678"
    span.name, span.start_time_unix_nano, span.end_time_unix_nano = "s", 10**18, 10**18 + 1000
    for key, value in (attributes or {}).items():
        attribute = span.attributes.add()
        attribute.key, attribute.value.string_value = key, value
    return bytes(request.SerializeToString())
