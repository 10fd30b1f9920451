"""Ordinary clients of three versions against MLflow's server behind Cerberus, each as a member of one project.

    python tests/clients/run.py [--version 3.17.2 ...] [--backend postgresql+psycopg2://...]

`make clients`. Makes a virtual environment for each version, starts the server with two workers, and takes every step
of `scenario.py` with each client. Prints a table, and ends with 1 if a step failed. The whole story of each failure is
in `.clients/VERSION.jsonl`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from real_mlflow import start, stop
from venvs import ROOT, installed, python_of

from cerberus.service import SYSTEM, Cerberus

HERE = Path(__file__).resolve().parent
VERSIONS = (version_of("mlflow"), "3.1.4", "2.22.5")
WITHIN = 1200
ABOUT = ("scikit-learn", "xgboost", "lightgbm", "optuna", "mlflow-export-import", "opentelemetry-sdk")


@dataclass(frozen=True)
class Place:
    """Where a client works: an address, and the tokens of those who take part."""

    url: str
    project: str
    tokens: dict[str, str]

    def environment(self) -> dict[str, str]:
        """What its client is told."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "_MLFLOW_"))}
        others = {f"CLIENTS_{who.upper()}_TOKEN": token for who, token in self.tokens.items() if who != "member"}
        return {
            **kept,
            **others,
            "CLIENTS_ARTIFACTS": f"workspaces/{self.project}",
            "MLFLOW_TRACKING_URI": self.url,
            "MLFLOW_TRACKING_TOKEN": self.tokens["member"],
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "PYTHONWARNINGS": "ignore",
        }


@contextmanager
def serving(backend: str) -> Iterator[tuple[str, Cerberus]]:
    """A server of two workers, and its Cerberus; the directory and the server are gone afterwards."""
    with tempfile.TemporaryDirectory() as place:
        data = Path(place)
        own = f"sqlite:///{data}/cerberus.db"
        cerberus = Cerberus(own)
        cerberus.migrate()
        backend = backend or f"sqlite:///{data}/mlflow.db"
        server = start(data=data, backend=backend, cerberus_url=own, cast=None, workers=2)
        try:
            yield server.url, cerberus
        finally:
            stop(server)
            cerberus.close()


def prepare(url: str, cerberus: Cerberus, version: str) -> Place:
    """Two projects of a version's own: a member of both, a viewer of the first, a stranger in a third."""
    word = version.replace(".", "-")
    first, second, third = (f"{name}-{word}" for name in ("first", "second", "third"))
    for slug in (first, second, third):
        cerberus.projects.create(SYSTEM, slug)
    tokens = {}
    for who, role, project in (
        ("member", "maintainer", first),
        ("viewer", "viewer", first),
        ("stranger", "maintainer", third),
    ):
        name = f"{who}-{word}"
        cerberus.people.create_user(SYSTEM, name, password=os.urandom(12).hex())
        cerberus.projects.add_member(SYSTEM, project, subject=name, role=role)
        tokens[who] = cerberus.tokens.create(SYSTEM, "clients", owner=name, project=project).secret
    cerberus.projects.add_member(SYSTEM, second, subject=f"member-{word}", role="maintainer")
    tokens["second"] = cerberus.tokens.create(SYSTEM, "clients", owner=f"member-{word}", project=second).secret
    return Place(url, first, tokens)


def steps_of(version: str, place: Place) -> dict[str, dict[str, str]]:
    """What became of each step with that version's client."""
    results = ROOT / ".clients" / f"{version}.jsonl"
    command = [str(python_of(version)), str(HERE / "scenario.py"), str(results)]
    with tempfile.TemporaryDirectory() as cwd:
        done = subprocess.run(
            command, cwd=cwd, env=place.environment(), capture_output=True, text=True, check=False, timeout=WITHIN
        )
    if done.returncode:
        raise SystemExit(f"The client {version} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return {each["step"]: each for each in map(json.loads, results.read_text().splitlines())}


def table(found: dict[str, dict[str, dict[str, str]]]) -> str:
    """A Markdown table of step by version, and the reasons below it."""
    lines = [f"| step | {' | '.join(found)} |", f"| --- |{' --- |' * len(found)}"]
    for name in next(iter(found.values())):
        lines.append(f"| {name} | {' | '.join(each[name]['outcome'] for each in found.values())} |")
    for version, steps in found.items():
        lines += [f"{version}, {name}: {each['reason']}" for name, each in steps.items() if "reason" in each]
    return "\n".join(lines)


def main() -> int:
    """The number to end with."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--version", action="append", help="only these (default: all three)")
    asked.add_argument("--backend", default="", help="MLflow's database (default: a new SQLite file)")
    options = asked.parse_args()
    versions = options.version or VERSIONS
    for version in versions:
        about = installed(python_of(version), ABOUT)
        print(f"{version}: {', '.join(f'{name} {its}' for name, its in about.items())}", flush=True)
    with serving(options.backend) as (url, cerberus):
        found = {version: steps_of(version, prepare(url, cerberus, version)) for version in versions}
    print(table(found))
    failed = sum(each["outcome"] == "failed" for steps in found.values() for each in steps.values())
    print(f"{sum(map(len, found.values()))} steps, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
