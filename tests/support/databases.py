"""Databases of a test's own, which are gone after it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from left_out import MYSQL, POSTGRESQL
from sqlalchemy import create_engine, make_url


@contextmanager
def postgresql(title: str) -> Iterator[str]:
    """The address of an empty PostgreSQL database."""
    with _database(POSTGRESQL, title, "", " WITH (FORCE)") as url:
        yield url


@contextmanager
def mysql(title: str) -> Iterator[str]:
    """The address of an empty MySQL database."""
    with _database(MYSQL, title, " CHARACTER SET utf8mb4", "") as url:
        yield url


@contextmanager
def _database(server_url: str, title: str, made_with: str, dropped_with: str) -> Iterator[str]:
    name = f"mlstudio_test_{title}_{os.getpid()}"
    server = create_engine(server_url, isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}{made_with}")
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}{dropped_with}")
    finally:
        server.dispose()
