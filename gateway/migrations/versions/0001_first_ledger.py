"""The first ledger: instances, deliveries, receipts, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_APPEND_ONLY = ("receipt", "audit")


def upgrade() -> None:
    """Create the tables, and triggers that keep receipts and audit append-only."""
    op.create_table(
        "instance",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("token", sa.String(32), nullable=False, unique=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32)),
        sa.Column("note", sa.String(200)),
        sa.Column("node", sa.String(64), nullable=False),
        sa.Column("calling_aet", sa.String(16), nullable=False),
        sa.Column("called_aet", sa.String(16), nullable=False),
        sa.Column("sop_class_uid", sa.String(64), nullable=False),
        sa.Column("transfer_syntax_uid", sa.String(64), nullable=False),
        sa.Column("readable", sa.Boolean, nullable=False),
        sa.Column("sop_index", sa.LargeBinary(32), nullable=False),
        sa.Column("study_index", sa.LargeBinary(32)),
        sa.Column("patient_index", sa.LargeBinary(32)),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.Float, nullable=False),
        sa.Column("changed_at", sa.Float, nullable=False),
        sa.Column("original_kept", sa.Boolean, nullable=False),
        sa.Column("output_kept", sa.Boolean, nullable=False),
        sa.Column("rule", sa.String(64)),
        sa.Column("project", sa.String(64)),
        sa.Column("profile", sa.String(64)),
        sa.Column("profile_sha256", sa.String(64)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("claimed_by", sa.String(64)),
        sa.Column("lease_until", sa.Float),
        sa.Column("output_token", sa.String(32)),
        sa.Column("output_sha256", sa.String(64)),
        sa.Column("output_bytes", sa.BigInteger),
        sa.Column("output_syntax_uid", sa.String(64)),
        sa.Column("public_sop_uid", sa.String(64)),
        sa.Column("public_series_uid", sa.String(64)),
        sa.Column("public_study_uid", sa.String(64)),
        sa.Column("pseudonym", sa.String(64)),
        sa.Column("record", sa.JSON),
        sqlite_autoincrement=True,
    )
    op.create_index("instance_by_state", "instance", ["state", "id"])
    op.create_index("instance_by_sop", "instance", ["sop_index"])
    op.create_index("instance_by_public_study", "instance", ["public_study_uid"])
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("instance_id", sa.Integer, sa.ForeignKey("instance.id"), nullable=False),
        sa.Column("target", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_try_at", sa.Float, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("why", sa.String(64)),
        sa.Column("sent_at", sa.Float),
        sa.Column("claimed_by", sa.String(64)),
        sa.Column("lease_until", sa.Float),
        sa.Column("conversion_wanted", sa.Boolean, nullable=False),
        sa.Column("output_token", sa.String(32), nullable=False),
        sa.Column("output_sha256", sa.String(64), nullable=False),
        sa.Column("output_syntax_uid", sa.String(64), nullable=False),
        sa.UniqueConstraint("instance_id", "target"),
        sqlite_autoincrement=True,
    )
    op.create_index("delivery_by_target", "delivery", ["target", "state", "next_try_at"])
    op.create_table(
        "receipt",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("token", sa.String(32), nullable=False, unique=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("node", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(32), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("instance_id", sa.Integer),
        sa.Column("detail", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_by_instance", "audit", ["instance_id"])
    for table in _APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def downgrade() -> None:
    """Drop everything; used by no command."""
    for table in ("audit", "receipt", "delivery", "instance"):
        op.drop_table(table)
