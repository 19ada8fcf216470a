"""A whole node on a disk and a line that can be spoilt, and what is looked at while and after they are.

Rule of the file: only the fault that is asked for is done; the rest of the node is as it is shipped, with short
timeouts so that a test need not wait for minutes.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway.database import Database
from gateway.reconcile import reconcile
from gateway.spool import Shelf, Spool
from gateway.states import InstanceState
from gateway.tables import instance, receipt
from tests.acceptance.faults import strangers
from tests.acceptance.faults.modality import Modality, Report, Seen, reports, store
from tests.acceptance.faults.shim import Action, Shim
from tests.acceptance.faults.table import (
    Arrives,
    DiskFault,
    MachineFault,
    OnDisk,
    Others,
    PeerFault,
    TargetFault,
    Who,
)
from tests.acceptance.node import RunningNode, running_node
from tests.peers.interrupting import Line, Mode, line_to
from tests.peers.programs import wait_until
from tests.peers.raw import RawRequestor, raw_requestor
from tests.peers.recording import Recorder, recording_scp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.acceptance.faults.table import Fault

RULES = [
    {"name": "all", "from": "clinical", "profile": "research", "project": "p", "target": ["research"]},
    {"name": "default", "fallback": True, "action": "hold"},
]
MOST_ASSOCIATIONS = 100
_SETTLE_S = 90
_NODES = {
    "clinical": {
        "ae_title": "CLINICAL",
        "host": ["127.0.0.1"],
        "allow_store": True,
        "patient_domain": "HOSPITAL-A",
    },
}
_LISTENER = {"timeouts": {"association": "1s", "dimse": "1s"}, "max_associations": MOST_ASSOCIATIONS}
_SEND = {"retry_delay": "1s", "max_retry_delay": "1s"}


def is_soak() -> bool:
    """Tell whether everything is to be tried, however long it takes (`SONOVEIL_SOAK=1`)."""
    return os.environ.get("SONOVEIL_SOAK") == "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a fault was like."""

    seen: Seen
    disk: OnDisk
    others: Others


