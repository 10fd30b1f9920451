"""What can be asked of MLflow's server about the things on one shelf: a table, for the attacks on it."""

import json

from operation import (
    AJAX2,
    AJAX3,
    ARTIFACTS,
    MODEL_JSON,
    NUMBERS,
    PROMPT,
    SCHEMA,
    SCORER,
    V2,
    V3,
    Operation,
    experiments,
    feedback,
    graphql,
    trace,
)
from rarer_operations import RARER_LISTS, RARER_READS, rarer_endings, rarer_writes

READS = (
    Operation("GET", f"{V2}/experiments/get", query={"experiment_id": "{experiment}"}),
    Operation("GET", f"{V2}/experiments/get-by-name", query={"experiment_name": "{experiment_name}"}),
    Operation("GET", f"{V2}/runs/get", query={"run_id": "{run}"}),
    Operation("GET", f"{AJAX2}/runs/get", query={"run_uuid": "{run}"}),
    Operation("GET", f"{V2}/artifacts/list", query={"run_id": "{run}"}),
    Operation("GET", f"{V2}/metrics/get-history", query={"run_id": "{run}", "metric_key": "m"}),
    Operation("GET", f"{AJAX2}/metrics/get-history-bulk", query={"run_id": "{run}", "metric_key": "m"}),
    Operation("GET", f"{V2}/metrics/get-history-bulk-interval", query={"run_ids": "{run}", "metric_key": "m"}),
    Operation("GET", "/get-artifact", query={"run_id": "{run}", "path": "note.txt"}),
    Operation("GET", ARTIFACTS + "/{folder}/{experiment}/{run}/artifacts/note.txt"),
    Operation("GET", "/ajax" + ARTIFACTS.replace("/api", "-api") + "/{folder}/{experiment}/{run}/artifacts/note.txt"),
    Operation("GET", ARTIFACTS, query={"path": "{folder}/{experiment}/{run}/artifacts"}),
    Operation("GET", f"{V2}/traces/" + "{trace}/info"),
    Operation("GET", f"{V3}/traces/" + "{trace}"),
    Operation("GET", f"{V3}/traces/get", query={"trace_id": "{spans}"}),
    Operation("GET", f"{AJAX3}/get-trace-artifact", query={"request_id": "{spans}"}),
    Operation("GET", f"{V3}/traces/" + "{trace}/assessments/{assessment}"),
    Operation("GET", f"{V2}/logged-models/" + "{logged_model}"),
    Operation("GET", f"{V2}/logged-models/" + "{logged_model}/artifacts/directories"),
    Operation("GET", f"{V3}/datasets/" + "{dataset}"),
    Operation("GET", f"{V3}/datasets/" + "{dataset}/records"),
    Operation("GET", f"{V3}/datasets/" + "{dataset}/experiment-ids"),
    Operation("POST", f"{V3}/datasets/search", {"experiment_ids": ["{experiment}"]}),
    Operation("POST", f"{AJAX2}/experiments/search-datasets", {"experiment_ids": ["{experiment}"]}),
    Operation("GET", f"{V3}/scorers/list", query=experiments()),
    Operation("GET", f"{V3}/scorers/get", query={**experiments(), "name": "safe"}),
    Operation("GET", f"{V3}/scorers/versions", query={**experiments(), "name": "safe"}),
    Operation("GET", f"{V3}/issues/" + "{issue}"),
    Operation("POST", f"{V3}/issues/search", experiments()),
    Operation("GET", f"{V3}/label-schemas/get", query={"schema_id": "{schema}"}),
    Operation("GET", f"{V3}/label-schemas/get-by-name", query={**experiments(), "name": "tone"}),
    Operation("GET", f"{V3}/label-schemas/list", query=experiments()),
    Operation("GET", f"{V3}/review-queues/list", query=experiments()),
    Operation("GET", f"{V2}/registered-models/get", query={"name": "{model}"}),
    Operation("GET", f"{V2}/registered-models/get-latest-versions", query={"name": "{model}"}),
    Operation("POST", f"{V2}/registered-models/get-latest-versions", {"name": "{model}"}),
    Operation("GET", f"{V2}/registered-models/alias", query={"name": "{model}", "alias": "best"}),
    Operation("GET", f"{V2}/model-versions/get", query={"name": "{model}", "version": "1"}),
    Operation("GET", f"{V2}/model-versions/get-download-uri", query={"name": "{model}", "version": "1"}),
    Operation("GET", "/model-versions/get-artifact", query={"name": "{model}", "version": "1", "path": "note.txt"}),
    Operation("GET", f"{V2}/registered-models/get", query={"name": "{prompt}"}),
    Operation("GET", f"{V2}/model-versions/get", query={"name": "{prompt}", "version": "1"}),
    *RARER_READS,
)
"""Each names something of the shelf; who may not read it is told that it is not there."""

