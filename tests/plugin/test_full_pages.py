"""Pages of what a member searches, beside those of a server without access control on the very same database."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from operation import trace

from cerberus.policy import Kind, Level, Resource
from cerberus.service import SYSTEM

V2, V3 = "/api/2.0/mlflow", "/api/3.0/mlflow"
MANY, RUNS = 24, 120
SIZES = (1, 7, 100, 500, 1000)
BY_GET = (f"{V2}/registered-models/search", f"{V2}/model-versions/search")


@dataclass
class Library:
    """A project with much in it, a member who sees all, one from whom every third experiment and model is hidden."""

    server: Any
    plain_url: str
    project: str
    all_seeing: str
    limited: str
    experiments: list[str]
    hidden: set[str]

    def ask(self, who: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer that somebody gets; from the server without access control if it is nobody."""
        method, sent = ("GET", {"params": body}) if path in BY_GET else ("POST", {"json": body})
        if who:
            answer = self.server.ask(who, method, path, project=self.project, **sent)
        else:
            headers = {"X-MLFLOW-WORKSPACE": self.project}
            answer = requests.request(method, self.plain_url + path, headers=headers, timeout=60, **sent)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def pages(self, who: str, search: "Search", size: int) -> list[list[dict[str, Any]]]:
        """Every page, to the last token."""
        body, found = {**search.body(self), "max_results": min(size, search.at_most)}, []
        while True:
            answer = self.ask(who, search.path, body)
            found.append(answer.get(search.rows, []))
            if not answer.get("next_page_token"):
                return found
            body["page_token"] = answer["next_page_token"]


@dataclass(frozen=True)
class Search:
    """One kind of search, and how to tell that one of its rows is hidden."""

    path: str
    rows: str
    body: Callable[[Library], dict[str, Any]]
    is_hidden: Callable[[Library, dict[str, Any]], bool]
    at_most: int = 1000


def everywhere(library: Library) -> dict[str, Any]:
    return {"experiment_ids": library.experiments}


def located(library: Library) -> dict[str, Any]:
    places = [{"type": 1, "mlflow_experiment": {"experiment_id": each}} for each in library.experiments]
    return {"locations": places, "order_by": ["timestamp_ms ASC"]}


SEARCHES = {
    "experiments": Search(
        f"{V2}/experiments/search", "experiments", lambda _: {"order_by": ["name DESC"]},
        lambda library, row: row["experiment_id"] in library.hidden),
    "experiments as they come": Search(
        f"{V2}/experiments/search", "experiments", lambda _: {},
        lambda library, row: row["experiment_id"] in library.hidden),
    "runs": Search(
        f"{V2}/runs/search", "runs",
        lambda library: {**everywhere(library), "filter": "metrics.m >= 0", "order_by": ["metrics.m DESC"]},
        lambda library, row: row["info"]["experiment_id"] in library.hidden),
    "models": Search(
        f"{V2}/registered-models/search", "registered_models", lambda _: {"order_by": ["name DESC"]},
        lambda library, row: row["name"] in library.hidden),
    "versions": Search(
        f"{V2}/model-versions/search", "model_versions", lambda _: {"order_by": ["name ASC"]},
        lambda library, row: row["name"] in library.hidden),
    "traces": Search(
        f"{V3}/traces/search", "traces", located,
        lambda library, row: row["trace_location"]["mlflow_experiment"]["experiment_id"] in library.hidden,
        at_most=500),
    "logged models": Search(
        f"{V2}/logged-models/search", "models",
        lambda library: {**everywhere(library), "order_by": [{"field_name": "name", "ascending": True}]},
        lambda library, row: row["info"]["experiment_id"] in library.hidden),
    "datasets": Search(
        f"{V3}/datasets/search", "datasets", lambda _: {"order_by": ["name"]},
        lambda library, row: library.experiments[int(row["name"].split()[1])] in library.hidden),
    "issues": Search(
        f"{V3}/issues/search", "issues", lambda _: {},
        lambda library, row: row["experiment_id"] in library.hidden),
}  # fmt: skip


@pytest.fixture(scope="module")
def plain_url(server: Any, start_server: Any, stop_server: Any) -> Iterator[str]:
    """MLflow without access control, on the same database; a workspace is named by header."""
    data = server.log.parent
    backend = f"sqlite:///{data}/mlflow.db"
    running = start_server(
        data=data, backend=backend, cerberus_url="", cast=server.cast, workers=1, arguments=(),
        extra={"MLFLOW_WORKSPACE_STORE_URI": backend},
    )  # fmt: skip
    yield running.url
    stop_server(running)


@pytest.fixture(scope="module")
def library(server: Any, plain_url: str) -> Library:
    word, cerberus = uuid.uuid4().hex[:8], server.cast.cerberus
    found = Library(server, plain_url, f"p-{word}", f"all-seeing-{word}", f"limited-{word}", [], set())
    cerberus.projects.create(SYSTEM, found.project)
    for name in (found.all_seeing, found.limited):
        cerberus.people.create_user(SYSTEM, name, password=server.cast.password)
        cerberus.projects.add_member(SYSTEM, found.project, subject=name, role="contributor")
    made = requests.post(f"{plain_url}{V3}/workspaces", json={"name": found.project}, timeout=60)
    assert made.status_code in (200, 201), made.text
    for number in range(MANY):
        fill(found, number)
    for number in range(RUNS):
        body = {"experiment_id": found.experiments[number % MANY], "start_time": number}
        run = found.ask("", f"{V2}/runs/create", body)["run"]["info"]["run_id"]
        found.ask("", f"{V2}/runs/log-metric", {"run_id": run, "key": "m", "value": number, "timestamp": 1})
    return found


