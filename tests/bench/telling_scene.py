"""What `telling.py` asks about: a server with shelves that somebody is denied, and the questions about them."""

import json
import random
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import requests
from operation import ARTIFACTS, V2, V3, Operation, Shelf, experiments, graphql, spans, trace
from shelves import absent, furnish
from tracking_servers import PASSWORD, behind_cerberus

from cerberus.policy import Kind, Level, Resource, Scope
from cerberus.service import SYSTEM, Cerberus

SHELVES = 8
KINDS = {"experiment": Kind.EXPERIMENT, "model": Kind.REGISTERED_MODEL, "prompt": Kind.PROMPT}
FILE = ARTIFACTS + "/{folder}/{experiment}/{run}/artifacts/note.txt"
BY_NAME = {"experiment_name": "{experiment_name}"}
PLACE = [{"mlflow_experiment": experiments()}]

READS = {
    "experiment": Operation("GET", f"{V2}/experiments/get", query={"experiment_id": "{experiment}"}),
    "experiment by name": Operation("GET", f"{V2}/experiments/get-by-name", query=BY_NAME),
    "run": Operation("GET", f"{V2}/runs/get", query={"run_id": "{run}"}),
    "run, in a search": Operation("POST", f"{V2}/runs/search", {"experiment_ids": ["{experiment}"]}),
    "run, GraphQL": graphql('{ mlflowGetRun(input: {runId: "{run}"}) { run { info { runName } } } }'),
    "metric history": Operation("GET", f"{V2}/metrics/get-history", query={"run_id": "{run}", "metric_key": "m"}),
    "model": Operation("GET", f"{V2}/registered-models/get", query={"name": "{model}"}),
    "model, in a search": Operation("GET", f"{V2}/registered-models/search", query={"filter": "name = '{model}'"}),
    "model version": Operation("GET", f"{V2}/model-versions/get", query={"name": "{model}", "version": "1"}),
    "model by alias": Operation("GET", f"{V2}/registered-models/alias", query={"name": "{model}", "alias": "best"}),
    "prompt": Operation("GET", f"{V2}/registered-models/get", query={"name": "{prompt}"}),
    "trace": Operation("GET", f"{V3}/traces/" + "{trace}"),
    "traces, in a search": Operation("POST", f"{V3}/traces/search", {"locations": PLACE}),
    "logged model": Operation("GET", f"{V2}/logged-models/" + "{logged_model}"),
    "artifact": Operation("GET", FILE),
    "artifact, old way": Operation("GET", "/get-artifact", query={"run_id": "{run}", "path": "note.txt"}),
    "artifacts, listed": Operation("GET", ARTIFACTS, query={"path": "{folder}/{experiment}/{run}/artifacts"}),
    "dataset": Operation("GET", f"{V3}/datasets/" + "{dataset}"),
    "scorer": Operation("GET", f"{V3}/scorers/get", query={**experiments(), "name": "safe"}),
}
FROM_A_RUN = "logged model of a run"
WRITES = {
    "tag of a run": Operation("POST", f"{V2}/runs/set-tag", {"run_id": "{run}", "key": "k", "value": "v"}),
    "run": Operation("POST", f"{V2}/runs/create", experiments()),
    FROM_A_RUN: Operation("POST", f"{V2}/logged-models", {"experiment_id": "{own}", "source_run_id": "{run}"}),
    "tag of a model": Operation(
        "POST", f"{V2}/registered-models/set-tag", {"name": "{model}", "key": "k", "value": "v"}
    ),
    "artifact": Operation("PUT", FILE, raw=b"x"),
    "trace": Operation("POST", f"{V3}/traces", trace("{new_trace}", "{experiment}")),
    "spans": Operation("POST", "/v1/traces", raw=spans(1)),
}
CREATIONS = {
    "model": ("model", "registered-models/create", "registered-models/delete"),
    "prompt": ("prompt", "registered-models/create", "registered-models/delete"),
    "experiment": ("experiment_name", "experiments/create", ""),
}


@dataclass(frozen=True)
class Question:
    """One request, ready to be sent."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]


Ask = Callable[[str], Question]
"""Makes the question about something `hidden`, or about something that is not there (`absent`, `control`)."""


@dataclass(frozen=True)
class Row:
    """A question whose answer is timed, and what is asked before and after without a clock."""

    ask: Ask
    before: Ask | None = None
    after: Ask | None = None


@dataclass
class Scene:
    """The server, the people's tokens, and what is hidden from some of them."""

    url: str
    cerberus: Cerberus
    tokens: dict[str, str] = field(default_factory=dict)
    shelves: list[Shelf] = field(default_factory=list)

    def ask(self, who: str | None, method: str, path: str, **options: Any) -> requests.Response:
        """A request, as `furnish` makes them."""
        headers = {"Authorization": f"Bearer {self.tokens[str(who)]}", **options.pop("headers", {})}
        options.pop("project", None)
        return requests.request(method, self.url + path, headers=headers, timeout=60, **options)

    def shelf(self, sort: str) -> Shelf:
        """One of the shelves, or one that there is not."""
        shelf = random.choice(self.shelves)
        found = dict(shelf) if sort == "hidden" else absent(shelf)
        if sort != "hidden":
            found["experiment"] = str(random.randrange(5_000, 9_999))
        return {**found, "new_trace": f"tr-{uuid.uuid4().hex}"}

    def question(
        self, who: str, operation: Operation, shelf: Shelf, headers: Mapping[str, str] | None = None
    ) -> Question:
        """The operation on a shelf."""
        asked = operation.on(shelf)
        body = json.dumps(asked["json"]).encode() if "json" in asked else asked.get("data", b"")
        query = f"?{urlencode(asked['params'])}" if "params" in asked else ""
        sent = {"Authorization": f"Bearer {self.tokens[who]}", "Content-Type": "application/json", **(headers or {})}
        if operation.path == "/v1/traces":
            sent |= {"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": shelf["experiment"]}
        return Question(asked["method"], quote(asked["path"], safe="/") + query, body, sent)


