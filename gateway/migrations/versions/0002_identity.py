"""Identity: the sealed crosswalk, who a patient is by keyed hash, accepted corrections, withdrawals."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_INDEXES = {
    "instance_by_study": "study_index",
    "instance_by_patient": "patient_index",
    "instance_by_pseudonym": "pseudonym",
    "instance_by_public_series": "public_series_uid",
    "instance_by_public_sop": "public_sop_uid",
}


def upgrade() -> None:
    """Add columns and indexes; what stands in the ledger stays as it is."""
    op.add_column("instance", sa.Column("subject_index", sa.LargeBinary(32)))
    op.add_column("instance", sa.Column("crosswalk", sa.LargeBinary))
    op.add_column("instance", sa.Column("accepted", sa.Boolean, nullable=False, server_default=sa.false()))
    for name, column in _INDEXES.items():
        op.create_index(name, "instance", [column])
    op.create_table(
        "withdrawal",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("index", sa.LargeBinary(32), nullable=False),
        sa.Column("lifted_at", sa.Float),
        sqlite_autoincrement=True,
    )
    op.create_index("withdrawal_by_index", "withdrawal", ["index"])


def downgrade() -> None:
    """Take it away again; used by no command."""
    op.drop_table("withdrawal")
    for name in _INDEXES:
        op.drop_index(name, "instance")
    for name in ("accepted", "crosswalk", "subject_index"):
        op.drop_column("instance", name)
