"""The intake of the embedded node: part file, synced, renamed, folder synced, receipt and row; only then Success."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import sqlalchemy as sa
from pydicom.uid import UID

from gateway import log, metrics
from gateway.batches import Batches
from gateway.entries import NewInstance
from gateway.intake import Arrival, IntakeFailed, OutOfResources
from gateway.room import Room
from gateway.spool import Shelf, Spool, new_token, sync_folder
from gateway.states import InstanceState
from gateway.subjects import Subjects
from pipeline.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from config.schema import GatewayConfig
    from gateway.held_limit import HeldLimit
    from gateway.intake import IncomingFile
    from gateway.ledger import Ledger
    from gateway.sealing import Sealer

_LOOK_AGAIN_AFTER_BYTES = 64 << 20
_IN_ONE_FOLDER = 256
"""Objects that get names in one folder before another is taken: each folder of a batch is a sync of its own."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE})


class PartFile:
    """A part file in the spool's `incoming` folder.

    Parameters
    ----------
    path
        Where it is created, mode 0600.
    room
        Looked at again while a large object is written.
    """

    def __init__(self, path: Path, room: Room) -> None:
        self.path = path
        self._room = room
        self._unlooked_bytes = 0
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def write(self, chunk: bytes | memoryview, /) -> int:
        """Append all bytes of a chunk.

        Raises
        ------
        OutOfResources
            The disk has filled up meanwhile.
        """
        view = memoryview(chunk)
        self._unlooked_bytes += len(view)
        if self._unlooked_bytes >= _LOOK_AGAIN_AFTER_BYTES:
            self._unlooked_bytes = 0
            if self._room.is_exhausted():
                raise OutOfResources("the disk fills up")
        written = 0
        while written < len(view):
            written += os.write(self._descriptor, view[written:])
        return written

    def finish(self) -> None:
        """Make the bytes durable and close."""
        os.fdatasync(self._descriptor)
        self.close()

    def close(self) -> None:
        """Close; harmless when closed."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Synced:
    """An object whose bytes are durable and whose name and row are not."""

    part: Path
    new: NewInstance


class LedgerIntake:
    """Where the receiver of a node puts objects. Its methods are called from many threads.

    Each thread syncs its own object's bytes; names, folder and rows of all that wait together are made durable together
    (one rename each, one sync of their folder, one commit).

    Parameters
    ----------
    spool, ledger, sealer
        Of the node.
    reserve_bytes
        What must stay free on the spool's disk (`storage.reserve_space`).
    room
        What else limits it; None: only `reserve_bytes` and inodes.
    held_limit
        Knows which rules are stopped; None: none ever is.
    process
        The name of a process beside the node's own; what it leaves can then be told from what others receive.
    """

    def __init__(
        self,
        spool: Spool,
        ledger: Ledger,
        sealer: Sealer,
        *,
        reserve_bytes: int,
        room: Room | None = None,
        held_limit: HeldLimit | None = None,
        process: str = "",
    ) -> None:
        self._process = process
        self._spool = spool
        self._ledger = ledger
        self._sealer = sealer
        self._subjects = Subjects(sealer=sealer, strips_leading_zeros=False)  # of no consequence for what is asked here
        self._room = Room(spool, reserve_bytes=reserve_bytes) if room is None else room
        self._held_limit = held_limit
        self._batches: Batches[_Synced, InstanceState] = Batches(self._commit_all)
        self._prefix = new_token()[:2]  # of tokens given out now: what is committed together shares a folder
        self._in_folder = 0

    @property
    def room(self) -> Room:
        """What limits it."""
        return self._room

    def follow(self, config: GatewayConfig) -> None:
        """Go by these rules and this queue limit from now on."""
        self._room.queue_limit = config.processing.queue_limit
        if self._held_limit is not None:
            self._held_limit.follow(config)

    def open(self) -> PartFile:
        """Create a part file.

        Raises
        ------
        OutOfResources
            When the reserve, the inodes or the queue limit are reached.
        """
        shortage = self._room.shortage()
        if shortage is not None:
            log.event("out_of_resources", why=shortage)
            metrics.INSTANCES.labels("receive", "out_of_resources").inc()
            raise OutOfResources(shortage)
        return PartFile(self._spool.begun(new_token(), self._process), self._room)

    def commit(self, file: IncomingFile, arrival: Arrival, /) -> None:
        """Make an object and its rows durable.

        Raises
        ------
        OutOfResources, IntakeFailed
            Nothing was acknowledged and nothing of it stays, but for a file without a row in the worst case; start-up
            removes such files.
        """
        assert isinstance(file, PartFile)
        self._refuse_of_stopped_rule(file, arrival)
        token = new_token(self._prefix)
        try:
            file.finish()
            state = self._batches.do(_Synced(part=file.path, new=self._new_instance(token, arrival)))
        except (OSError, sa.exc.SQLAlchemyError) as error:
            self._discard_unless_recorded(token)
            log.fault("intake_failed", error, node=arrival.node_name)
            metrics.INSTANCES.labels("receive", "failed").inc()
            if _means_full(error):
                raise OutOfResources("the disk is full") from None
            raise IntakeFailed(type(error).__name__) from None
        if state is InstanceState.SUPPRESSED:
            self._discard(token)
        self._count(arrival, state)

    def _refuse_of_stopped_rule(self, file: PartFile, arrival: Arrival) -> None:
        if self._held_limit is None:
            return
        try:
            rule = self._held_limit.stopped_rule(file.path, arrival, self._study_index(arrival))
        except (OSError, sa.exc.SQLAlchemyError) as error:
            log.fault("intake_failed", error, node=arrival.node_name)
            raise IntakeFailed(type(error).__name__) from None
        if rule is not None:
            log.event("out_of_resources", why="held_limit", rule=rule, node=arrival.node_name)
            metrics.INSTANCES.labels("receive", "held_limit").inc()
            raise OutOfResources("storage.held_limit")

    def _study_index(self, arrival: Arrival) -> bytes | None:
        return self._subjects.study(arrival.study_instance_uid) if arrival.study_instance_uid else None

    def _commit_all(self, batch: Sequence[_Synced]) -> list[InstanceState | Exception]:
        """Make names and rows durable, in that order; what cannot be named has no row."""
        self._in_folder += len(batch)
        if self._in_folder >= _IN_ONE_FOLDER:
            self._prefix, self._in_folder = new_token()[:2], 0
        outcomes: dict[str, InstanceState | Exception] = {}
        folders: dict[Path, list[NewInstance]] = {}
        for synced in batch:
            try:
                final = self._spool.name(synced.part, Shelf.ORIGINALS, synced.new.token)
            except OSError as error:
                outcomes[synced.new.token] = error
            else:
                folders.setdefault(final.parent, []).append(synced.new)
        durable: list[NewInstance] = []
        for folder, named in folders.items():
            try:
                sync_folder(folder)
            except OSError as error:
                outcomes.update((new.token, error) for new in named)
            else:
                durable += named
        outcomes.update(self._record_all(durable))
        return [outcomes[synced.new.token] for synced in batch]

    def _record_all(self, arrived: Sequence[NewInstance]) -> dict[str, InstanceState | Exception]:
        if not arrived:
            return {}
        try:
            states = self._ledger.record_arrivals(arrived)
        except sa.exc.OperationalError as error:
            # Locked, full or broken: no object is at fault, and each alone would wait as long as all together.
            return {new.token: error for new in arrived}
        except Exception as error:  # noqa: BLE001  raised again by `Batches` in the threads that it concerns
            if len(arrived) == 1:
                return {arrived[0].token: error}
            # One object must not fail the others: each alone. One that stands after all is refused for its token, sent
            # again and suppressed.
            return {token: state for new in arrived for token, state in self._record_all([new]).items()}
        return dict(zip((new.token for new in arrived), states, strict=True))

    def abandon(self, file: IncomingFile, /) -> None:
        """Close and remove a part file."""
        assert isinstance(file, PartFile)
        with suppress(OSError):  # start-up removes what cannot be removed now
            file.close()
        with suppress(OSError):
            file.path.unlink(missing_ok=True)

    def _discard(self, token: str) -> None:
        with suppress(OSError):  # an unneeded file without a row is removed at start-up
            self._spool.remove(Shelf.ORIGINALS, token)

    def _discard_unless_recorded(self, token: str) -> None:
        # A commit may report an error and still stand. A file too many is removed at start-up; one too few is a loss.
        with suppress(sa.exc.SQLAlchemyError):
            if not self._ledger.has_receipt(token):
                self._discard(token)

    def _new_instance(self, token: str, arrival: Arrival) -> NewInstance:
        identifiers = {
            "sop_instance_uid": arrival.sop_instance_uid,
            "series_instance_uid": arrival.series_instance_uid or "",
            "study_instance_uid": arrival.study_instance_uid or "",
            "patient_id": arrival.patient_id or "",
        }
        return NewInstance(
            token=token,
            node=arrival.node_name,
            calling_aet=arrival.calling_aet,
            called_aet=arrival.called_aet,
            sop_class_uid=arrival.sop_class_uid,
            transfer_syntax_uid=arrival.transfer_syntax_uid,
            readable=arrival.readable,
            sop_index=self._sealer.index("sop", arrival.sop_instance_uid),
            study_index=self._study_index(arrival),
            patient_index=self._subjects.patient(arrival.patient_id) if arrival.patient_id else None,
            sealed=self._sealer.seal(identifiers, token=token),
            content_sha256=bytes.fromhex(arrival.content_sha256),
            size_bytes=arrival.size_bytes,
        )

    def _count(self, arrival: Arrival, state: InstanceState) -> None:
        metrics.INSTANCES.labels("receive", state.value).inc()
        metrics.RECEIVED_BYTES.inc(arrival.size_bytes)
        metrics.LAST_RECEIVED.labels(arrival.node_name).set_to_current_time()
        if state is InstanceState.HELD:
            metrics.HELD.labels(Reason.CORRECTION.value).inc()
        log.event(
            "received",
            node=arrival.node_name,
            sop_class=_if_standard(arrival.sop_class_uid),
            syntax=_if_standard(arrival.transfer_syntax_uid),
            bytes=arrival.size_bytes,
            state=state.value,
        )


class SharedIntake(LedgerIntake):
    """The same for a process beside the node, which may start meanwhile and clean up."""

    def commit(self, file: IncomingFile, arrival: Arrival, /) -> None:
        """Make an object and its rows durable, as the node does."""
        try:
            with self._spool.intake_lock(exclusive=False):
                super().commit(file, arrival)
        except OSError as error:  # the lock itself
            log.fault("intake_failed", error, node=arrival.node_name)
            raise IntakeFailed(type(error).__name__) from None


@lru_cache(maxsize=1024)
def _if_standard(uid: str) -> str:
    """Return a UID that stands in PS3.6; any other is the sender's own word and not ours to log."""
    return uid if UID(uid).name != uid else "private"


def _means_full(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in _FULL
    return "full" in str(error.__cause__ or error)
