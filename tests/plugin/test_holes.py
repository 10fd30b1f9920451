"""The holes of MLflow that the plugin closes, each tried as an attack, with the honest request beside it."""

import json
import uuid
from typing import Any

import pytest


@pytest.fixture(scope="module")
def pair(server: Any) -> tuple[str, str, str]:
    """A hidden experiment's run (the victim), Dana's own run (the decoy), and her experiment."""
    from cerberus.policy import Kind, Level, Resource
    from cerberus.service import SYSTEM

    secret = server.experiment("alice")
    victim = server.run("alice", secret)
    resource = Resource("fraud", Kind.EXPERIMENT, secret)
    server.cast.cerberus.grants.give(SYSTEM, resource, subject="dana", level=Level.DENY)
    own = server.experiment("dana")
    return victim, server.run("dana", own), own


SPELLINGS = [
    '"run_uuid": "{decoy}", "run_id": "{victim}"',
    '"run_uuid": "{decoy}", "runId": "{victim}"',
    '"run_id": "{decoy}", "runId": "{victim}"',
    '"run_id": "{victim}", "runUuid": "{decoy}"',
    '"run_id": "{decoy}", "run_id": "{victim}"',
    '"run_id": "{victim}", "run_id": "{decoy}"',
    '"run_id": "{decoy}", "run\\u005fid": "{victim}"',
]
WRITES = {
    "runs/set-tag": '"key": "hacked", "value": "yes"',
    "runs/log-metric": '"key": "hacked", "value": 1, "timestamp": 1',
    "runs/log-parameter": '"key": "hacked", "value": "1"',
    "runs/log-batch": '"tags": [{{"key": "hacked", "value": "yes"}}]',
    "runs/update": '"run_name": "hacked"',
    "runs/delete": '"x": 1',
    "runs/log-inputs": '"datasets": []',
    "runs/log-model": '"model_json": "{{}}"',
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("path", WRITES)
def test_one_identifier_in_two_spellings_is_refused(server: Any, pair: Any, path: str, spelling: str) -> None:
    victim, decoy, _ = pair
    body = "{" + f"{spelling}, {WRITES[path]}".format(victim=victim, decoy=decoy) + "}"
    answer = server.post("dana", path, body)
    assert answer.status_code == 400, answer.text
    assert "hacked" not in server.ask("alice", "GET", "runs/get", params={"run_id": victim}).text


def test_the_same_run_named_twice_alike_is_what_mlflows_client_sends(server: Any, pair: Any) -> None:
    _, own, _ = pair
    body = {"run_uuid": own, "run_id": own, "key": "fine", "value": "yes"}
    assert server.post("dana", "runs/set-tag", body).status_code == 200
    assert server.tags("dana", own)["fine"] == "yes"


def test_query_path_and_body_must_not_name_one_thing_differently(server: Any, pair: Any) -> None:
    victim, own, experiment_id = pair
    body = {"run_id": victim, "key": "hacked", "value": "yes"}
    assert server.post("dana", f"runs/set-tag?run_id={own}", body).status_code == 400
    assert server.post("dana", f"runs/set-tag?runId={own}", body).status_code == 400
    assert server.ask("dana", "GET", f"runs/get?run_id={own}&run_id={victim}").status_code == 400
    assert server.ask("dana", "GET", f"runs/get?run_id={own}&run_uuid={victim}").status_code == 400
    assert server.ask("dana", "GET", f"runs/get?run_id={own}", json={"run_id": victim}).status_code == 400
    assert (
        server.ask("dana", "GET", "/get-artifact", params={"run_id": own, "run_uuid": victim, "path": "x"}).status_code
        == 400
    )
    model = server.post("dana", "logged-models", {"experiment_id": experiment_id}).json()["model"]["info"]["model_id"]
    answer = server.ask("dana", "PATCH", f"logged-models/{model}/tags", json={"model_id": "m-other", "tags": []})
    assert answer.status_code == 400
    tags = {"tags": [{"key": "a", "value": "b"}]}
    assert server.ask("dana", "PATCH", f"logged-models/{model}/tags", json=tags).status_code == 200


def test_nested_spellings_count_and_the_callers_own_words_do_not(server: Any, pair: Any) -> None:
    """Keys of a map are the client's: `fooBar` and `foo_bar` there are two tags."""
    _, own, experiment_id = pair
    twice = {"run_id": own, "metrics": [{"key": "a", "value": 1, "timestamp": 1, "model_id": "m-1", "modelId": "m-2"}]}
    assert server.post("dana", "runs/log-batch", twice).status_code == 400
    trace_id = f"tr-{uuid.uuid4().hex}"
    answer = server.post(
        "dana", "/api/3.0/mlflow/traces", trace(trace_id, experiment_id, {"fooBar": "1", "foo_bar": "2"})
    )
    assert answer.status_code == 200, answer.text


def trace(trace_id: str, experiment_id: str, tags: dict[str, str]) -> dict[str, Any]:
    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment_id}}
    info = {
        "trace_id": trace_id,
        "trace_location": location,
        "request_time": "2026-01-01T00:00:00Z",
        "execution_duration": "1s",
        "state": "OK",
        "tags": tags,
    }
    return {"trace": {"trace_info": info}}


