"""What could be counted, compared or paged through to learn of what is hidden."""

import base64
import json
import uuid
from typing import Any

import pytest

from cerberus.policy import Kind, Level, Resource
from cerberus.service import SYSTEM

SEEN = ["0", "3", "6", "9"]
LISTS = ("experiments", "models", "versions", "runs", "logged models", "traces")


@pytest.fixture(scope="module")
def rows(scene: Any) -> str:
    """Twelve of each thing, of which Dana sees every third; the word that their names begin with."""
    word, server = f"w{uuid.uuid4().hex[:10]}", scene.server
    for number in range(12):
        name = f"{word}-{number:02}"
        experiment_id = server.experiment("alice", name)
        run_id = server.run("alice", experiment_id, run_name=name, tags=[{"key": "word", "value": word}])
        logged = {"experiment_id": experiment_id, "name": name}
        assert server.post("alice", "logged-models", logged).status_code == 200
        assert server.post("alice", "registered-models/create", {"name": name}).status_code == 200
        version = {"name": name, "source": f"runs:/{run_id}/m", "run_id": run_id}
        assert server.post("alice", "model-versions/create", version).status_code == 200
        if str(number) not in SEEN:
            for kind, each in ((Kind.EXPERIMENT, experiment_id), (Kind.REGISTERED_MODEL, name)):
                server.cast.cerberus.grants.give(
                    SYSTEM, Resource("fraud", kind, each), subject="dana", level=Level.DENY
                )
    return word


def ids(scene: Any, rows: str) -> list[str]:
    """The experiments' ids, as Alice sees them."""
    body = {"max_results": 100, "filter": f"name LIKE '{rows}%'"}
    return [
        each["experiment_id"] for each in scene.server.post("alice", "experiments/search", body).json()["experiments"]
    ]


def page(scene: Any, rows: str, what: str, token: str) -> tuple[list[str], str]:
    """The names on Dana's next page of two, and the token of the one after it."""
    server, more = scene.server, {"page_token": token} if token else {}
    like = {"filter": f"name LIKE '{rows}%'", "max_results": 2, **more}
    if what == "experiments":
        found = server.post("dana", "experiments/search", like).json()
        names = [each["name"] for each in found.get("experiments", [])]
    elif what == "models":
        found = server.ask("dana", "GET", "registered-models/search", params=like).json()
        names = [each["name"] for each in found.get("registered_models", [])]
    elif what == "versions":
        found = server.ask("dana", "GET", "model-versions/search", params=like).json()
        names = [each["name"] for each in found.get("model_versions", [])]
    elif what == "runs":
        body = {"experiment_ids": ids(scene, rows), "max_results": 2, **more}
        found = server.post("dana", "runs/search", body).json()
        names = [each["info"]["run_name"] for each in found.get("runs", [])]
    else:
        body = {"experiment_ids": ids(scene, rows), "max_results": 2, **more}
        found = server.post("dana", "logged-models/search", body).json()
        names = [each["info"]["name"] for each in found.get("models", [])]
    return names, found.get("next_page_token", "")


@pytest.mark.parametrize("what", ["experiments", "models", "versions", "runs", "logged models"])
def test_pages_are_full_and_their_tokens_count_only_what_is_seen(scene: Any, rows: str, what: str) -> None:
    """Between each two rows that Dana sees there are two that she does not."""
    first, token = page(scene, rows, what, "")
    second, end = page(scene, rows, what, token)
    assert len(first) == len(second) == 2
    assert sorted(first + second) == [f"{rows}-{int(number):02}" for number in SEEN]
    assert json.loads(base64.b64decode(token))["offset"] == 2
    assert page(scene, rows, what, end)[0] == [] if end else True


@pytest.mark.parametrize("offset", [1, 2, 3, 4, 5, 8, 11, 1000])
def test_a_forged_token_leads_to_nothing_hidden(scene: Any, rows: str, offset: int) -> None:
    token = base64.b64encode(json.dumps({"offset": offset}).encode()).decode()
    for what in ("experiments", "models", "runs"):
        names, _ = page(scene, rows, what, token)
        assert set(names) <= {f"{rows}-{int(number):02}" for number in SEEN}
        assert len(names) == max(0, min(2, 4 - offset))


@pytest.mark.parametrize(
    "sorting", ["metrics.m DESC", "params.p", "attributes.start_time", "attributes.run_name DESC", "tags.word"]
)
def test_no_order_brings_hidden_runs_in(scene: Any, rows: str, sorting: str) -> None:
    body = {"experiment_ids": ids(scene, rows), "max_results": 50, "order_by": [sorting]}
    assert len(scene.server.post("dana", "runs/search", body).json()["runs"]) == len(SEEN)
    assert len(scene.server.post("alice", "runs/search", body).json()["runs"]) == 12


FILTERS = (
    "tags.word = 'WORD'", "tags.word LIKE 'WOR%'", "attributes.run_name LIKE 'WORD%'", "attributes.status = 'RUNNING'",
    "attributes.run_id IN ('HIDDEN')", "tags.`mlflow.user` = 'alice'", "attributes.user_id = 'alice'",
)  # fmt: skip


@pytest.mark.parametrize("wanted", FILTERS)
def test_no_filter_finds_hidden_runs(scene: Any, rows: str, wanted: str) -> None:
    wanted = wanted.replace("WORD", rows).replace("HIDDEN", scene.hidden["run"])
    everywhere = [*ids(scene, rows), scene.hidden["experiment"]]
    answer = scene.server.post("dana", "runs/search", {"experiment_ids": everywhere, "filter": wanted})
    seen = {f"{rows}-{int(number):02}" for number in SEEN}
    assert {each["info"]["run_name"] for each in answer.json().get("runs", [])} <= seen
    assert scene.hidden["run_name"] not in answer.text


@pytest.mark.parametrize("who", ["erin", "charlie", "dana"])
def test_projects_that_one_is_not_in_do_not_exist(scene: Any, who: str) -> None:
    """Not by their name, not by a token's, and not without one."""
    other = {"erin": "fraud", "charlie": "fraud", "dana": "churn"}[who]
    answers = []
    for name in (other, "no-such"):
        answer = scene.server.post(who, "experiments/search", {"max_results": 5}, project=name)
        workspace = scene.server.ask(who, "GET", f"/api/3.0/mlflow/workspaces/{name}")
        answers.append([(each.status_code, each.text.replace(name, "*")) for each in (answer, workspace)])
    assert answers[0] == answers[1]
    assert answers[0][0][0] == 404


@pytest.mark.parametrize("who", ["bob", "dana", "alice"])
def test_nobody_learns_of_other_accounts(scene: Any, who: str) -> None:
    for path in ("users/get?username=erin", "users/list", "roles/list", "experiments/permissions/get?username=erin"):
        answer = scene.server.ask(who, "GET", path)
        assert answer.status_code in (403, 404), (path, answer.text)
        assert "churn" not in answer.text
    current = scene.server.ask(who, "GET", "users/current")
    assert current.status_code == 200
    assert "erin" not in current.text
