"""What is being done to things in MLflow, so that a crash in the middle leaves nothing without its owner."""

import sqlalchemy as sa
from alembic import op

from cerberus.store.types import UtcDateTime, key, long_text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes forward; there is no way back but a back-up."""
    op.create_table(
        "intents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("deed", key(10), nullable=False),
        sa.Column("project", key(63), nullable=False),
        sa.Column("kind", key(40), nullable=False),
        sa.Column("resource_id", key(256), nullable=False),
        sa.Column("new_id", key(256), nullable=False),
        sa.Column("mark", key(64), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("line", long_text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["subject_id"], ["subjects.id"], name="fk_intents_subject_id"),
        sa.PrimaryKeyConstraint("id", name="pk_intents"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_intents_project_kind_resource_id", "intents", ["project", "kind", "resource_id"])
    op.create_index("ix_intents_at", "intents", ["at"])
