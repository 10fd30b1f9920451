"""Most requests take the short way to Flask: what FastAPI serves itself does not, and nothing gets lost on the way."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parents[2]
EVERY_ROUTE = """
import json, sys
from cerberus_mlflow import app, routes
from cerberus_mlflow.delegation import Delegation
flask, served, paths = app.assembled()
ways = Delegation(served, flask, paths)
auth = routes.auth
short = list(routes.native_routes(ways.short))
endpoints = {route.endpoint for _, route in routes._flat("", ways.short.routes)}
filtered = endpoints & set(auth.FASTAPI_ENDPOINT_RESPONSE_FILTERS)
native = [route for route in routes.native_routes(served) if route[0] != "MOUNT"]  # the mount is Flask itself
print(json.dumps({
    "native on the short way": [r for r in native if not ways.is_native(r[0], "", routes.sample(r[1]))],
    "how many native": len(native),
    "short": [r for r in native if ways.is_shortened(r[0], "", routes.sample(r[1]))],
    "served shortly": short,
    "guards": [routes.native_guard(m, p, paths) for m, p in short],
    "left out afterwards": len(filtered) + sum(
        auth._find_fastapi_after_request_handler(routes.sample(p), m) is not None for m, p in short
    ),
    "on the long way": sum(ways.is_native(m, "", routes.sample(r)) for m, r in routes.flask_routes(flask)),
    "how many": len(list(routes.flask_routes(flask))),
}))
"""


def test_every_route_that_fastapi_serves_goes_through_fastapi(tmp_path: Path) -> None:
    lines = (ROOT / "mlflow" / "server.env").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    env = {**os.environ, **settings, "MLSTUDIO_DATA": str(tmp_path), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", EVERY_ROUTE], env=env, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["native on the short way"] == []
    assert found["how many native"] > 50
    assert sorted(found["short"]) == sorted(found["served shortly"])
    assert len(found["short"]) == 5
    assert None not in found["guards"]
    assert found["left out afterwards"] == 0
    assert found["on the long way"] < found["how many"] / 10


def test_hosts_and_headers_are_checked_on_the_short_way(server: Any) -> None:
    path = "/api/2.0/mlflow/experiments/search?max_results=1"
    answer = server.ask("alice", "GET", path, project="fraud")
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert server.ask("alice", "GET", path, project="fraud", headers={"Host": "evil.example"}).status_code == 403


def test_a_page_of_another_site_can_change_nothing(server: Any) -> None:
    body = {"name": "from another site"}
    for origin, status in (("https://evil.example", 403), ("http://localhost:3000", 200)):
        answer = server.post("alice", "experiments/create", body, project="fraud", headers={"Origin": origin})
        assert answer.status_code == status


def test_a_connection_that_is_used_for_two_projects_keeps_them_apart(server: Any) -> None:
    """A large body makes uvicorn serve the connection's next requests in the context of this one."""
    tokens = {
        name: server.cast.token(name, project=project) for name, project in (("alice", "fraud"), ("erin", "churn"))
    }
    experiment_id = server.experiment("alice", project="fraud")
    run_id = server.run("alice", experiment_id, project="fraud")
    artifact = f"workspaces/fraud/{experiment_id}/{run_id}/artifacts/large.bin"
    with requests.Session() as connection:
        for round_ in range(3):
            connection.headers["Authorization"] = f"Bearer {tokens['alice']}"
            path = f"{server.url}/api/2.0/mlflow-artifacts/artifacts/{artifact}"
            assert connection.put(path, data=b"x" * 1_000_000, timeout=60).status_code == 200
            connection.headers["Authorization"] = f"Bearer {tokens['erin']}"
            body = {"name": f"of erin, in churn, {round_} {run_id}"}
            made = connection.post(f"{server.url}/api/2.0/mlflow/experiments/create", json=body, timeout=60)
            assert made.status_code == 200, made.text
            seen = {"experiment_id": made.json()["experiment_id"]}
            assert server.ask("erin", "GET", "experiments/get", params=seen, project="churn").status_code == 200
            assert server.ask("alice", "GET", "experiments/get", params=seen, project="fraud").status_code == 404
