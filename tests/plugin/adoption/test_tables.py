"""What the adoption knows of MLflow's tables, held against the tables themselves."""

from collections.abc import Iterator
from typing import Any

import mlflow
import pytest
from mlflow.store.db.utils import _get_latest_schema_revision
from sqlalchemy import Inspector, create_engine, inspect, text

from cerberus_mlflow.adoption.tables import MLFLOW_VERSION, MODEL_TABLES, MOVED, REVISION, STAYS

ON_ITS_OWN = {
    "alembic_version": "MLflow's own",
    "entity_associations": "names traces, datasets, experiments and runs by their ids",
    "input_tags": "names inputs by their ids",
    "inputs": "names runs, datasets and logged models by their ids",
    "scheduler_leases": "MLflow's own",
    "sql_assessment_daily_rollups": "names an experiment by its id",
    "sql_span_cost_daily_rollups": "names an experiment by its id",
    "sql_trace_metric_daily_rollups": "names an experiment by its id",
    "sql_trace_rollup_rebuild_queue": "names an experiment by its id",
    "workspaces": "MLflow's own list, for which Cerberus' projects stand in",
}


@pytest.fixture(scope="module")
def schema(filled_sqlite: Any) -> Iterator[Inspector]:
    engine = create_engine(f"sqlite:///{filled_sqlite[0]}/mlflow.db")
    yield inspect(engine)
    engine.dispose()


def columns(schema: Inspector, table: str) -> set[str]:
    return {each["name"] for each in schema.get_columns(table)}


def test_the_adoption_is_for_the_mlflow_that_is_installed() -> None:
    assert (_get_latest_schema_revision(), mlflow.__version__) == (REVISION, MLFLOW_VERSION)


def test_every_table_with_a_workspace_is_moved_or_stays(schema: Inspector) -> None:
    having = {table for table in schema.get_table_names() if "workspace" in columns(schema, table)}
    assert having == {*MOVED, *STAYS}


def test_what_has_no_workspace_hangs_on_what_is_known(schema: Inspector) -> None:
    """
    It goes where that goes, or stays where that stays. Who adds to `ON_ITS_OWN` has looked at what the table names.
    """
    hangs = {
        table: {key["referred_table"] for key in schema.get_foreign_keys(table)} for table in schema.get_table_names()
    }
    known = {*MOVED, *STAYS, *ON_ITS_OWN}
    while more := {table for table, on in hangs.items() if on & known} - known:
        known |= more
    assert {*hangs} == known


def test_what_names_a_moved_thing_by_its_workspace_moves_with_it(schema: Inspector) -> None:
    by_workspace = {
        table
        for table in schema.get_table_names()
        for key in schema.get_foreign_keys(table)
        if key["referred_table"] in MOVED and "workspace" in key["constrained_columns"]
    }
    assert by_workspace == {*MODEL_TABLES} - {"registered_models"}


def test_a_table_with_a_workspace_that_nobody_knows_stops_the_adoption(
    old: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = create_engine(old.url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE novelties (workspace VARCHAR(63))"))
    engine.dispose()
    before = old.dump()
    assert old.adopt("--yes") == 2
    assert "does not know the tables novelties" in capsys.readouterr().err
    assert old.dump() == before