def fill(library: Library, number: int) -> None:
    """One more experiment with something of each kind in it, and a model; every third is hidden."""
    name = f"{number:02} {uuid.uuid4().hex[:6]}"
    experiment = str(library.ask("", f"{V2}/experiments/create", {"name": name})["experiment_id"])
    library.experiments.append(experiment)
    library.ask("", f"{V2}/registered-models/create", {"name": name})
    run = library.ask("", f"{V2}/runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]
    library.ask("", f"{V2}/model-versions/create", {"name": name, "source": f"runs:/{run}/model", "run_id": run})
    body = trace(f"tr-{uuid.uuid4().hex}", experiment, request_time=f"2026-01-01T00:00:{number:02}Z")
    library.ask("", f"{V3}/traces", body)
    library.ask("", f"{V2}/logged-models", {"experiment_id": experiment, "name": f"m{number:02}"})
    library.ask("", f"{V3}/datasets/create", {"name": f"dataset {number:02}", "experiment_ids": [experiment]})
    library.ask("", f"{V3}/issues", {"experiment_id": experiment, "name": name, "description": "d"})
    if number % 3 == 0:
        library.hidden |= {experiment, name}
        for kind, each in ((Kind.EXPERIMENT, experiment), (Kind.REGISTERED_MODEL, name)):
            resource = Resource(library.project, kind, each)
            library.server.cast.cerberus.grants.give(SYSTEM, resource, subject=library.limited, level=Level.DENY)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("what", SEARCHES)
def test_a_member_gets_the_pages_of_a_plain_server(library, what, size):
    search = SEARCHES[what]
    plain = library.pages("", search, size)
    assert library.pages(library.all_seeing, search, size) == plain
    assert sum(map(len, plain)) == (RUNS if what == "runs" else MANY)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("what", SEARCHES)
def test_who_does_not_see_all_gets_full_pages_of_the_rest(library, what, size):
    """In the plain server's order, none twice, none missing, and no page shorter than asked for but the last."""
    search = SEARCHES[what]
    rest = [row for page in library.pages("", search, 1000) for row in page if not search.is_hidden(library, row)]
    pages = library.pages(library.limited, search, size)
    assert [row for page in pages for row in page] == rest
    assert {len(page) for page in pages[:-1]} <= {size}
    assert len(rest) == (RUNS if what == "runs" else MANY) * 2 // 3


@pytest.mark.parametrize("size", SIZES)
def test_a_metrics_history_has_the_pages_of_a_plain_server(library, size):
    run = library.ask("", f"{V2}/runs/create", {"experiment_id": library.experiments[1]})["run"]["info"]["run_id"]
    values = [{"key": "h", "value": number, "timestamp": number, "step": number} for number in range(30)]
    library.ask("", f"{V2}/runs/log-batch", {"run_id": run, "metrics": values})

    def history(url: str, headers: dict[str, str]) -> list[list[Any]]:
        found, asked = [], {"run_id": run, "metric_key": "h", "max_results": size}
        while True:
            sent = {"X-MLFLOW-WORKSPACE": library.project, **headers}
            path = f"{url}{V2}/metrics/get-history"
            answer = requests.get(path, params=asked, headers=sent, timeout=60).json()
            found.append(answer["metrics"])
            if not answer.get("next_page_token"):
                return found
            asked["page_token"] = answer["next_page_token"]

    plain = history(library.plain_url, {})
    token = {"Authorization": f"Bearer {library.server.token(library.limited)}"}
    assert history(library.server.url, token) == plain
    assert [row["step"] for page in plain for row in page] == list(range(30))


@pytest.mark.parametrize("what", ["datasets", "issues"])
def test_a_search_that_names_no_experiment_stays_in_its_project_and_shows_only_what_is_open(library, what):
    """Also to who may see one model and no experiment; a dataset that is in no experiment is not theirs to see."""
    cerberus, search = library.server.cast.cerberus, SEARCHES[what]
    guest = f"guest-{uuid.uuid4().hex[:8]}"
    cerberus.people.create_user(SYSTEM, guest, password=library.server.cast.password)
    model = Resource(library.project, Kind.REGISTERED_MODEL, "some model")
    cerberus.grants.give(SYSTEM, model, subject=guest, level=Level.READ)
    body = {"name": "orphan", "experiment_ids": [library.experiments[1]]}
    orphan = library.ask("", f"{V3}/datasets/create", body)["dataset"]["dataset_id"]
    library.ask("", f"{V3}/datasets/{orphan}/remove-experiments", {"experiment_ids": [library.experiments[1]]})
    assert library.pages(guest, search, 100) == [[]]
    assert "orphan" not in str(library.pages(library.limited, search, 100))
    key = {"datasets": "dataset_id", "issues": "issue_id"}[what]
    elsewhere = library.server.post("erin", search.path, {}).json().get(search.rows, [])
    assert not {row[key] for row in elsewhere} & {row[key] for row in library.pages("", search, 100)[0]}
    cerberus.grants.give(
        SYSTEM, Resource(library.project, Kind.EXPERIMENT, library.experiments[1]), subject=guest, level=Level.READ
    )
    assert len(library.pages(guest, search, 100)[0]) == 1
    path = f"{library.plain_url}{V3}/datasets/{orphan}"
    gone = requests.delete(path, headers={"X-MLFLOW-WORKSPACE": library.project}, timeout=60)
    assert gone.status_code == 200, gone.text
