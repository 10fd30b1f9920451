"""Artifacts and changes through a real MLflow behind Cerberus: each person gets what she may, and no more."""

import json
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import requests
from PIL import Image

from cerberus.errors import Forbidden, Invalid, NotFound, NotSignedIn, Unavailable
from cerberus.service import Actor, Cerberus
from studio.tracking.artifacts import Artifacts, Entry, Look, kind_of, preview_of
from studio.tracking.rest import Rest
from studio.tracking.writer import Writer

LOG = """
import mlflow, pandas as pd, numpy as np, plotly.graph_objects as go
from PIL import Image
mlflow.set_experiment("files")
with mlflow.start_run(run_name="with files") as run:
    mlflow.log_text("hello, größe", "notes.txt")
    mlflow.log_text("a,b\\n1,2\\n3,x", "tables/small.csv")
    mlflow.log_table(pd.DataFrame({"x": [1, 2], "y": ["a", "b"]}), "tables/logged.json")
    mlflow.log_dict({"depth": 3}, "config.json")
    mlflow.log_image(Image.fromarray(np.zeros((8, 8, 3), dtype="uint8")), "pictures/black.png")
    mlflow.log_figure(go.Figure(go.Bar(x=["a"], y=[1])), "figure.html")
    mlflow.log_text(go.Figure(go.Bar(x=["a"], y=[1])).to_json(), "figure.json")
    mlflow.log_text("odd", "odd & 100% größe.txt")
    mlflow.log_text("x" * 11_000_000, "large.txt")
print(run.info.run_id)
"""


@pytest.fixture(scope="module")
def server(populated_sqlite, tmp_path_factory):
    """MLflow behind Cerberus; Dana has logged a run with files into `fraud`."""
    data = tmp_path_factory.mktemp("guarded")
    database = data / "cerberus.db"
    database.write_bytes(populated_sqlite.read_bytes())
    cerberus = Cerberus(f"sqlite:///{database}", password_rounds=4)

    def token(name):
        actor = Actor(cerberus.decisions.access_of_name(name).principal)
        return cerberus.tokens.create(actor, "test").secret

    with running(data, database) as url:
        script = data / "log.py"
        script.write_text(LOG)
        tracking = {"MLFLOW_TRACKING_URI": url, "MLFLOW_TRACKING_TOKEN": token("dana"), "MLFLOW_WORKSPACE": "fraud"}
        logged = subprocess.run(
            [sys.executable, str(script)], env=os.environ | tracking, capture_output=True, text=True, check=False
        )
        assert logged.returncode == 0, logged.stderr
        run_id = logged.stdout.strip().splitlines()[-1]
        rest = lambda who, project="fraud": Rest(url, token(who), project=project)  # noqa: E731
        yield SimpleNamespace(url=url, run=run_id, rest=rest, cerberus=cerberus, data=data)
    cerberus.close()


