"""A body of one's own that names another's things; and the same with one's own."""

import json
import uuid
from typing import Any

import pytest
from operation import PROMPT, V2, V3, Operation, experiments, feedback, trace
from shelves import absent, furnish


def tag(key: str, value: str) -> dict[str, str]:
    return {"key": key, "value": value}


def references() -> tuple[Operation, ...]:
    """Each is about what is one's own, written in capitals, and names what is not."""
    new = uuid.uuid4().hex
    run, mine = {"run_id": "RUN"}, {"experiment_id": "EXPERIMENT"}
    prompts = json.dumps([{"name": "{prompt}", "version": "1"}])
    sourced = feedback(metadata={"mlflow.assessment.sourceRunId": "{run}"})
    linked = {**feedback(), "assessment_name": "{issue}", "issue": {"issue_name": "x"}}
    linked.pop("feedback")
    version = {"name": "MODEL", "run_id": "RUN"}
    metric = {"key": "m", "value": 1, "timestamp": 1, "model_id": "{logged_model}"}
    place = "mlflow-artifacts:/{folder}/{experiment}/{run}/artifacts"
    return (
        Operation("POST", f"{V2}/runs/log-batch", {**run, "tags": [tag("mlflow.linkedPrompts", prompts)]}),
        Operation("POST", f"{V2}/runs/set-tag", {**run, **tag("mlflow.linkedPrompts", prompts)}),
        Operation("POST", f"{V2}/runs/log-metric", {**run, **metric}),
        Operation("POST", f"{V2}/runs/log-batch", {**run, "metrics": [metric]}),
        Operation("POST", f"{V2}/runs/log-inputs", {**run, "models": [{"model_id": "{logged_model}"}]}),
        Operation("POST", f"{V2}/runs/outputs", {**run, "models": [{"model_id": "{logged_model}", "step": "1"}]}),
        Operation("POST", f"{V2}/traces/link-to-run", {**run, "trace_ids": ["{trace}"]}),
        Operation("POST", f"{V2}/traces/link-to-run", {"run_id": "{run}", "trace_ids": ["TRACE"]}),
        Operation("POST", f"{V2}/traces/link-prompts", {
            "trace_id": "TRACE", "prompt_versions": [{"name": "{prompt}", "version": "1"}]}),
        Operation("PATCH", f"{V3}/traces/TRACE/tags", tag("mlflow.linkedPrompts", prompts)),
        Operation("PATCH", f"{V2}/traces/TRACE/tags", tag("mlflow.linkedPrompts", prompts)),
        Operation("POST", f"{V3}/traces", trace(f"tr-{new}1", "EXPERIMENT", tags={"mlflow.linkedPrompts": prompts})),
        Operation("POST", f"{V3}/traces", trace(
            f"tr-{new}2", "EXPERIMENT", trace_metadata={"mlflow.sourceRun": "{run}"})),
        Operation("POST", f"{V3}/traces", trace(f"tr-{new}3", "EXPERIMENT", assessments=[sourced])),
        Operation("POST", f"{V2}/traces", {
            **mine, "timestamp_ms": 1, "request_metadata": [tag("mlflow.sourceRun", "{run}")], "tags": []}),
        Operation("POST", f"{V3}/traces/TRACE/assessments", {"assessment": sourced}),
        Operation("POST", f"{V3}/traces/TRACE/assessments", {"assessment": linked}),
        Operation("PATCH", f"{V3}/traces/TRACE/assessments/ASSESSMENT", {
            "assessment": sourced, "update_mask": "metadata"}),
        Operation("POST", f"{V3}/issues", {**mine, "name": new, "description": "d", "source_run_id": "{run}"}),
        Operation("POST", f"{V2}/logged-models", {**mine, "source_run_id": "{run}"}),
        Operation("POST", f"{V2}/model-versions/create", {**version, "run_id": "{run}", "source": "runs:/RUN/x"}),
        Operation("POST", f"{V2}/model-versions/create", {**version, "source": "runs:/{run}/x"}),
        Operation("POST", f"{V2}/model-versions/create", {
            **version, "source": "models:/{logged_model}", "model_id": "{logged_model}"}),
        Operation("POST", f"{V2}/model-versions/create", {**version, "source": "models:/{model}/1"}),
        Operation("POST", f"{V2}/model-versions/create", {**version, "source": place}),
        Operation("POST", f"{V3}/datasets/create", {"name": new, "experiment_ids": ["EXPERIMENT", "{experiment}"]}),
        Operation("POST", f"{V3}/datasets/DATASET/add-experiments", {"experiment_ids": ["{experiment}"]}),
    )  # fmt: skip


SAME = {"RUN": "run", "EXPERIMENT": "experiment", "TRACE": "trace", "ASSESSMENT": "assessment", "MODEL": "model",
        "DATASET": "dataset"}  # fmt: skip
REFERENCES = references()


def of(operation: Operation, shelf: dict[str, str]) -> Operation:
    """The operation with the words in capitals replaced by what is on one's own shelf."""
    text = json.dumps(operation.body)
    path = operation.path
    for word, name in SAME.items():
        text, path = (
            text.replace(f'"{word}"', f'"{shelf[name]}"').replace(f"/{word}/", f"/{shelf[name]}/"),
            path.replace(word, shelf[name]),
        )
    return Operation(operation.method, path, json.loads(text))


@pytest.fixture(scope="module")
def alices(scene: Any) -> dict[str, str]:
    """A shelf that Dana may read and write."""
    return furnish(scene.server, "alice", "fraud")


