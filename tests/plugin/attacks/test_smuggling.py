"""One request, two readings: a check must not read another thing than the handler does."""

import json
import uuid
from typing import Any

import pytest
import requests
from operation import AJAX2, ARTIFACTS, V2, V3, Operation, spans
from shelves import absent, as_it_is

JSON = {"Content-Type": "application/json"}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def own(scene: Any) -> tuple[str, str]:
    """Dana's own experiment and run: the decoy."""
    experiment_id = scene.server.experiment("dana")
    return experiment_id, scene.server.run("dana", experiment_id)


BODIES = (
    '{"run_id": "OWN", "run_id": "HIDDEN", REST}',
    '{"run_id": "HIDDEN", "run_id": "OWN", REST}',
    '{"run_id": "OWN", "runId": "HIDDEN", REST}',
    '{"runId": "OWN", "run_id": "HIDDEN", REST}',
    '{"run_uuid": "OWN", "run_id": "HIDDEN", REST}',
    '{"run_uuid": "HIDDEN", "run_id": "OWN", REST}',
    '{"runUuid": "OWN", "run_id": "HIDDEN", REST}',
    '{"runUuid": "HIDDEN", "runId": "OWN", REST}',
    '{"run\\u005fid": "HIDDEN", "run_id": "OWN", REST}',
    '{"run_id": ["OWN", "HIDDEN"], REST}',
    '{"run_id": {"OWN": "HIDDEN"}, REST}',
    '[{"run_id": "OWN", REST}, {"run_id": "HIDDEN", REST}]',
    '{"run_id": "OWN", REST}{"run_id": "HIDDEN", REST}',
    '"{\\"run_id\\": \\"OWN\\", \\"run_id\\": \\"HIDDEN\\"}"',
    '{"run_id": "HIDDEN ", "run_uuid": "OWN", REST}',
    '{"run_id": "OWN\\u0000HIDDEN", REST}',
)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("path", ["runs/set-tag", "runs/log-parameter"])
def test_a_body_that_can_be_read_in_two_ways_does_nothing(
    scene: Any, unchanged: Any, own: Any, path: str, body: str
) -> None:
    sent = (
        body.replace("OWN", own[1]).replace("HIDDEN", scene.hidden["run"]).replace("REST", '"key": "h", "value": "1"')
    )
    answer = scene.server.post("dana", path, sent)
    assert 400 <= answer.status_code < 500, answer.text


def test_a_body_that_can_be_read_in_one_way_works(scene: Any, own: Any) -> None:
    for body in ({"run_id": own[1]}, {"run_uuid": own[1]}, {"run_id": own[1], "run_uuid": own[1]}):
        answer = scene.server.post("dana", "runs/set-tag", {**body, "key": "fine", "value": "yes"})
        assert answer.status_code == 200, (body, answer.text)


