"""What a target has already: C-FIND at IMAGE level, study root, by the public UIDs (`nodes.NAME.check_existing`).

Rule of the file: only the very UID in an answer counts; where the target cannot be asked, nothing is there.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gateway import log
from gateway.ask import INSTANCE_UID, SERIES_UID, STUDY_UID, identifier
from gateway.querying import FIND, NotServedError, QueryConnection, RefusedError, TooManyError
from gateway.requestor import Lost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.deliveries import ClaimedDelivery
    from gateway.requestor import Target

_MOST = 1_000
_ASKED_AGAIN_S = 300.0
"""A target that does not answer is left alone so long; what is due is sent meanwhile."""


class ExistingCheck:
    """Asks one target, over an association that is kept while it is used.

    Not for several threads.

    Parameters
    ----------
    name
        Of the target, for the log.
    target
        Whom to call.
    """

    def __init__(self, name: str, target: Target) -> None:
        self._name = name
        self._target = target
        self._connection: QueryConnection | None = None
        self._ask_at = 0.0

    def among(self, claimed: Sequence[ClaimedDelivery]) -> frozenset[str]:
        """Return the SOP Instance UIDs of these that the target lists."""
        if not claimed or time.monotonic() < self._ask_at:
            return frozenset()
        series: dict[tuple[str, str], list[str]] = {}
        for item in claimed:
            series.setdefault((item.study_instance_uid, item.series_instance_uid), []).append(item.sop_instance_uid)
        try:
            return frozenset(uid for key, uids in series.items() for uid in self._listed(*key, uids))
        except (Lost, RefusedError, NotServedError, TooManyError) as error:
            self.close()
            self._ask_at = time.monotonic() + _ASKED_AGAIN_S
            log.fault("existing_not_asked", error, target=self._name)
            return frozenset()

    def _listed(self, study_uid: str, series_uid: str, uids: Sequence[str]) -> set[str]:
        """Ask for all of a series at once: UIDs may be matched as a list (PS3.4 C.2.2.2.2)."""
        if self._connection is None or not self._connection.is_open:
            self._connection = QueryConnection.open(self._target, (FIND,))
        keys = {STUDY_UID: study_uid, SERIES_UID: series_uid, INSTANCE_UID: "\\".join(uids)}
        found = self._connection.find(identifier("IMAGE", keys), (INSTANCE_UID,), most=_MOST)
        return {match[INSTANCE_UID] for match in found.matches}.intersection(uids)

    def close(self) -> None:
        """Release the association, if one is open."""
        current, self._connection = self._connection, None
        if current is not None:
            current.close()
