"""Storage commitment: what targets were asked to keep, and when each delivery is asked about (again)."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns and tables; what was sent before is asked about once a node's `storage_commitment` is true."""
    op.add_column("delivery", sa.Column("ask_at", sa.Float))
    op.add_column("delivery", sa.Column("times_missing", sa.Integer, nullable=False, server_default="0"))
    op.create_index("delivery_to_ask", "delivery", ["target", "ask_at"])
    op.create_table(
        "commitment",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("transaction_uid", sa.String(64), nullable=False, unique=True),
        sa.Column("target", sa.String(64), nullable=False),
        sa.Column("made_at", sa.Float, nullable=False),
        sa.Column("asked_at", sa.Float),
        sa.Column("answered_at", sa.Float),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "commitment_item",
        sa.Column("commitment_id", sa.Integer, sa.ForeignKey("commitment.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("delivery_id", sa.Integer, sa.ForeignKey("delivery.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("sent_at", sa.Float, nullable=False),
    )
    op.create_index("commitment_item_by_delivery", "commitment_item", ["delivery_id"])


def downgrade() -> None:
    """Take it away again; used by no command."""
    op.drop_table("commitment_item")
    op.drop_table("commitment")
    op.drop_index("delivery_to_ask", "delivery")
    for name in ("times_missing", "ask_at"):
        op.drop_column("delivery", name)
