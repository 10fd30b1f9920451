"""MLflow's database as the adoption reads and changes it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, create_engine, inspect, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from cerberus.errors import Invalid, Unavailable
from cerberus_mlflow.adoption.plan import STAYS, Move, Sort, Thing

DEFAULT: Final = "default"
MODEL_TABLES: Final = (
    "registered_models",
    "model_versions",
    "registered_model_tags",
    "registered_model_aliases",
    "model_version_tags",
)
"""The parent first: where the database carries the change along by itself, the others have nothing left to do."""
BY_ID: Final = {Sort.EXPERIMENT: ("experiments", "experiment_id"), Sort.DATASET: ("evaluation_datasets", "dataset_id")}
LOGGED_MODEL: Final = re.compile(r"models:/(m-[0-9a-f]+)(?:/.*)?|mlflow-artifacts:.*/models/(m-[0-9a-f]+)(?:/.*)?")
PROXIED: Final = re.compile(r"mlflow-artifacts:(?://[^/]*)?/*(.*)")


class MlflowDatabase:
    """One MLflow database, SQLite or PostgreSQL."""

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
            if parsed.drivername in ("postgresql", "postgres"):
                parsed = parsed.set(drivername="postgresql+psycopg2")  # the driver that comes with MLflow's extra
            self.engine = create_engine(parsed)
        except (SQLAlchemyError, ImportError):
            raise Invalid("The database's URL is not understood.", field="database") from None
        self.shown = parsed.render_as_string(hide_password=True)

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """
        All or nothing; Unavailable when the database fails.
        """
        try:
            with self.engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise Unavailable(f"MLflow's database failed ({type(error).__name__}); run the command again.") from error

    def require_schema(self) -> None:
        """
        Invalid unless each table with a workspace is one that the adoption knows.
        """
        with self.transaction() as connection:
            look = inspect(connection)
            having = {
                table
                for table in look.get_table_names()
                if any(column["name"] == "workspace" for column in look.get_columns(table))
            }
        moved = {*MODEL_TABLES, *(table for table, _ in BY_ID.values())}
        if missing := sorted(moved - having):
            raise Invalid(
                f"No workspaces in {', '.join(missing)}.", field="database", hint="Run `mlflow db upgrade` on it first."
            )
        if unknown := sorted(having - moved - {*STAYS}):
            raise Invalid(f"The adoption does not know the tables {', '.join(unknown)}.", field="database")

    def things(self) -> list[Thing]:
        """
        Everything in the default workspace that is to be moved. An empty experiment 0 is MLflow's own, and stays.
        """
        with self.transaction() as connection:
            return [*_experiments(connection), *_models(connection), *_datasets(connection)]

    def staying(self) -> dict[str, int]:
        """
        How many rows of each table stay in the default workspace.
        """
        with self.transaction() as connection:
            tables = [table for table in STAYS if inspect(connection).has_table(table)]
            counts = {table: _count(connection, table) for table in tables}
        return {table: count for table, count in counts.items() if count}

    def unreachable(self) -> list[str]:
        """
        A sentence for each experiment whose artifacts went through the server, but not to a folder of its id's.
        """
        with self.transaction() as connection:
            rows = connection.execute(
                text("SELECT experiment_id, artifact_location FROM experiments WHERE workspace = :w"), {"w": DEFAULT}
            ).all()
        return [
            f"experiment {each}: artifacts at {location} are not at mlflow-artifacts:/{each}, and cannot be served."
            for each, location in rows
            if (found := PROXIED.fullmatch(location or "")) and found[1].rstrip("/") != str(each)
        ]

    def parents_apart(self, moves: Sequence[Move]) -> list[str]:
        """
        A sentence for each run whose parent run would be in another project.
        """
        project = {move.id: move.project for move in moves if move.sort is Sort.EXPERIMENT}
        statement = (
            "SELECT c.run_uuid, c.experiment_id, p.experiment_id FROM tags t JOIN runs c ON c.run_uuid = t.run_uuid "
            "JOIN runs p ON p.run_uuid = t.value WHERE t.key = 'mlflow.parentRunId' "
            "AND p.experiment_id <> c.experiment_id"
        )
        with self.transaction() as connection:
            rows = connection.execute(text(statement)).all()
        return [
            f"run {run} of experiment {child} has its parent in experiment {parent}, which would be in another project."
            for run, child, parent in rows
            if project.get(str(child)) != project.get(str(parent))
        ]

    def taken(self, moves: Sequence[Move], *, undo: str = "") -> list[Move]:
        """
        The moves whose name is there already, while what is to be moved is still where it was.
        """
        with self.transaction() as connection:
            return [move for move in moves if _taken(connection, move, undo=undo)]

    def move(self, moves: Sequence[Move]) -> int:
        """
        Moves what is still in the default workspace, in one transaction; how many those were.
        """
        with self.transaction() as connection:
            return sum(_shift(connection, move, source=DEFAULT, target=move.project) for move in moves)

    def move_back(self, moves: Sequence[Move]) -> int:
        """
        The reverse of `move`.
        """
        with self.transaction() as connection:
            return sum(_shift(connection, move, source=move.project, target=DEFAULT) for move in moves)


def _count(connection: Connection, table: str) -> int:
    statement = text(f"SELECT count(*) FROM {table} WHERE workspace = :w")  # noqa: S608 - a table of our own list
    return int(connection.execute(statement, {"w": DEFAULT}).scalar_one())


def _place(move: Move) -> tuple[tuple[str, ...], str, Any]:
    """
    The tables, the column that names the thing, and the value there.
    """
    if move.sort in BY_ID:
        table, column = BY_ID[move.sort]
        return (table,), column, int(move.id) if move.sort is Sort.EXPERIMENT else move.id
    return MODEL_TABLES, "name", move.name


def _shift(connection: Connection, move: Move, *, source: str, target: str) -> int:
    tables, column, value = _place(move)
    moved = [
        connection.execute(
            text(f"UPDATE {table} SET workspace = :target WHERE {column} = :value AND workspace = :source"),  # noqa: S608
            {"target": target, "source": source, "value": value},
        ).rowcount
        for table in tables
    ]
    return moved[0]


def _taken(connection: Connection, move: Move, *, undo: str) -> bool:
    """
    A dataset's name need not be its own alone; an experiment's and a model's must.
    """
    if move.sort is Sort.DATASET:
        return False
    table = "experiments" if move.sort is Sort.EXPERIMENT else "registered_models"
    source, target = (move.project, undo) if undo else (DEFAULT, move.project)
    statement = text(f"SELECT count(DISTINCT workspace) FROM {table} WHERE name = :n AND workspace IN (:s, :t)")  # noqa: S608
    return int(connection.execute(statement, {"n": move.name, "s": source, "t": target}).scalar_one()) > 1


def _tags(connection: Connection, statement: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for owner, key, value in connection.execute(text(statement), {"w": DEFAULT}):
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
        connection.execute(
            text(
                "SELECT DISTINCT r.experiment_id, t.value FROM runs r JOIN tags t ON t.run_uuid = r.run_uuid "
                "WHERE t.key = 'mlflow.user'"
            )
        )
    )
    used = "".join(
        f" OR EXISTS (SELECT 1 FROM {table} x WHERE x.experiment_id = e.experiment_id)"  # noqa: S608
        for table in ("runs", "trace_info", "logged_models")
    )
    statement = f"SELECT experiment_id, name FROM experiments e WHERE workspace = :w AND (experiment_id <> 0{used})"  # noqa: S608
    return [
        Thing(Sort.EXPERIMENT, str(each), name, tags.get(str(each), {}), users=users.get(str(each), frozenset()))
        for each, name in connection.execute(text(statement), {"w": DEFAULT})
    ]


def _models(connection: Connection) -> list[Thing]:
    tags = _tags(connection, "SELECT name, key, value FROM registered_model_tags WHERE workspace = :w")
    where = {"w": DEFAULT}
    runs = connection.execute(
        text(
            "SELECT v.name, r.experiment_id FROM model_versions v JOIN runs r ON r.run_uuid = v.run_id "
            "WHERE v.workspace = :w"
        ),
        where,
    ).all()
    logged = connection.execute(text("SELECT model_id, experiment_id FROM logged_models")).all()
    experiment_of: dict[str, Any] = {row[0]: row[1] for row in logged}
    sources = connection.execute(text("SELECT name, source FROM model_versions WHERE workspace = :w"), where).all()
    named = [
        (name, experiment_of.get(found[1] or found[2]))
        for name, source in sources
        if (found := LOGGED_MODEL.fullmatch(source or ""))
    ]
    origins = _sets([*runs, *named])
    users = _sets(
        connection.execute(
            text(
                "SELECT v.name, t.value FROM model_versions v JOIN tags t ON t.run_uuid = v.run_id "
                "WHERE t.key = 'mlflow.user' AND v.workspace = :w"
            ),
            where,
        )
    )
    found_models = connection.execute(text("SELECT name FROM registered_models WHERE workspace = :w"), where)
    nobody: frozenset[str] = frozenset()
    return [
        Thing(
            _sort(tags.get(name, {})),
            name,
            name,
            tags.get(name, {}),
            origins.get(name, nobody),
            users.get(name, nobody),
        )
        for (name,) in found_models
    ]


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
    rows = connection.execute(
        text("SELECT dataset_id, name FROM evaluation_datasets WHERE workspace = :w"), {"w": DEFAULT}
    )
    return [Thing(Sort.DATASET, each, name, tags.get(each, {}), origins.get(each, frozenset())) for each, name in rows]
