"""The database is the one that we know, is never written, and answers from its indexes."""

import re
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from cerberus.errors import Unavailable
from cerberus.policy import Visible
from studio.tracking import schema
from studio.tracking.columns import Column, Sort
from studio.tracking.listing import Listing, newest, seen_runs
from studio.tracking.reader import Reader
from studio.tracking.series import read_lines

EVERYTHING = Visible(default=True)


def test_the_known_revision_is_that_of_the_installed_mlflow():
    import mlflow
    from mlflow.store.db.utils import _get_latest_schema_revision

    assert mlflow.__version__ == schema.MLFLOW_VERSION
    assert _get_latest_schema_revision() == schema.REVISION


def test_every_table_and_column_that_is_read_is_mlflows(lab):
    from sqlalchemy import inspect

    there = inspect(lab.store.engine)
    for table in schema.metadata.tables.values():
        assert {column.name for column in table.columns} <= {c["name"] for c in there.get_columns(table.name)}


def test_a_database_of_another_version_is_refused_with_what_to_do(tmp_path):
    url = f"sqlite:///{tmp_path / 'old.db'}"
    with create_engine(url).begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('0123456789ab')"))
    with pytest.raises(Unavailable, match="0123456789ab") as refused:
        Reader(url)
    assert "mlflow db upgrade" in refused.value.hint


@pytest.mark.parametrize("there", [True, False])
def test_a_database_without_tables_is_refused_and_not_made(tmp_path, there):
    path: Path = tmp_path / "none.db"
    if there:
        path.touch()
    with pytest.raises(Unavailable) as refused:
        Reader(f"sqlite:///{path}")
    assert "Start MLflow once" in refused.value.hint
    assert path.exists() == there


def test_an_unreachable_server_is_unavailable_not_a_traceback():
    with pytest.raises(Unavailable):
        Reader("postgresql+psycopg2://nobody@127.0.0.1:1/none")


def test_a_database_that_goes_away_is_unavailable_and_comes_back(tmp_path):
    from mlflow.store.db.utils import _initialize_tables, _upgrade_db

    path = tmp_path / "mlflow.db"
    engine = create_engine(f"sqlite:///{path}")
    _initialize_tables(engine)
    _upgrade_db(engine)
    engine.dispose()
    reader = Reader(f"sqlite:///{path}")
    assert reader.runs("fraud", EVERYTHING).total == 0
    reader.engine.dispose()
    path.rename(tmp_path / "away.db")
    with pytest.raises(Unavailable) as refused:
        reader.runs("fraud", EVERYTHING)
    assert "Nothing is lost" in refused.value.hint
    (tmp_path / "away.db").rename(path)
    assert reader.runs("fraud", EVERYTHING).total == 0


def test_studio_cannot_write_to_mlflows_database(lab, reader):
    with reader.engine.connect() as connection, pytest.raises(DBAPIError):
        connection.execute(text("DELETE FROM runs"))


def test_the_indexes_are_installed_once_however_often(lab):
    from sqlalchemy import inspect

    for _ in range(2):
        schema.install_indexes(lab.store.engine)
    there = inspect(lab.store.engine)
    assert [i["name"] for i in there.get_indexes("runs")].count(schema.RUNS_INDEX.name) == 1
    assert [i["name"] for i in there.get_indexes("latest_metrics")].count(schema.METRICS_INDEX.name) == 1


def plan(engine, statement):
    """How the database would answer, sequential scans forbidden where that can be said."""
    compiled = statement.compile(engine, compile_kwargs={"render_postcompile": True})
    names = compiled.positiontup
    given = compiled.params if names is None else tuple(compiled.params[name] for name in names)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", given).all()
            return "\n".join(str(row[3]) for row in rows)
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        return "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {compiled}", given).all())


def test_a_page_of_an_experiment_is_read_along_the_index(lab, reader):
    fitting = seen_runs("fraud", EVERYTHING, ["7"])
    found = plan(reader.engine, newest(fitting, 50))
    assert "mlstudio_runs_of_experiment" in found
    assert not re.search(r"TEMP B-TREE|Sort", found), found
    assert "mlstudio_runs_of_experiment" in plan(reader.engine, Listing(fitting, Sort()).count())


def test_sorting_by_a_metric_is_read_along_the_index(lab, reader):
    listing = Listing(seen_runs("fraud", EVERYTHING), Sort(Column.parse("metrics.auc")))
    found = plan(reader.engine, listing.first().limit(50))
    assert "mlstudio_latest_metrics_by_value" in found
    assert not re.search(r"TEMP B-TREE FOR ORDER BY|Sort", found), found


def test_histories_are_read_by_run_and_not_by_metric(lab, reader):
    fraud = lab.project()
    experiment = lab.experiment(fraud)
    logged = {"loss": [float(step) for step in range(200)]}
    several = [lab.run(fraud, experiment, metrics=logged) for _ in range(20)]
    if reader.engine.dialect.name == "postgresql":  # plans by what it knows of the table
        with lab.store.engine.begin() as connection:
            connection.execute(text("ANALYZE metrics"))
    asked = []
    read_lines(lambda statement: asked.append(statement) or [], several[:2], metrics=["loss"])
    assert "index_metrics_run_uuid" in plan(reader.engine, asked[0])