LISTS = (
    Operation("POST", f"{V2}/experiments/search", {"max_results": 1000}),
    Operation("GET", f"{V2}/experiments/search", query={"max_results": "1000"}),
    Operation("POST", f"{V2}/experiments/search", {"max_results": 1000, "filter": "name = '{experiment_name}'"}),
    Operation("POST", f"{V2}/experiments/search", {"max_results": 1000, "view_type": "ALL"}),
    Operation("POST", f"{V2}/runs/search", {"experiment_ids": ["{experiment}"]}),
    Operation("POST", f"{V2}/runs/search", {"experiment_ids": ["{experiment}"], "run_view_type": "ALL"}),
    Operation("POST", f"{V2}/runs/search", {"experiment_ids": ["{experiment}"], "filter": "metrics.m > 0"}),
    Operation("POST", f"{V2}/logged-models/search", {"experiment_ids": ["{experiment}"]}),
    Operation("GET", f"{V2}/registered-models/search", query={"max_results": "1000"}),
    Operation("GET", f"{V2}/registered-models/search", query={"filter": "name = '{model}'"}),
    Operation("GET", f"{V2}/registered-models/search", query={"filter": "tags.`mlflow.prompt.is_prompt` = 'true'"}),
    Operation("GET", f"{V2}/model-versions/search", query={"max_results": "1000"}),
    Operation("GET", f"{V2}/model-versions/search", query={"filter": "name = '{model}'"}),
    Operation("GET", f"{V2}/model-versions/search", query={"filter": "run_id = '{run}'"}),
    Operation("GET", f"{V3}/scorers/list"),
    Operation("POST", f"{V3}/traces/search", {"locations": [{"mlflow_experiment": experiments()}]}),
    Operation(
        "POST",
        f"{V3}/traces/metrics",
        {
            "experiment_ids": ["{experiment}"],
            "view_type": "TRACES",
            "metric_name": "trace_count",
            "aggregations": [{"aggregation_type": "COUNT"}],
        },
    ),
    Operation(
        "POST",
        f"{V3}/traces/calculate-filter-correlation",
        {
            "experiment_ids": ["{experiment}"],
            "filter_string1": "status = 'OK'",
            "filter_string2": "status = 'OK'",
        },
    ),
    Operation("GET", f"{V3}/traces/batchGet", query={"trace_ids": "{spans}"}),
    Operation("POST", f"{V3}/traces/batchGetInfos", {"trace_ids": ["{trace}"]}),
    graphql('{ mlflowGetExperiment(input: {experimentId: "{experiment}"}) { experiment { name experimentId } } }'),
    graphql('{ mlflowGetRun(input: {runId: "{run}"}) { run { info { runName runUuid } } } }'),
    graphql('{ mlflowSearchRuns(input: {experimentIds: ["{experiment}"]}) { runs { info { runUuid runName } } } }'),
    graphql(
        '{ a: mlflowGetRun(input: {runId: "{run}"}) { ...r } } '
        "fragment r on MlflowGetRunResponse { run { info { runName } } }"
    ),
    graphql(
        'query q { x: mlflowGetExperiment(input: {experimentId: "{experiment}"}) { ... on MlflowGetExperimentResponse '
        '{ experiment { name } } } y: mlflowGetExperiment(input: {experimentId: "{own}"}) { experiment { name } } }'
    ),
    graphql('{ mlflowListArtifacts(input: {runId: "{run}"}) { files { path } } }'),
    graphql('{ mlflowGetMetricHistoryBulkInterval(input: {runIds: ["{run}"], metricKey: "m"}) { metrics { value } } }'),
    *RARER_LISTS,
)
"""Each may be asked by everybody, and shows nothing of the shelf to who may not see it."""


