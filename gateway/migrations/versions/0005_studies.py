"""Studies: since when each is known, when its last instance came, and when it counted as complete."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; the node fills it from the instances that are there."""
    op.create_table(
        "study",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("study_index", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("last_instance_id", sa.Integer, nullable=False),
        sa.Column("first_received_at", sa.Float, nullable=False),
        sa.Column("last_received_at", sa.Float, nullable=False),
        sa.Column("first_completed_at", sa.Float),
        sa.Column("completed_at", sa.Float),
        sqlite_autoincrement=True,
    )
    op.create_index("study_by_completion", "study", ["completed_at", "last_received_at"])
    op.create_index("study_by_last_instance", "study", ["last_instance_id"])


def downgrade() -> None:
    """Take it away again; used by no command."""
    op.drop_table("study")
