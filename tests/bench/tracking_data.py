"""What every measured server holds before anybody works there, made once through MLflow's own stores and then copied.

python tests/bench/tracking_data.py URL      fills an empty PostgreSQL database
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, NullPool, create_engine, make_url, text

POSTGRESQL = os.environ.get("TEST_POSTGRESQL_URL", "postgresql+psycopg2://postgres@127.0.0.1:5432/postgres")
EXPERIMENTS, MODELS, RUNS = 1000, 1000, 100
VISIBLE, FEW, MANY = 50, 5, 10_000
SECRET = "secret"
LOCATION = "mlflow-artifacts:/"
START = 1_700_000_000_000
"""When the first run started, in milliseconds: runs of two experiments take turns, so that neither comes first."""


@dataclass(frozen=True)
class Content:
    """The ids of what is in every server's database."""

    experiments: list[str]
    secret: str
    models: list[str]


@contextmanager
def database(name: str, template: str = "") -> Iterator[str]:
    """
    The URL of a PostgreSQL database, empty or a copy of another, that is gone afterwards.
    """
    server = create_engine(POSTGRESQL, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    try:
        yield url_of(name)
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def url_of(name: str) -> str:
    """
    The URL of a database beside the one that the environment names.
    """
    return make_url(POSTGRESQL).set(database=name).render_as_string(hide_password=False)


@contextmanager
def filled() -> Iterator[tuple[str, Content]]:
    """
    The name of a filled database to copy, and what is in it.
    """
    name = f"mlstudio_bench_template_{os.getpid()}"
    with database(name) as url:
        environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
        done = subprocess.run(
            [sys.executable, str(Path(__file__)), url], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"The databases could not be filled:\n{done.stderr[-3000:]}")
        engine = create_engine(url)
        content = _content(engine)
        engine.dispose()
        yield name, content


def _content(engine: Engine) -> Content:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        found = connection.execute(text("SELECT experiment_id, name FROM experiments ORDER BY experiment_id")).all()
        models = connection.execute(text("SELECT name FROM registered_models ORDER BY name")).scalars().all()
    ids = {name: str(each) for each, name in found}
    return Content([ids[name] for name in ids if name.startswith("experiment ")], ids[SECRET], list(models))


def grow(url: str, workspace: str) -> None:
    """
    Experiments of others, until there are 10,000, spread over the time in which the first were made.
    """
    statement = (
        "INSERT INTO experiments (name, workspace, artifact_location, lifecycle_stage, creation_time, last_update_time)"
        " SELECT 'other ' || n, :w, 'mlflow-artifacts:/other-' || n, 'active', t.least + (t.width * random())::bigint,"
        " t.least FROM generate_series(1, :n) AS n,"
        " (SELECT min(creation_time) AS least, max(creation_time) - min(creation_time) AS width FROM experiments) AS t"
    )
    engine = create_engine(url)
    with engine.begin() as connection:
        there = connection.execute(text("SELECT count(*) FROM experiments")).scalar_one()
        if there < MANY:
            connection.execute(text(statement), {"w": workspace, "n": MANY - there})
            connection.execute(text("ANALYZE experiments"))
    engine.dispose()


def run_sql(url: str, statement: str) -> None:
    """
    Carries out one statement on a server's database, behind its back.
    """
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def fill(url: str) -> None:
    """
    Experiments and models of others, and an experiment with 100 runs that not everybody may see. With the worker's
    three and MLflow's own there are 1,000 experiments.
    """
    from mlflow.entities import Metric, Param
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking

    tracking, registry = Tracking(url, LOCATION), Registry(url)
    for number in range(EXPERIMENTS - 4):
        tracking.create_experiment(f"experiment {number}")
    for number in range(MODELS - 1):
        registry.create_registered_model(f"model {number}")
    secret = tracking.create_experiment(SECRET)
    for number in range(RUNS):
        start = START + 2 * number
        run = tracking.create_run(secret, user_id="other", start_time=start, tags=[], run_name=f"run {number}")
        metrics = [Metric(f"m{each}", 0.5, start, 1) for each in range(10)]
        tracking.log_batch(run.info.run_id, metrics, [Param(f"p{each}", str(each)) for each in range(10)], [])


if __name__ == "__main__":
    fill(sys.argv[1])