TWO_PLACES = (
    ("POST", f"{V2}/runs/set-tag?run_id=OWN", {"run_id": "HIDDEN", "key": "h", "value": "1"}),
    ("POST", f"{V2}/runs/set-tag?run_uuid=OWN", {"run_id": "HIDDEN", "key": "h", "value": "1"}),
    ("POST", f"{V2}/runs/set-tag?runId=OWN", {"run_id": "HIDDEN", "key": "h", "value": "1"}),
    ("GET", f"{V2}/runs/get?run_id=OWN", {"run_id": "HIDDEN"}),
    ("GET", f"{V2}/runs/get?run_id=OWN&run_id=HIDDEN", None),
    ("GET", f"{V2}/runs/get?run_id=HIDDEN&run_id=OWN", None),
    ("GET", f"{V2}/runs/get?run_uuid=OWN&run_id=HIDDEN", None),
    ("GET", f"{V2}/runs/get?run_uuid=HIDDEN&run_id=OWN", None),
    ("GET", f"{V2}/runs/get?run_id=OWN&run%5Fid=HIDDEN", None),
    ("GET", f"{V2}/artifacts/list?run_id=OWN&run_uuid=HIDDEN", None),
    ("GET", "/get-artifact?run_id=OWN&run_uuid=HIDDEN&path=note.txt", None),
    ("GET", "/get-artifact?run_uuid=OWN&run_uuid=HIDDEN&path=note.txt", None),
    ("POST", f"{AJAX2}/upload-artifact?run_uuid=OWN&run_id=HIDDEN&path=x.txt", {"x": 1}),
    ("GET", f"{V2}/experiments/get?experiment_id=MINE&experiment_id=THEIRS", None),
    ("GET", f"{V2}/experiments/get?experiment_id=MINE", {"experiment_id": "THEIRS"}),
    ("GET", f"{V2}/experiments/get?experiment_id=MINE", {"experimentId": "THEIRS"}),
    ("POST", f"{V2}/experiments/update?experiment_id=MINE", {"experiment_id": "THEIRS", "new_name": "h"}),
    ("POST", f"{V3}/scorers/register?experiment_id=MINE", {
        "experiment_id": "THEIRS", "name": "h", "serialized_scorer": "{}"}),
    ("DELETE", f"{V3}/label-schemas/delete?schema_id=none", {"schema_id": "SCHEMA"}),
    ("DELETE", f"{V2}/registered-models/delete?name=none", {"name": "MODEL"}),
)  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), TWO_PLACES)
def test_two_places_that_say_different_things_do_nothing(
    scene: Any, unchanged: Any, shows_nothing: Any, own: Any, method: str, path: str, body: Any
) -> None:
    words = {"OWN": own[1], "HIDDEN": scene.hidden["run"], "MINE": own[0], "THEIRS": scene.hidden["experiment"],
             "SCHEMA": scene.hidden["schema"], "MODEL": scene.hidden["model"]}  # fmt: skip
    sent = json.dumps(body)
    for word, value in words.items():
        path, sent = path.replace(word, value), sent.replace(word, value)
    answer = as_it_is(scene, "dana", method, path, data=sent if body else None, headers=JSON if body else {})
    assert answer.status_code in (400, 404), answer.text
    shows_nothing(answer, scene.hidden)


IN_A_BODY = (
    (f"{V2}/runs/get", {"run_id": "{run}"}),
    (f"{V2}/runs/get", {"runUuid": "{run}"}),
    (f"{V2}/artifacts/list", {"run_id": "{run}", "path": ""}),
    (f"{V2}/metrics/get-history", {"run_id": "{run}", "metric_key": "m", "max_results": 5}),
    (f"{V2}/experiments/get", {"experiment_id": "{experiment}"}),
    (f"{V2}/experiments/get-by-name", {"experiment_name": "{experiment_name}"}),
    (f"{V2}/registered-models/get", {"name": "{model}"}),
    (f"{V2}/registered-models/alias", {"name": "{model}", "alias": "best"}),
    (f"{V2}/model-versions/get", {"name": "{model}", "version": "1"}),
    (f"{V3}/datasets/search", {"experiment_ids": ["{experiment}"], "max_results": 5}),
)


@pytest.mark.parametrize(("path", "body"), IN_A_BODY, ids=lambda each: str(each)[-60:])
def test_a_get_request_may_say_it_in_a_body_as_on_a_plain_server(
    scene: Any, shows_nothing: Any, path: str, body: dict[str, Any]
) -> None:
    """As mlflow-export-import does. It is judged like a query: who may, gets it; hidden is absent."""

    def asked(who: str, shelf: dict[str, str]) -> Any:
        return scene.ask(who, Operation("GET", path, body), shelf)

    assert asked("alice", scene.shelf).status_code == 200, asked("alice", scene.shelf).text
    hidden, foreign, nothing = (asked("dana", each) for each in (scene.hidden, scene.theirs, absent(scene.hidden)))
    assert hidden.status_code == foreign.status_code == nothing.status_code in (200, 404), hidden.text
    for answer, shelf in ((hidden, scene.hidden), (foreign, scene.theirs)):
        shows_nothing(answer, shelf)


@pytest.mark.parametrize("key", ["run_id", "run_uuid", "runId"])
def test_a_list_in_a_get_requests_body_is_not_two_values_of_a_query(scene: Any, key: str) -> None:
    for ids in (["OWN", "HIDDEN"], ["HIDDEN", "OWN"], ["OWN"]):
        named = [{"OWN": scene.shelf, "HIDDEN": scene.hidden}[each]["run"] for each in ids]
        answer = scene.server.ask("dana", "GET", f"{V2}/runs/get", json={key: named})
        assert answer.status_code == 400, answer.text


