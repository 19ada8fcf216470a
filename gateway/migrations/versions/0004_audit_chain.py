"""The audit becomes a hash chain, and remembers how far it was exported.

SQLite cannot give a table a column that is NOT NULL and has no default: the rows are copied, with their numbers, and
the triggers made again.
"""

import json

import sqlalchemy as sa
from alembic import op

from gateway.audit_chain import BEFORE_THE_FIRST, row_sha256

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BATCH = 1000


def upgrade() -> None:
    """Chain what stands there, in the order in which it was written."""
    op.drop_index("audit_by_instance", "audit")
    op.rename_table("audit", "audit_before_chain")
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("instance_id", sa.Integer),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("previous_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sqlite_autoincrement=True,
    )
    _copy(op.get_bind())
    op.drop_table("audit_before_chain")
    op.create_index("audit_by_instance", "audit", ["instance_id"])
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
        )
    op.create_table(
        "audit_exported",
        sa.Column("destination", sa.String(300), primary_key=True),
        sa.Column("last_id", sa.Integer, nullable=False),
    )


def _copy(connection: sa.Connection) -> None:
    old = "SELECT id, at, actor, action, instance_id, detail FROM audit_before_chain WHERE id > ? ORDER BY id LIMIT ?"
    new = "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    last, previous = 0, BEFORE_THE_FIRST
    while rows := connection.exec_driver_sql(old, (last, _BATCH)).all():
        chained = []
        for row in rows:
            sha256 = row_sha256(
                previous,
                at=row.at,
                actor=row.actor,
                action=row.action,
                instance_id=row.instance_id,
                detail=json.loads(row.detail),
            )
            chained.append((*row, previous, sha256))
            previous = sha256
        connection.exec_driver_sql(new, chained)
        last = rows[-1].id


def downgrade() -> None:
    """Take the chain away again; used by no command."""
    op.drop_table("audit_exported")
    for verb in ("update", "delete"):
        op.execute(f"DROP TRIGGER audit_no_{verb}")
    for name in ("sha256", "previous_sha256"):
        op.drop_column("audit", name)
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
        )
