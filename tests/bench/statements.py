"""Which statements look at a whole large table: asked of the database's own plan."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Engine

TABLES = ("bindings", "grants", "memberships", "projects", "subject_words", "subjects")
LARGE = 2_000
"""A table, or an index, of which a plan means to read so many rows from end to end."""


def full_scans(engine: Engine, statements: Iterable[tuple[str, Any]]) -> list[str]:
    """
    A line for each statement that reads a large table or index from end to end.
    """
    found = []
    with engine.connect() as connection:
        for statement, parameters in dict(statements).items():
            if engine.dialect.name == "sqlite":
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).mappings()
                bad = [row["detail"] for row in rows if row["detail"].removeprefix("SCAN ").split()[0] in TABLES]
            else:
                rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).mappings()
                bad = [
                    f"{row['table']} ({row['type']}, {row['rows']} rows)"
                    for row in rows
                    if row["type"] in ("ALL", "index")
                    and int(row["rows"] or 0) >= LARGE
                    and not str(row["table"]).startswith("<")
                ]
            if bad:
                found.append(f"- {' '.join(statement.split())[:160]}: {', '.join(bad)}")
    return found
