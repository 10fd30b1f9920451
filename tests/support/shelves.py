"""A shelf: one of everything that MLflow keeps, made by somebody in a project, and what hides or imitates it."""

import uuid
from collections.abc import Mapping
from typing import Any

import requests
from operations import ARTIFACTS, PROMPT, SCHEMA, SCORER, V2, V3, Operation, Shelf, experiments, feedback, trace


def furnish(server: Any, who: str, project: str) -> Shelf:
    """A new shelf with one of everything, made by somebody in their project."""
    word = uuid.uuid4().hex
    shelf: Shelf = {"folder": f"workspaces/{project}", "experiment_name": f"e-{word}", "trace": f"tr-{word}"}

    def ask(operation: Operation, *keys: Any) -> str:
        answer = server.ask(who, **operation.on(shelf), project=project)
        assert answer.status_code == 200, (operation.name, answer.text)
        found: Any = answer.json() if keys else ""
        for key in keys:
            found = found[key]
        return str(found)

    made = Operation("POST", f"{V2}/experiments/create", {"name": "{experiment_name}"})
    shelf["experiment"] = shelf["own"] = ask(made, "experiment_id")
    ask(Operation("POST", f"{V2}/experiments/set-experiment-tag", {**experiments(), "key": "known", "value": "v"}))
    tagged = {**experiments(), "run_name": f"r-{word}", "tags": [{"key": "known", "value": "v"}]}
    shelf["run"] = ask(Operation("POST", f"{V2}/runs/create", tagged), "run", "info", "run_id")
    shelf["run_name"] = f"r-{word}"
    ask(Operation("POST", f"{V2}/runs/log-metric", {"run_id": "{run}", "key": "m", "value": 1, "timestamp": 1}))
    place = ARTIFACTS + "/{folder}/{experiment}/{run}/artifacts/note.txt"
    ask(Operation("PUT", place, raw=f"secret {word}".encode()))
    shelf["content"] = f"secret {word}"
    ask(Operation("POST", f"{V3}/traces", trace("{trace}", "{experiment}", tags={"known": "v"})))
    ask_for = Operation("POST", f"{V3}/traces/" + "{trace}/assessments", {"assessment": feedback(trace_id="{trace}")})
    shelf["assessment"] = ask(ask_for, "assessment", "assessment_id")
    number = uuid.uuid4().int
    headers = {"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": shelf["experiment"]}
    sent = server.ask(who, "POST", "/v1/traces", data=spans(number), headers=headers, project=project)
    assert sent.status_code == 200, sent.text
    shelf["spans"] = f"tr-{number:032x}"
    shelf["logged_model"] = ask(Operation("POST", f"{V2}/logged-models", experiments()), "model", "info", "model_id")
    named = {"name": f"d-{word}", "experiment_ids": ["{experiment}"]}
    shelf["dataset"] = ask(Operation("POST", f"{V3}/datasets/create", named), "dataset", "dataset_id")
    scorer = {**experiments(), "name": "safe", "serialized_scorer": SCORER.replace("short", "safe")}
    ask(Operation("POST", f"{V3}/scorers/register", scorer))
    described = {**experiments(), "name": f"i-{word}", "description": "d"}
    shelf["issue"] = ask(Operation("POST", f"{V3}/issues", described), "issue", "issue_id")
    schema = Operation("POST", f"{V3}/label-schemas/create", {**SCHEMA, "name": "tone"})
    shelf["schema"] = ask(schema, "label_schema", "schema_id")
    shelf["model"], shelf["prompt"] = f"m-{word}", f"p-{word}"
    known = {"key": "known", "value": "v"}
    ask(Operation("POST", f"{V2}/registered-models/create", {"name": "{model}", "tags": [known]}))
    ask(Operation("POST", f"{V2}/registered-models/create", {"name": "{prompt}", "tags": [PROMPT]}))
    ask(
        Operation(
            "POST",
            f"{V2}/model-versions/create",
            {"name": "{model}", "source": "mlflow-artifacts:/{folder}/{experiment}/{run}/artifacts", "run_id": "{run}"},
        )
    )
    text = {"key": "mlflow.prompt.text", "value": "hello"}
    ask(
        Operation(
            "POST",
            f"{V2}/model-versions/create",
            {"name": "{prompt}", "source": "prompt-template", "tags": [PROMPT, text]},
        )
    )
    ask(Operation("POST", f"{V2}/registered-models/alias", {"name": "{model}", "alias": "best", "version": "1"}))
    return shelf


def absent(shelf: Shelf) -> Shelf:
    """A shelf whose things do not exist, though their names look like the other's."""
    word = uuid.uuid4().hex
    odd = {"experiment": "987654", "run": word, "trace": f"tr-{word}", "spans": f"tr-{word}", "folder": shelf["folder"]}
    return {name: odd.get(name) or f"{value[:2]}{word}" for name, value in shelf.items()} | {"own": shelf["own"]}


def secrets(shelf: Shelf) -> list[str]:
    """What must not be in an answer to who may not see the shelf."""
    open_words = ("folder", "own", "experiment")
    return [value for name, value in shelf.items() if name not in open_words]


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


def as_it_is(scene: Any, who: str, method: str, path: str, **options: Any) -> requests.Response:
    """A request whose path no client tidies up first."""
    headers = {"Authorization": f"Bearer {scene.server.token(who)}", **options.pop("headers", {})}
    request = requests.Request(method, scene.server.url, headers=headers, **options).prepare()
    request.url = scene.server.url + path
    with requests.Session() as session:
        answer = session.send(request, timeout=60, allow_redirects=False)
    assert answer.status_code < 500, answer.text
    return answer