@pytest.mark.parametrize(
    "tag", ["mlflow.artifactLocation", "mlflow.trace.spansLocation", "mlflow.trace.archiveLocation"]
)
def test_a_trace_cannot_be_pointed_at_other_files(server: Any, pair: Any, tag: str) -> None:
    _, _, experiment_id = pair
    trace_id = f"tr-{uuid.uuid4().hex}"
    pointed = trace(trace_id, experiment_id, {tag: "mlflow-artifacts:/workspaces/churn/1"})
    assert server.post("dana", "/api/3.0/mlflow/traces", pointed).status_code == 400
    assert server.post("dana", "/api/3.0/mlflow/traces", trace(trace_id, experiment_id, {})).status_code == 200
    for version, method in (("2.0", "PATCH"), ("3.0", "PATCH")):
        path = f"/api/{version}/mlflow/traces/{trace_id}/tags"
        assert server.ask("dana", method, path, json={"key": tag, "value": "file:///etc"}).status_code == 400
        assert server.ask("dana", method, path, json={"key": "mine", "value": "x"}).status_code == 200


def spans(trace_number: int, tag: str = "") -> bytes:
    """One root span, as OpenTelemetry sends it."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id = trace_number.to_bytes(16, "big"), b"12345678"
    span.name, span.start_time_unix_nano, span.end_time_unix_nano = "s", 10**18, 10**18 + 1000
    if tag:
        attribute = span.attributes.add()
        attribute.key, attribute.value.string_value = f"mlflow.traceTag.{tag}", "mlflow-artifacts:/workspaces/churn/1"
    return bytes(request.SerializeToString())


def test_spans_cannot_point_a_trace_at_other_files_either(server: Any, pair: Any) -> None:
    """They come as protobuf and never pass Flask."""
    _, _, experiment_id = pair
    headers = {"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": experiment_id}
    number = uuid.uuid4().int
    bad = server.ask("dana", "POST", "/v1/traces", data=spans(number, "mlflow.artifactLocation"), headers=headers)
    assert bad.status_code >= 400, bad.text
    good = server.ask("dana", "POST", "/v1/traces", data=spans(number, "mine"), headers=headers)
    assert good.status_code == 200, good.text
    found = server.ask("dana", "GET", f"/api/3.0/mlflow/traces/tr-{number:032x}")
    tags = found.json()["trace"]["trace_info"]["tags"]
    assert tags["mine"] == "mlflow-artifacts:/workspaces/churn/1"
    assert tags["mlflow.artifactLocation"].startswith(f"mlflow-artifacts:/workspaces/fraud/{experiment_id}/")


def test_a_trace_cannot_be_taken_over_by_its_id(server: Any, pair: Any) -> None:
    """Neither from another experiment nor from another project."""
    _, _, experiment_id = pair
    trace_id = f"tr-{uuid.uuid4().hex}"
    assert (
        server.post("dana", "/api/3.0/mlflow/traces", trace(trace_id, experiment_id, {"a": "dana"})).status_code == 200
    )
    for thief in ("erin", "alice"):
        other = server.experiment(thief)
        stolen = server.post(thief, "/api/3.0/mlflow/traces", trace(trace_id, other, {"a": "mine"}))
        assert stolen.status_code == 400
    info = server.ask("dana", "GET", f"/api/3.0/mlflow/traces/{trace_id}").json()["trace"]["trace_info"]
    assert info["tags"]["a"] == "dana"


@pytest.mark.parametrize(
    "location", ["file:///etc", "/etc", "mlflow-artifacts:/workspaces/churn/1", "s3://bucket/x", "../x"]
)
def test_an_experiments_place_is_chosen_by_the_server(server: Any, location: str) -> None:
    body = {"name": f"e-{uuid.uuid4().hex}", "artifact_location": location}
    assert server.post("dana", "experiments/create", body).status_code == 400
    spelled = {"name": f"e-{uuid.uuid4().hex}", "artifactLocation": location}
    assert server.post("dana", "experiments/create", spelled).status_code == 400
    assert server.post("dana", "experiments/create", {**body, "artifact_location": ""}).status_code == 200


@pytest.mark.parametrize(
    "source",
    [
        "file:///etc/passwd",
        "/etc/passwd",
        "s3://bucket/model",
        "https://example.org/model",
        "mlflow-artifacts:/workspaces/churn/1/x/artifacts/model",
        "mlflow-artifacts://elsewhere/workspaces/fraud/1",
        "mlflow-artifacts:/workspaces/fraud/../churn/1",
        "mlflow-artifacts:/workspaces/fraud/%2e%2e/churn/1",
        "runs:/{victim}/model",
        "dbfs:/x",
    ],
)
def test_a_versions_source_lies_in_what_the_caller_may_read(server: Any, pair: Any, shelf: Any, source: str) -> None:
    victim, own, _ = pair
    model = f"m-{uuid.uuid4().hex[:8]}"
    assert server.post("dana", "registered-models/create", {"name": model}).status_code == 200
    for run_id in (own, victim):
        body = {"name": model, "source": source.format(victim=victim), "run_id": run_id}
        answer = server.post("dana", "model-versions/create", body)
        assert answer.status_code in (400, 403, 404), answer.text
    honest = {"name": model, "source": f"runs:/{own}/model", "run_id": own}
    assert server.post("dana", "model-versions/create", honest).status_code == 200


def test_a_logged_model_cannot_claim_a_run_that_its_maker_may_not_read(server: Any, pair: Any) -> None:
    victim, own, experiment_id = pair
    body = {"experiment_id": experiment_id, "source_run_id": victim}
    assert server.post("dana", "logged-models", body).status_code == 404
    assert server.post("dana", "logged-models", {**body, "source_run_id": own}).status_code == 200


def test_a_model_stays_a_model(server: Any, shelf: Any) -> None:
    """The tag decides which permissions hold."""
    body = {"name": shelf.model, "key": "mlflow.prompt.is_prompt", "value": "true"}
    assert server.post("dana", "registered-models/set-tag", body).status_code == 400
    assert server.post("dana", "registered-models/set-tag", {**body, "key": "mine"}).status_code == 200


@pytest.mark.parametrize(
    "body", ["", "null", "[]", "{", '"x"', '{"query": 1}', '{"query": "{"}', '{"query": "{a}", "variables": 3}']
)
def test_malformed_bodies_are_the_callers_fault(server: Any, body: str) -> None:
    """MLflow answers 500 to some of these."""
    assert server.post("dana", "/graphql", body).status_code == 400
    if body:
        assert server.post("dana", "runs/create", body if "query" not in body else "[1]").status_code == 400


def test_deep_nesting_is_refused(server: Any) -> None:
    assert server.post("dana", "runs/create", "[" * 200_000).status_code == 400


def test_a_body_that_is_too_large_is_refused_before_it_is_read(server: Any) -> None:
    assert server.post("dana", "runs/create", json.dumps({"x": "y" * (33 * 2**20)})).status_code == 413
