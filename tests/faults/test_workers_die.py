"""
Workers of MLflow's server die between the two databases (tests/support/mortal.py): everything has its one owner, and no
namesake inherits anything. tests/plugin/test_deeds.py has more cases, in one process.
"""

import uuid
from pathlib import Path

import pytest
import requests
from patience import eventually, wait_until
from real_mlflow import start, stop

from cerberus.policy import Kind, Level, Resource, Source
from cerberus.service import SYSTEM, Cerberus

SUPPORT = Path(__file__).parents[1] / "support"
PROMPT = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
OWNED_WITHIN = 15


def owners(cerberus, kind, name):
    found = cerberus.grants.page(SYSTEM, "fraud", kind=kind, resource_id=name, source=Source.OWNERSHIP)
    return [grant.subject for grant in found]


@pytest.fixture(scope="module")
def mortal(populated_sqlite, tmp_path_factory, cast_of):
    """A server on SQLite whose workers die when they are told to."""
    data = tmp_path_factory.mktemp("mortal")
    (data / "cerberus.db").write_bytes(populated_sqlite.read_bytes())
    url = f"sqlite:///{data}/cerberus.db"
    cerberus = Cerberus(url, password_rounds=4)
    server = start(
        data=data,
        backend=f"sqlite:///{data}/mlflow.db",
        cerberus_url=url,
        cast=cast_of(cerberus),
        workers=3,
        extra={"PYTHONPATH": str(SUPPORT)},
        program=(str(SUPPORT / "mortal.py"),),
    )
    yield server
    stop(server)
    cerberus.close()


def die(server, moment, who, path, body, *, method="POST"):
    """The request during which its worker dies; another one lives."""
    wait_until(lambda: len(server.ready()) > 1, seconds=300)  # earlier tests have killed some
    order = server.log.parent / moment
    order.touch()
    with pytest.raises(requests.ConnectionError):
        server.ask(who, method, path, json=body)
    assert not order.exists()


def scorer_in(server):
    experiment_id = server.experiment("dana")
    return "scorers/register", {"experiment_id": experiment_id, "name": "s", "serialized_scorer": '{"name": "s"}'}


def name():
    return uuid.uuid4().hex[:12]


MADE = {
    Kind.EXPERIMENT: lambda _: ("experiments/create", {"name": name()}),
    Kind.REGISTERED_MODEL: lambda _: ("registered-models/create", {"name": name()}),
    Kind.PROMPT: lambda _: ("registered-models/create", {"name": name(), "tags": PROMPT}),
    Kind.SCORER: scorer_in,
}


def id_of(server, kind, body):
    """What Cerberus calls the thing that a body makes."""
    if kind is Kind.EXPERIMENT:
        found = server.ask("dana", "GET", "experiments/get-by-name", params={"experiment_name": body["name"]})
        return found.json()["experiment"]["experiment_id"]
    return f"{body['experiment_id']}/{body['name']}" if kind is Kind.SCORER else body["name"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", MADE)
def test_what_a_worker_made_before_it_died_is_its_makers(mortal, kind):
    path, body = MADE[kind](mortal)
    version = "3.0" if kind is Kind.SCORER else "2.0"
    die(mortal, "after-the-commit", "dana", f"/api/{version}/mlflow/{path}", body)
    made = id_of(mortal, kind, body)
    eventually(lambda: owners(mortal.cast.cerberus, kind, made), ["dana"], seconds=OWNED_WITHIN)


@pytest.mark.timeout(600)
def test_a_namesake_of_what_a_worker_deleted_before_it_died_inherits_nothing(mortal):
    """Alice takes the name at once, before anything is settled."""
    body, model = {"name": name()}, Kind.REGISTERED_MODEL
    assert mortal.post("dana", "registered-models/create", body).ok
    cerberus = mortal.cast.cerberus
    cerberus.grants.give(SYSTEM, Resource("fraud", model, body["name"]), subject="bob", level=Level.MANAGE)
    die(mortal, "after-the-commit", "dana", "registered-models/delete", body, method="DELETE")
    assert mortal.post("alice", "registered-models/create", body).ok
    named = cerberus.grants.page(SYSTEM, "fraud", kind=model, resource_id=body["name"])
    assert [(grant.subject, grant.source) for grant in named] == [("alice", Source.OWNERSHIP)]


@pytest.mark.timeout(600)
def test_what_a_worker_renamed_before_it_died_keeps_its_owner(mortal):
    before, after = name(), name()
    assert mortal.post("dana", "registered-models/create", {"name": before}).ok
    die(mortal, "after-the-commit", "dana", "registered-models/rename", {"name": before, "new_name": after})
    eventually(lambda: owners(mortal.cast.cerberus, Kind.REGISTERED_MODEL, after), ["dana"], seconds=OWNED_WITHIN)
    assert owners(mortal.cast.cerberus, Kind.REGISTERED_MODEL, before) == []


@pytest.mark.timeout(600)
def test_what_a_worker_had_not_committed_when_it_died_is_not_there_and_nobodys(mortal):
    body = {"name": name()}
    die(mortal, "before-the-commit", "dana", "experiments/create", body)
    asked = {"experiment_name": body["name"]}
    assert mortal.ask("alice", "GET", "experiments/get-by-name", params=asked).status_code == 404
    made = mortal.experiment("alice", body["name"])
    eventually(lambda: owners(mortal.cast.cerberus, Kind.EXPERIMENT, made), ["alice"], seconds=OWNED_WITHIN)
