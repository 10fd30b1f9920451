"""MLflow's database as the adoption changes it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, TextClause, bindparam, create_engine, inspect, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from cerberus.errors import Invalid, Unavailable
from cerberus_mlflow.adoption import contents
from cerberus_mlflow.adoption.plan import Move, Sort, Thing
from cerberus_mlflow.adoption.tables import BY_ID, DEFAULT, MLFLOW_VERSION, MODEL_TABLES, MOVED, REVISION, STAYS

DRIVERS: Final = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg2",
    "postgresql": "postgresql+psycopg2",  # the driver that comes with MLflow's extra
}
UPGRADE: Final = "Take a backup and run `mlflow db upgrade` on it first."
BATCH: Final = 100

Way = Callable[[Move], tuple[str, str]]
"""From which workspace to which a move leads."""


class MlflowDatabase:
    """One MLflow database, SQLite or PostgreSQL."""

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
            parsed = parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))
            self.engine = create_engine(parsed)
        except (SQLAlchemyError, ImportError):
            raise Invalid(
                "The database's URL is not understood.",
                field="database",
                hint="Runs that are in a folder go into a database with `mlflow migrate-filestore`.",
            ) from None
        self.shown = parsed.render_as_string(hide_password=True)
        if self.engine.dialect.name not in DRIVERS:
            raise Invalid("The adoption knows SQLite and PostgreSQL only.", field="database")
        file = parsed.database if self.engine.dialect.name == "sqlite" else None
        if file and not file.startswith("file:") and not Path(file).is_file():  # SQLite would make it
            raise Invalid(f"There is no file {file}.", field="database")

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
        Invalid unless the tables are those of the release that the server runs, each one with a workspace known.
        """
        with self.transaction() as connection:
            look = inspect(connection)
            tables = set(look.get_table_names())
            if not {"experiments", "runs", "alembic_version"} <= tables:
                raise Invalid(f"{self.shown} is no database of MLflow's.", field="database", hint=UPGRADE)
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            if found != REVISION:
                raise Invalid(
                    f"The database is not of MLflow {MLFLOW_VERSION} (revision {found}, not {REVISION}).",
                    field="database",
                    hint=UPGRADE,
                )
            having = {table for table in tables if any(each["name"] == "workspace" for each in look.get_columns(table))}
        if unknown := sorted(having ^ {*MOVED, *STAYS}):
            raise Invalid(f"The adoption does not know the tables {', '.join(unknown)}.", field="database")

    def things(self) -> list[Thing]:
        """
        Everything in the default workspace that is to be moved. An empty experiment 0 is MLflow's own, and stays.
        """
        with self.transaction() as connection:
            return contents.things(connection)

    def problems(self, moves: Sequence[Move]) -> list[str]:
        """
        A sentence for each experiment whose runs would be apart, or whose artifacts the server would not find.
        """
        with self.transaction() as connection:
            return [*contents.parents_apart(connection, moves), *contents.unreachable(connection)]

    def staying(self) -> dict[str, int]:
        """
        How many rows of each table stay in the default workspace.
        """
        with self.transaction() as connection:
            counts = {table: _counts(connection, table).get(DEFAULT, 0) for table in STAYS}
        return {table: count for table, count in counts.items() if count}

    def elsewhere(self) -> dict[str, int]:
        """
        How many experiments, models and datasets each other workspace has.
        """
        found: Counter[str] = Counter()
        with self.transaction() as connection:
            for table in ("experiments", "registered_models", "evaluation_datasets"):
                found.update(_counts(connection, table))
        return {workspace: count for workspace, count in sorted(found.items()) if workspace != DEFAULT}

    def taken(self, moves: Sequence[Move]) -> list[Move]:
        """
        The moves whose name their project has already, while what is to be moved is still where it was.
        """
        return self._taken(moves, _there)

    def taken_again(self, moves: Sequence[Move]) -> list[Move]:
        """
        The moves whose name the default workspace has again.
        """
        return self._taken(moves, _back)

    def _taken(self, moves: Sequence[Move], way: Way) -> list[Move]:
        with self.transaction() as connection:
            return [each for batch in batches(moves) for each in _names_taken(connection, batch, way)]

    def move(self, moves: Sequence[Move]) -> None:
        """
        Moves what is still in the default workspace, in one transaction.
        """
        with self.transaction() as connection:
            _shift(connection, moves, _there)

    def move_back(self, moves: Sequence[Move]) -> None:
        """
        The reverse of `move`.
        """
        with self.transaction() as connection:
            _shift(connection, moves, _back)


def batches(moves: Sequence[Move]) -> Iterator[Sequence[Move]]:
    """
    The moves, as many at a time as are moved in one transaction.
    """
    for start in range(0, len(moves), BATCH):
        yield moves[start : start + BATCH]


def _there(move: Move) -> tuple[str, str]:
    return DEFAULT, move.project


def _back(move: Move) -> tuple[str, str]:
    return move.project, DEFAULT


def _counts(connection: Connection, table: str) -> dict[str, int]:
    statement = f"SELECT workspace, count(*) FROM {table} GROUP BY workspace"  # noqa: S608 - a table of our own list
    return {str(workspace): int(count) for workspace, count in connection.execute(text(statement))}


def _place(move: Move) -> tuple[tuple[str, ...], str, Any]:
    """
    The tables, the column that names the thing, and the value there.
    """
    if move.sort in BY_ID:
        table, column = BY_ID[move.sort]
        return (table,), column, int(move.id) if move.sort is Sort.EXPERIMENT else move.id
    return MODEL_TABLES, "name", move.name


def _shift(connection: Connection, moves: Sequence[Move], way: Way) -> None:
    """
    One statement for each table, workspace left and workspace entered.
    """
    together: dict[tuple[tuple[str, ...], str, tuple[str, str]], list[Any]] = defaultdict(list)
    for move in moves:
        tables, column, value = _place(move)
        together[tables, column, way(move)].append(value)
    for (tables, column, (source, target)), values in together.items():
        for table in tables:
            statement = f"UPDATE {table} SET workspace = :target WHERE workspace = :source AND {column} IN :values"  # noqa: S608
            connection.execute(_of_many(statement), {"target": target, "source": source, "values": values})


def _names_taken(connection: Connection, moves: Sequence[Move], way: Way) -> Iterator[Move]:
    """
    A dataset's name need not be its own alone; an experiment's and a model's must.
    """
    have = {
        (table, workspace, name)
        for table in ("experiments", "registered_models")
        for workspace, name in connection.execute(
            _of_many(f"SELECT workspace, name FROM {table} WHERE name IN :values"),  # noqa: S608
            {"values": sorted({move.name for move in moves})},
        )
    }
    for move in moves:
        table = "experiments" if move.sort is Sort.EXPERIMENT else "registered_models"
        if move.sort is not Sort.DATASET and all((table, workspace, move.name) in have for workspace in way(move)):
            yield move


def _of_many(statement: str) -> TextClause:
    return text(statement).bindparams(bindparam("values", expanding=True))