def rows(scene: Scene) -> dict[str, Row]:
    """
    Every row, by its title.
    """
    found: dict[str, Row] = {}
    for who, title in (("denied", "denied it"), ("narrow", "given another"), ("stranger", "elsewhere")):
        for name, operation in READS.items():
            found[f"{title}: {name}"] = Row(_about(scene, who, operation))
        for name, operation in WRITES.items():
            if who == "denied" or name != FROM_A_RUN:
                found[f"{title}, writes: {name}"] = Row(_about(scene, who, operation))
    found["elsewhere: project, by a header"] = Row(_in_project(scene))
    found["elsewhere: project, by its address"] = Row(_workspace(scene))
    for name in CREATIONS:
        found[f"elsewhere, takes the name of: {name}"] = _naming(scene, name)
    for name in ("experiment by name", "run", "trace"):
        found[f"denied it: next request after {name}"] = Row(_own(scene), before=_about(scene, "denied", READS[name]))
    return found


def _about(scene: Scene, who: str, operation: Operation) -> Ask:
    return lambda sort: scene.question(who, operation, scene.shelf(sort))


def _own(scene: Scene) -> Ask:
    """
    A question about what the denied one may read, the same for all sorts.
    """
    return lambda _: scene.question("denied", READS["experiment"], {"experiment": scene.shelves[0]["own"]})


def _project_name(sort: str) -> str:
    return "fraud" if sort == "hidden" else f"f{uuid.uuid4().hex[:4]}"


def _in_project(scene: Scene) -> Ask:
    def ask(sort: str) -> Question:
        header = {"X-MLFLOW-WORKSPACE": _project_name(sort)}
        return scene.question("stranger", READS["run"], scene.shelf("absent"), header)

    return ask


def _workspace(scene: Scene) -> Ask:
    return lambda sort: scene.question("stranger", Operation("GET", f"{V3}/workspaces/{_project_name(sort)}"), {})


def _naming(scene: Scene, what: str) -> Row:
    """
    Somebody elsewhere makes a thing with a name that is used in `fraud`, or nowhere; then it goes, or gets another.
    """
    key, create, delete = CREATIONS[what]
    made: dict[str, str] = {}

    def ask(sort: str) -> Question:
        made["name"] = scene.shelf(sort)[key]
        return scene.question("stranger", Operation("POST", f"{V2}/{create}", {"name": "{name}"}), made)

    def after(_: str) -> Question:
        if delete:
            return scene.question("stranger", Operation("DELETE", f"{V2}/{delete}", {"name": "{name}"}), made)
        headers = {"Authorization": f"Bearer {scene.tokens['stranger']}"}
        where = f"{scene.url}{V2}/experiments/get-by-name"
        answer = requests.get(where, params={"experiment_name": made["name"]}, headers=headers, timeout=60).json()
        renamed = {"experiment_id": answer["experiment"]["experiment_id"], "new_name": uuid.uuid4().hex}
        return scene.question("stranger", Operation("POST", f"{V2}/experiments/update", renamed), {})

    return Row(ask, after=after)


@contextmanager
def prepared(directory: Path) -> Iterator[Scene]:
    """
    A server with eight shelves of Alice's in `fraud`. `denied` contributes there and is denied each of them; `narrow`
    is given one other experiment and nothing else; `viewer` reads all; `stranger` has a project of their own.
    """
    with behind_cerberus(directory) as (url, cerberus):
        scene = Scene(url, cerberus)
        for project, owner in (("fraud", "alice"), ("churn", "stranger")):
            cerberus.projects.create(SYSTEM, project)
            cerberus.people.create_user(SYSTEM, owner, password=PASSWORD)
            cerberus.projects.add_member(SYSTEM, project, subject=owner, role="maintainer")
        for name, role in (("denied", "contributor"), ("viewer", "viewer"), ("narrow", "")):
            cerberus.people.create_user(SYSTEM, name, password=PASSWORD)
            if role:
                cerberus.projects.add_member(SYSTEM, "fraud", subject=name, role=role)
        for name in ("alice", "stranger", "denied", "viewer", "narrow"):
            scopes = (Scope.READ, Scope.WRITE)
            scene.tokens[name] = cerberus.tokens.create(SYSTEM, "bench", owner=name, scopes=scopes).secret
        own = scene.ask("denied", "POST", f"{V2}/experiments/create", json={"name": "own"}).json()["experiment_id"]
        seen = Resource("fraud", Kind.EXPERIMENT, own)
        cerberus.grants.give(SYSTEM, seen, subject="narrow", level=Level.EDIT)
        scene.shelves = [_denied_shelf(scene, own) for _ in range(SHELVES)]
        yield scene


def _denied_shelf(scene: Scene, own: str) -> Shelf:
    shelf = furnish(scene, "alice", "fraud")
    shelf["own"] = own
    for name, kind in KINDS.items():
        scene.cerberus.grants.give(SYSTEM, Resource("fraud", kind, shelf[name]), subject="denied", level=Level.DENY)
    for operation in READS.values():  # the server remembers where things are
        scene.ask("alice", **operation.on(shelf))
    return shelf
