"""A storage SCP of our own for tests: records the bytes of every C-STORE and answers as it is told.

Rule of the file: independent of `gateway`; built on stock pynetdicom.
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pynetdicom import AE, evt
from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.presentation import build_context
from pynetdicom.service_class import StorageServiceClass
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

from tests.peers.programs import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ABORT = -1
"""An answer: no status, the association is aborted instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One C-STORE as it came over the wire.

    Parameters
    ----------
    sha256
        Of the data set's bytes, hexadecimal.
    data_set
        The bytes themselves when `keep_bytes` was asked for, else empty.
    association
        Number of the association, from 1.
    status
        What was answered.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    calling_aet: str
    sha256: str
    size_bytes: int
    data_set: bytes
    association: int
    status: int


@dataclass(slots=True, kw_only=True)
class Recorder:
    """What a recording SCP saw.

    Parameters
    ----------
    answer
        Called with the number of the C-STORE (from 1) and its SOP Instance UID; returns a status or `ABORT`. May wait.
    refuse
        Called with abstract and transfer syntax; true refuses the context.
    """

    ae_title: str
    port: int = 0
    keep_bytes: bool
    answer: Callable[[int, str], int]
    refuse: Callable[[str, str], bool]
    stored: list[Stored] = field(default_factory=list)
    contexts: list[list[tuple[str, str]]] = field(default_factory=list)
    """Per association: what was proposed."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def associations(self) -> int:
        """How many associations were requested."""
        return len(self.contexts)

    def hashes(self) -> dict[str, set[str]]:
        """Return, per SOP Instance UID, the distinct hashes that arrived: one each when re-sends were identical."""
        found: dict[str, set[str]] = {}
        with self.lock:
            for one in self.stored:
                found.setdefault(one.sop_instance_uid, set()).add(one.sha256)
        return found

    def wait_for(self, count: int, *, seconds: float = 60) -> None:
        """Wait until so many C-STOREs were recorded."""
        wait_until(lambda: len(self.stored) >= count, what=f"{count} C-STOREs at {self.ae_title}", seconds=seconds)


class _AnyClassAssociation(Association):
    """Stores every SOP class; stock pynetdicom aborts for those that it does not list."""

    number = 0

    def _serve_request(self, msg: Any, context_id: int) -> None:
        if isinstance(msg, C_STORE):
            StorageServiceClass(self).SCP(msg, self._accepted_cx[context_id])
        else:
            super()._serve_request(msg, context_id)


class _Handler(RequestHandler):
    def _create_association(self) -> Association:
        assoc = _AnyClassAssociation(self.ae, MODE_ACCEPTOR)
        assoc._server = self.server
        assoc.name = "AcceptorThread@recording"
        assoc.set_socket(AssociationSocket(assoc, client_socket=self.request))
        assoc.acceptor.maximum_length = self.ae.maximum_pdu_size
        assoc.acceptor.ae_title = self.server.ae_title
        assoc.acceptor.address_info = self.local
        assoc.requestor.address_info = self.remote
        for event, handlers in self.server._handlers.items():
            if event.is_intervention and handlers:
                assoc.bind(event, *handlers)
            elif not event.is_intervention:
                for handler, arguments in handlers:
                    assoc.bind(event, handler, arguments)
        return assoc


@contextmanager
def recording_scp(
    *,
    ae_title: str = "RESEARCH",
    port: int = 0,
    answer: Callable[[int, str], int] = lambda _number, _uid: 0,
    refuse: Callable[[str, str], bool] = lambda _abstract, _syntax: False,
    keep_bytes: bool = False,
    pdu_bytes: int = 16_382,
) -> Iterator[Recorder]:
    """Run a recording SCP on loopback until the block ends.

    Parameters
    ----------
    port
        0 for a free one; `Recorder.port` says which.
    answer, refuse, keep_bytes
        See `Recorder`.
    pdu_bytes
        Its maximum PDU length.
    """
    recorder = Recorder(ae_title=ae_title, keep_bytes=keep_bytes, answer=answer, refuse=refuse)
    entity = AE(ae_title)
    entity.maximum_pdu_size = pdu_bytes
    entity.maximum_associations = 1000
    handlers = [
        (evt.EVT_REQUESTED, _negotiate, [recorder]),
        (evt.EVT_C_STORE, _record, [recorder]),
        (evt.EVT_C_ECHO, lambda _event: 0),
    ]
    server = ThreadedAssociationServer(
        entity, ("127.0.0.1", port), ae_title, [], evt_handlers=handlers, request_handler=_Handler
    )
    entity._servers.append(server)
    recorder.port = int(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield recorder
    finally:
        for assoc in server.active_associations:
            assoc.abort()
        server.shutdown()
        thread.join()


def _negotiate(event: evt.Event, recorder: Recorder) -> None:
    assoc = event.assoc
    proposed = [
        (str(context.abstract_syntax), str(syntax))
        for context in assoc.requestor.primitive.presentation_context_definition_list
        for syntax in context.transfer_syntax
    ]
    with recorder.lock:
        recorder.contexts.append(proposed)
        assoc.number = len(recorder.contexts)
    accepted: dict[str, list[str]] = {}
    for abstract, syntax in proposed:
        if not recorder.refuse(abstract, syntax):
            accepted.setdefault(abstract, []).append(syntax)
    assoc.acceptor.supported_contexts = [build_context(abstract, syntaxes) for abstract, syntaxes in accepted.items()]


def _record(event: evt.Event, recorder: Recorder) -> int:
    data_set = event.request.DataSet.getvalue()
    uid = str(event.request.AffectedSOPInstanceUID)
    with recorder.lock:
        number = len(recorder.stored) + 1
    status = recorder.answer(number, uid)
    with recorder.lock:
        recorder.stored.append(
            Stored(
                sop_class_uid=str(event.request.AffectedSOPClassUID),
                sop_instance_uid=uid,
                transfer_syntax_uid=str(event.context.transfer_syntax),
                calling_aet=event.assoc.requestor.ae_title.strip(),
                sha256=hashlib.sha256(data_set).hexdigest(),
                size_bytes=len(data_set),
                data_set=data_set if recorder.keep_bytes else b"",
                association=event.assoc.number,
                status=status,
            )
        )
    if status == ABORT:
        event.assoc.abort()
        return 0xC000
    return status