GET_RUN = f"{V2}/runs/get"
PATHS = (
    f"/{GET_RUN}", f"//{GET_RUN}", f"{GET_RUN}/", f"{GET_RUN}//", f"{V2}//runs/get", f"{V2}/./runs/get",
    f"{V2}/x/../runs/get", f"{V2}/runs/get;x=1", f"{V2}/runs;/get", f"{V2}/runs%2Fget", f"{V2}/runs/%67et",
    f"{V2}/runs/get%00", f"{V2}/runs/get%20", f"{V2}/runs/get%3F", f"{V2}/runs/GET", "/API/2.0/mlflow/runs/get",
    "/api/2.0/MLflow/runs/get", "/api/2.0/mlflow\\runs\\get", "/api/2.0/mlflow/runs%5Cget", "/api/2.1/mlflow/runs/get",
    "/api/3.0/mlflow/runs/get", "/ajax-api/2.0/mlflow/runs/get", "/ajax-api/2.0/preview/mlflow/runs/get",
    "/api/2.0/preview/mlflow/runs/get", "/static-files/../api/2.0/mlflow/runs/get",
    "/health/../api/2.0/mlflow/runs/get",
    "/static-files/%2e%2e/api/2.0/mlflow/runs/get", "/%61pi/2.0/mlflow/runs/get", "/api%2F2.0/mlflow/runs/get",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_no_spelling_of_a_path_gets_past_the_checks(scene: Any, shows_nothing: Any, path: str) -> None:
    for who, asked in (("erin", scene.shelf), ("dana", scene.hidden)):
        answer = as_it_is(scene, who, "GET", f"{path}?run_id={asked['run']}")
        assert answer.status_code in (307, 308, 400, 403, 404, 405), answer.text
        shows_nothing(answer, asked)
    nobody = requests.get(f"{scene.server.url}{path}?run_id={scene.shelf['run']}", timeout=60, allow_redirects=False)
    assert nobody.status_code == 401


METHODS = ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "POST")


@pytest.mark.parametrize("method", METHODS)
def test_no_other_method_gets_past_the_checks(scene: Any, unchanged: Any, shows_nothing: Any, method: str) -> None:
    for who, asked in (("erin", scene.shelf), ("dana", scene.hidden)):
        for path in (f"{V2}/runs/get?run_id={asked['run']}", f"{V2}/runs/delete?run_id={asked['run']}"):
            answer = as_it_is(scene, who, method, path)
            assert answer.status_code in (400, 403, 404, 405, 501), (path, answer.status_code, answer.text)
            shows_nothing(answer, asked)


OVERRIDES = (
    {"X-HTTP-Method-Override": "DELETE"}, {"X-HTTP-Method": "DELETE"}, {"X-Method-Override": "DELETE"},
    {"X-Original-URL": f"{V2}/runs/get"}, {"X-Rewrite-URL": f"{V2}/runs/get"}, {"X-Forwarded-Prefix": "/static-files"},
    {"X-Forwarded-User": "alice"}, {"Remote-User": "alice"}, {"X-MLFLOW-WORKSPACE": "churn"},
    {"X-MLFLOW-AUTHORIZATION": "Bearer x"}, {"X-Databricks-Org-Id": "1"},
)  # fmt: skip


@pytest.mark.parametrize("headers", OVERRIDES, ids=str)
def test_no_header_changes_who_asks_or_what(
    scene: Any, unchanged: Any, shows_nothing: Any, headers: dict[str, str]
) -> None:
    answer = as_it_is(scene, "dana", "GET", f"{V2}/runs/get?run_id={scene.hidden['run']}", headers=headers)
    assert answer.status_code in (400, 404), answer.text
    shows_nothing(answer, scene.hidden)
    body = json.dumps({"run_id": scene.shelf["run"], "key": "h", "value": "1"})
    answer = as_it_is(scene, "bob", "POST", f"{V2}/runs/set-tag", headers={**JSON, **headers}, data=body)
    assert answer.status_code in (400, 403, 404), answer.text


