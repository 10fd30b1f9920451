"""The role by which Studio reads MLflow's PostgreSQL database: it can select, and nothing else."""

from urllib.parse import unquote, urlsplit

import psycopg2
from psycopg2 import sql

from cerberus.settings import secrets_dir

ROLE = "studio_reader"
PASSWORD_FILE = "studio_database_password"  # noqa: S105 - a file's name


def ensure_reader(url: str) -> None:
    """
    The role exists with the password of its secret file and may read every table, those of later upgrades too.
    Nothing happens on SQLite, nor where no such secret is given.
    """
    secrets = secrets_dir()
    parts = urlsplit(url)
    if not parts.scheme.startswith("postgresql") or secrets is None or not (secrets / PASSWORD_FILE).exists():
        return
    password = (secrets / PASSWORD_FILE).read_text().strip()
    connection = psycopg2.connect(
        host=parts.hostname,
        port=parts.port or 5432,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        dbname=parts.path.lstrip("/"),
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,))
        verb = "ALTER" if cursor.fetchone() else "CREATE"
        for statement in (
            f"{verb} ROLE {{role}} LOGIN PASSWORD {{password}}",
            "ALTER ROLE {role} SET default_transaction_read_only = on",
            "GRANT USAGE ON SCHEMA public TO {role}",
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {role}",
        ):
            filled = sql.SQL(statement).format(role=sql.Identifier(ROLE), password=sql.Literal(password))
            cursor.execute(filled)
    connection.close()
