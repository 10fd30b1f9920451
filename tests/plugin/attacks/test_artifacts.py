"""Files: no spelling of a path, and no route, leads to what is another's or out of the store."""

from typing import Any

import pytest
from operation import AJAX2, ARTIFACTS, V2
from shelves import as_it_is

OUT = (
    "..", "../..", "%2e%2e", "%2E%2E/%2e%2e", "..%2f..", "%252e%252e", "....//", "..;/", ".%00./", "..\\..", "%5c..%5c",
    "/etc/passwd", "//etc/passwd", "%2fetc%2fpasswd", "file:///etc/passwd", "file:%2f%2f%2fetc%2fpasswd", "C:\\x",
    "mlflow-artifacts:/x", "runs:/x", "s3://x/y", "http://127.0.0.1/", "x%00.txt", "%00", ".", "./", "x/./y", "x//y",
    "~root/.ssh", "%c0%ae%c0%ae/", "..%c0%af", "%u002e%u002e/", "#", "%23", "?", "%3f",
)  # fmt: skip


@pytest.mark.parametrize("way", OUT)
def test_no_way_leads_out_of_a_runs_folder(scene: Any, unchanged: Any, shows_nothing: Any, way: str) -> None:
    """Dana may read and write her shelf's run; the neighbour's file is two folders up, in another experiment."""
    own, hidden = scene.shelf, scene.hidden
    root = f"{ARTIFACTS}/{own['folder']}/{own['experiment']}/{own['run']}/artifacts"
    aim = f"{way}/../../{hidden['experiment']}/{hidden['run']}/artifacts/note.txt"
    for path in (f"{root}/{way}", f"{root}/{aim}", f"{ARTIFACTS}/{way}", f"{ARTIFACTS}?path={way}"):
        answer = as_it_is(scene, "dana", "GET", path)
        assert answer.status_code in (307, 308, 400, 403, 404, 405), (path, answer.text)
        shows_nothing(answer, hidden)
        assert "root:" not in answer.text
    for query in (f"run_id={own['run']}&path={way}", f"run_uuid={own['run']}&path={aim}"):
        for path in (f"/get-artifact?{query}", f"{V2}/artifacts/list?{query}"):
            answer = as_it_is(scene, "dana", "GET", path)
            shows_nothing(answer, hidden)
            assert "root:" not in answer.text
    for method in ("PUT", "DELETE"):
        answer = as_it_is(scene, "dana", method, f"{root}/{aim}", data=b"taken over")
        assert answer.status_code >= 300, (method, answer.text)


HIDDEN = (
    "{folder}/{experiment}/{run}/artifacts/note.txt", "{experiment}/{run}/artifacts/note.txt",
    "{folder}/0{experiment}/{run}/artifacts/note.txt", "{folder}//{experiment}/{run}/artifacts/note.txt",
    "{folder}/./{experiment}/{run}/artifacts/note.txt", "{folder}/x/../{experiment}/{run}/artifacts/note.txt",
    "{folder}/%2e/{experiment}/{run}/artifacts/note.txt", "./{folder}/{experiment}/{run}/artifacts/note.txt",
    "workspaces/churn/../fraud/{experiment}/{run}/artifacts/note.txt",
    "WORKSPACES/fraud/{experiment}/{run}/artifacts/note.txt",
    "workspaces/Fraud/{experiment}/{run}/artifacts/note.txt",
    "workspaces%2ffraud%2f{experiment}%2f{run}%2fartifacts%2fnote.txt",
    "{folder}/{experiment}%20/{run}/artifacts/note.txt", "{folder}/%EF%BC%91/{run}/artifacts/note.txt",
    "{folder}/{experiment}/{run}/artifacts/note.txt%0A", "{folder}/{experiment}%0A/{run}/artifacts/note.txt",
    "{folder}/{experiment}/{run}/artifacts/no%0Ate.txt", "?path={folder}/{experiment}/{run}/artifacts/note.txt",
)  # fmt: skip


@pytest.mark.parametrize("place", HIDDEN)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_hidden_file_is_hidden_in_every_spelling(
    scene: Any, unchanged: Any, shows_nothing: Any, place: str, method: str
) -> None:
    path = f"{ARTIFACTS}/{place}"
    for name, value in scene.hidden.items():
        path = path.replace("{" + name + "}", value)
    for who in ("dana", "erin"):
        answer = as_it_is(scene, who, method, path, data=b"x" if method == "PUT" else None)
        assert answer.status_code in (307, 308, 400, 403, 404, 405), answer.text
        shows_nothing(answer, scene.hidden)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_file_of_ones_own_is_there(scene: Any, method: str) -> None:
    for prefix in (ARTIFACTS, ARTIFACTS.replace("/api", "/ajax-api")):
        path = f"{prefix}/{scene.spare['folder']}/{scene.spare['experiment']}/{scene.spare['run']}/artifacts/own.txt"
        assert as_it_is(scene, "alice", "PUT", path, data=b"mine").status_code == 200
        assert as_it_is(scene, "alice", method, path, data=b"x" if method == "PUT" else None).status_code in (200, 204)


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_path_that_names_nothing_is_not_the_whole_project(scene: Any, unchanged: Any, method: str) -> None:
    """MLflow asks about the file in the query, and then works on the project's folder."""
    own = scene.shelf
    path = f"{ARTIFACTS}/?path={own['folder']}/{own['experiment']}/{own['run']}/artifacts/note.txt"
    assert as_it_is(scene, "dana", method, path, data=b"x" if method == "PUT" else None).status_code == 404


UPLOADS = ("../x", "/etc/x", "a/../../x", "%2e%2e/x", "a//b", "x\\..\\y", "file:///x", "")


@pytest.mark.parametrize("path", UPLOADS)
def test_an_upload_stays_in_its_run(scene: Any, unchanged: Any, path: str) -> None:
    for run_id in (scene.shelf["run"], scene.hidden["run"]):
        answer = as_it_is(scene, "bob", "POST", f"{AJAX2}/upload-artifact?run_uuid={run_id}&path={path}", data=b"x")
        assert 400 <= answer.status_code < 500, answer.text
    answer = as_it_is(
        scene, "dana", "POST", f"{AJAX2}/upload-artifact?run_uuid={scene.hidden['run']}&path={path}", data=b"x"
    )
    assert 400 <= answer.status_code < 500, answer.text


SOURCES = (
    "file:///etc", "/etc", "s3://bucket/x", "http://127.0.0.1:1/x", "dbfs:/x", "mlflow-artifacts:/workspaces/churn/1",
    "mlflow-artifacts:/workspaces/fraud/../churn/1", "mlflow-artifacts:/workspaces/fraud/%2e%2e/churn/1",
    "mlflow-artifacts://churn/1", "mlflow-artifacts:/1/x", "mlflow-artifacts:workspaces/churn/1", "runs://x/y",
    "runs:/",
    "models:/", "models:/x@y/z", "FILE:///etc", " file:///etc", "file:/etc",
    "mlflow-artifacts:/workspaces/fraud\\..\\x",
    "mlflow-artifacts:/workspaces/fraud/1#/../..", "mlflow-artifacts:/workspaces/fraud/1?x=/../..", "x",
)  # fmt: skip


@pytest.mark.parametrize("source", SOURCES)
def test_a_version_cannot_be_made_of_files_elsewhere(scene: Any, unchanged: Any, source: str) -> None:
    body = {"name": scene.shelf["model"], "source": source}
    for more in ({}, {"run_id": scene.shelf["run"]}):
        answer = scene.server.post("dana", "model-versions/create", {**body, **more})
        assert 400 <= answer.status_code < 500, answer.text
