"""MLflow's tables as Studio reads them, the schema revision they belong to, and two indexes that MLflow lacks."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    literal_column,
    select,
)
from sqlalchemy.exc import DBAPIError

from cerberus.errors import Unavailable

REVISION = "dc11669786a5"
MLFLOW_VERSION = "3.17.2"
# A literal, not a parameter: so the partial index fits also where a plan is made before the parameters are seen.
ACTIVE: ColumnElement[str] = literal_column("'active'", String)

metadata = MetaData()

alembic_version = Table("alembic_version", metadata, Column("version_num", String(32), primary_key=True))

experiments = Table(
    "experiments",
    metadata,
    Column("experiment_id", Integer, primary_key=True),
    Column("name", String(256)),
    Column("workspace", String(63)),
    Column("artifact_location", String(256)),
    Column("lifecycle_stage", String(32)),
    Column("creation_time", BigInteger),
    Column("last_update_time", BigInteger),
)

experiment_tags = Table(
    "experiment_tags",
    metadata,
    Column("key", String(250), primary_key=True),
    Column("value", Text),
    Column("experiment_id", Integer, primary_key=True),
)

runs = Table(
    "runs",
    metadata,
    Column("run_uuid", String(32), primary_key=True),
    Column("name", String(250)),
    Column("source_type", String(20)),
    Column("source_name", String(500)),
    Column("entry_point_name", String(50)),
    Column("user_id", String(256)),
    Column("status", String(20)),
    Column("start_time", BigInteger),
    Column("end_time", BigInteger),
    Column("source_version", String(50)),
    Column("lifecycle_stage", String(20)),
    Column("artifact_uri", String(200)),
    Column("experiment_id", Integer),
)

params = Table(
    "params",
    metadata,
    Column("key", String(250), primary_key=True),
    Column("value", String(8000)),
    Column("run_uuid", String(32), primary_key=True),
)

tags = Table(
    "tags",
    metadata,
    Column("key", String(250), primary_key=True),
    Column("value", String(8000)),
    Column("run_uuid", String(32), primary_key=True),
)

metrics = Table(
    "metrics",
    metadata,
    Column("key", String(250), primary_key=True),
    Column("value", Float(53), primary_key=True),
    Column("timestamp", BigInteger, primary_key=True),
    Column("run_uuid", String(32), primary_key=True),
    Column("step", BigInteger, primary_key=True),
    Column("is_nan", Boolean, primary_key=True),
)

latest_metrics = Table(
    "latest_metrics",
    metadata,
    Column("key", String(250), primary_key=True),
    Column("value", Float(53)),
    Column("timestamp", BigInteger),
    Column("step", BigInteger),
    Column("is_nan", Boolean),
    Column("run_uuid", String(32), primary_key=True),
)

datasets = Table(
    "datasets",
    metadata,
    Column("dataset_uuid", String(36)),
    Column("experiment_id", Integer, primary_key=True),
    Column("name", String(500), primary_key=True),
    Column("digest", String(36), primary_key=True),
    Column("dataset_source_type", String(36)),
)

inputs = Table(
    "inputs",
    metadata,
    Column("input_uuid", String(36)),
    Column("source_type", String(36), primary_key=True),
    Column("source_id", String(36), primary_key=True),
    Column("destination_type", String(36), primary_key=True),
    Column("destination_id", String(36), primary_key=True),
)

input_tags = Table(
    "input_tags",
    metadata,
    Column("input_uuid", String(36), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("value", String(500)),
)

registered_models = Table(
    "registered_models",
    metadata,
    Column("workspace", String(63), primary_key=True),
    Column("name", String(256), primary_key=True),
    Column("creation_time", BigInteger),
    Column("last_updated_time", BigInteger),
    Column("description", String(5000)),
)

registered_model_tags = Table(
    "registered_model_tags",
    metadata,
    Column("workspace", String(63), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("value", String(5000)),
    Column("name", String(256), primary_key=True),
)

model_versions = Table(
    "model_versions",
    metadata,
    Column("workspace", String(63), primary_key=True),
    Column("name", String(256), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("creation_time", BigInteger),
    Column("current_stage", String(20)),
    Column("run_id", String(32)),
)

RUNS_INDEX = Index(
    "mlstudio_runs_of_experiment",
    runs.c.experiment_id,
    runs.c.start_time.desc(),
    runs.c.run_uuid,
    sqlite_where=runs.c.lifecycle_stage == ACTIVE,
    postgresql_where=runs.c.lifecycle_stage == ACTIVE,
)
METRICS_INDEX = Index(
    "mlstudio_latest_metrics_by_value",
    latest_metrics.c.key,
    latest_metrics.c.value.desc(),
    latest_metrics.c.run_uuid,
    sqlite_where=~latest_metrics.c.is_nan,
    postgresql_where=~latest_metrics.c.is_nan,
)


def install_indexes(engine: Engine) -> None:
    """
    Both indexes exist afterwards, however often this is called. Needs an engine that may write.

    No ANALYZE: statistics of a young database mislead SQLite when it has grown; PostgreSQL gathers its own.
    """
    for index in (RUNS_INDEX, METRICS_INDEX):
        index.create(engine, checkfirst=True)


def check_revision(engine: Engine) -> None:
    """
    Unavailable, with what to do, unless the database has exactly the schema that this module describes.
    """
    try:
        with engine.connect() as connection:
            found = sorted(connection.scalars(select(alembic_version.c.version_num)))
    except DBAPIError as error:
        raise Unavailable(
            "MLflow's database cannot be read.",
            hint="Start MLflow once so that it creates its tables, and check MLFLOW_DATABASE_URL.",
        ) from error
    if found != [REVISION]:
        raise Unavailable(
            f"MLflow's database has schema {', '.join(found) or 'none'}; this Studio knows {REVISION}.",
            hint=f"Run `mlflow db upgrade` with MLflow {MLFLOW_VERSION}, or install the Studio made for your MLflow.",
        )
