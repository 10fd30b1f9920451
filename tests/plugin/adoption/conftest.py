"""MLflow databases as a server without workspaces leaves them, and the command on them."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import databases
import pytest
from mlflow.entities import (
    ExperimentTag,
    LoggedModelParameter,
    Param,
    RunTag,
)
from mlflow.entities.model_registry import RegisteredModelTag
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking
from sqlalchemy import MetaData, create_engine, select

from cerberus_mlflow.adoption.command import main

RULES = """
rest = "churn"

[[rule]]
name = "fraud[/-]*"
project = "fraud"

[[rule]]
tag = "team=fraud"
project = "fraud"
"""

KILLED_AT_THE_THIRD = """
import os, sys
from cerberus_mlflow.adoption import command, database
done, move = [], command.MlflowDatabase.move
def dying(self, moves):
    if len(done) == 3:
        os._exit(9)
    done.append(move(self, moves))
database.BATCH, command.MlflowDatabase.move = 1, dying
command.main(sys.argv[1:])
"""


@dataclass
class Old:
    """A database of a plain server, and where everything is."""

    url: str
    data: Path
    ids: dict[str, str]

    def dump(self) -> dict[str, list[str]]:
        """Every row of every table."""
        engine = create_engine(self.url)
        meta = MetaData()
        meta.reflect(engine)
        with engine.connect() as connection:
            found = {
                name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
                for name, table in meta.tables.items()
            }
        engine.dispose()
        return found

    def of(self, team: str) -> dict[str, str]:
        """The ids of a team's things, by what they are."""
        own = {key.removeprefix(f"{team} "): each for key, each in self.ids.items() if key.startswith(f"{team} ")}
        return {**own, "experiment": self.ids[team], "model": f"{team}-model"}

    def adopt(self, *options: str, rules: str = RULES) -> int:
        """`cerberus adopt`, with a rules file and a journal beside the database."""
        return main(self._arguments(options, rules))

    def adopt_killed(self, *options: str) -> int:
        """The same in a process that dies when it has moved three things."""
        command = [sys.executable, "-c", KILLED_AT_THE_THIRD, *self._arguments(options, RULES)]
        return subprocess.run(command, env=dict(os.environ), capture_output=True, timeout=120).returncode

    def _arguments(self, options: Sequence[str], rules: str) -> list[str]:
        (self.data / "rules.toml").write_text(rules)
        files = ["--rules", str(self.data / "rules.toml"), "--journal", str(self.data / "journal.jsonl")]
        return ["--database", self.url, *files, *options]


def fill(url: str, data: Path) -> dict[str, str]:
    """Puts two teams' things into the default workspace; their ids by what they are."""
    tracking, registry = Tracking(url, "mlflow-artifacts:/"), Registry(url)
    ids: dict[str, str] = {}
    for team, name, tag in (("fraud", "fraud/cards", "x"), ("tagged", "loose", "fraud"), ("churn", "churn/calls", "y")):
        experiment = ids[team] = tracking.create_experiment(name, tags=[ExperimentTag("team", tag)])
        parent = _run(tracking, experiment, [])
        run = ids[f"{team} run"] = _run(tracking, experiment, [RunTag("mlflow.parentRunId", parent)])
        folder = data / "artifacts" / experiment / run / "artifacts"
        folder.mkdir(parents=True)
        (folder / "note.txt").write_text(f"of {team}")
        model = tracking.create_logged_model(experiment, source_run_id=run, params=[LoggedModelParameter("a", "1")])
        registry.create_registered_model(f"{team}-model", tags=[RegisteredModelTag("owner", "dana")])
        registry.create_model_version(f"{team}-model", model.artifact_location, run_id=run)
        registry.set_registered_model_alias(f"{team}-model", "best", 1)
        ids[f"{team} dataset"] = tracking.create_dataset(f"{team} questions", experiment_ids=[experiment]).dataset_id
    is_prompt = RegisteredModelTag("mlflow.prompt.is_prompt", "true")
    registry.create_registered_model("fraud-greeting", tags=[is_prompt])
    registry.create_model_version("fraud-greeting", "prompt-template", tags=[])
    tracking._dispose_engine() if hasattr(tracking, "_dispose_engine") else tracking.engine.dispose()
    registry.engine.dispose()
    return ids


def _run(tracking: Tracking, experiment: str, tags: list[RunTag]) -> str:
    run = tracking.create_run(experiment, "dana", 1, [*tags, RunTag("mlflow.user", "dana")], "r")
    tracking.log_batch(run.info.run_id, metrics=[], params=[Param("p", "1")], tags=[])
    return str(run.info.run_id)


@pytest.fixture(scope="session")
def filled_sqlite(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A filled SQLite database with its artifacts, to be copied."""
    data = tmp_path_factory.mktemp("filled")
    ids = fill(f"sqlite:///{data}/mlflow.db", data)
    with sqlite3.connect(data / "mlflow.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return data, ids


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def old(
    request: pytest.FixtureRequest, tmp_path: Path, database_url: str, cast: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Old]:
    """A filled database, and a Cerberus with the cast that the command finds."""
    monkeypatch.setenv("CERBERUS_DATABASE_URL", database_url)
    if request.param == "sqlite":
        data, ids = request.getfixturevalue("filled_sqlite")
        (tmp_path / "mlflow.db").write_bytes((data / "mlflow.db").read_bytes())
        yield Old(f"sqlite:///{tmp_path}/mlflow.db", tmp_path, ids)
        return
    with databases.postgresql("adopt") as url:
        yield Old(url, tmp_path, fill(url, tmp_path))


@pytest.fixture(scope="session")
def filling() -> Callable[[str, Path], dict[str, str]]:
    return fill


@pytest.fixture(scope="session")
def old_type() -> type[Old]:
    return Old
