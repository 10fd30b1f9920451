"""Databases as MLflow itself makes and fills them, SQLite and PostgreSQL, read with Studio's reader."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
POSTGRESQL = os.environ.get("TEST_POSTGRESQL_URL", "postgresql+psycopg2://postgres@127.0.0.1:5432/postgres")


@dataclass
class Lab:
    """MLflow's own store, and the shortest ways to log what a test needs."""

    url: str
    store: Any
    registry: Any
    projects: list[str] = field(default_factory=list)

    def project(self, name: str = "fraud") -> str:
        """A workspace of its own for this test."""
        from mlflow.entities import Workspace
        from mlflow.tracking._workspace.registry import get_workspace_store

        slug = f"{name}-{uuid.uuid4().hex[:8]}"
        get_workspace_store(workspace_uri=self.url).create_workspace(Workspace(name=slug))
        return slug

    @contextmanager
    def within(self, project: str) -> Iterator[Any]:
        """The store, bound to a project."""
        from mlflow.utils.workspace_context import WorkspaceContext

        with WorkspaceContext(project):
            yield self.store

    def experiment(self, project: str, name: str = "baseline") -> str:
        """A new experiment's id."""
        with self.within(project) as store:
            return str(store.create_experiment(name))

    def run(self, project: str, experiment: str, **logged: Any) -> str:
        """A new finished run's id. `metrics` maps to a value or to a list of values over steps."""
        from mlflow.entities import Metric, Param, RunStatus, RunTag

        start = logged.get("start", 1_700_000_000_000)
        with self.within(project) as store:
            tags = [RunTag(key, value) for key, value in logged.get("tags", {}).items()]
            run = store.create_run(experiment, logged.get("user", "dana"), start, tags, logged.get("name"))
            run_id: str = run.info.run_id
            params = [Param(key, str(value)) for key, value in logged.get("params", {}).items()]
            metrics = [
                Metric(key, value, start + 1000 * step, step)
                for key, values in logged.get("metrics", {}).items()
                for step, value in enumerate(values if isinstance(values, list) else [values])
            ]
            for first in range(0, max(len(metrics), 1), 1000):
                store.log_batch(run_id, metrics[first : first + 1000], params if first == 0 else [], [])
            status = RunStatus.from_string(logged.get("status", "FINISHED"))
            end = None if logged.get("status") == "RUNNING" else logged.get("end", start + 60_000)
            store.update_run_info(run_id, status, end, run.info.run_name)
        return run_id


@pytest.fixture(scope="session")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An empty SQLite file; MLflow makes its tables."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """An empty PostgreSQL database of its own."""
    server = create_engine(POSTGRESQL, isolation_level="AUTOCOMMIT")
    name = f"studio_test_{uuid.uuid4().hex[:8]}"
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(POSTGRESQL).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(
    scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)], ids=lambda name: name
)
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """MLflow's store on each database, with Studio's indexes."""
    from mlflow.store.model_registry.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore as Registry
    from mlflow.store.tracking.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore

    from studio.tracking.schema import install_indexes

    url = request.getfixturevalue(f"{request.param}_url")
    root: Path = tmp_path_factory.mktemp("artifacts")
    before = os.environ.get("MLFLOW_ENABLE_WORKSPACES")
    os.environ["MLFLOW_ENABLE_WORKSPACES"] = "true"
    store = WorkspaceAwareSqlAlchemyStore(url, str(root))
    install_indexes(store.engine)
    yield Lab(url, store, Registry(url))
    store.engine.dispose()
    if before is None:
        del os.environ["MLFLOW_ENABLE_WORKSPACES"]


@pytest.fixture(scope="session")
def reader(lab: Lab) -> Iterator[Any]:
    """Studio's reader on the same database."""
    from studio.tracking.reader import Reader

    reader = Reader(lab.url)
    yield reader
    reader.close()
