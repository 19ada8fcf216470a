"""A modality that re-sends what was not acknowledged, as modalities do, until everything is."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from pydicom import dcmread
from pynetdicom import AE, _config
from pynetdicom.presentation import build_context

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pynetdicom.association import Association

_GIVE_UP_S = 240


class StubbornSender(threading.Thread):
    """Sends files one after the other on one association, and opens a new one whenever that breaks.

    Parameters
    ----------
    port
        Of the gateway.
    files
        What to send.
    pause_s
        Between two objects, so that the whole lasts long enough for things to happen.
    """

    def __init__(self, port: int, files: Sequence[Path], *, pause_s: float = 0.0) -> None:
        super().__init__(name="stubborn-sender", daemon=True)
        self._port = port
        self._files = list(files)
        self._pause_s = pause_s
        self.acknowledged: list[Path] = []
        self.statuses: list[int] = []
        self.breaks = 0

    def run(self) -> None:
        """Send until every file was answered with Success."""
        deadline = time.monotonic() + _GIVE_UP_S
        waiting = list(self._files)
        while waiting and time.monotonic() < deadline:
            association = self._associate(waiting)
            if association is None:
                time.sleep(0.05)
                continue
            while waiting and association.is_established:
                if not self._send(association, waiting[0]):
                    break
                self.acknowledged.append(waiting.pop(0))
                time.sleep(self._pause_s)
            if waiting:
                self.breaks += 1
                association.abort()
            else:
                association.release()

    def _associate(self, waiting: Sequence[Path]) -> Association | None:
        entity = AE("CLINICAL")
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 20
        heads = [dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID"]) for path in waiting[:128]]
        kinds = {(str(head.SOPClassUID), str(head.file_meta.TransferSyntaxUID)) for head in heads}
        contexts = [build_context(abstract, syntax) for abstract, syntax in sorted(kinds)]
        association = entity.associate("127.0.0.1", self._port, contexts=contexts, ae_title="SONOVEIL")
        return association if association.is_established else None

    def _send(self, association: Association, path: Path) -> bool:
        previous, _config.STORE_SEND_CHUNKED_DATASET = _config.STORE_SEND_CHUNKED_DATASET, True
        try:
            answer = association.send_c_store(path)
        except (RuntimeError, ValueError):
            return False  # the association ended under our feet
        finally:
            _config.STORE_SEND_CHUNKED_DATASET = previous
        status = answer.Status if "Status" in answer else -1
        self.statuses.append(status)
        return status == 0
