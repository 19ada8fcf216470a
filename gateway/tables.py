"""The ledger's tables. Alembic's migrations in `gateway/migrations` create them; a test holds the two together.

Times are seconds since 1970-01-01 UTC. Source UIDs and patient IDs stand here only as keyed hashes (`*_index`) and
inside `sealed` and `crosswalk` (AES-GCM); public UIDs and pseudonyms are what leaves anyway.
"""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

instance = sa.Table(
    "instance",
    METADATA,
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
    sa.Column("subject_index", sa.LargeBinary(32)),
    sa.Column("crosswalk", sa.LargeBinary),
    sa.Column("accepted", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("instance_by_state", "state", "id"),
    sa.Index("instance_by_sop", "sop_index"),
    sa.Index("instance_by_public_study", "public_study_uid"),
    sa.Index("instance_by_study", "study_index"),
    sa.Index("instance_by_patient", "patient_index"),
    sa.Index("instance_by_pseudonym", "pseudonym"),
    sa.Index("instance_by_public_series", "public_series_uid"),
    sa.Index("instance_by_public_sop", "public_sop_uid"),
    sqlite_autoincrement=True,
)
"""One row per acknowledged instance.

`patient_index` finds a Patient ID whatever its leading zeros, `subject_index` tells patients of all domains apart;
`crosswalk` is a sealed `pipeline.records.CrosswalkEntry`; `accepted` says that a person took this correction.
"""

delivery = sa.Table(
    "delivery",
    METADATA,
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
    sa.Column("ask_at", sa.Float),
    sa.Column("times_missing", sa.Integer, nullable=False, server_default="0"),
    sa.Column("priority", sa.Integer, nullable=False, server_default="1"),
    sa.UniqueConstraint("instance_id", "target"),
    sa.Index("delivery_by_target", "target", "state", "next_try_at"),
    sa.Index("delivery_to_ask", "target", "ask_at"),
    sa.Index("delivery_by_priority", "target", "state", "priority", "id"),
    sqlite_autoincrement=True,
)
"""One row per clean instance and target, naming the very file that is sent.

`ask_at`: while it is sent, when the target is asked (again) to commit to keep it; NULL where it is not asked.
`times_missing`: how often the target, asked so, did not have what it had acknowledged.
`priority`: `gateway.priority.Priority`, of the rule by which the instance became clean.
"""

commitment = sa.Table(
    "commitment",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("transaction_uid", sa.String(64), nullable=False, unique=True),
    sa.Column("target", sa.String(64), nullable=False),
    sa.Column("made_at", sa.Float, nullable=False),
    sa.Column("asked_at", sa.Float),
    sa.Column("answered_at", sa.Float),
    sqlite_autoincrement=True,
)
"""One row per storage commitment request, written before it leaves; `asked_at` once the target has taken it."""

commitment_item = sa.Table(
    "commitment_item",
    METADATA,
    sa.Column("commitment_id", sa.Integer, sa.ForeignKey("commitment.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("delivery_id", sa.Integer, sa.ForeignKey("delivery.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("sent_at", sa.Float, nullable=False),
    sa.Index("commitment_item_by_delivery", "delivery_id"),
)
"""What a request asks about and has not been answered: an answer counts only for the very send of `sent_at`."""

receipt = sa.Table(
    "receipt",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("token", sa.String(32), nullable=False, unique=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("node", sa.String(64), nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("content_sha256", sa.LargeBinary(32), nullable=False),
    sqlite_autoincrement=True,
)
"""The receipts journal: one row per Success answered. Only who receives writes it; nothing changes or deletes a row."""

audit = sa.Table(
    "audit",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("action", sa.String(32), nullable=False),
    sa.Column("instance_id", sa.Integer),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("previous_sha256", sa.LargeBinary(32), nullable=False),
    sa.Column("sha256", sa.LargeBinary(32), nullable=False),
    sa.Index("audit_by_instance", "instance_id"),
    sqlite_autoincrement=True,
)
"""Who decided what, and when. Append-only, and a hash chain (`gateway.audit_chain`)."""

audit_exported = sa.Table(
    "audit_exported",
    METADATA,
    sa.Column("destination", sa.String(300), primary_key=True),
    sa.Column("last_id", sa.Integer, nullable=False),
)
"""Up to which row the audit was sent, by destination."""

withdrawal = sa.Table(
    "withdrawal",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("index", sa.LargeBinary(32), nullable=False),
    sa.Column("lifted_at", sa.Float),
    sa.Index("withdrawal_by_index", "index"),
    sqlite_autoincrement=True,
)
"""Whose objects must not leave any more: a patient or a study, by keyed hash."""

study = sa.Table(
    "study",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("study_index", sa.LargeBinary(32), nullable=False, unique=True),
    sa.Column("last_instance_id", sa.Integer, nullable=False),
    sa.Column("first_received_at", sa.Float, nullable=False),
    sa.Column("last_received_at", sa.Float, nullable=False),
    sa.Column("first_completed_at", sa.Float),
    sa.Column("completed_at", sa.Float),
    sa.Index("study_by_completion", "completed_at", "last_received_at"),
    sa.Index("study_by_last_instance", "last_instance_id"),
    sqlite_autoincrement=True,
)
"""One row per study: when its instances came, and since when nothing new has (`completion.study_complete_trigger`).

`completed_at` is NULL while it is being received, and again after a late instance; `first_completed_at` stays. What
became of its instances is not kept here but counted from their rows, which cannot disagree with themselves.
"""

APPEND_ONLY = ("receipt", "audit")
"""Tables on which the migrations put triggers that refuse UPDATE and DELETE."""
