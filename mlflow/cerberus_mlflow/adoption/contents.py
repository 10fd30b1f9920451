"""What lies in the default workspace of an MLflow database, and what it comes from.

What is read in one piece is in proportion to the things that are moved, not to their runs, versions or logged models.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, text

from cerberus_mlflow.adoption.plan import Move, Sort, Thing
from cerberus_mlflow.adoption.tables import DEFAULT, USED_BY

PROXIED: Final = re.compile(r"mlflow-artifacts:(?://[^/]*)?/*(.*)", re.DOTALL)
IN_EXPERIMENT: Final = re.compile(r"([0-9]{1,18})/")
AT_ONCE: Final = 1_000
NOBODY: Final[frozenset[str]] = frozenset()


def things(connection: Connection) -> list[Thing]:
    """
    Everything in the default workspace that is to be moved. An empty experiment 0 is MLflow's own, and stays.
    """
    return [*_experiments(connection), *_models(connection), *_datasets(connection)]


def unreachable(connection: Connection) -> list[str]:
    """
    A sentence for each experiment whose artifacts went through the server, but not to a folder of its id's.
    """
    rows = _rows(connection, "SELECT experiment_id, artifact_location FROM experiments WHERE workspace = :w")
    return [
        f"experiment {each}: artifacts at {location} are not at mlflow-artifacts:/{each}, and cannot be served."
        for each, location in rows
        if (found := PROXIED.fullmatch(location or "")) and found[1].rstrip("/") != str(each)
    ]


def parents_apart(connection: Connection, moves: Sequence[Move]) -> list[str]:
    """
    A sentence for each experiment whose runs have parents in an experiment that would be in another project.
    """
    project = {move.id: move.project for move in moves if move.sort is Sort.EXPERIMENT}
    statement = (
        "SELECT c.experiment_id, p.experiment_id, count(*), min(c.run_uuid) FROM tags t "
        "JOIN runs c ON c.run_uuid = t.run_uuid JOIN runs p ON p.run_uuid = t.value "
        "WHERE t.key = 'mlflow.parentRunId' AND p.experiment_id <> c.experiment_id "
        "GROUP BY c.experiment_id, p.experiment_id ORDER BY c.experiment_id, p.experiment_id"
    )
    return [
        f"experiment {child}: {count} run(s), {run} among them, have parents in experiment {parent}, which would be in "
        "another project."
        for child, parent, count, run in connection.execute(text(statement))
        if project.get(str(child)) != project.get(str(parent))
    ]


def _rows(connection: Connection, statement: str) -> Sequence[Any]:
    return connection.execute(text(statement), {"w": DEFAULT}).all()


def _tags(connection: Connection, statement: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for owner, key, value in _rows(connection, statement):
        found[str(owner)][key] = value or ""
    return found


def _sets(rows: Iterable[Any]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for owner, value in rows:
        if value is not None:
            found[str(owner)].add(str(value))
    return {owner: frozenset(values) for owner, values in found.items()}


def _experiments(connection: Connection) -> list[Thing]:
    tags = _tags(
        connection,
        "SELECT t.experiment_id, t.key, t.value FROM experiment_tags t "
        "JOIN experiments e ON e.experiment_id = t.experiment_id WHERE e.workspace = :w",
    )
    users = _sets(
        _rows(
            connection,
            "SELECT DISTINCT r.experiment_id, t.value FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid "
            "JOIN experiments e ON e.experiment_id = r.experiment_id WHERE t.key = 'mlflow.user' AND e.workspace = :w",
        )
    )
    used = "".join(
        f" OR EXISTS (SELECT 1 FROM {table} x WHERE x.experiment_id = e.experiment_id)"  # noqa: S608
        for table in USED_BY
    )
    statement = f"SELECT experiment_id, name FROM experiments e WHERE workspace = :w AND (experiment_id <> 0{used})"  # noqa: S608
    return [
        Thing(Sort.EXPERIMENT, str(each), name, tags.get(str(each), {}), users=users.get(str(each), NOBODY))
        for each, name in _rows(connection, statement)
    ]


def _models(connection: Connection) -> list[Thing]:
    tags = _tags(connection, "SELECT name, key, value FROM registered_model_tags WHERE workspace = :w")
    users = _sets(
        _rows(
            connection,
            "SELECT DISTINCT v.name, t.value FROM model_versions v JOIN tags t ON t.run_uuid = v.run_id "
            "WHERE t.key = 'mlflow.user' AND v.workspace = :w",
        )
    )
    origins = _sets(_origins(connection))
    return [
        Thing(
            _sort(tags.get(name, {})),
            name,
            name,
            tags.get(name, {}),
            origins.get(name, NOBODY),
            users.get(name, NOBODY),
        )
        for (name,) in _rows(connection, "SELECT name FROM registered_models WHERE workspace = :w")
    ]


def _origins(connection: Connection) -> Iterable[tuple[str, Any]]:
    """
    Models and experiments that a version of theirs comes from: by its run, its logged model, or where its files are.
    """
    yield from _rows(
        connection,
        "SELECT DISTINCT v.name, r.experiment_id FROM model_versions v JOIN runs r ON r.run_uuid = v.run_id "
        "WHERE v.workspace = :w",
    )
    yield from _rows(
        connection,  # models:/m-<32 hexadecimal digits>, or a path below it
        "SELECT DISTINCT v.name, m.experiment_id FROM model_versions v "
        "JOIN logged_models m ON m.model_id = substr(v.source, 9, 34) "
        "WHERE v.workspace = :w AND v.source LIKE 'models:/m-%'",
    )
    statement = "SELECT name, source FROM model_versions WHERE workspace = :w AND source LIKE 'mlflow-artifacts:%'"
    streamed = connection.execution_options(yield_per=AT_ONCE).execute(text(statement), {"w": DEFAULT})
    for name, source in streamed:
        proxied = PROXIED.fullmatch(source)
        if proxied and (experiment := IN_EXPERIMENT.match(proxied[1])):
            yield name, int(experiment[1])


def _sort(tags: dict[str, str]) -> Sort:
    return Sort.PROMPT if tags.get("mlflow.prompt.is_prompt", "").lower() == "true" else Sort.MODEL


def _datasets(connection: Connection) -> list[Thing]:
    tags = _tags(
        connection,
        "SELECT t.dataset_id, t.key, t.value FROM evaluation_dataset_tags t "
        "JOIN evaluation_datasets d ON d.dataset_id = t.dataset_id WHERE d.workspace = :w",
    )
    origins = _sets(
        connection.execute(
            text(
                "SELECT source_id, destination_id FROM entity_associations "
                "WHERE source_type = 'evaluation_dataset' AND destination_type = 'experiment'"
            )
        )
    )
    rows = _rows(connection, "SELECT dataset_id, name FROM evaluation_datasets WHERE workspace = :w")
    return [Thing(Sort.DATASET, each, name, tags.get(each, {}), origins.get(each, NOBODY)) for each, name in rows]