def writes() -> tuple[Operation, ...]:
    """What changes something on the shelf; fresh, for each makes something of a new name."""
    new = f"{next(NUMBERS):032x}"  # counted, not drawn: a test is named by it, and alike in every process
    run = {"run_id": "{run}"}
    model = {"name": "{model}"}
    return (
        Operation("POST", f"{V2}/experiments/update", {**experiments(), "new_name": f"renamed-{new}"}),
        Operation("POST", f"{V2}/experiments/set-experiment-tag", {**experiments(), "key": "k", "value": "v"}),
        Operation("POST", f"{V2}/experiments/delete-experiment-tag", {**experiments(), "key": "known"}),
        Operation("POST", f"{V2}/runs/create", experiments()),
        Operation("POST", f"{AJAX2}/runs/create", experiments()),
        Operation("POST", f"{V2}/runs/update", {**run, "run_name": "renamed"}),
        Operation("POST", f"{V2}/runs/log-metric", {**run, "key": "k", "value": 1, "timestamp": 1}),
        Operation("POST", f"{V2}/runs/log-parameter", {**run, "key": "k", "value": "1"}),
        Operation("POST", f"{V2}/runs/log-batch", {**run, "tags": [{"key": "k", "value": "v"}]}),
        Operation("POST", f"{V2}/runs/set-tag", {**run, "key": "k2", "value": "v"}),
        Operation("POST", f"{V2}/runs/set-tag", {"run_uuid": "{run}", "key": "k3", "value": "v"}),
        Operation("POST", f"{V2}/runs/delete-tag", {**run, "key": "known"}),
        Operation("POST", f"{V2}/runs/log-model", {**run, "model_json": json.dumps(MODEL_JSON)}),
        Operation(
            "POST",
            f"{V2}/runs/log-inputs",
            {**run, "datasets": [{"dataset": {"name": new, "digest": "d", "source_type": "local", "source": "s"}}]},
        ),
        Operation("POST", f"{V2}/runs/outputs", {**run, "models": [{"model_id": "{logged_model}", "step": "1"}]}),
        Operation("POST", f"{AJAX2}/upload-artifact", query={"run_uuid": "{run}", "path": "x.txt"}, raw=b"x"),
        Operation("PUT", ARTIFACTS + "/{folder}/{experiment}/{run}/artifacts/" + new, raw=b"x"),
        Operation("POST", f"{V2}/traces", {**experiments(), "timestamp_ms": 1, "request_metadata": [], "tags": []}),
        Operation("POST", f"{V3}/traces", trace(f"tr-{new}", "{experiment}")),
        Operation("PATCH", f"{V2}/traces/" + "{trace}/tags", {"key": "k", "value": "v"}),
        Operation("PATCH", f"{V3}/traces/" + "{trace}/tags", {"key": "k3", "value": "v"}),
        Operation("DELETE", f"{V3}/traces/" + "{trace}/tags", {"key": "known"}),
        Operation("POST", f"{V2}/traces/link-to-run", {"trace_ids": ["{trace}"], **run}),
        Operation(
            "POST",
            f"{V2}/traces/link-prompts",
            {"trace_id": "{trace}", "prompt_versions": [{"name": "{prompt}", "version": "1"}]},
        ),
        Operation("POST", f"{V3}/traces/" + "{trace}/assessments", {"assessment": feedback(trace_id="{trace}")}),
        Operation(
            "PATCH",
            f"{V3}/traces/" + "{trace}/assessments/{assessment}",
            {"assessment": feedback(rationale="changed"), "update_mask": "rationale"},
        ),
        Operation("POST", f"{V2}/logged-models", experiments()),
        Operation(
            "PATCH",
            f"{V2}/logged-models/" + "{logged_model}",
            {"model_id": "{logged_model}", "status": "LOGGED_MODEL_READY"},
        ),
        Operation("PATCH", f"{V2}/logged-models/" + "{logged_model}/tags", {"tags": [{"key": "k", "value": "v"}]}),
        Operation(
            "POST",
            f"{V2}/logged-models/" + "{logged_model}/params",
            {"model_id": "{logged_model}", "params": [{"key": "k", "value": "v"}]},
        ),
        Operation("POST", f"{V3}/datasets/create", {"name": new, "experiment_ids": ["{experiment}"]}),
        Operation("PATCH", f"{V3}/datasets/" + "{dataset}/tags", {"tags": json.dumps({"k": "v"})}),
        Operation("POST", f"{V3}/datasets/" + "{dataset}/records", {"records": json.dumps([{"inputs": {"q": new}}])}),
        Operation("POST", f"{V3}/scorers/register", {**experiments(), "name": "short", "serialized_scorer": SCORER}),
        Operation("POST", f"{V3}/issues", {**experiments(), "name": new, "description": "d"}),
        Operation("PATCH", f"{V3}/issues/" + "{issue}", {"issue_id": "{issue}", "description": "changed"}),
        Operation("POST", f"{V3}/label-schemas/create", SCHEMA),
        Operation("PATCH", f"{V3}/label-schemas/update", {"schema_id": "{schema}", "instruction": "changed"}),
        Operation(
            "POST",
            f"{V3}/review-queues/create",
            {**experiments(), "name": new, "queue_type": "CUSTOM", "users": ["alice"]},
        ),
        Operation("POST", f"{V2}/registered-models/create", {"name": f"model-{new}"}),
        Operation("POST", f"{V2}/registered-models/create", {"name": f"prompt-{new}", "tags": [PROMPT]}),
        Operation("PATCH", f"{V2}/registered-models/update", {**model, "description": "changed"}),
        Operation("POST", f"{V2}/registered-models/set-tag", {**model, "key": "k", "value": "v"}),
        Operation("DELETE", f"{V2}/registered-models/delete-tag", {**model, "key": "known"}),
        Operation("POST", f"{V2}/registered-models/alias", {**model, "alias": "k", "version": "1"}),
        Operation("POST", f"{V2}/model-versions/create", {**model, "source": "runs:/{run}/x", "run_id": "{run}"}),
        Operation("PATCH", f"{V2}/model-versions/update", {**model, "version": "1", "description": "changed"}),
        Operation("POST", f"{V2}/model-versions/set-tag", {**model, "version": "1", "key": "k", "value": "v"}),
        Operation("POST", f"{V2}/registered-models/set-tag", {"name": "{prompt}", "key": "k", "value": "v"}),
        Operation("POST", f"{V2}/experiments/create", {"name": f"new-{new}"}),
        *rarer_writes(new),
    )


