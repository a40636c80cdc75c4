"""${message}"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from schema.append_only import forbid_changes
from schema.types import Money, UtcDateTime

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915
    ${upgrades if upgrades else "pass"}