TYPES = (
    "", "text/plain", FORM, "application/xml", "multipart/form-data; boundary=x", "application/json; charset=utf-16",
    "application/json; charset=x", "application/JSON", "application/vnd.api+json", "application/x-protobuf",
)  # fmt: skip


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "utf-8-sig"])
def test_no_content_type_or_charset_gets_past_the_checks(
    scene: Any, unchanged: Any, content_type: str, encoding: str
) -> None:
    """The viewer cannot write, and the contributor not on what is hidden, however the body is sent."""
    for who, run_id in (("bob", scene.shelf["run"]), ("dana", scene.hidden["run"])):
        data = json.dumps({"run_id": run_id, "key": "h", "value": "1"}).encode(encoding)
        headers = {"Content-Type": content_type} if content_type else {}
        answer = as_it_is(scene, who, "POST", f"{V2}/runs/set-tag", data=data, headers=headers)
        assert 400 <= answer.status_code < 500, answer.text


ODD = (
    b"", b"null", b"[]", b"1", b'"x"', b"{", b"{}", b"\xff", b"\x00", b"[" * 5000, b'{"a":' * 5000, b'{"run_id": NaN}',
    b'{"run_id": 1e999}', b'{"run_id": null, "run_ids": null, "experiment_ids": null}', b'{"page_token": "\xc3\xa9"}',
    b'{"max_results": "x"}', b'{"tags": null, "metrics": ["x"]}', b'{"trace": [], "trace_ids": {}}',
)  # fmt: skip
TO = (
    f"{V2}/runs/create", f"{V2}/runs/search", f"{V2}/runs/log-batch", f"{V2}/experiments/search", f"{V3}/traces",
    f"{V3}/traces/search", f"{V3}/traces/metrics", f"{V3}/traces/batchGetInfos", f"{V2}/logged-models/search",
    f"{V3}/datasets/create", f"{V3}/datasets/search", f"{V2}/traces/link-to-run", f"{V3}/scorers/register", "/graphql",
    "/v1/traces", f"{AJAX2}/experiments/search-datasets", f"{V3}/issues/search", f"{V2}/traces",
)  # fmt: skip


@pytest.mark.parametrize("path", TO)
def test_odd_bodies_are_the_callers_fault(scene: Any, unchanged: Any, path: str) -> None:
    for body in ODD:
        headers = {**JSON, "x-mlflow-experiment-id": scene.shelf["experiment"]}
        answer = as_it_is(scene, "dana", "POST", path, data=body, headers=headers)
        assert answer.status_code < 500, (body[:40], answer.text)


QUERIES = (
    f"{AJAX2}/metrics/get-history-bulk?run_id=RUN&metric_key=m&max_results=abc",
    f"{V3}/traces/batchGet?trace_ids=TRACE",
    f"{V2}/metrics/get-history?run_id=RUN&metric_key=m&page_token=%C3%A9", f"{V3}/traces/get?trace_id=TRACE",
    f"{V2}/registered-models/search?page_token=e30%3D", f"{V2}/model-versions/search?filter=%27%27%27",
    f"{V2}/model-versions/get?name=MODEL&version=abc", "/get-artifact?run_id=RUN", "/get-artifact?run_id=RUN&path=%00",
    "/model-versions/get-artifact?name=MODEL&version=1", "/model-versions/get-artifact?name=MODEL&version=x&path=y",
    f"{V2}/experiments/get?experiment_id=%00", f"{V2}/experiments/get?experiment_id=9999999999999999999999999",
    f"{V2}/registered-models/search?max_results=-1", f"{V2}/experiments/search?max_results=99999999999999999999",
    f"{V2}/runs/get", f"{V3}/scorers/get", f"{V2}/traces?experiment_ids=x", "/graphql", "/graphql?query=%7B__schema%7D",
)  # fmt: skip


@pytest.mark.parametrize("path", QUERIES)
def test_odd_queries_are_the_callers_fault(scene: Any, unchanged: Any, path: str) -> None:
    for word, name in (("RUN", "run"), ("TRACE", "trace"), ("MODEL", "model")):
        path = path.replace(word, scene.shelf[name])
    as_it_is(scene, "dana", "GET", path)


