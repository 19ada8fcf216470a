"""Deliveries: in which order they leave."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what waits already is of normal priority."""
    op.add_column("delivery", sa.Column("priority", sa.Integer, nullable=False, server_default="1"))
    op.create_index("delivery_by_priority", "delivery", ["target", "state", "priority", "id"])


def downgrade() -> None:
    """Take it away again; used by no command."""
    op.drop_index("delivery_by_priority", "delivery")
    op.drop_column("delivery", "priority")
