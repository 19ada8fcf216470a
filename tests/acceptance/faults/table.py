"""The table of faults: what breaks, what the sender sees, what is on the disk then, what arrives, who else is served.

Rule of the file: data only. `test_faults` does each row to a whole node and compares; docs/faults.md is written from it
(`python -m tests.acceptance.faults document`).
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from enum import StrEnum

from tests.acceptance.faults.modality import Seen
from tests.acceptance.faults.shim import Action, Op, Point
from tests.peers.interrupting import Mode


class OnDisk(StrEnum):
    """What of the object is on the disk at the moment of the fault, before anything is mended."""

    NOTHING = "nothing"
    PART = "a part file"
    ORIGINAL = "a file that no row names"
    ROW = "original and row"
    HALF_OUTPUT = "original and row; an unfinished output"
    UNNAMED_OUTPUT = "original and row; an output that no row names"
    OUTPUT = "original, row and output"
    HELD = "original and row, held"


class Arrives(StrEnum):
    """How often the object came to the target in the end; whenever more than once, as the same bytes."""

    ONCE = "once"
    AGAIN = "more than once, the same bytes"
    NEVER = "not at all: it is held"


class Others(StrEnum):
    """What another sender is answered meanwhile."""

    SERVED = "served"
    OUT_OF_RESOURCES = "0xA700"
    WAIT = "wait, then served"
    DOWN = "the node is down"


class Who(StrEnum):
    """A process of the node."""

    MAIN = "receiver and parent"
    WORKER = "worker"
    FORWARDER = "forwarder"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFault:
    """One process is killed, fails or waits at a point of what it does to the disk."""

    who: Who
    point: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetFault:
    """The research PACS, or the line to it.

    Parameters
    ----------
    mode, after_bytes
        Of the line.
    answers
        What it answers to its first C-STOREs, before 0x0000; -1 aborts after it has stored.
    seconds
        How long until it is mended; 0: it mends by itself.
    """

    mode: Mode = Mode.PASS
    after_bytes: int = 0
    answers: tuple[int, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerFault:
    """A clinical PACS or a stranger misbehaves: the function of that name in `strangers`."""

    does: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFault:
    """The wall clock jumps by these seconds, or another process locks the ledger for so long."""

    clock_s: float = 0.0
    ledger_locked_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One row.

    Parameters
    ----------
    everyday
        Whether it is tried by every run of the tests; the others by `make soak`.
    """

    place: str
    name: str
    cause: DiskFault | TargetFault | PeerFault | MachineFault
    seen: Seen
    disk: OnDisk
    arrives: Arrives = Arrives.ONCE
    others: Others = Others.SERVED
    everyday: bool = True


_PART, _LOG, _ORIGINALS, _OUTPUT, _OUTPUTS = ".part", "-wal", "originals/", ".worker-0", "outputs/"
_BEFORE, _AFTER = Action.KILL_BEFORE, Action.KILL_AFTER


def _failing(who: Who, ops: Op, path: str, number: int) -> DiskFault:
    return DiskFault(who=who, point=Point(ops=ops, path=path, action=Action.FAIL, argument=number, lasting=True))


_RENAMED = Point(ops=Op.RENAME, path=_ORIGINALS, action=Action.DELAY)
"""The receiver has named the object; what it writes into the ledger next is the object's row."""
_CLAIMED = Point(ops=Op.SYNC, path=_LOG, action=Action.DELAY)
"""A child has written its claim."""


def _at(ops: Op, path: str, action: Action, *, nth: int = 1, after: Point | None = None) -> Point:
    return Point(ops=ops, path=path, action=action, nth=nth, after=after)


def _receiver(name: str, point: Point, disk: OnDisk, *, everyday: bool = False) -> Fault:
    return Fault(
        place="kill -9",
        name=f"{Who.MAIN} killed {name}",
        cause=DiskFault(who=Who.MAIN, point=point),
        seen=Seen.NO_ANSWER,
        disk=disk,
        others=Others.DOWN,
        everyday=everyday,
    )


def _child(
    who: Who, name: str, point: Point, disk: OnDisk, *, arrives: Arrives = Arrives.ONCE, everyday: bool = False
) -> Fault:
    return Fault(
        place="kill -9",
        name=f"{who} killed {name}",
        cause=DiskFault(who=who, point=point),
        seen=Seen.SUCCESS,
        disk=disk,
        arrives=arrives,
        everyday=everyday,
    )


def _disk(name: str, cause: DiskFault, seen: Seen, disk: OnDisk, others: Others, *, everyday: bool = True) -> Fault:
    return Fault(place="Disk", name=name, cause=cause, seen=seen, disk=disk, others=others, everyday=everyday)


def _target(name: str, cause: TargetFault, *, arrives: Arrives = Arrives.ONCE, everyday: bool = True) -> Fault:
    return Fault(
        place="Research PACS",
        name=name,
        cause=cause,
        seen=Seen.SUCCESS,
        disk=OnDisk.OUTPUT,
        arrives=arrives,
        everyday=everyday,
    )


