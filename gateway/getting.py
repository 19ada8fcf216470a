"""C-GET SCU: the peer sends what matches on our own association, and it enters by the intake (PS3.4 C.4.3).

Rule of the file: a C-STORE that arrives here is streamed, made durable and answered by the same `IncomingObject` as one
that arrives at the listener.
"""

from __future__ import annotations

import threading
from io import BytesIO
from typing import TYPE_CHECKING, Any, Self, cast

from pydicom import uid
from pynetdicom import sop_class
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_primitives import C_GET
from pynetdicom.pdu_primitives import P_DATA, SCP_SCU_RoleSelectionNegotiation

from gateway import log
from gateway.commands import C_STORE_RQ, Command, CommandFault, parse_command
from gateway.incoming import SUCCESS, IncomingObject
from gateway.negotiation import is_storage
from gateway.querying import GET, QueryConnection, failures_of
from gateway.requestor import MOST_CONTEXTS, Wanted
from gateway.statuses import PENDING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.admission import Caller
    from gateway.intake import Intake
    from gateway.requestor import CallingAssociation, Target

_COMMAND, _LAST = 1, 2
_LONGEST_COMMAND_BYTES = 1 << 16
_SYNTAXES = tuple(
    str(syntax)
    for syntax in (
        *(uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian),
        *(uid.JPEGBaseline8Bit, uid.JPEGLosslessSV1, uid.JPEG2000Lossless, uid.JPEGLSLossless, uid.RLELossless),
        *(uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEG2000, uid.JPEGLSNearLossless),
        *(uid.MPEG4HP41, uid.MPEG4HP41BD, uid.MPEG2MPML, uid.HEVCMP51),
        *(uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K),
        *(uid.MPEG2MPHL, uid.MPEG4HP422D, uid.HEVCM10P51),
        *(uid.DeflatedExplicitVRLittleEndian, uid.ExplicitVRBigEndian),
    )
)
"""What is proposed, the likely ones first: a peer sends an object in its own syntax where that was accepted."""


_COMMON = tuple(
    getattr(sop_class, name)
    for name in (
        *("CTImageStorage", "EnhancedCTImageStorage", "MRImageStorage", "EnhancedMRImageStorage"),
        *("UltrasoundImageStorage", "UltrasoundMultiFrameImageStorage", "ComputedRadiographyImageStorage"),
        *("DigitalXRayImageStorageForPresentation", "DigitalXRayImageStorageForProcessing"),
        *("DigitalMammographyXRayImageStorageForPresentation", "DigitalMammographyXRayImageStorageForProcessing"),
        *("BreastTomosynthesisImageStorage", "XRayAngiographicImageStorage", "XRayRadiofluoroscopicImageStorage"),
        *("SecondaryCaptureImageStorage", "MultiFrameTrueColorSecondaryCaptureImageStorage"),
        *("MultiFrameGrayscaleByteSecondaryCaptureImageStorage", "NuclearMedicineImageStorage"),
        *("PositronEmissionTomographyImageStorage", "BasicTextSRStorage", "EnhancedSRStorage"),
        *("ComprehensiveSRStorage", "KeyObjectSelectionDocumentStorage", "XRayRadiationDoseSRStorage"),
        *("GrayscaleSoftcopyPresentationStateStorage", "EncapsulatedPDFStorage", "SegmentationStorage"),
        *("RTImageStorage", "RTDoseStorage", "RTStructureSetStorage", "RTPlanStorage"),
    )
)
"""Proposed where the peer does not list classes; what is none of these is then missing."""


def contexts_for(classes: Iterable[str]) -> tuple[Wanted, ...]:
    """Return what to propose for objects of these classes: as many syntaxes each as 128 contexts allow.

    An empty one among them means that the peer did not say; then common ones are proposed too.
    One context for each pair, so that the peer need not convert: in a context of many it would have to choose one.
    """
    listed = set(classes)
    known = sorted({one for one in listed if is_storage(one)})
    others = (str(one) for one in _COMMON if "" in listed)
    storage = list(dict.fromkeys((*known, *others)))[: MOST_CONTEXTS - 1]
    each = (MOST_CONTEXTS - 1) // max(len(storage), 1)
    proposed = [Wanted(abstract_syntax=one, transfer_syntax=syntax) for one in storage for syntax in _SYNTAXES[:each]]
    return (GET, *proposed)


