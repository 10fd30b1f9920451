"""How long `cerberus adopt` takes on a big MLflow database, with how many statements, how long each transaction holds
its rows, and how much memory it takes beyond what it takes for an almost empty one. SQLite, and PostgreSQL where there
is one: `PYTHONPATH=tests/support .venv/bin/python tests/bench/adoption.py`.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import databases
from left_out import missing
from mlflow.store.db.utils import _initialize_tables
from sqlalchemy import Engine, MetaData, create_engine, event

from cerberus.service import Cerberus
from cerberus_mlflow.adoption.command import main as adopt

RULES = """
rest = "rest"

[[rule]]
name = "fraud/*"
project = "fraud"

[[rule]]
tag = "team=churn"
project = "churn"
"""
STEPS = {
    "dry run": ["--create-projects"],
    "adoption": ["--yes", "--owners", "--create-projects"],
    "undo": ["--undo", "--yes"],
}
CHUNK = 5_000


@dataclass(frozen=True)
class Size:
    """How much there is."""

    experiments: int = 2_000
    runs: int = 100_000
    models: int = 1_000
    versions: int = 5
    """Of each model."""


ALMOST_EMPTY = Size(experiments=3, runs=30, models=3)


def main() -> None:
    """
    Fills, adopts and undoes on each kind of database, and prints what that took.
    """
    if len(sys.argv) > 2:
        print(json.dumps(measured(sys.argv[1], Path(sys.argv[2]), STEPS[sys.argv[3]])))
        return
    print(f"{Size()}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for kind in ("SQLite", "PostgreSQL"):
        if kind == "PostgreSQL" and (why := missing("services")):
            print(f"{kind} left out: {why}")
            continue
        few, many = both_sizes(kind)
        for step in STEPS:
            more = (many[step]["memory"] - few[step]["memory"]) / 1024
            print(
                f"{kind}, {step}: {many[step]['seconds']:.1f} s, {many[step]['statements']} statements, the longest "
                f"transaction {many[step]['longest']:.2f} s, {more:.0f} MB more than for {ALMOST_EMPTY.runs} runs"
            )


def both_sizes(kind: str) -> list[dict[str, Any]]:
    """
    Each step's figures, for an almost empty database and for the big one.
    """
    found = []
    for size in (ALMOST_EMPTY, Size()):
        with tempfile.TemporaryDirectory() as folder:
            sqlite = nullcontext(f"sqlite:///{folder}/mlflow.db")
            with sqlite if kind == "SQLite" else databases.postgresql("adoption") as url:
                fill(url, size)
                found.append(each_step(url, Path(folder)))
    return found


def each_step(url: str, folder: Path) -> dict[str, Any]:
    """
    The steps one after another, each in a process of its own, as a person runs them.
    """
    own = f"sqlite:///{folder}/cerberus.db"
    cerberus = Cerberus(own)
    cerberus.migrate()
    cerberus.close()
    (folder / "rules.toml").write_text(RULES)
    env = {**os.environ, "CERBERUS_DATABASE_URL": own}
    found = {}
    for step in STEPS:
        command = [sys.executable, __file__, url, str(folder), step]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        found[step] = json.loads(done.stdout.splitlines()[-1])
    return found


def measured(url: str, folder: Path, options: Sequence[str]) -> dict[str, float]:
    """
    What one call of the command took. Memory is the process' highest, in kB; statements are those on MLflow's database.
    """
    statements, begun, longest = 0, 0.0, 0.0

    @event.listens_for(Engine, "begin")
    def begin(_: Any) -> None:
        nonlocal begun
        begun = time.perf_counter()

    @event.listens_for(Engine, "commit")
    def commit(connection: Any) -> None:
        nonlocal longest
        if "cerberus.db" not in str(connection.engine.url):
            longest = max(longest, time.perf_counter() - begun)

    @event.listens_for(Engine, "before_cursor_execute")
    def count(connection: Any, *_: Any) -> None:
        nonlocal statements
        statements += "cerberus.db" not in str(connection.engine.url)

    files = ["--rules", str(folder / "rules.toml"), "--journal", str(folder / "journal.jsonl")]
    start = time.perf_counter()
    with redirect_stdout(StringIO()) as said:
        code = adopt(["--database", url, *files, *options])
    if code:
        raise SystemExit(said.getvalue())
    seconds = time.perf_counter() - start
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "statements": statements, "longest": longest, "memory": highest}


def fill(url: str, size: Size) -> None:
    """
    An up-to-date MLflow database with so much in the default workspace.
    """
    engine = create_engine(url)
    _initialize_tables(engine)
    tables = MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:
        for name, rows in content(size):
            for some in chunks(rows):
                connection.execute(tables.tables[name].insert(), some)
    with engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


def content(size: Size) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    """
    Each table's rows, parents first. Every tenth run has a parent, every model's versions come from one experiment.
    """
    experiments, runs, models = range(1, size.experiments + 1), range(size.runs), range(size.models)
    home = [1 + run * size.experiments // size.runs for run in runs]
    yield "experiments", (experiment(each) for each in experiments)
    yield "experiment_tags", ({"experiment_id": e, "key": "team", "value": team(e)} for e in experiments)
    yield "runs", (a_run(run, home[run]) for run in runs)
    yield "params", ({"run_uuid": f"{run:032x}", "key": "p", "value": "1"} for run in runs)
    yield "tags", ({"run_uuid": f"{r:032x}", "key": "mlflow.user", "value": f"user{home[r] % 20}"} for r in runs)
    yield "tags", ({"run_uuid": f"{run:032x}", "key": "mlflow.source.name", "value": "train.py"} for run in runs)
    children = (run for run in runs if run % 10 and home[run] == home[run - run % 10])
    parent = "mlflow.parentRunId"
    yield "tags", ({"run_uuid": f"{r:032x}", "key": parent, "value": f"{r - r % 10:032x}"} for r in children)
    yield "logged_models", (a_logged_model(run, home[run]) for run in runs)
    yield "registered_models", ({"name": f"model {each}", "workspace": "default"} for each in models)
    of = [(m, v, m * (size.runs // size.models) + v % 10) for m in models for v in range(1, size.versions + 1)]
    yield "model_versions", (a_version(model, version, run) for model, version, run in of)
    yield "registered_model_tags", ({"workspace": "default", "name": f"model {m}", "key": "k"} for m in models)


def team(experiment_id: int) -> str:
    return "churn" if experiment_id % 3 == 1 else "other"


def experiment(each: int) -> dict[str, Any]:
    kept = {"artifact_location": f"mlflow-artifacts:/{each}", "lifecycle_stage": "active", "workspace": "default"}
    return {"experiment_id": each, "name": f"{'fraud' if each % 3 == 0 else 'work'}/{each}", **kept}


def a_run(run: int, home: int) -> dict[str, Any]:
    ran = {"status": "FINISHED", "start_time": run, "end_time": run + 1, "lifecycle_stage": "active", "name": f"r{run}"}
    uri = f"mlflow-artifacts:/{home}/{run:032x}/artifacts"
    return {"run_uuid": f"{run:032x}", "experiment_id": home, "artifact_uri": uri, **ran}


def a_logged_model(run: int, home: int) -> dict[str, Any]:
    place = {"artifact_location": f"mlflow-artifacts:/{home}/models/m-{run:032x}/artifacts", "experiment_id": home}
    made = {"name": "model", "status": 2, "lifecycle_stage": "active", "source_run_id": f"{run:032x}"}
    times = {"creation_timestamp_ms": run, "last_updated_timestamp_ms": run}
    return {"model_id": f"m-{run:032x}", **place, **made, **times}


def a_version(model: int, version: int, run: int) -> dict[str, Any]:
    named = {"workspace": "default", "name": f"model {model}", "version": version}
    kept = {"current_stage": "None", "status": "READY", "run_id": f"{run:032x}"}
    return {**named, **kept, "source": f"models:/m-{run:032x}"}


def chunks(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while some := [row for _, row in zip(range(CHUNK), rows, strict=False)]:
        yield some


if __name__ == "__main__":
    main()
