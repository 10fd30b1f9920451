"""A shelf: one of everything that MLflow keeps, made by somebody in a project, and what hides or imitates it."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import requests
from operation import (
    ARTIFACTS,
    PROMPT,
    SCHEMA,
    SCORER,
    V2,
    V3,
    Operation,
    Shelf,
    experiments,
    feedback,
    spans,
    trace,
)


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
    ask(Operation("POST", f"{V3}/traces", trace("{trace}", "{experiment}", tags={"known": "v", "known2": "v"})))
    ask_for = Operation("POST", f"{V3}/traces/" + "{trace}/assessments", {"assessment": feedback(trace_id="{trace}")})
    shelf["assessment"] = ask(ask_for, "assessment", "assessment_id")
    number = uuid.uuid4().int
    headers = {"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": shelf["experiment"]}
    sent = server.ask(who, "POST", "/v1/traces", data=spans(number), headers=headers, project=project)
    assert sent.status_code == 200, sent.text
    shelf["spans"] = f"tr-{number:032x}"
    tagged = {**experiments(), "tags": [{"key": "known", "value": "v"}]}
    shelf["logged_model"] = ask(Operation("POST", f"{V2}/logged-models", tagged), "model", "info", "model_id")
    place = ARTIFACTS + "/{folder}/{experiment}/models/{logged_model}/artifacts/note.txt"
    ask(Operation("PUT", place, raw=f"secret {word}".encode()))
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
            {"name": "{model}", "source": "mlflow-artifacts:/{folder}/{experiment}/{run}/artifacts", "run_id": "{run}"}
            | {"tags": [known]},
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
    _rarer(shelf, ask, word)
    return shelf


def _rarer(shelf: Shelf, ask: Callable[..., str], word: str) -> None:
    """What few people use: a queue with an item, a dataset's record and tag, a second experiment, deleted things."""
    for name in ("second", "deleted_experiment"):
        shelf[name] = ask(Operation("POST", f"{V2}/experiments/create", {"name": f"{name}-{word}"}), "experiment_id")
    ask(Operation("POST", f"{V2}/experiments/delete", experiments(of="{deleted_experiment}")))
    shelf["deleted_run"] = ask(Operation("POST", f"{V2}/runs/create", experiments()), "run", "info", "run_id")
    ask(Operation("POST", f"{V2}/runs/delete", {"run_id": "{deleted_run}"}))
    of_dataset = f"{V3}/datasets/" + "{dataset}"
    ask(Operation("PATCH", f"{of_dataset}/tags", {"tags": json.dumps({"known": "v"})}))
    ask(Operation("POST", f"{of_dataset}/records", {"records": json.dumps([{"inputs": {"q": word}}])}))
    records = json.loads(ask(Operation("GET", f"{of_dataset}/records"), "records"))
    shelf["record"] = records[0]["dataset_record_id"]
    shelf["queue_name"] = f"queue-{word}"
    members = {"name": "{queue_name}", "queue_type": "CUSTOM", "users": ["alice", "bob", "dana"]}
    queue = Operation("POST", f"{V3}/review-queues/create", {**experiments(), **members})
    shelf["queue"] = ask(queue, "review_queue", "queue_id")
    ask(Operation("POST", f"{V3}/review-queues/items/add", {"queue_id": "{queue}", "item_ids": ["{trace}"]}))


def absent(shelf: Shelf) -> Shelf:
    """A shelf whose things do not exist, though their names look like the other's."""
    word = uuid.uuid4().hex
    odd = {
        "experiment": "987654",
        "second": "987655",
        "deleted_experiment": "987656",
        "run": word,
        "trace": f"tr-{word}",
        "spans": f"tr-{word}",
        "folder": shelf["folder"],
    }
    return {name: odd.get(name) or f"{value[:2]}{word}" for name, value in shelf.items()} | {"own": shelf["own"]}


def secrets(shelf: Shelf) -> list[str]:
    """What must not be in an answer to who may not see the shelf."""
    open_words = ("folder", "own", "experiment", "second", "deleted_experiment")
    return [value for name, value in shelf.items() if name not in open_words]


def as_it_is(scene: Any, who: str, method: str, path: str, **options: Any) -> requests.Response:
    """A request whose path no client tidies up first."""
    headers = {"Authorization": f"Bearer {scene.server.token(who)}", **options.pop("headers", {})}
    request = requests.Request(method, scene.server.url, headers=headers, **options).prepare()
    request.url = scene.server.url + path
    with requests.Session() as session:
        answer = session.send(request, timeout=60, allow_redirects=False)
    assert answer.status_code < 500, answer.text
    return answer