def _peer(
    name: str,
    does: str,
    seen: Seen = Seen.NO_ANSWER,
    disk: OnDisk = OnDisk.NOTHING,
    *,
    arrives: Arrives = Arrives.ONCE,
    everyday: bool = True,
) -> Fault:
    return Fault(
        place="Clinical PACS and strangers",
        name=name,
        cause=PeerFault(does=does),
        seen=seen,
        disk=disk,
        arrives=arrives,
        everyday=everyday,
    )


KILLED = (
    _receiver("after it made the part file", _at(Op.CREATE, _PART, _AFTER), OnDisk.PART),
    _receiver("within the object", _at(Op.WRITE, _PART, _AFTER, nth=3), OnDisk.PART),
    _receiver("before the sync of the bytes", _at(Op.SYNC, _PART, _BEFORE), OnDisk.PART),
    _receiver("before the rename", _at(Op.RENAME, _ORIGINALS, _BEFORE), OnDisk.PART),
    _receiver("after the rename", _at(Op.RENAME, _ORIGINALS, _AFTER), OnDisk.ORIGINAL, everyday=True),
    _receiver("after the sync of the folder", _at(Op.SYNC_FOLDER, _ORIGINALS, _AFTER), OnDisk.ORIGINAL),
    _receiver("within the writing of the row", _at(Op.WRITE, _LOG, _AFTER, nth=3, after=_RENAMED), OnDisk.ORIGINAL),
    _receiver("after the commit, before it answers", _at(Op.SYNC, _LOG, _AFTER, after=_RENAMED), OnDisk.ROW),
    _child(Who.WORKER, "after its claim", _at(Op.SYNC, _LOG, _AFTER), OnDisk.ROW),
    _child(Who.WORKER, "within the output", _at(Op.WRITE, _OUTPUT, _AFTER), OnDisk.HALF_OUTPUT),
    _child(Who.WORKER, "before the output's rename", _at(Op.RENAME, ".dcm", _BEFORE), OnDisk.HALF_OUTPUT),
    _child(
        Who.WORKER, "after the output's rename", _at(Op.RENAME, ".dcm", _AFTER), OnDisk.UNNAMED_OUTPUT, everyday=True
    ),
    _child(Who.WORKER, "before its commit", _at(Op.SYNC, _LOG, _BEFORE, after=_CLAIMED), OnDisk.UNNAMED_OUTPUT),
    _child(Who.WORKER, "after its commit", _at(Op.SYNC, _LOG, _AFTER, after=_CLAIMED), OnDisk.UNNAMED_OUTPUT),
    _child(Who.FORWARDER, "after its claim", _at(Op.SYNC, _LOG, _AFTER), OnDisk.OUTPUT),
    _child(
        Who.FORWARDER,
        "after the target's answer, before it is written",
        _at(Op.WRITE, _LOG, _BEFORE, after=_CLAIMED),
        OnDisk.OUTPUT,
        arrives=Arrives.AGAIN,
        everyday=True,
    ),
    _child(
        Who.FORWARDER,
        "after the answer was written, before it counts",
        _at(Op.SYNC, _LOG, _AFTER, after=_CLAIMED),
        OnDisk.OUTPUT,
        arrives=Arrives.AGAIN,
    ),
)
"""A log that is synced is not yet seen by other processes: where one of several is killed just then, SQLite gives the
change up; where all end, as with the parent, the log is read again and the change stands."""

DISK = (
    _disk(
        "full where objects are received",
        _failing(Who.MAIN, Op.GROW, _PART, errno.ENOSPC),
        Seen.OUT_OF_RESOURCES,
        OnDisk.NOTHING,
        Others.OUT_OF_RESOURCES,
    ),
    _disk(
        "full where the ledger is",
        _failing(Who.MAIN, Op.GROW, _LOG, errno.ENOSPC),
        Seen.OUT_OF_RESOURCES,
        OnDisk.NOTHING,
        Others.OUT_OF_RESOURCES,
    ),
    _disk(
        "full where outputs are made",
        _failing(Who.WORKER, Op.GROW, _OUTPUTS, errno.ENOSPC),
        Seen.SUCCESS,
        OnDisk.ROW,
        Others.SERVED,
    ),
    _disk(
        "full when the worker writes the ledger",
        _failing(Who.WORKER, Op.GROW, _LOG, errno.ENOSPC),
        Seen.SUCCESS,
        OnDisk.ROW,
        Others.SERVED,
        everyday=False,
    ),
    _disk(
        "read-only",
        _failing(Who.MAIN, Op.CHANGE, "", errno.EROFS),
        Seen.OUT_OF_RESOURCES,
        OnDisk.NOTHING,
        Others.OUT_OF_RESOURCES,
    ),
    _disk(
        "read-only where outputs are made",
        _failing(Who.WORKER, Op.CHANGE, _OUTPUTS, errno.EROFS),
        Seen.SUCCESS,
        OnDisk.ROW,
        Others.SERVED,
        everyday=False,
    ),
    _disk(
        "does not sync an object's bytes",
        _failing(Who.MAIN, Op.SYNC, _PART, errno.EIO),
        Seen.OUT_OF_RESOURCES,
        OnDisk.NOTHING,
        Others.OUT_OF_RESOURCES,
    ),
    _disk(
        "does not sync an object's folder",
        _failing(Who.MAIN, Op.SYNC_FOLDER, _ORIGINALS, errno.EIO),
        Seen.OUT_OF_RESOURCES,
        OnDisk.NOTHING,
        Others.OUT_OF_RESOURCES,
    ),
    _disk(
        "does not sync the ledger",
        _failing(Who.MAIN, Op.SYNC, _LOG, errno.EIO),
        Seen.OUT_OF_RESOURCES,
        OnDisk.NOTHING,
        Others.OUT_OF_RESOURCES,
    ),
    _disk(
        "slow: 300 ms for each sync",
        DiskFault(
            who=Who.MAIN,
            point=Point(ops=Op.SYNC | Op.SYNC_FOLDER, path="", action=Action.DELAY, argument=300, lasting=True),
        ),
        Seen.SUCCESS,
        OnDisk.OUTPUT,
        Others.SERVED,
    ),
)