def endings() -> tuple[Operation, ...]:
    """What takes something off the shelf: each needs a shelf of its own to succeed on."""
    return (
        Operation("POST", f"{V2}/experiments/delete", experiments()),
        Operation("POST", f"{V2}/runs/delete", {"run_id": "{run}"}),
        Operation("DELETE", ARTIFACTS + "/{folder}/{experiment}/{run}/artifacts/note.txt"),
        Operation("POST", f"{V3}/traces/delete-traces", {**experiments(), "request_ids": ["{trace}"]}),
        Operation("POST", f"{V2}/traces/delete-traces", {**experiments(), "request_ids": ["{trace}"]}),
        Operation("DELETE", f"{V3}/traces/" + "{trace}/assessments/{assessment}"),
        Operation("DELETE", f"{V2}/logged-models/" + "{logged_model}"),
        Operation("DELETE", f"{V3}/datasets/" + "{dataset}"),
        Operation("DELETE", f"{V3}/scorers/delete", {**experiments(), "name": "safe"}),
        Operation("DELETE", f"{V3}/label-schemas/delete", {"schema_id": "{schema}"}),
        Operation("DELETE", f"{V2}/registered-models/delete", {"name": "{model}"}),
        Operation("DELETE", f"{V2}/registered-models/delete", {"name": "{prompt}"}),
        Operation("DELETE", f"{V2}/model-versions/delete", {"name": "{model}", "version": "1"}),
        Operation("DELETE", f"{V2}/registered-models/alias", {"name": "{model}", "alias": "best"}),
        Operation("POST", f"{V2}/registered-models/rename", {"name": "{model}", "new_name": f"was-{next(NUMBERS)}"}),
        *rarer_endings(),
    )
