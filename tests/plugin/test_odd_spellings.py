"""One thing has one spelling: whoever is denied an experiment is denied it as `01`, ` 1` and `fraud//1`, too."""

from typing import Any

import pytest
import requests

from cerberus.policy import Kind, Level, Resource
from cerberus.service import SYSTEM

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


@pytest.fixture(scope="module")
def hidden(server: Any) -> tuple[str, str]:
    """An experiment that Dana is denied, and its run with a file; Dana contributes to all others."""
    experiment_id = server.experiment("alice", "hidden from dana")
    run_id = server.run("alice", experiment_id)
    path = f"{ARTIFACTS}/workspaces/fraud/{experiment_id}/{run_id}/artifacts/note.txt"
    assert server.ask("alice", "PUT", path, data=b"a secret").ok
    resource = Resource("fraud", Kind.EXPERIMENT, experiment_id)
    server.cast.cerberus.grants.give(SYSTEM, resource, subject="dana", level=Level.DENY)
    return experiment_id, run_id


def full_width(digits: str) -> str:
    return "".join(chr(0xFF10 + int(digit)) for digit in digits)


ODD = {
    "zero": lambda known: f"0{known}",
    "space": lambda known: f" {known}",
    "end": lambda known: f"{known} ",
    "plus": lambda known: f"+{known}",
    "underscore": lambda known: f"0_{known}",
    "full width": full_width,
}


@pytest.mark.parametrize("spelling", ODD)
def test_an_experiment_that_is_denied_is_denied_in_every_spelling(server: Any, hidden: Any, spelling: str) -> None:
    experiment_id, run_id = hidden
    odd = ODD[spelling](experiment_id)
    assert server.ask("dana", "GET", "experiments/get", params={"experiment_id": odd}).status_code == 404
    for body, path in (
        ({"experiment_id": odd}, "runs/create"),
        ({"experiment_id": odd, "key": "hacked", "value": "yes"}, "experiments/set-experiment-tag"),
        ({"experiment_id": odd, "new_name": "hacked"}, "experiments/update"),
        ({"experiment_id": odd}, "experiments/delete"),
    ):
        assert server.post("dana", path, body).status_code in (403, 404), path
    assert run_id not in server.post("dana", "runs/search", {"experiment_ids": [odd]}).text
    for query in (
        f'{{mlflowGetExperiment(input:{{experimentId:"{odd}"}}){{experiment{{name}}}}}}',
        f'{{mlflowSearchRuns(input:{{experimentIds:["{odd}"]}}){{runs{{info{{runId}}}}}}}}',
    ):
        answer = server.post("dana", "/graphql", {"query": query})
        assert "hidden from dana" not in answer.text
        assert run_id not in answer.text
    assert "hacked" not in server.ask("alice", "GET", "experiments/get", params={"experiment_id": experiment_id}).text


@pytest.mark.parametrize("spelling", ODD)
def test_an_odd_spelling_of_what_is_hidden_is_not_there_either(server: Any, hidden: Any, spelling: str) -> None:
    """Also after somebody who may see it has spelled it in this way, several times, for each worker to know it."""
    experiment_id, _ = hidden
    odd = ODD[spelling](experiment_id)
    for _ in range(12):
        server.ask("alice", "GET", "experiments/get", params={"experiment_id": odd})
    for path, more in (("experiments/update", {"new_name": "x"}), ("runs/create", {}), ("experiments/delete", {})):
        said = {
            (answer.status_code, answer.text)
            for one in (odd, ODD[spelling]("987654"))
            for answer in (server.post("dana", path, {"experiment_id": one, **more}) for _ in range(6))
        }
        assert len(said) == 1, said
        assert next(iter(said))[0] == 404


def as_it_is(server: Any, who: str, path: str) -> requests.Response:
    """A GET whose path no client tidies up first."""
    request = requests.Request("GET", server.url, headers={"Authorization": f"Bearer {server.token(who)}"}).prepare()
    request.url = server.url + path
    with requests.Session() as session:
        return session.send(request, timeout=60)


@pytest.mark.parametrize(
    "folder",
    [
        "workspaces/fraud//{}",
        "workspaces/fraud/./{}",
        "workspaces/fraud/%2e/{}",
        "workspaces/fraud/%252e/{}",
        "./workspaces/fraud/{}",
        "./{}",
        "workspaces/fraud/{}",
        "{}",
    ],
)
def test_an_artifact_that_is_denied_is_denied_in_every_spelling(server: Any, hidden: Any, folder: str) -> None:
    experiment_id, run_id = hidden
    place = f"{folder.format(experiment_id)}/{run_id}/artifacts"
    for answer in (
        as_it_is(server, "dana", f"{ARTIFACTS}/{place}/note.txt"),
        as_it_is(server, "dana", f"{ARTIFACTS}?path={place}"),
    ):
        assert answer.status_code in (403, 404), answer.text


@pytest.mark.parametrize("place", ["", "?path=", "?path=.", "?path=workspaces/fraud", "?path=workspaces/fraud/"])
def test_the_projects_folder_does_not_list_experiments_that_one_may_not_see(
    server: Any, hidden: Any, place: str
) -> None:
    assert as_it_is(server, "dana", f"{ARTIFACTS}{place}").status_code in (403, 404)


def test_the_one_spelling_works(server: Any, hidden: Any) -> None:
    experiment_id, run_id = hidden
    for place in (f"workspaces/fraud/{experiment_id}/{run_id}/artifacts", f"{experiment_id}/{run_id}/artifacts"):
        assert server.ask("alice", "GET", f"{ARTIFACTS}/{place}/note.txt").content == b"a secret"
        for listed in (place, f"{place}/"):
            answer = server.ask("alice", "GET", ARTIFACTS, params={"path": listed})
            assert [file["path"] for file in answer.json()["files"]] == ["note.txt"]