TARGET = (
    _target("down", TargetFault(mode=Mode.DOWN, seconds=1)),
    _target("closes every connection", TargetFault(mode=Mode.CLOSE, seconds=1)),
    _target("hangs before it associates", TargetFault(mode=Mode.HOLD, after_bytes=10, seconds=1), everyday=False),
    _target("hangs within an object", TargetFault(mode=Mode.HOLD, after_bytes=2000, seconds=1)),
    _target("closes within an object", TargetFault(mode=Mode.CUT, after_bytes=2000, seconds=1)),
    _target("closes at random", TargetFault(mode=Mode.CUT_ANYWHERE, after_bytes=4000, seconds=2)),
    _target("slow: 40 kB/s", TargetFault(mode=Mode.DRIP, seconds=1)),
    _target("answers 0xA700 twice", TargetFault(answers=(0xA700, 0xA700)), arrives=Arrives.AGAIN),
    _target("stores and aborts before it answers", TargetFault(answers=(-1,)), arrives=Arrives.AGAIN),
)

PEERS = (
    _peer("connection cut within a PDU", "cut_within_a_pdu"),
    _peer("aborts within an object", "abort_within_an_object"),
    _peer("silent within an object (half-open)", "silent_within_an_object"),
    _peer("closes its side after the object, and listens", "half_closed", Seen.NO_ANSWER, OnDisk.OUTPUT),
    _peer("one byte at a time before the association", "slow_before_the_association"),
    _peer("one byte at a time within an object, in one PDU", "slow_within_a_pdu", everyday=False),
    _peer("one byte at a time within an object, a PDU each", "slow_in_many_pdus"),
    _peer("300 associations that do nothing", "three_hundred_associations", Seen.REJECTED),
    _peer("garbage instead of an association", "garbage_before"),
    _peer("garbage instead of a message", "garbage_after"),
    _peer("4 GB announced: PDU before the association", "huge_pdu_before"),
    _peer("4 GB announced: PDU", "huge_pdu"),
    _peer("4 GB announced: PDV", "huge_pdv"),
    _peer("4 GB announced: element", "huge_element", Seen.SUCCESS, OnDisk.HELD, arrives=Arrives.NEVER),
    _peer("message in a context that was not accepted", "wrong_context"),
    _peer("data set before its command", "data_before_command"),
    _peer("command within a data set", "command_within_data"),
    _peer("data set's end in another context", "other_context_within_data"),
    _peer("two messages with the same ID, not waiting", "same_message_id", Seen.SUCCESS, OnDisk.OUTPUT),
    _peer("UIDs of command and data set differ", "other_uid", Seen.MISMATCH),
    _peer("the same object over four associations at once", "four_at_once", Seen.SUCCESS, OnDisk.OUTPUT),
)

MACHINE = (
    Fault(
        place="Machine",
        name="clock ten days ahead, then right again",
        cause=MachineFault(clock_s=10 * 86_400),
        seen=Seen.SUCCESS,
        disk=OnDisk.OUTPUT,
    ),
    Fault(
        place="Machine",
        name="clock ten days behind, then right again",
        cause=MachineFault(clock_s=-10 * 86_400),
        seen=Seen.SUCCESS,
        disk=OnDisk.OUTPUT,
    ),
    Fault(
        place="Machine",
        name="ledger locked by another process for 2 s",
        cause=MachineFault(ledger_locked_s=2),
        seen=Seen.HELD_OFF,
        disk=OnDisk.ORIGINAL,
        others=Others.WAIT,
    ),
    Fault(
        place="Machine",
        name="ledger locked by another process for more than a minute",
        cause=MachineFault(ledger_locked_s=66),
        seen=Seen.OUT_OF_RESOURCES,
        disk=OnDisk.ORIGINAL,
        others=Others.WAIT,
        everyday=False,
    ),
)

TABLE: tuple[Fault, ...] = (*DISK, *TARGET, *PEERS, *MACHINE, *KILLED)
