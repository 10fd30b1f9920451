"""MLflow databases as older releases left them: their schema, by MLflow's own migrations up to their revision, with
rows and files as a server and client of that release were seen to write them.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic import command
from mlflow.store.db.utils import _get_alembic_config, _upgrade_db
from mlflow.store.tracking.dbmodels.initial_models import Base as FirstTables
from sqlalchemy import Connection, MetaData, create_engine

REVISIONS = {"2.22.5": "0584bdc529eb", "3.1.4": "bda7b8c39065"}
AT = 1_750_000_000_000
READY = 2
TEAMS = {"fraud": ("1", "fraud/cards"), "churn": ("2", "churn/calls")}


@dataclass
class OldRows:
    """Puts rows into the tables as they were, and files where the old server put them."""

    connection: Connection
    artifacts: Path
    release: str
    ids: dict[str, str] = field(default_factory=dict)
    tables: MetaData = field(default_factory=MetaData)

    def add(self, table: str, *rows: dict[str, Any]) -> None:
        """Rows of one table; a column that the table does not have yet is an error."""
        self.connection.execute(self.tables.tables[table].insert(), list(rows))

    def tag(self, table: str, tags: dict[str, str], **of: Any) -> None:
        """Rows of one of the tables with keys and values."""
        self.add(table, *({"key": key, "value": value, **of} for key, value in tags.items()))

    def file(self, path: str, content: str) -> None:
        """A file below the artifacts' root."""
        (self.artifacts / path).parent.mkdir(parents=True, exist_ok=True)
        (self.artifacts / path).write_text(content)


def old_database(url: str, artifacts: Path, release: str) -> dict[str, str]:
    """
    Fills an empty database as that release would have; the ids of what is in it.
    """
    engine = create_engine(url)
    FirstTables.metadata.create_all(engine)
    with engine.begin() as connection:
        config = _get_alembic_config(url)
        config.attributes["connection"] = connection
        command.upgrade(config, REVISIONS[release])
    with engine.begin() as connection:
        rows = OldRows(connection, artifacts, release)
        rows.tables.reflect(connection)
        _experiments(rows)
        for team, (experiment, _) in TEAMS.items():
            _runs(rows, team, experiment)
            _model(rows, team, experiment)
            _trace(rows, team, experiment)
        _prompt(rows)
    engine.dispose()
    return rows.ids


def upgrade(url: str) -> None:
    """
    What `mlflow db upgrade` does.
    """
    engine = create_engine(url)
    _upgrade_db(engine)
    engine.dispose()


def _experiments(rows: OldRows) -> None:
    named = [("0", "Default", "active"), ("3", "churn/gone", "deleted")]
    for each, name, stage in [*named, *((each, name, "active") for each, name in TEAMS.values())]:
        place = {"artifact_location": f"mlflow-artifacts:/{each}", "lifecycle_stage": stage}
        rows.add(
            "experiments",
            {"experiment_id": int(each), "name": name, "creation_time": AT, "last_update_time": AT, **place},
        )
    rows.tag("experiment_tags", {"team": "fraud"}, experiment_id=1)
    rows.ids["gone"] = "3"


def _run(rows: OldRows, run: str, experiment: str, **differs: Any) -> None:
    ran = {"user_id": "dana", "status": "FINISHED", "start_time": AT, "end_time": AT + 5, "lifecycle_stage": "active"}
    source = {"source_type": "UNKNOWN", "source_name": "", "entry_point_name": "", "source_version": ""}
    uri = f"mlflow-artifacts:/{experiment}/{run}/artifacts"
    home = {"run_uuid": run, "experiment_id": int(experiment), "artifact_uri": uri, "name": "a run"}
    rows.add("runs", {**home, **ran, **source, **differs})
    rows.tag("tags", {"mlflow.user": "dana", "mlflow.runName": "a run", "mlflow.source.type": "LOCAL"}, run_uuid=run)


def _runs(rows: OldRows, team: str, experiment: str) -> None:
    parent, run, deleted = (f"{experiment}{role}".ljust(32, "0") for role in "abd")
    rows.ids |= {team: experiment, f"{team} parent": parent, f"{team} run": run, f"{team} deleted run": deleted}
    _run(rows, parent, experiment)
    _run(rows, run, experiment)
    _run(rows, deleted, experiment, lifecycle_stage="deleted", deleted_time=AT + 9)
    rows.tag("tags", {"mlflow.parentRunId": parent}, run_uuid=run)
    rows.tag("params", {"lr": "0.1"}, run_uuid=run)
    metric = {"run_uuid": run, "key": "loss", "is_nan": False}
    rows.add("metrics", *({**metric, "value": 1 / step, "timestamp": AT + step, "step": step} for step in (1, 2)))
    rows.add("latest_metrics", {**metric, "value": 0.5, "timestamp": AT + 2, "step": 2})
    rows.file(f"{experiment}/{run}/artifacts/note.txt", f"of {team}")
    if experiment == "1":  # one row for the same data, whichever experiments log it
        about = {"name": "rows", "digest": "2981c147", "dataset_source_type": "code", "dataset_source": "{}"}
        rows.add("datasets", {"dataset_uuid": "d" * 32, "experiment_id": 1, **about})
    used = {"source_type": "DATASET", "source_id": "d" * 32, "destination_type": "RUN", "destination_id": run}
    rows.add("inputs", {"input_uuid": f"{experiment}e".ljust(32, "0"), **used})
    context = {"name": "mlflow.data.context", "value": "training"}
    rows.add("input_tags", {"input_uuid": f"{experiment}e".ljust(32, "0"), **context})