@pytest.mark.parametrize("operation", REFERENCES, ids=lambda each: f"{each.name} {str(each.body)[-40:]}")
def test_nothing_of_ones_own_can_point_at_what_one_may_not_read(
    scene: Any, unchanged: Any, shows_nothing: Any, operation: Operation
) -> None:
    """In the project, in another, and with what does not exist: each time the same answer."""
    hidden, foreign, nothing = (
        scene.ask("dana", of(operation, scene.shelf), named)
        for named in (scene.hidden, scene.theirs, absent(scene.hidden))
    )
    assert hidden.status_code in (400, 403, 404), hidden.text
    assert hidden.status_code == nothing.status_code, (hidden.text, nothing.text)
    assert foreign.status_code in (400, hidden.status_code), foreign.text
    shows_nothing(hidden, scene.hidden)
    shows_nothing(foreign, scene.theirs)


@pytest.mark.parametrize("operation", REFERENCES, ids=lambda each: f"{each.name} {str(each.body)[-40:]}")
def test_what_one_may_read_one_may_name(scene: Any, alices: Any, operation: Operation) -> None:
    if "add-experiments" in operation.path or "datasets/create" in operation.path:
        target = {**alices, "experiment": scene.server.experiment("dana")}
    else:
        target = alices
    answer = scene.ask("dana", of(operation, alices), target)
    assert answer.status_code == 200, answer.text


PARENT = tag("mlflow.parentRunId", "{run}")


@pytest.mark.parametrize(
    "operation",
    [
        Operation("POST", f"{V2}/runs/create", {"experiment_id": "EXPERIMENT", "tags": [PARENT]}),
        Operation("POST", f"{V2}/runs/set-tag", {"run_id": "RUN", **PARENT}),
        Operation("POST", f"{V2}/runs/log-batch", {"run_id": "RUN", "tags": [PARENT]}),
    ],
    ids=lambda each: each.name,
)
def test_a_parent_may_be_anything_and_tells_nothing_of_it(
    scene: Any, shows_nothing: Any, alices: Any, operation: Operation
) -> None:
    """As when runs are imported from elsewhere: nothing follows the tag, and hidden and absent parents are one."""
    own = scene.server.experiment("dana")
    mine = {**scene.spare, "experiment": own, "run": scene.server.run("dana", own)}
    for shelf in (scene.hidden, scene.theirs, absent(scene.hidden), alices):
        answer = scene.ask("dana", of(operation, mine), shelf)
        assert answer.status_code == 200, answer.text
        shows_nothing(answer, shelf)
        asked = scene.server.ask("dana", "GET", "runs/get", params={"run_id": shelf["run"]})
        assert asked.status_code == (200 if shelf is alices else 404)


def test_a_trace_or_an_assessment_is_not_moved_by_its_id(scene: Any) -> None:
    """Starting a trace anew takes what it names along, in MLflow; here not what is another's."""
    before = scene.kept()
    for victim in (scene.hidden, scene.theirs):
        for body in (
            trace(victim["trace"], scene.shelf["experiment"]),
            trace(victim["spans"], scene.shelf["experiment"]),
            trace(scene.shelf["trace"], scene.shelf["experiment"],
                  assessments=[feedback(assessment_id=victim["assessment"])]),
        ):  # fmt: skip
            answer = scene.server.post("dana", f"{V3}/traces", body)
            assert answer.status_code == 400, answer.text
    assert scene.kept() == before
    again = trace(scene.spare["trace"], scene.spare["experiment"], tags={"again": "yes"})
    again["trace"]["trace_info"]["assessments"] = [feedback(assessment_id=scene.spare["assessment"])]
    assert scene.server.post("dana", f"{V3}/traces", again).status_code == 200


def test_who_did_it_is_who_is_signed_in(scene: Any) -> None:
    """Also where it is not a run: in a trace's metadata, and in an issue."""
    trace_id, where = f"tr-{uuid.uuid4().hex}", scene.spare["experiment"]
    body = trace(trace_id, where, trace_metadata={"mlflow.user": "alice"}, tags={"mlflow.user": "alice"})
    info = scene.server.post("dana", f"{V3}/traces", body).json()["trace"]["trace_info"]
    assert info["trace_metadata"]["mlflow.user"] == info["tags"]["mlflow.user"] == "dana"
    issue = {**experiments(of=where), "name": "x", "description": "x", "created_by": "alice"}
    assert scene.server.post("dana", f"{V3}/issues", issue).json()["issue"]["created_by"] == "dana"


def test_a_name_that_is_taken_by_something_hidden_is_just_taken(scene: Any, unchanged: Any, shows_nothing: Any) -> None:
    """Names are unique in a project, so this much shows: the same answer as for one's own and for deleted ones."""
    answers = []
    for shelf in (scene.hidden, scene.shelf):
        experiment = scene.server.post("dana", "experiments/create", {"name": shelf["experiment_name"]})
        model = scene.server.post("dana", "registered-models/create", {"name": shelf["model"]})
        prompt = scene.server.post("dana", "registered-models/create", {"name": shelf["prompt"], "tags": [PROMPT]})
        answers.append([(each.status_code, each.json()["error_code"]) for each in (experiment, model, prompt)])
        shows_nothing(experiment, scene.hidden)
        assert "sql" not in experiment.text.replace("sqlstate", "").lower()
    assert answers[0] == answers[1] == [(400, "RESOURCE_ALREADY_EXISTS")] * 3