@dataclass(frozen=True, slots=True, kw_only=True)
class Strays:
    """Files on the disk that no row names."""

    parts: frozenset[str]
    originals: frozenset[str]
    unfinished: frozenset[str]
    outputs: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the receiving process uses."""

    descriptors: int
    threads: int
    memory_bytes: int


@dataclass(slots=True, kw_only=True)
class Bench:
    """The node and everything around it."""

    node: RunningNode
    shim: Shim
    line: Line
    research: Recorder
    made: Iterator[Report]
    modality: Modality
    answers: list[int] = field(default_factory=list)

    # --- doing

    def suffer(self, fault: Fault, report: Report) -> Outcome:
        """Do what the fault says while a report is sent, mend it, and tell what it was like."""
        self.settle()
        match fault.cause:
            case DiskFault() as cause if cause.point.action in (Action.KILL_BEFORE, Action.KILL_AFTER):
                return self._kill(cause, report)
            case DiskFault() as cause:
                return self._spoil(cause, report)
            case TargetFault() as cause:
                return self._spoil_target(cause, report)
            case PeerFault() as cause:
                return self._misbehave(cause, report)
            case MachineFault() as cause if cause.clock_s:
                return self._set_clock(cause, report)
            case MachineFault() as cause:
                return self._lock_ledger(cause, report)

    def _kill(self, cause: DiskFault, report: Report) -> Outcome:
        victim = self.pid(cause.who)
        strays, others = self.strays(), self.node.children()
        number = self.shim.arm(cause.point, pid=victim)
        seen = self.modality.send(report)
        self.shim.wait_for(number)
        if cause.who is Who.MAIN:
            assert self.node.process is not None
            self.node.process.wait()
            wait_until(lambda: not any(map(_lives, others)), what="the children end with the node")
        disk = self.look(report, strays)
        meanwhile = self._neighbour()
        self.shim.disarm()
        if cause.who is Who.MAIN:
            self.node.start()
        else:
            wait_until(lambda: self.pid(cause.who) != victim, what="there is a successor")
        return Outcome(seen=seen, disk=disk, others=meanwhile)

    def _spoil(self, cause: DiskFault, report: Report) -> Outcome:
        strays = self.strays()
        with self.shim.armed(cause.point, pid=self.pid(cause.who)) as number:
            seen = self.modality.send(report)
            self.shim.wait_for(number)
            if cause.point.action is Action.DELAY:
                self.settle()
            disk = self.look(report, strays)
            return Outcome(seen=seen, disk=disk, others=self._neighbour())

    def _spoil_target(self, cause: TargetFault, report: Report) -> Outcome:
        strays = self.strays()
        self.answers[:] = cause.answers
        self.line.set(cause.mode, after_bytes=cause.after_bytes)
        self.line.drop()  # what was kept open was opened before the fault
        before = self.line.connections
        seen = self.modality.send(report)
        wait_until(lambda: self._state(report) not in (None, InstanceState.RECEIVED.value), what="there is an output")
        if cause.mode not in (Mode.DOWN, Mode.PASS):
            wait_until(lambda: self.line.connections > before, what="the target is called")
        disk, others = self.look(report, strays), self._neighbour()
        time.sleep(cause.seconds)
        self.line.set(Mode.PASS)
        wait_until(lambda: not self.answers, what="the target has answered as it was told")
        return Outcome(seen=seen, disk=disk, others=others)

    def _misbehave(self, cause: PeerFault, report: Report) -> Outcome:
        strays = self.strays()
        with self._guest() as guest:
            seen = getattr(strangers, cause.does)(self.modality, report)
            others = Others.SERVED if store(guest, next(self.made)) is Seen.SUCCESS else Others.DOWN
        wait_until(lambda: not self.strays().parts, what="the part file goes", seconds=20)
        self.settle()
        return Outcome(seen=seen, disk=self.look(self.modality.what_was_sent(report), strays), others=others)

    @contextmanager
    def _guest(self) -> Iterator[RawRequestor]:
        """An association of somebody else that stands before the fault."""
        with raw_requestor(self.node.port) as peer:
            assert peer.associate(strangers.CONTEXTS).rejection is None
            self.modality.others_open = 1
            yield peer
            self.modality.others_open = 0

    def _set_clock(self, cause: MachineFault, report: Report) -> Outcome:
        strays = self.strays()
        self.shim.set_clock(cause.clock_s)
        seen = self.modality.send(report)
        others = self._neighbour()
        self.shim.set_clock(0)
        self.settle()
        return Outcome(seen=seen, disk=self.look(report, strays), others=others)

    def _lock_ledger(self, cause: MachineFault, report: Report) -> Outcome:
        strays = self.strays()
        answers: dict[str, Seen] = {}

        def send(name: str, what: Report) -> threading.Thread:
            thread = threading.Thread(target=lambda: answers.update({name: self.modality.send(what)}))
            thread.start()
            return thread

        self.modality.patience_s += cause.ledger_locked_s
        lock = sqlite3.connect(Spool(self.node.storage).ledger_path, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        sending = [send("first", report)]
        wait_until(lambda: self.strays().originals - strays.originals, what="the object waits for its row")
        disk = self.look(report, strays)
        sending.append(send("other", next(self.made)))
        time.sleep(cause.ledger_locked_s)
        waited = not answers
        lock.execute("ROLLBACK")
        lock.close()
        for thread in sending:
            thread.join()
        if waited and set(answers.values()) == {Seen.SUCCESS}:
            return Outcome(seen=Seen.HELD_OFF, disk=disk, others=Others.WAIT)
        others = {Seen.OUT_OF_RESOURCES: Others.OUT_OF_RESOURCES, Seen.SUCCESS: Others.WAIT}[answers["other"]]
        return Outcome(seen=answers["first"], disk=disk, others=others)

    def _neighbour(self) -> Others:
        """Send something else, and say what that was answered."""
        seen = self.modality.send(next(self.made))
        return {
            Seen.SUCCESS: Others.SERVED,
            Seen.OUT_OF_RESOURCES: Others.OUT_OF_RESOURCES,
            Seen.NO_ANSWER: Others.DOWN,
        }[seen]

    # --- looking

    def pid(self, who: Who) -> int:
        """Return the process id of the node's only process of that kind."""
        assert self.node.process is not None
        if who is Who.MAIN:
            return self.node.process.pid
        return self.node.child("worker-0" if who is Who.WORKER else "forward-research")

    @contextmanager
    def ledger(self) -> Iterator[Database]:
        """Open the ledger beside the node."""
        database = Database.open(Spool(self.node.storage).ledger_path)
        try:
            yield database
        finally:
            database.close()

    def strays(self) -> Strays:
        """Return the files that no row names."""
        spool = Spool(self.node.storage)
        with self.ledger() as database, database.snapshot() as connection:
            files = list(spool.files())
            receipts = set(connection.execute(sa.select(receipt.c.token)).scalars())
            outputs = set(connection.execute(sa.select(instance.c.output_token)).scalars())
        return Strays(
            parts=frozenset(path.name for path in spool.incoming.iterdir()),
            originals=frozenset(f.token for f in files if f.shelf is Shelf.ORIGINALS and f.token not in receipts),
            unfinished=frozenset(path.name for path in spool.leftovers()),
            outputs=frozenset(f.token for f in files if f.shelf is Shelf.OUTPUTS and f.token not in outputs),
        )

    def row(self, report: Report) -> sa.Row[tuple[object, ...]] | None:
        """Return the instance's row, not that of a repeated send."""
        with self.ledger() as database, database.read() as connection:
            return connection.execute(
                sa.select(instance)
                .where(instance.c.content_sha256 == bytes.fromhex(report.sha256))
                .order_by(instance.c.id)
                .limit(1)
            ).first()

    def _state(self, report: Report) -> str | None:
        row = self.row(report)
        return None if row is None else str(row.state)

    def look(self, report: Report, before: Strays) -> OnDisk:
        """Say what of a report is on the disk now, beside what was there before."""
        state, strays = self._state(report), self.strays()
        if state is None:
            if strays.parts - before.parts:
                return OnDisk.PART
            return OnDisk.ORIGINAL if strays.originals - before.originals else OnDisk.NOTHING
        if state == InstanceState.RECEIVED.value:
            if strays.unfinished - before.unfinished:
                return OnDisk.HALF_OUTPUT
            return OnDisk.UNNAMED_OUTPUT if strays.outputs - before.outputs else OnDisk.ROW
        return OnDisk.HELD if state == InstanceState.HELD.value else OnDisk.OUTPUT

    def settle(self) -> None:
        """Wait until nothing is on its way."""
        self.node.settled(acknowledged=0, seconds=_SETTLE_S)

    def arrived(self, report: Report) -> Arrives:
        """Say how a report came to the target; fails when it did so in two versions or under two UIDs."""
        row = self.row(report)
        assert row is not None
        stored = [one for one in self.research.stored if one.sop_instance_uid == row.public_sop_uid]
        assert len({one.sha256 for one in stored}) <= 1, "in two versions"
        if not stored:
            return Arrives.NEVER
        return Arrives.ONCE if len(stored) == 1 else Arrives.AGAIN

    def complaints(self) -> list[str]:
        """Return what does not add up in the whole storage."""
        found = []
        with self.ledger() as database:
            account = reconcile(database, Spool(self.node.storage), hash_outputs=True)
            with database.read() as connection:
                known = set(connection.execute(sa.select(instance.c.public_sop_uid)).scalars())
        # What a killed worker left is removed at the next start; everything else must be explained now.
        found += [f"{one.kind} {one.subject}" for one in account.discrepancies if one.kind not in _UNTIL_NEXT_START]
        hashes = self.research.hashes()
        found += [f"in two versions: {uid}" for uid, versions in hashes.items() if len(versions) > 1]
        found += [f"unknown to the ledger: {uid}" for uid in hashes if uid not in known]
        return found

    def received_hashes(self) -> set[str]:
        """Return the hashes of everything that the ledger knows."""
        with self.ledger() as database, database.read() as connection:
            return {one.hex() for one in connection.execute(sa.select(instance.c.content_sha256)).scalars()}

    def usage(self) -> Usage:
        """Return what the receiving processes use now."""
        used = [_usage(pid) for pid in self.receiving()]
        return Usage(
            descriptors=sum(one.descriptors for one in used),
            threads=sum(one.threads for one in used),
            memory_bytes=sum(one.memory_bytes for one in used),
        )

    def receiving(self) -> list[int]:
        """Return the process ids of those that receive: the node's own, or those beside it."""
        processes = self.node.config["listener"].get("processes", 1)
        if processes == 1:
            return [self.pid(Who.MAIN)]
        return [self.node.child(f"receive-{number}") for number in range(processes)]