def _model(rows: OldRows, team: str, experiment: str) -> None:
    run, name = rows.ids[f"{team} run"], f"{team}-model"
    if rows.release.startswith("2."):
        folder = f"{experiment}/{run}/artifacts/model"
        source = f"mlflow-artifacts:/{folder}"
    else:
        logged = rows.ids[f"{team} logged model"] = "m-" + f"{experiment}c".ljust(32, "0")
        folder = f"{experiment}/models/{logged}/artifacts"
        source = f"models:/{logged}"
        _logged_model(rows, logged, experiment, run)
    rows.file(f"{folder}/MLmodel", f"of {team}")
    rows.add("registered_models", {"name": name, "creation_time": AT, "last_updated_time": AT, "description": ""})
    rows.tag("registered_model_tags", {"owner": "dana"}, name=name)
    for version, stage in ((1, "Production"), (2, "None")):
        kept = {"source": source, "storage_location": f"mlflow-artifacts:/{folder}", "current_stage": stage}
        _version(rows, name, version, run_id=run, **kept)
    rows.add("registered_model_aliases", {"name": name, "alias": "best", "version": 1})
    rows.tag("model_version_tags", {"checked": "yes"}, name=name, version=2)


def _version(rows: OldRows, name: str, version: int, **differs: Any) -> None:
    times = {"creation_time": AT, "last_updated_time": AT}
    same = {"description": "", "status": "READY", "run_link": "", "current_stage": "None"}
    rows.add("model_versions", {"name": name, "version": version, **times, **same, **differs})


def _logged_model(rows: OldRows, logged: str, experiment: str, run: str) -> None:
    of = {"model_id": logged, "experiment_id": int(experiment)}
    place = {"name": "model", "artifact_location": f"mlflow-artifacts:/{experiment}/models/{logged}/artifacts"}
    times = {"creation_timestamp_ms": AT, "last_updated_timestamp_ms": AT}
    made = {"status": READY, "lifecycle_stage": "active", "model_type": "", "source_run_id": run}
    rows.add("logged_models", {**of, **place, **times, **made})
    rows.add("logged_model_params", {**of, "param_key": "lr", "param_value": "0.1"})
    rows.add("logged_model_tags", {**of, "tag_key": "mlflow.user", "tag_value": "dana"})
    measured = {"metric_name": "loss", "metric_timestamp_ms": AT, "metric_step": 0, "metric_value": 1.0}
    wrong = {"model_id": logged, "experiment_id": 0, "run_id": run}  # 3.1.4 writes 0 here, whatever the experiment
    rows.add("logged_model_metrics", {**wrong, **measured})


def _trace(rows: OldRows, team: str, experiment: str) -> None:
    """
    Spans were in a file then, each release with a form of its own.
    """
    trace = rows.ids[f"{team} trace"] = f"{experiment}f".ljust(32, "0")
    info = {"request_id": trace, "experiment_id": int(experiment), "timestamp_ms": AT}
    rows.add("trace_info", {**info, "execution_time_ms": 5, "status": "OK"})
    location = f"mlflow-artifacts:/{experiment}/traces/{trace}/artifacts"
    rows.tag("trace_tags", {"mlflow.traceName": "root", "mlflow.artifactLocation": location}, request_id=trace)
    old = rows.release.startswith("2.")
    about = {"mlflow.trace_schema.version": "2" if old else "3", "mlflow.traceInputs": f'{{"q": "{team}"}}'}
    rows.tag("trace_request_metadata", about, request_id=trace)
    attributes = {"mlflow.traceRequestId": json.dumps(trace), "mlflow.spanInputs": json.dumps({"q": team})}
    span = _span_of_2(attributes) if old else _span_of_3(attributes)
    rows.file(f"{experiment}/traces/{trace}/artifacts/traces.json", json.dumps({"spans": [span]}))


def _span_of_2(attributes: dict[str, str]) -> dict[str, Any]:
    context = {"span_id": "6132243d20228313", "trace_id": "3046dff7d2d7cfba6427ac399cd1e268"}
    times = {"start_time": AT * 10**6, "end_time": AT * 10**6 + 9, "status_code": "OK", "status_message": ""}
    return {"name": "root", "context": context, "parent_id": None, **times, "attributes": attributes, "events": []}


def _span_of_3(attributes: dict[str, str]) -> dict[str, Any]:
    context = {
        "trace_id": "13w7XHcTOmp+WNjm6bbNBA==",
        "span_id": "HCyhAiA7eTM=",
        "trace_state": "",
        "parent_span_id": "",
    }
    times = {"start_time_unix_nano": AT * 10**6, "end_time_unix_nano": AT * 10**6 + 9}
    status = {"message": "", "code": "STATUS_CODE_OK"}
    return {**context, "name": "root", **times, "attributes": attributes, "status": status}


def _prompt(rows: OldRows) -> None:
    """
    Prompts were models with a tag, their text a tag of the version.
    """
    name, is_prompt = "fraud-greeting", {"mlflow.prompt.is_prompt": "true"}
    rows.add("registered_models", {"name": name, "creation_time": AT, "last_updated_time": AT, "description": "first"})
    rows.tag("registered_model_tags", is_prompt, name=name)
    for version, words in enumerate(("Hello {{name}}", "Hi {{name}}"), 1):
        nowhere = {"source": "dummy-source", "storage_location": "dummy-source", "run_id": ""}
        _version(rows, name, version, **nowhere)
        rows.tag("model_version_tags", {**is_prompt, "mlflow.prompt.text": words}, name=name, version=version)
    rows.add("registered_model_aliases", {"name": name, "alias": "live", "version": 2})
