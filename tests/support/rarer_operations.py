"""The second part of the table: review queues, restoring, and what else clients seldom ask."""

from typing import Any

from operation import AJAX2, V2, V3, Operation, experiments, spans

QUEUE = {"queue_id": "{queue}"}
OTEL = {"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": "{experiment}"}

RARER_READS = (
    Operation("GET", f"{V3}/review-queues/get", query=QUEUE),
    Operation("GET", f"{V3}/review-queues/get-by-name", query={**experiments(), "name": "{queue_name}"}),
    Operation("GET", f"{V3}/review-queues/items/list", query=QUEUE),
    Operation("GET", f"{V3}/datasets/search", query={"experiment_ids": "{experiment}"}),
    Operation("GET", f"{AJAX2}/get-trace-artifact", query={"request_id": "{spans}"}),
    Operation(
        "GET", f"{AJAX2}/logged-models/" + "{logged_model}/artifacts/files", query={"artifact_file_path": "note.txt"}
    ),
)

RARER_LISTS = (
    Operation("GET", f"{V2}/traces", query={"experiment_ids": "{experiment}"}),
    Operation("GET", "/graphql", {"query": '{ mlflowGetRun(input: {runId: "{run}"}) { run { info { runName } } } }'}),
)


def rarer_writes(new: str) -> tuple[Operation, ...]:
    """What changes something; `new` is a name that nothing has."""
    version: dict[str, Any] = {"name": "{model}", "version": "1"}
    staged = {**version, "stage": "Staging", "archive_existing_versions": False}
    item = {**QUEUE, "item_id": "{trace}", "status": "COMPLETE"}
    ended = {"timestamp_ms": 2, "status": "OK", "request_metadata": [], "tags": []}
    return (
        Operation("POST", "/v1/traces", raw=spans(int(new, 16)), headers=OTEL),
        Operation("PATCH", f"{V2}/traces/" + "{trace}", {"request_id": "{trace}", **ended}),
        Operation("DELETE", f"{V2}/traces/" + "{trace}/tags", {"key": "known2"}),
        Operation("POST", f"{V2}/model-versions/transition-stage", staged),
        Operation("DELETE", f"{V2}/model-versions/delete-tag", {**version, "key": "known"}),
        Operation("DELETE", f"{V2}/logged-models/" + "{logged_model}/tags/known"),
        Operation("POST", f"{V3}/datasets/" + "{dataset}/add-experiments", {"experiment_ids": ["{second}"]}),
        Operation("POST", f"{V3}/datasets/" + "{dataset}/remove-experiments", {"experiment_ids": ["{second}"]}),
        Operation("DELETE", f"{V3}/datasets/" + "{dataset}/tags/known"),
        Operation("DELETE", f"{V3}/datasets/" + "{dataset}/records", {"dataset_record_ids": ["{record}"]}),
        Operation("POST", f"{V3}/review-queues/update", {**QUEUE, "name": f"queue-{new}"}),
        Operation("POST", f"{V3}/review-queues/get-or-create-user", {**experiments(), "user": "alice"}),
        Operation("POST", f"{V3}/review-queues/items/add", {**QUEUE, "item_ids": ["{spans}"]}),
        Operation("POST", f"{V3}/review-queues/items/set-status", item),
        Operation("POST", f"{V3}/review-queues/items/remove", {**QUEUE, "item_ids": ["{spans}"]}),
    )


def rarer_endings() -> tuple[Operation, ...]:
    """What each shelf can be used for once only."""
    return (
        Operation("POST", f"{V2}/experiments/restore", experiments(of="{deleted_experiment}")),
        Operation("POST", f"{V2}/runs/restore", {"run_id": "{deleted_run}"}),
        Operation("POST", f"{V3}/review-queues/delete", QUEUE),
    )
