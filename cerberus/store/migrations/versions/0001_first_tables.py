"""The first tables."""

import sqlalchemy as sa
from alembic import op

from cerberus.store.types import UtcDateTime, key, long_text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes forward; there is no way back but a back-up."""
    op.create_table(
        "audit_lines",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("who", key(64), nullable=False),
        sa.Column("on_behalf_of", key(64), nullable=False),
        sa.Column("action", key(60), nullable=False),
        sa.Column("target", key(400), nullable=False),
        sa.Column("project", key(63), nullable=True),
        sa.Column("before", long_text(), nullable=True),
        sa.Column("after", long_text(), nullable=True),
        sa.Column("outcome", key(20), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        sa.Column("request_id", key(64), nullable=False),
        sa.Column("previous_hash", key(64), nullable=True),
        sa.Column("hash", key(64), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_audit_lines"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_lines_action", "audit_lines", ["action"])
    op.create_index("ix_audit_lines_at", "audit_lines", ["at"])
    op.create_index("ix_audit_lines_project", "audit_lines", ["project"])
    op.create_index("ix_audit_lines_who", "audit_lines", ["who"])

    op.create_table(
        "policy_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("chain_head", key(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policy_state"),
    )
    op.create_table(
        "projects",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", key(63), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("archived_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        sa.UniqueConstraint("slug", name="uq_projects_slug"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("who", key(80), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("who", name="pk_sign_in_failures"),
    )
    op.create_index("ix_sign_in_failures_since", "sign_in_failures", ["since"])

    op.create_table(
        "subjects",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", key(20), nullable=False),
        sa.Column("name", key(64), nullable=False),
        sa.Column("display_name", sa.String(length=200), nullable=False),
        sa.Column("password_hash", key(100), nullable=True),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_subjects_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_subjects"),
        sa.UniqueConstraint("name", name="uq_subjects_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_subjects_project_id", "subjects", ["project_id"])

    op.create_table(
        "bindings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("role", key(64), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("added_by", key(64), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_bindings_project_id"),
        sa.ForeignKeyConstraint(["subject_id"], ["subjects.id"], name="fk_bindings_subject_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_bindings"),
        sa.UniqueConstraint("project_id", "subject_id", name="uq_bindings_project_id_subject_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_bindings_subject_id", "bindings", ["subject_id"])

    op.create_table(
        "grants",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("kind", key(40), nullable=False),
        sa.Column("resource_id", key(256), nullable=False),
        sa.Column("level", key(10), nullable=False),
        sa.Column("source", key(20), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("added_by", key(64), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_grants_project_id"),
        sa.ForeignKeyConstraint(["subject_id"], ["subjects.id"], name="fk_grants_subject_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
        sa.UniqueConstraint(
            "project_id",
            "kind",
            "resource_id",
            "subject_id",
            "source",
            name="uq_grants_project_id_kind_resource_id_subject_id_source",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_grants_subject_id_project_id", "grants", ["subject_id", "project_id"])

    op.create_table(
        "memberships",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["subjects.id"], name="fk_memberships_group_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["member_id"], ["subjects.id"], name="fk_memberships_member_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("group_id", "member_id", name="pk_memberships"),
    )
    op.create_index("ix_memberships_member_id", "memberships", ["member_id"])

    op.create_table(
        "platform_roles",
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("role", key(20), nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.id"], name="fk_platform_roles_subject_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subject_id", "role", name="pk_platform_roles"),
    )
    op.create_index("ix_platform_roles_role", "platform_roles", ["role"])

    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cookie_hash", key(64), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["subject_id"], ["subjects.id"], name="fk_sessions_subject_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("cookie_hash", name="uq_sessions_cookie_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sessions_subject_id", "sessions", ["subject_id"])

    op.create_table(
        "tokens",
        sa.Column("id", key(16), nullable=False),
        sa.Column("secret_hash", key(64), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("session_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("scopes", key(40), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_tokens_project_id"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name="fk_tokens_session_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["subject_id"], ["subjects.id"], name="fk_tokens_subject_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
    )
    op.create_index("ix_tokens_session_id", "tokens", ["session_id"])
    op.create_index("ix_tokens_subject_id", "tokens", ["subject_id"])