def running(data, database):
    """The server's address, while it runs as it is run in earnest."""
    from contextlib import contextmanager
    from pathlib import Path

    @contextmanager
    def served():
        settings = (Path(__file__).parents[3] / "mlflow" / "server.env").read_text().splitlines()
        package = dict(line.split("=", 1) for line in settings if "=" in line and not line.startswith("#"))
        environment = os.environ | package | {
            "CERBERUS_DATABASE_URL": f"sqlite:///{database}", "MLSTUDIO_DATA": str(data), "PYTHONWARNINGS": "ignore",
        }  # fmt: skip
        port = free_port()
        command = [
            *(sys.executable, "-m", "mlflow", "server", "--app-name", "cerberus", "--host", "127.0.0.1"),
            *("--port", str(port), "--workers", "1", "--backend-store-uri", f"sqlite:///{data}/mlflow.db"),
            *("--artifacts-destination", str(data / "artifacts")),
        ]
        with (data / "server.log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, cwd=data, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for(f"http://127.0.0.1:{port}", process, data / "server.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)

    return served()


def wait_for(url, process, log):
    """Healthy within four minutes, or what the server said."""
    until = time.monotonic() + 240
    while time.monotonic() < until and process.poll() is None:
        try:
            if requests.get(f"{url}/health", timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.3)
    raise AssertionError(log.read_text()[-3000:])


def free_port():
    """A port that nobody listens on."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_folders_come_first_and_files_have_sizes(server):
    artifacts = Artifacts(server.rest("bob"), server.run)
    entries = artifacts.list()
    assert [entry.name for entry in entries if entry.is_folder] == ["pictures", "tables"]
    assert next(entry for entry in entries if entry.name == "notes.txt").size == len("hello, größe".encode())
    assert [entry.path for entry in artifacts.list("tables")] == ["tables/logged.json", "tables/small.csv"]
    assert artifacts.entry("tables/small.csv").size == 11


@pytest.mark.parametrize(
    ("path", "look"),
    [
        ("notes.txt", Look.TEXT),
        ("tables/small.csv", Look.TABLE),
        ("tables/logged.json", Look.TABLE),
        ("config.json", Look.JSON),
        ("pictures/black.png", Look.IMAGE),
        ("figure.json", Look.FIGURE),
        ("figure.html", Look.TEXT),
        ("odd & 100% größe.txt", Look.TEXT),
    ],
)
def test_each_kind_of_file_has_its_preview(server, path, look):
    artifacts = Artifacts(server.rest("bob"), server.run)
    preview = artifacts.preview(artifacts.entry(path))
    assert preview.look is look
    assert preview.content is not None


def test_a_large_file_is_not_fetched_for_a_preview(server):
    artifacts = Artifacts(server.rest("bob"), server.run)
    preview = artifacts.preview(artifacts.entry("large.txt"))
    assert preview.look is Look.NONE
    assert "10 MB" in preview.note
    with pytest.raises(Invalid, match="larger than 1 MB"):
        artifacts.read("large.txt", limit=1_000_000)


@pytest.mark.parametrize(("who", "project"), [("charlie", "fraud"), ("erin", "churn"), ("erin", "fraud")])
def test_strangers_find_no_artifact(server, who, project):
    artifacts = Artifacts(server.rest(who, project), server.run)
    for ask in (artifacts.list, lambda: artifacts.read("notes.txt"), lambda: artifacts.list("tables")):
        with pytest.raises((NotFound, Forbidden)):
            ask()


def test_what_is_not_there_is_not_found(server):
    artifacts = Artifacts(server.rest("bob"), server.run)
    with pytest.raises(NotFound):
        artifacts.entry("nothing.txt")
    with pytest.raises(NotFound):
        Artifacts(server.rest("bob"), "0" * 32).list()


@pytest.mark.parametrize("path", ["../secrets", "a/../../b", "/etc/passwd", "a\x00b", "..\\x"])
def test_a_path_that_leaves_the_run_is_refused_here_already(path):
    artifacts = Artifacts(Rest("http://127.0.0.1:1", "mls_none", project="fraud"), "0" * 32)
    for ask in (lambda: artifacts.list(path), lambda: artifacts.read(path), lambda: artifacts.entry(path)):
        with pytest.raises(Invalid):
            ask()


def test_dana_renames_notes_and_tags_and_the_reader_sees_it(server):
    from cerberus.policy import Visible
    from studio.tracking.reader import Reader

    writer, reader = Writer(server.rest("dana")), Reader(f"sqlite:///{server.data}/mlflow.db")
    writer.rename(server.run, "  renamed ünì ")
    writer.note(server.run, "the *best* run")
    writer.tag(server.run, "team", value="risk")
    writer.tag(server.run, "gone", value="soon")
    writer.untag(server.run, "gone")
    run = reader.run("fraud", Visible(default=True), server.run)
    assert (run.name, run.note, run.tags["team"]) == ("renamed ünì", "the *best* run", "risk")
    assert "gone" not in run.tags
    assert run.user == "dana"
    reader.close()


@pytest.mark.parametrize(
    ("who", "project", "error"),
    [("bob", "fraud", Forbidden), ("charlie", "fraud", NotFound), ("erin", "churn", NotFound)],
)
def test_a_reader_may_not_change_and_a_stranger_finds_nothing(server, who, project, error):
    writer = Writer(server.rest(who, project))
    for change in (
        lambda: writer.rename(server.run, "x"),
        lambda: writer.note(server.run, "x"),
        lambda: writer.tag(server.run, "a", value="x"),
    ):
        with pytest.raises(error) as refused:
            change()
        assert refused.value.message


@pytest.mark.parametrize(
    "change",
    [
        lambda writer: writer.rename("r", " "),
        lambda writer: writer.rename("r", "x" * 251),
        lambda writer: writer.note("r", "a\x00b"),
        lambda writer: writer.tag("r", "mlflow.user", value="admin"),
        lambda writer: writer.tag("r", "", value="x"),
        lambda writer: writer.untag("r", "mlflow.source.name"),
    ],
)
def test_a_value_that_cannot_be_is_refused_before_anything_is_sent(change):
    with pytest.raises(Invalid) as refused:
        change(Writer(Rest("http://127.0.0.1:1", "mls_none", project="fraud")))
    assert refused.value.field
    assert refused.value.hint


def test_a_token_that_is_none_is_not_signed_in_and_an_absent_server_unavailable(server):
    with pytest.raises(NotSignedIn):
        Artifacts(Rest(server.url, "mls_wrong", project="fraud"), server.run).list()
    with pytest.raises(Unavailable):
        Artifacts(Rest("http://127.0.0.1:1", "mls_wrong", project="fraud"), server.run).list()


def test_a_file_is_shown_by_its_name_and_doubtful_content_as_text():
    assert kind_of("model/MLmodel") is Look.TEXT
    assert kind_of("model/model.pkl") is Look.NONE
    assert preview_of("broken.json", b"{not json").look is Look.TEXT
    assert preview_of("broken.png", b"no image").look is Look.NONE
    assert preview_of("deep.json", b"[" * 100_000).look is Look.TEXT
    assert preview_of("empty.csv", b"").content == ""
    assert preview_of("binary.txt", b"\x00\x01").look is Look.NONE
    assert preview_of("number.json", b"3").content == "3"
    assert preview_of("mixed.json", json.dumps({"data": [[1]], "columns": ["a", "b"]}).encode()).look is Look.TEXT


def test_a_wide_and_long_table_is_cut_and_says_so():
    table = pd.DataFrame(np.zeros((1_500, 120), dtype=int), columns=[f"c{index}" for index in range(120)])
    preview = preview_of("t.csv", table.to_csv(index=False).encode())
    assert preview.content.shape == (1_000, 100)
    assert "first 1,000 rows" in preview.note
    assert "120 columns" in preview.note


def test_a_picture_of_too_many_pixels_is_not_shown():
    import io

    drawn = io.BytesIO()
    Image.new("1", (9_000, 9_000)).save(drawn, "PNG")
    assert len(drawn.getvalue()) < 100_000
    assert preview_of("bomb.png", drawn.getvalue()).look is Look.NONE


def test_an_entrys_name_is_the_last_part_of_its_path():
    assert Entry("a/b/c.txt", is_folder=False, size=1).name == "c.txt"
