"""Custom roles, requests for access, single sign-on, idempotency keys, words to find people by, retention."""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

from cerberus.store.types import UtcDateTime, key, long_text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NO_HASH = "0" * 64


def upgrade() -> None:
    """Goes forward; there is no way back but a back-up."""
    op.add_column("policy_state", sa.Column("chain_start", key(64), nullable=False, server_default=NO_HASH))
    op.add_column("projects", sa.Column("askable", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("projects", sa.Column("deleted_at", UtcDateTime(), nullable=True))
    op.add_column("platform_roles", sa.Column("source", key(20), nullable=False, server_default=""))
    op.add_column("memberships", sa.Column("source", key(20), nullable=False, server_default=""))
    _index_the_audit()
    _roles_and_requests()
    _sign_on()
    op.create_table(
        "idempotency_keys",
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", key(100), nullable=False),
        sa.Column("request_hash", key(64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", long_text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _to_subject("idempotency_keys"),
        sa.PrimaryKeyConstraint("subject_id", "idempotency_key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    _words()


def _to_subject(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["subject_id"], ["subjects.id"], name=f"fk_{table}_subject_id", ondelete="CASCADE")


def _index_the_audit() -> None:
    for column in ("action", "project", "who"):
        op.drop_index(f"ix_audit_lines_{column}", "audit_lines")
    if op.get_bind().dialect.name != "sqlite":  # there every text is compared byte by byte
        for column, length in (("address", 64), ("client", 200)):
            op.alter_column("audit_lines", column, type_=key(length), existing_nullable=False)
    for column in ("who", "on_behalf_of", "action", "target", "project", "outcome", "address", "client"):
        op.create_index(f"ix_audit_lines_{column}_at", "audit_lines", [column, "at"])
    op.create_index("ix_audit_lines_request_id", "audit_lines", ["request_id"])


def _roles_and_requests() -> None:
    op.create_table(
        "roles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("home", key(63), nullable=False),
        sa.Column("name", key(64), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("levels", long_text(), nullable=False),
        sa.Column("manages_project", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_roles"),
        sa.UniqueConstraint("home", "name", name="uq_roles_home_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_roles_name", "roles", ["name"])
    op.create_index("ix_bindings_role", "bindings", ["role"])
    op.create_table(
        "access_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("role", key(64), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("state", key(20), nullable=False),
        sa.Column("open_key", key(64), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", key(64), nullable=True),
        sa.Column("answer", sa.String(length=500), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_access_requests_project_id"),
        _to_subject("access_requests"),
        sa.PrimaryKeyConstraint("id", name="pk_access_requests"),
        sa.UniqueConstraint("open_key", name="uq_access_requests_open_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_access_requests_project_id_state", "access_requests", ["project_id", "state"])
    op.create_index("ix_access_requests_subject_id", "access_requests", ["subject_id"])


def _sign_on() -> None:
    op.create_table(
        "identities",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("issuer", key(255), nullable=False),
        sa.Column("external_id", key(255), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        _to_subject("identities"),
        sa.PrimaryKeyConstraint("id", name="pk_identities"),
        sa.UniqueConstraint("issuer", "external_id", name="uq_identities_issuer_external_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_identities_subject_id", "identities", ["subject_id"])
    op.create_table(
        "sign_ons",
        sa.Column("state_hash", key(64), nullable=False),
        sa.Column("browser_hash", key(64), nullable=False),
        sa.Column("nonce", key(64), nullable=False),
        sa.Column("verifier", key(128), nullable=False),
        sa.Column("next", sa.String(length=500), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name="pk_sign_ons"),
    )
    op.create_index("ix_sign_ons_created_at", "sign_ons", ["created_at"])


def _words() -> None:
    words = op.create_table(
        "subject_words",
        sa.Column("word", key(64), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        _to_subject("subject_words"),
        sa.PrimaryKeyConstraint("word", "subject_id", name="pk_subject_words"),
    )
    op.create_index("ix_subject_words_subject_id", "subject_words", ["subject_id"])
    subjects = sa.table("subjects", sa.column("id"), sa.column("name"), sa.column("display_name"))
    found = [(row.id, _words_of(row.name, row.display_name)) for row in op.get_bind().execute(sa.select(subjects))]
    for first in range(0, len(found), 1000):
        some = found[first : first + 1000]
        op.bulk_insert(words, [{"word": word, "subject_id": each} for each, of_it in some for word in sorted(of_it)])
    op.create_index("ix_subjects_kind_name", "subjects", ["kind", "name"])


def _words_of(name: str, display_name: str) -> set[str]:
    folded = unicodedata.normalize("NFKC", f"{name} {display_name}").casefold()
    return {name[:64], *(word[:64] for word in re.split(r"[\W_]+", folded) if word)}
