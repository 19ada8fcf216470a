"""A receiving process: accepts from the node's listening socket, as others do, and takes objects in as the node would.

Whoever ends it ends no other: connections that come go to the others, or wait for its successor. What it had begun is
unacknowledged; its successor removes it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway import frugal, log
from gateway.arrivals import SharedIntake
from gateway.board import Seat
from gateway.commitments import Commitments
from gateway.database import Database
from gateway.held_limit import HeldLimit
from gateway.ledger import Ledger
from gateway.metrics import ASSOCIATIONS
from gateway.processes import as_child, begin_child
from gateway.receive import Receiver
from gateway.reports import Reports
from gateway.room import Room, waiting_in
from gateway.sealing import Sealer
from gateway.spool import Shelf, Spool

if TYPE_CHECKING:
    from config.schema import GatewayConfig
    from gateway.starting import ReceiverSettings

DRAIN = timedelta(seconds=20)
_TICK_S = 0.05
_LATELY_S = 600.0
"""Names that an ended process gave, and had no time to record, are not older: it takes milliseconds, and waits for the
ledger a minute at most."""


@as_child
def run_receiver(settings: ReceiverSettings) -> None:
    """Receive until asked to stop, let associations finish their objects; the body of a process."""
    stop = begin_child()
    config = settings.config
    spool = Spool(config.storage.path)
    spool.clear_begun(settings.name)
    leftovers = Leftovers(spool)
    database = Database.open(spool.ledger_path)
    ledger = Ledger(database, replace_duplicates=config.storage.duplicates == "replace")
    seat = Seat(settings.board, processes=config.listener.processes, number=settings.number)
    intake = shared_intake(config, spool, database, ledger, Sealer(settings.key), process=settings.name)
    receiver = Receiver(
        config.listener,
        config.nodes,
        intake,
        Reports(Commitments(database)),
        shortage=intake.room.shortage,
        inherited=settings.listening,
        seat=seat,
    )

    def apply(new: GatewayConfig) -> None:
        receiver.admit(new.listener, new.nodes)
        intake.follow(new)

    seat.follow(apply)
    frugal.settle()
    receiver.start()
    log.event("receiving", process=settings.name)
    while not stop.wait(_TICK_S):
        ASSOCIATIONS.labels("in").set(receiver.associations)
        seat.follow(apply)
        leftovers.remove(ledger)
    receiver.stop_accepting()
    receiver.drain(DRAIN)
    database.close()


def shared_intake(
    config: GatewayConfig, spool: Spool, database: Database, ledger: Ledger, sealer: Sealer, *, process: str = ""
) -> SharedIntake:
    """Return the intake of one of several processes, with the limits of the node."""
    reserve_bytes = config.storage.reserve_space
    room = Room(
        spool,
        reserve_bytes=reserve_bytes,
        queue_limit=config.processing.queue_limit,
        waiting=waiting_in(database),
    )
    held_limit = HeldLimit(database, spool, config)
    return SharedIntake(
        spool, ledger, sealer, reserve_bytes=reserve_bytes, room=room, held_limit=held_limit, process=process
    )


class Leftovers:
    """Originals that the predecessor named and did not record: nobody was told that they had arrived.

    Others may be between a name and its row themselves, so it is looked at in a moment in which nobody is. Until then
    such a file harms nobody, and at the latest the next start of the node removes it.

    Parameters
    ----------
    spool
        Looked through now, before this process gives names of its own.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._tokens = list(spool.newest(Shelf.ORIGINALS, younger_than_s=_LATELY_S))

    def remove(self, ledger: Ledger) -> int:
        """Remove them, if nobody is taking an object in just now; return how many there were."""
        if not self._tokens:
            return 0
        try:
            with self._spool.intake_lock(exclusive=True, waits=False):
                unrecorded = [token for token in self._tokens if not ledger.has_receipt(token)]
                for token in unrecorded:
                    self._spool.remove(Shelf.ORIGINALS, token)
        except BlockingIOError:
            return 0
        except (OSError, sa.exc.SQLAlchemyError) as error:
            log.fault("leftovers", error)
            unrecorded = []
        self._tokens = []
        if unrecorded:
            log.event("removed_leftovers", count=len(unrecorded))
        return len(unrecorded)
