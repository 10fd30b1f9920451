"""${message}"""

import sqlalchemy as sa
from alembic import op

from cerberus.store.types import UtcDateTime, key, long_text

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Goes forward; there is no way back but a back-up."""
    ${upgrades if upgrades else "pass"}
