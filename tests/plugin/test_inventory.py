"""Every route of the server is in the inventory, with what guards it: a route more, or less, stops the start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cerberus_mlflow import inventory
from cerberus_mlflow.closed import CLOSED, why_closed

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "mlflow.md"

NO_NEWS = """
from cerberus_mlflow import app, inventory, routes
flask, served, paths = app.assembled()
assert inventory.problems(routes.guards(flask, served, paths)) == []
"""
ONE_MORE = """
from mlflow.server import app as flask
from mlflow.server import fastapi_app
from cerberus_mlflow import app
flask.add_url_rule("/api/2.0/mlflow/brand-new", view_func=lambda: "x", endpoint="brand-new", methods=["POST"])
made = fastapi_app.create_fastapi_app
def with_more(flask):
    served = made(flask)
    served.router.routes.insert(0, served.router.routes[-1].__class__("/mounted-new", app=lambda *_: None))
    served.router.add_api_route("/native-new", lambda: "x", methods=["GET"])
    return served
app.create_fastapi_app = with_more
app.create_app()
"""


def in_a_process(code: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """The code beside a server's settings; what the plugin changes in MLflow stays changed, so not in this process."""
    settings = [line for line in (ROOT / "mlflow" / "server.env").read_text().splitlines() if "=" in line]
    env = {**os.environ, **dict(line.split("=", 1) for line in settings if not line.startswith("#"))}
    env.update(_MLFLOW_SGI_NAME="uvicorn", _MLFLOW_SERVER_FILE_STORE=f"sqlite:///{tmp_path}/m.db")
    command = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)


def test_the_server_has_the_routes_of_the_inventory(tmp_path: Path) -> None:
    ran = in_a_process(NO_NEWS, tmp_path)
    assert ran.returncode == 0, ran.stderr[-3000:]


def test_a_route_that_is_added_by_hand_stops_the_start(tmp_path: Path) -> None:
    """One of Flask's, one of FastAPI's, and a whole application."""
    ran = in_a_process(ONE_MORE, tmp_path)
    assert ran.returncode == 1
    for route in ("POST /api/2.0/mlflow/brand-new (flask)", "GET /native-new (fastapi)", "MOUNT /mounted-new"):
        assert f"Nothing guards the route {route}" in ran.stderr


def test_what_is_new_gone_unguarded_or_guarded_otherwise_is_named() -> None:
    known = {"GET /a (flask)": "asks x", "GET /b (flask)": "asks x", "GET /c (flask)": "asks x"}
    found = {"GET /a (flask)": "asks y", "GET /b (flask)": None, "GET /d (flask)": "asks x"}
    assert inventory.problems(found.items(), known) == [
        "The route GET /a (flask) is guarded by 'asks y', in the inventory by 'asks x'.",
        "Nothing guards the route GET /b (flask).",
        "The route GET /d (flask) is not in the inventory.",
        "The route GET /c (flask) of the inventory is gone.",
    ]


def test_the_file_is_as_it_would_be_written() -> None:
    assert inventory.text(inventory.frozen()) == inventory.FROZEN.read_text("utf-8")


def test_the_docs_say_how_many_routes_there_are_of_each_kind() -> None:
    known, docs = inventory.frozen(), DOCS.read_text()
    assert len(known) > 450
    assert f"{len(known)} routes" in docs
    for kind, count in inventory.families(known).items():
        assert f"| `{kind}` | {count} |" in docs


@pytest.mark.parametrize("family", CLOSED, ids=lambda family: family.reason[:30])
def test_each_family_that_is_closed_has_routes_and_is_in_the_docs(family: object) -> None:
    paths = [route.split(" ")[1] for route, guard in inventory.frozen().items() if guard.startswith("closed")]
    assert any(why_closed(path.replace("<path:filename>", "x")) is family for path in paths)
    assert family.reason in DOCS.read_text()  # type: ignore[attr-defined]