GRAPHQL = (
    "{__schema{queryType{name}}}", "query a{__typename} query b{__typename}", "mutation{__typename}",
    "subscription{__typename}", "{" + "a:__typename " * 3000 + "}", "fragment f on Query{...f} {...f}", "{a}",
    "{ mlflowGetRun }", "{ mlflowGetRun(input: 1) { run { info { runName } } } }", "{" * 300, "query($x:Y){__typename}",
)  # fmt: skip


@pytest.mark.parametrize("query", GRAPHQL, ids=lambda query: query[:30])
def test_odd_graphql_is_the_callers_fault(scene: Any, unchanged: Any, query: str) -> None:
    assert scene.server.post("dana", "/graphql", {"query": query}).status_code < 500
    batch = [{"query": query}, {"query": query}]
    assert scene.server.post("dana", "/graphql", batch).status_code == 400


def test_spans_go_where_their_header_says_and_nowhere_else(scene: Any) -> None:
    """OpenTelemetry: another's experiment, a list of two, none, and attributes that name another experiment."""
    hidden = scene.hidden["experiment"]
    sent = {"mlflow.experimentId": hidden, "mlflow.traceRequestId": scene.hidden["trace"]}
    kind = {"Content-Type": "application/x-protobuf"}
    before = scene.kept()
    for who in ("dana", "erin", "bob"):
        for value in (hidden, f"0{hidden}", f"{hidden},{hidden}", "", "x"):
            headers = {**kind, "x-mlflow-experiment-id": value}
            answer = scene.server.ask(who, "POST", "/v1/traces", data=spans(uuid.uuid4().int, sent), headers=headers)
            assert 400 <= answer.status_code < 500, (value, answer.text)
    for body in (b"\xff\x00garbage", b"", b"{}"):
        headers = {**kind, "x-mlflow-experiment-id": scene.spare["experiment"]}
        answer = scene.server.ask("alice", "POST", "/v1/traces", data=body, headers=headers)
        assert answer.status_code < 500, answer.text
    assert scene.kept() == before
    headers = {**kind, "x-mlflow-experiment-id": scene.spare["experiment"]}
    number = uuid.uuid4().int
    assert scene.server.ask("alice", "POST", "/v1/traces", data=spans(number, sent), headers=headers).status_code == 200
    found = scene.server.ask("alice", "GET", f"{V3}/traces/tr-{number:032x}").json()["trace"]["trace_info"]
    assert found["trace_location"]["mlflow_experiment"]["experiment_id"] == scene.spare["experiment"]


@pytest.mark.parametrize(
    "path",
    [
        "/gateway/x/mlflow/invocations", "/gateway/mlflow/v1/chat/completions", "/gateway/proxy/a/b",
        f"{V3}/gateway/secrets/create", f"{V3}/gateway/endpoints/create", f"{V3}/gateway/endpoints/bindings/create",
        f"{AJAX2}/gateway-proxy", f"{V2}/webhooks", f"{V3}/mcp-servers", f"{V3}/prompt-optimization/jobs",
        "/ajax-api/3.0/jobs/", "/ajax-api/3.0/jobs", "/ajax-api/3.0/jobs/search", "/ajax-api/3.0/mlflow/scorer/invoke",
        "/ajax-api/3.0/mlflow/issues/invoke", "/ajax-api/3.0/mlflow/genai/evaluate/invoke",
        "/ajax-api/3.0/mlflow/assistant/message", "/ajax-api/3.0/mlflow/demo/generate",
        "/ajax-api/3.0/mlflow/ui-telemetry", f"{V2}/artifacts/presigned-upload-url",
        f"{ARTIFACTS.replace('artifacts/artifacts', 'artifacts/mpu/create')}/1/x",
        f"{ARTIFACTS.replace('artifacts/artifacts', 'artifacts/presigned')}/1/x",
    ],
)  # fmt: skip
def test_what_is_switched_off_is_off_for_everybody(scene: Any, unchanged: Any, path: str) -> None:
    for who in ("bob", "dana", "alice", "admin"):
        for method in ("GET", "POST"):
            answer = as_it_is(scene, who, method, path, headers={**JSON, "X-MLFLOW-WORKSPACE": "fraud"}, data=b"{}")
            assert answer.status_code == 404, answer.text
    assert requests.post(scene.server.url + path, timeout=60).status_code == 401
