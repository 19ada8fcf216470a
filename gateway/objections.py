"""What the ledger has against letting a verified output go: withdrawn consent, a pseudonym in use, a split study.

Rule of the file: it only reads, inside the transaction that is about to write the outcome, so that nothing can come
between the look and the outcome.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway.states import InstanceState
from gateway.tables import instance, withdrawal
from pipeline.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.entries import Output, Route

WITHDRAWN_NOTE = "consent was withdrawn for this patient or study"
_COLLISION = "another patient of this project has this pseudonym"
_OTHER_PSEUDONYM = "the patient of this study has another pseudonym now: merged or corrected at the source"
_CURRENT = (InstanceState.CLEAN.value, InstanceState.DONE.value)
_LEFT_OR_WILL = (*_CURRENT, InstanceState.SUPERSEDED.value)
"""What a correction has replaced counts: with `storage.duplicates: replace` nothing else may be left of the study."""


def objection_to(
    connection: sa.Connection, instance_id: int, route: Route, output: Output
) -> tuple[Reason, str] | None:
    """Return under which reason, and with which note, an output is to be held; None where nothing speaks against it."""
    if any_withdrawn(connection, output.identity.withdrawal_indexes):
        return Reason.WITHDRAWN, WITHDRAWN_NOTE
    others = sa.select(instance.c.id).where(instance.c.project == route.project, instance.c.id != instance_id)
    if _is_anothers(connection, others, output):
        return Reason.PSEUDONYM_COLLISION, _COLLISION
    if _splits_a_study(connection, others, instance_id, output):
        return Reason.CORRECTION, _OTHER_PSEUDONYM
    return None


def any_withdrawn(connection: sa.Connection, indexes: Sequence[bytes]) -> bool:
    """Tell whether a withdrawal stands under one of these (see `gateway.subjects`)."""
    standing = sa.select(withdrawal.c.id).where(withdrawal.c.index.in_(indexes), withdrawal.c.lifted_at.is_(None))
    return _finds(connection, standing)


def _is_anothers(connection: sa.Connection, others: sa.Select[int], output: Output) -> bool:
    """Tell whether another patient has this pseudonym already."""
    subject = output.identity.subject_index
    if subject is None:
        return False
    another = others.where(instance.c.pseudonym == output.pseudonym, instance.c.subject_index != subject)
    return _finds(connection, another)


def _splits_a_study(connection: sa.Connection, others: sa.Select[int], instance_id: int, output: Output) -> bool:
    """Tell whether the study is known under another pseudonym, and nobody has accepted this one for it."""
    study = others.where(instance.c.public_study_uid == output.study_instance_uid)
    known = study.where(instance.c.pseudonym != output.pseudonym, instance.c.state.in_(_LEFT_OR_WILL))
    accepted_itself = sa.select(instance.c.id).where(instance.c.id == instance_id, instance.c.accepted)
    accepted_before = study.where(
        instance.c.accepted, instance.c.pseudonym == output.pseudonym, instance.c.state.in_(_CURRENT)
    )
    return _finds(connection, known) and not any(
        _finds(connection, accepted) for accepted in (accepted_itself, accepted_before)
    )


def _finds(connection: sa.Connection, wanted: sa.Select[int]) -> bool:
    return connection.execute(wanted.limit(1)).first() is not None