class _GetProvider(DIMSEServiceProvider):
    """Reassembles messages; data sets of C-STORE requests go to the intake, the rest is pynetdicom's.

    Attributes
    ----------
    intake
        Where objects go; None until something is asked for.
    """

    def __init__(self, assoc: CallingAssociation) -> None:
        super().__init__(assoc)
        self.intake: Intake | None = None
        self._command = bytearray()
        self._incoming: IncomingObject | None = None
        self._has_data_set = False
        self._closed = False
        self._lock = threading.Lock()
        self._taken = self._seen = 0

    def goes_on(self) -> bool:
        """Tell whether anything was taken since this was last asked: a large object is no silence."""
        taken, seen, self._seen = self._taken, self._seen, self._taken
        return taken != seen

    def receive_primitive(self, primitive: P_DATA) -> None:
        """Take the fragments of one P-DATA-TF (called in the thread that reads the socket)."""
        try:
            with self._lock:
                for context_id, fragment in primitive.presentation_data_value_list:
                    self._take(context_id, memoryview(fragment))
        except Exception as error:  # noqa: BLE001  whatever a peer can send that cannot be followed ends its association
            log.fault("message_refused", error)
            self.dul.event_queue.put("Evt19")  # unrecognised PDU: A-ABORT by the state machine (PS3.8 9.2, AA-8)

    def _take(self, context_id: int, fragment: memoryview) -> None:
        if self._closed:
            return
        self._taken += 1
        control = fragment[0]
        if control & _COMMAND:
            self._command += fragment[1:]
            if self._has_data_set or len(self._command) > _LONGEST_COMMAND_BYTES:
                raise CommandFault("command inside a data set, or without end")
            if control & _LAST:
                encoded, self._command = bytes(self._command), bytearray()
                self._begin(context_id, encoded)
            return
        if not self._has_data_set:
            raise CommandFault("data set without a command")
        if control & _LAST:
            self._has_data_set = False
        if self._incoming is None:
            self._pass_on(context_id, bytes(fragment))
            return
        self._incoming.write(fragment[1:])
        if control & _LAST:
            complete, self._incoming = self._incoming, None
            self.msg_queue.put((context_id, cast("Any", complete)))

    def _begin(self, context_id: int, encoded: bytes) -> None:
        command = parse_command(encoded)
        self._has_data_set = command.has_data_set
        if command.field != C_STORE_RQ:
            self._pass_on(context_id, b"\3" + encoded)
            return
        incoming = self._incoming_of(context_id, command)
        if command.has_data_set:
            self._incoming = incoming
        else:
            self.msg_queue.put((context_id, cast("Any", incoming)))

    def _incoming_of(self, context_id: int, command: Command) -> IncomingObject:
        context = {c.context_id: c for c in self.assoc.accepted_contexts}.get(context_id)
        is_ours = context is not None and context.as_scp and is_storage(str(context.abstract_syntax))
        if context is None or not is_ours or self.intake is None or command.message_id is None:
            raise CommandFault("an object that was not asked for, or not in a context for it")
        return IncomingObject(
            self.intake,
            command,
            abstract_syntax=str(context.abstract_syntax),
            transfer_syntax=str(context.transfer_syntax[0]),
        )

    def _pass_on(self, context_id: int, fragment: bytes) -> None:
        whole = P_DATA()
        whole.presentation_data_value_list.append((context_id, fragment))
        super().receive_primitive(whole)

    def close(self) -> None:
        """Abandon what was begun or waits to be answered; nothing is taken afterwards."""
        with self._lock:
            self._closed = True
            begun, self._incoming = self._incoming, None
        if begun is not None:
            begun.abandon()
        while not self.msg_queue.empty():
            waiting: object = self.msg_queue.get_nowait()[1]
            if isinstance(waiting, IncomingObject):
                waiting.abandon()


class GetConnection(QueryConnection):
    """An association on which a peer is asked to send objects, and sends them. Used as a context manager."""

    @classmethod
    def to(cls, target: Target, classes: Iterable[str]) -> Self:
        """Connect, ready for objects of these classes.

        Raises
        ------
        Lost
            No association came about.
        """
        connection = cls.open(target, contexts_for(classes))
        assert isinstance(connection, cls)
        return connection

    @classmethod
    def _make_ready(cls, assoc: CallingAssociation) -> None:
        assoc.dimse = _GetProvider(assoc)
        for proposed in {str(context.abstract_syntax) for context in assoc.requestor.requested_contexts}:
            if proposed != GET.abstract_syntax:
                role = SCP_SCU_RoleSelectionNegotiation()
                role.sop_class_uid, role.scu_role, role.scp_role = uid.UID(proposed), False, True
                assoc.requestor.add_negotiation_item(role)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        provider = self._assoc.dimse
        assert isinstance(provider, _GetProvider)
        provider.close()

    def get(self, request: bytes, *, intake: Intake, caller: Caller) -> int:
        """Have what matches sent, take it in; return how many sub-operations failed, as the peer counts.

        Parameters
        ----------
        caller
            As whose objects they enter.

        Raises
        ------
        Lost, RefusedError, NotServedError
            As in `find`; what was acknowledged before stays.
        """
        provider = self._assoc.dimse
        assert isinstance(provider, _GetProvider)
        provider.intake = intake
        asked = C_GET()
        asked.AffectedSOPClassUID, asked.Identifier = GET.abstract_syntax, BytesIO(request)
        with self._asking(asked, GET):
            while True:
                context_id, message = self._next(provider.goes_on)
                if isinstance(message, IncomingObject):
                    self._answer(context_id, message, caller)
                    continue
                answer = self._reply_to(asked, message)
                if int(answer.Status or 0) not in PENDING:
                    break
        return failures_of(answer)

    def _answer(self, context_id: int, incoming: IncomingObject, caller: Caller) -> None:
        verdict = incoming.finish(caller)
        if verdict is not SUCCESS:
            log.event("store_refused", node=caller.node_name, status=f"{verdict.status:04X}")
        response = P_DATA()
        response.presentation_data_value_list.append((context_id, b"\3" + incoming.response(verdict)))
        self._assoc.dul.send_pdu(response)
