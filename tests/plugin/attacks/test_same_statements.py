"""Time tells nothing of what is hidden: the same statements run before an answer about it and about what is not there.

How long each takes is measured in tests/bench/telling.py.
"""

import json
import os
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from operation import PROMPT, V2, V3, Operation, Shelf, experiments, spans, trace
from operations import LISTS, READS, endings, writes
from shelves import absent

from cerberus.policy import Kind, Level, Resource
from cerberus.service import SYSTEM

SCRIPT = Path(__file__).parents[2] / "support" / "statements_before_answers.py"
NAMING = [operation for operation in (*READS, *LISTS, *writes(), *endings()) if operation.names_something]
POINTING = (
    Operation("POST", f"{V2}/logged-models", {**experiments(of="{own}"), "source_run_id": "{run}"}),
    Operation("POST", f"{V2}/runs/log-metric", {
        "run_id": "{own_run}", "key": "m", "value": 1, "timestamp": 1, "model_id": "{logged_model}"}),
    Operation("POST", f"{V2}/traces/link-to-run", {"run_id": "{own_run}", "trace_ids": ["{trace}"]}),
    Operation("POST", f"{V3}/traces", trace("tr-1", "{own}", trace_metadata={"mlflow.sourceRun": "{run}"})),
    Operation("POST", f"{V3}/issues", {
        **experiments(of="{own}"), "name": "i", "description": "d", "source_run_id": "{run}"}),
    Operation("POST", "/v1/traces", raw=spans(7)),
)  # fmt: skip
"""What is one's own, and names what is not; and spans, whose header names their experiment."""
ASKED = (*NAMING, *POINTING)


@dataclass(frozen=True)
class Pair:
    """A question about something hidden, and one about something absent; `first` makes the server ready for both."""

    first: dict[str, Any]
    hidden: dict[str, Any]
    absent: dict[str, Any]


def question(scene: Any, who: str, operation: Operation, shelf: Shelf, project: str = "") -> dict[str, Any]:
    """The operation as a question to the script."""
    asked = operation.on(shelf)
    headers = {"authorization": f"Bearer {scene.server.token(who)}", "content-type": "application/json"}
    if operation.path == "/v1/traces":
        headers |= {"content-type": "application/x-protobuf", "x-mlflow-experiment-id": shelf["experiment"]}
    if project:
        headers["x-mlflow-workspace"] = project
    query = f"?{urlencode(asked['params'])}" if "params" in asked else ""
    body = json.dumps(asked["json"]) if "json" in asked else (asked.get("data") or b"").decode("latin-1")
    return {"method": asked["method"], "path": quote(asked["path"], safe="/") + query, "headers": headers, "body": body}


def answered(scene: Any, warm: list[dict[str, Any]], pairs: list[Pair]) -> list[Pair]:
    """What a server of the same databases says in a process of its own, and which statements it ran before."""
    asked = [each for pair in pairs for each in (pair.first, pair.hidden, pair.absent)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(SCRIPT)], env={**os.environ, **scene.server.env}, text=True,
        cwd=scene.server.log.parent, input=json.dumps([*warm, *asked]), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])[len(warm) :]
    return [Pair(*found[at : at + 3]) for at in range(0, len(found), 3)]


def same(pair: Pair) -> None:
    """Fails where the two answers were not come by in the same way."""
    assert pair.hidden["status"] == pair.absent["status"], (pair.hidden["text"], pair.absent["text"])
    assert pair.hidden["statements"] == pair.absent["statements"]
    assert pair.hidden["statements"], "nothing was noted"


@pytest.fixture(scope="module")
def table(scene: Any) -> dict[tuple[str, int], Pair]:
    """Each person's question about each thing, asked after somebody who may see it has made the server know it."""
    cerberus = scene.server.cast.cerberus
    cerberus.people.create_user(SYSTEM, "narrow", password=scene.server.cast.password)
    seen = Resource("fraud", Kind.EXPERIMENT, scene.spare["experiment"])
    cerberus.grants.give(SYSTEM, seen, subject="narrow", level=Level.EDIT)
    pairs = {}
    for who, mine in (("dana", scene.spare), ("narrow", scene.spare), ("erin", scene.theirs)):
        own = {"own": mine["experiment"], "own_run": mine["run"]}
        hidden, nothing = {**scene.hidden, **own}, {**absent(scene.hidden), **own}
        for number, operation in enumerate(ASKED):
            about = question(scene, who, operation, nothing)
            pairs[who, number] = Pair(about, question(scene, who, operation, hidden), about)
    warm = [question(scene, "alice", each, scene.hidden) for each in READS]
    return dict(zip(pairs, answered(scene, warm, list(pairs.values())), strict=True))


@pytest.mark.parametrize("number", range(len(ASKED)), ids=[f"{each.name} {str(each.body)[-30:]}" for each in ASKED])
@pytest.mark.parametrize("who", ["dana", "narrow", "erin"])
def test_hidden_and_absent_take_the_same_way(table: Any, who: str, number: int) -> None:
    """For who is denied it, for who sees one experiment of the project, and for who is in another project."""
    same(table[who, number])


def test_a_project_that_one_is_not_in_takes_the_way_of_none(scene: Any) -> None:
    here, names = READS[0], ("nowhere", "fraud", "no-such")
    named = Pair(*(question(scene, "erin", here, scene.shelf, name) for name in names))
    paths = Pair(*(question(scene, "erin", Operation("GET", f"{V3}/workspaces/{name}"), {}) for name in names))
    for found in answered(scene, [question(scene, "alice", here, scene.shelf)], [named, paths]):
        same(found)
        assert found.hidden["status"] == 404


CREATING = {
    "experiment_name": Operation("POST", f"{V2}/experiments/create", {"name": "{name}"}),
    "model": Operation("POST", f"{V2}/registered-models/create", {"name": "{name}"}),
    "prompt": Operation("POST", f"{V2}/registered-models/create", {"name": "{name}", "tags": [PROMPT]}),
}


def test_a_name_that_another_project_uses_is_given_out_like_any_other(scene: Any) -> None:
    pairs = []
    for what, operation in CREATING.items():
        names = (uuid.uuid4().hex, scene.shelf[what], uuid.uuid4().hex)
        pairs.append(Pair(*(question(scene, "erin", operation, {"name": name}) for name in names)))
    for found in answered(scene, [], pairs):
        same(found)
        assert found.hidden["status"] == 200, found.hidden["text"]
