"""A dataset that was taken out of its last experiment is the project's: nobody loses it, and it shows no more."""

import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from cerberus.policy import Kind, Level, Resource
from cerberus.service import SYSTEM

DATASETS = "/api/3.0/mlflow/datasets"


@dataclass
class Left:
    """A dataset in no experiment, the experiment that it was in, and who is who."""

    server: Any
    dataset: str
    experiment: str
    maintainer: str
    viewer: str
    limited: str

    def ask(self, who: str, method: str, path: str = "", body: Any = None) -> int:
        answer = self.server.ask(who, method, f"{DATASETS}/{self.dataset}{path}", json=body)
        return int(answer.status_code)


@pytest.fixture
def left(server: Any) -> Left:
    word, cerberus = uuid.uuid4().hex[:8], server.cast.cerberus
    project, names = f"p-{word}", {role: f"{role}-{word}" for role in ("maintainer", "viewer", "limited")}
    cerberus.projects.create(SYSTEM, project)
    for role, name in names.items():
        cerberus.people.create_user(SYSTEM, name, password=server.cast.password)
        cerberus.projects.add_member(SYSTEM, project, subject=name, role=role.replace("limited", "maintainer"))
    experiment, other = (server.experiment(names["maintainer"], name) for name in ("of the dataset", "another"))
    hidden = Resource(project, Kind.EXPERIMENT, other)
    cerberus.grants.give(SYSTEM, hidden, subject=names["limited"], level=Level.DENY)
    body = {"name": "d", "experiment_ids": [experiment]}
    made = server.post(names["maintainer"], f"{DATASETS}/create", body).json()["dataset"]["dataset_id"]
    found = Left(server, made, experiment, **names)
    assert found.ask(names["maintainer"], "POST", "/remove-experiments", {"experiment_ids": [experiment]}) == 200
    return found


def test_a_maintainer_reads_it_and_puts_it_back(left):
    assert left.ask(left.maintainer, "GET", "/experiment-ids") == 200
    assert left.ask(left.maintainer, "PATCH", "/tags", {"tags": '{"a": "b"}'}) == 200
    assert left.ask(left.maintainer, "POST", "/add-experiments", {"experiment_ids": [left.experiment]}) == 200
    assert left.ask(left.viewer, "GET") == 200


def test_a_maintainer_deletes_it(left):
    assert left.ask(left.maintainer, "DELETE") == 200
    assert left.ask(left.maintainer, "GET") == 404


def test_a_viewer_reads_it_and_changes_nothing(left):
    assert left.ask(left.viewer, "GET") == 200
    assert left.ask(left.viewer, "PATCH", "/tags", {"tags": '{"a": "b"}'}) == 404
    assert left.ask(left.viewer, "DELETE") == 404
    assert left.ask(left.maintainer, "GET") == 200


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_who_does_not_see_every_experiment_does_not_find_it(left, method):
    assert left.ask(left.limited, method) == 404
    assert left.ask("erin", method) == 404
    assert left.ask(left.maintainer, "GET") == 200