_UNTIL_NEXT_START = frozenset({"file_without_row"})


def _usage(pid: int) -> Usage:
    process = Path(f"/proc/{pid}")
    fields = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return Usage(
        descriptors=len(list((process / "fd").iterdir())),
        threads=int(fields["Threads"]),
        memory_bytes=int(fields["RssAnon"].split()[0]) * 1024,
    )


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


@contextmanager
def bench(folder: Path, *, processes: int = 1, **changes: object) -> Iterator[Bench]:
    """Set everything up, with so many receiving processes; the node is ended when the block ends."""
    storage = folder / "node" / "storage"
    storage.mkdir(parents=True)
    shim = Shim(folder / "shim", root=storage)
    answers: list[int] = []
    with ExitStack() as stack:
        research = stack.enter_context(recording_scp(answer=lambda _number, _uid: answers.pop(0) if answers else 0))
        line = stack.enter_context(line_to(research.port))
        target = {"ae_title": "RESEARCH", "host": "127.0.0.1", "port": line.port, "timeout": "2s"}
        node = stack.enter_context(
            running_node(
                folder / "node",
                research_port=line.port,
                environment=shim.environment,
                rules=RULES,
                nodes={**_NODES, "research": {**target, "max_associations": 1}},
                listener={**_LISTENER, "processes": processes},
                send=_SEND,
                processing={"workers": 1, "attempts": 20},
                **changes,
            )
        )
        yield Bench(
            node=node,
            shim=shim,
            line=line,
            research=research,
            made=reports(folder / "made"),
            modality=Modality(node.port, most_associations=MOST_ASSOCIATIONS),
            answers=answers,
        )
