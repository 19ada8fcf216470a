"""What was left of images that left before, for objects whose coordinates lie in them.

Rule of the file: only what leaves counts. An image that is held, rejected or of another project is not known, because
what its frames will look like, or whether anybody will see them, is not decided.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from gateway.states import InstanceState
from gateway.tables import instance
from pipeline import report

if TYPE_CHECKING:
    from gateway.database import Database
    from gateway.sealing import Sealer
    from pipeline.records import FrameCrop

_PATIENCE_S = 30.0
"""How long an image is waited for that another worker has at this moment: reports follow their images closely."""
_PAUSE_S = 0.2
_LEAVING = (InstanceState.CLEAN.value, InstanceState.DONE.value)
_NOT_CURRENT = (InstanceState.SUPPRESSED.value, InstanceState.SUPERSEDED.value)


class Crops:
    """The images of one project (`pipeline.references.KnownCrops`).

    Parameters
    ----------
    project
        The same image is another one in another project.
    """

    def __init__(self, database: Database, sealer: Sealer, *, project: str | None) -> None:
        self._database = database
        self._sealer = sealer
        self._project = project

    def get(self, source_uid: str, /) -> FrameCrop | None:
        """Return what was left of an image by its source SOP Instance UID; None where that is not known."""
        index = self._sealer.index("sop", source_uid)
        given_up_at = time.monotonic() + _PATIENCE_S
        row = self._row(index)
        while row is not None and row.state == InstanceState.RECEIVED.value and row.claimed_by is not None:
            if time.monotonic() >= given_up_at:
                return None
            time.sleep(_PAUSE_S)
            row = self._row(index)
        if row is None or row.state not in _LEAVING or row.project != self._project:
            return None
        return report.crop_of(row.record or {})

    def _row(self, index: bytes) -> Any:
        wanted = (
            sa.select(instance.c.state, instance.c.claimed_by, instance.c.project, instance.c.record)
            .where(instance.c.sop_index == index, instance.c.state.not_in(_NOT_CURRENT))
            .order_by(instance.c.id.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            return connection.execute(wanted).first()
