"""The DICOM conformance statement and the AE worksheet of one configuration, as Markdown (PS3.2).

Rule of the file: what is negotiated, answered and claimed is read from the code that does it; only prose stands here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.uid import UID

from gateway import negotiation
from gateway.audit_messages import EVENTS, LARGEST_BYTES, OURS, PROCESS
from gateway.audit_syslog import MESSAGE_ID
from gateway.commitment import WELL_KNOWN_INSTANCE
from gateway.commitments import ASK_AFTER_S, MOST_IN_ONE_REQUEST
from gateway.dicomweb.statement import origin_server, user_agent
from gateway.forward import OPERATIONS
from gateway.markdown import table as _table
from gateway.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from gateway.querying import FIND, GET, MOVE
from gateway.requestor import MOST_CONTEXTS
from gateway.statuses import NO_SUCH_OBJECT_INSTANCE, REJECTION_CODES, EventStatus, Rejection, Status
from gateway.transport import PDU_BYTES
from pipeline.header.marks import BASIC_PROFILE, OPTION_CODES
from pipeline.header.ps315_table import EDITION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.gateway import Node
    from config.schema import GatewayConfig

_MEANINGS = {
    Status.SUCCESS: "the object, its receipt and its row in the ledger are durable on disk",
    Status.INVALID_SOP_INSTANCE: "a UID of the command breaks the rules for UIDs (PS3.5 9.1)",
    Status.OUT_OF_RESOURCES: "nothing was kept; the same send may succeed later",
    Status.DATA_SET_DOES_NOT_MATCH: "the data set names another class or instance than the command",
    Status.CANNOT_UNDERSTAND: "the command lacks what a C-STORE needs, or its context is not for storage",
}
_REPORT_MEANINGS = {
    EventStatus.SUCCESS: "the report is durable in the ledger, or was known already",
    EventStatus.PROCESSING_FAILURE: "the report cannot be read, or could not be written down",
    EventStatus.NO_SUCH_SOP_INSTANCE: f"another instance than {WELL_KNOWN_INSTANCE}",
    EventStatus.NO_SUCH_EVENT_TYPE: "another event type than 1 and 2",
    EventStatus.INVALID_ARGUMENT_VALUE: "no request to this node has this Transaction UID; nothing was changed",
    EventStatus.NO_SUCH_SOP_CLASS: "another class than the Storage Commitment Push Model",
}
_REJECTED = {
    Rejection.CALLED_AET: "the called AE title is not one of ours",
    Rejection.CALLING_AET: "AE title, address and certificate of the caller are no node of the configuration",
    Rejection.LOCAL_LIMIT: "as many associations are open as are allowed",
    Rejection.OUT_OF_RESOURCES: "storage is proposed and the disk reserve, the inodes or the queue limit are reached",
    Rejection.CONGESTION: "a fault of ours while deciding",
}


def statement(config: GatewayConfig, version: str) -> str:
    """Return the conformance statement of a node with this configuration."""
    parts = (
        _overview(config, version),
        _storage_scp(config),
        _storage_scu(config),
        _retrieve_scu(config),
        _verification(config),
        _commitment_scu(config),
        origin_server(config),
        user_agent(config),
        _not_offered(),
        _security(config),
        _audit_trail(config),
        _de_identification(config),
        _worksheet(config),
    )
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _name(uid: str) -> str:
    known = UID(uid).name
    return known if known != uid else "(private or newer)"


def _overview(config: GatewayConfig, version: str) -> Iterator[str]:
    yield f"# DICOM conformance statement: Sonoveil {version}"
    yield ""
    yield (
        "Sonoveil is a node between a clinical and a research PACS: it receives objects by C-STORE, de-identifies "
        f"them by PS3.15 Annex E (edition {EDITION}), and sends the results on by C-STORE. Beside it, or instead, it "
        "receives and sends by DICOMweb (STOW-RS). It keeps nothing for others to query."
    )
    yield ""
    yield from _table(
        ("", ""),
        [
            ("Implementation Class UID", IMPLEMENTATION_CLASS_UID),
            ("Implementation Version Name", IMPLEMENTATION_VERSION_NAME),
            ("AE titles answered", ", ".join(config.listener.ae_titles)),
            ("Port", config.listener.port),
            ("Application context", "1.2.840.10008.3.1.1.1"),
            ("Largest PDU received and sent", f"{PDU_BYTES} bytes (16777216 are tolerated)"),
            ("Asynchronous operations window, as acceptor", "not negotiated: one operation at a time"),
            ("Asynchronous operations window, as Storage SCU", f"{OPERATIONS} invoked, 1 performed are proposed"),
            ("User identity, extended negotiation", "not supported; an identity that is offered is not looked at"),
            ("Associations received at the same time", config.listener.max_associations),
        ],
    )
    yield ""
    yield from _table(
        ("Service", "SCU", "SCP"),
        [
            ("Verification (C-ECHO)", "yes", "yes"),
            ("Storage (C-STORE)", "yes", "yes"),
            ("Study Root Query/Retrieve: C-FIND, C-MOVE, C-GET", "yes", "no"),
            ("Storage Commitment Push Model", "yes" if _committing(config) else "where configured", "no"),
            ("DICOMweb Store (STOW-RS): SCU is the user agent, SCP the origin server", *_web(config)),
        ],
    )


def _web(config: GatewayConfig) -> tuple[str, str]:
    sends = any(node.url is not None for node in config.nodes.values())
    offered = config.dicomweb is not None
    return ("yes" if sends else "where configured", "yes" if offered else "where configured")


def _storage_scp(config: GatewayConfig) -> Iterator[str]:
    yield "## Storage SCP"
    yield ""
    yield (
        "Level 2 (full): every attribute is received; what leaves is another object with other UIDs. Accepted is "
        "every abstract syntax with a valid UID that the standard does not give to another service: all Storage "
        "SOP classes, retired and private ones included. What cannot be de-identified is acknowledged and held, "
        "not refused, so that no sender's queue loops."
    )
    yield ""
    yield "In each presentation context the first of these that is proposed is accepted:"
    yield ""
    known = (*negotiation.LOSSLESS_COMPRESSED, *negotiation.UNCOMPRESSED)
    yield from _table(
        ("", "Transfer syntax", "UID"), [(rank, _name(str(uid)), uid) for rank, uid in enumerate(known, start=1)]
    )
    yield ""
    yield (
        f"{len(known) + 1}: private and unknown ones; {len(known) + 2}: lossy ones; last those whose pixels lie "
        "elsewhere (JPIP)."
    )
    yield ""
    yield from _table(
        ("Status", "Meaning"), [(f"0x{status.value:04X}", meaning) for status, meaning in _MEANINGS.items()]
    )
    yield ""
    yield from _table(
        ("Result", "Source", "Reason", "Association rejected because"),
        [(code.result, code.source, code.reason, _REJECTED[rejection]) for rejection, code in REJECTION_CODES.items()],
    )
    yield ""
    times = config.listener.timeouts
    yield from _table(
        ("Timeout", "Seconds"),
        [
            ("for an association message", f"{times.association.total_seconds():g}"),
            ("for the rest of a message that has begun", f"{times.dimse.total_seconds():g}"),
            ("for the next message", f"{times.idle.total_seconds():g}"),
        ],
    )


def _storage_scu(config: GatewayConfig) -> Iterator[str]:
    yield "## Storage SCU"
    yield ""
    yield (
        "Each presentation context proposes one class in one transfer syntax, the one of the objects that wait; "
        f"at most {MOST_CONTEXTS} contexts an association, further associations beyond. Objects leave in the "
        "syntax that they have after de-identification. A target that refuses that context is offered Explicit VR "
        "Little Endian once; then the delivery fails and is shown to a person. Every re-send is byte for byte the "
        "same, with the same UIDs. Where the target accepts an asynchronous operations window, so many requests are "
        "sent before the first is answered."
    )
    yield ""
    yield (
        "0x0000 and warnings (0xBxxx, 0x0001, 0x0107, 0x0116) are deliveries. 0xA7xx, a lost or rejected "
        "association and no answer are tried again, later each time. Every other status is a failure that a "
        "person looks at. After a minute without a delivery, and after a failure, a C-ECHO on an association of its "
        "own goes before any object; a target that accepts the association and not Verification has answered."
    )
    asked = [name for name, node in config.nodes.items() if node.check_existing]
    if asked:
        yield ""
        yield (
            f"Before the first send to {', '.join(asked)}: C-FIND, Study Root, IMAGE level, with Study and Series "
            "Instance UID and a list of SOP Instance UIDs; what is listed is not sent."
        )
    yield ""
    send = config.send
    tries = send.retry_max or "without limit"
    yield (
        f"First retry after {send.retry_delay.total_seconds():g} s, then {send.retry_delay_multiplier:g} times as "
        f"long each time, up to {send.max_retry_delay.total_seconds():g} s, with jitter; tries: {tries}."
    )


def _retrieve_scu(config: GatewayConfig) -> Iterator[str]:
    yield "## Query/Retrieve SCU"
    yield ""
    yield (
        "When somebody runs `sonoveil pull` or `sonoveil reconcile --find`, and for `check_existing`. Study Root, "
        "Implicit VR Little Endian, hierarchical: STUDY, SERIES and IMAGE level in turn, each with the unique keys of "
        "the levels above; no extended negotiation. C-MOVE goes "
        f"to {' or '.join(config.listener.ae_titles)}. For C-GET the Storage SCP role is proposed for the classes that "
        "the peer lists, each in as many transfer syntaxes of its own as there are contexts; where it lists none, for "
        "common ones. An object is complete when it is acknowledged here, whatever the peer counts."
    )
    yield ""
    yield from _table(
        ("Model", "UID"),
        [(_name(model.abstract_syntax), model.abstract_syntax) for model in (FIND, MOVE, GET)],
    )


def _verification(config: GatewayConfig) -> Iterator[str]:
    yield "## Verification"
    yield ""
    may = [name for name, node in config.nodes.items() if node.allow_echo]
    yield (
        f"As SCP: answered to {', '.join(may) if may else 'nobody'}. As SCU: `sonoveil check` asks every node that "
        "has a port; targets are asked before objects are sent to them, see Storage SCU."
    )


def _committing(config: GatewayConfig) -> list[str]:
    return [name for name, node in config.nodes.items() if node.storage_commitment]


def _commitment_scu(config: GatewayConfig) -> Iterator[str]:
    yield "## Storage Commitment SCU"
    yield ""
    asked = _committing(config)
    yield f"Push Model (PS3.4 J.3). Asked of: {', '.join(asked) if asked else 'nobody in this configuration'}."
    if not asked:
        return
    yield ""
    yield (
        f"{ASK_AFTER_S:g} s after an object was sent, N-ACTION (action type 1, instance {WELL_KNOWN_INSTANCE}, "
        f"Implicit VR Little Endian, default roles) asks about at most {MOST_IN_ONE_REQUEST} instances, those of a "
        "study together. A Transaction UID lies under 2.25 and is never used twice. The N-EVENT-REPORT is taken on "
        "the same association, kept open for a moment, or on one that the target opens to this node: from these "
        "nodes only, and with the SCP role proposed and accepted (PS3.7 D.3.3.4); without it the context is refused, "
        "since it would ask this node to be the SCP."
    )
    yield ""
    yield (
        "An instance counts as kept when the report names it, by class and instance, as referenced and not as failed. "
        f"Failure Reason 0x{NO_SUCH_OBJECT_INSTANCE:04X} (no such object instance): the same bytes are sent again. Any "
        "other reason: the delivery fails and is shown to a person. Without an answer the same instances are asked "
        "about again, under a new Transaction UID; late answers to the earlier one count."
    )
    yield ""
    yield from _table(
        ("Node", "Asked again after (seconds)"),
        [(name, f"{config.nodes[name].commitment_timeout.total_seconds():g}") for name in asked],
    )
    yield ""
    yield from _table(
        ("Status of N-EVENT-REPORT", "Meaning"),
        [(f"0x{status.value:04X}", meaning) for status, meaning in _REPORT_MEANINGS.items()],
    )


def _not_offered() -> Iterator[str]:
    yield "## What is not offered, and why"
    yield ""
    yield (
        "- **Storage Commitment as SCP.** An SCP of this service takes responsibility for keeping the object "
        "(PS3.4 J.1). This node deletes originals once they are processed, so it must not take it; senders keep "
        "their own."
    )
    yield "- **Modality Worklist, MPPS, DICOMweb beyond Store:** not in this version."
    yield "- **Query/Retrieve as SCP:** it keeps nothing for others to query."
    yield "- **Media:** `sonoveil deid` reads files, folders, DICOMDIR and zip; it creates no media."


def _security(config: GatewayConfig) -> Iterator[str]:
    yield "## Security"
    yield ""
    tls = config.listener.tls
    if tls is None:
        yield "The port speaks DICOM without TLS."
    else:
        asked = "must show" if tls.require_client_certificate else "may show"
        yield f"The port speaks TLS 1.2 or 1.3 only (PS3.15 Annex B, BCP 195); callers {asked} a trusted certificate."
    unknown = "rejected" if config.listener.reject_unknown_sources else "let in, and may store"
    yield (
        "Callers are known by AE title and address, and where a node names one, by the name in their certificate. "
        f"Unknown callers are {unknown}."
    )


def _audit_trail(config: GatewayConfig) -> Iterator[str]:
    yield "## Audit trail"
    yield ""
    yield (
        "Every row of the node's audit is a message of the Audit Trail Message Format Profile (PS3.15 A.5), written to "
        "a file by `sonoveil audit export`. Messages are not received."
    )
    yield ""
    syslog = config.audit.syslog
    if syslog is None:
        yield "Messages are sent to no repository in this configuration."
    else:
        shown = "a certificate of ours is shown" if syslog.tls.certificate is not None else "no certificate is shown"
        yield (
            f"They are sent to {syslog.host}:{syslog.port} by the profile SYSLOG-TLS (PS3.15 A.6): TLS 1.2 or 1.3, the "
            f"repository's certificate and name are checked, {shown}. Facility 10, severity 5, 4 or 3 by outcome, "
            f"APP-NAME {PROCESS}, MSGID {MESSAGE_ID}, no STRUCTURED-DATA, UTF-8 with a byte order mark, at most "
            f"{LARGEST_BYTES} octets; a message may be sent twice."
        )
    yield ""
    yield from _table(
        ("Action in the ledger", "Event (DCM)", "Type (DCM)", "Action code"),
        [
            (
                action,
                " ".join(event.event_id),
                "; ".join(" ".join(code) for code in event.types) or "none",
                event.action_code,
            )
            for action, event in EVENTS.items()
        ],
    )
    yield ""
    yield (
        "Every other action (hold, refuse, release, reject, retry, repair and the like) is 110103 DICOM Instances "
        f"Accessed, U. Extensions: an EventTypeCode of code system {OURS} with the action; participant objects "
        "`instance` and `audit-row` of the same system, the latter with the hashes of the audit's chain. User IDs: "
        f"`{PROCESS}` is the node, names of the configuration are peers, LOGIN@HOST is a person."
    )
    yield ""
    told = (
        "name the new study and the pseudonym of what was de-identified, and nothing else"
        if config.audit.participants == "pseudonyms"
        else "name no patient and no study"
    )
    yield (
        f"By policy messages {told}. So Study and Patient, which A.5.3 requires of events about instances, are missing "
        "where nothing may be told, and a query's content always: no message holds a source's identifiers."
    )


def _de_identification(config: GatewayConfig) -> Iterator[str]:
    yield "## De-identification"
    yield ""
    yield (
        f"Application Level Confidentiality Profiles of PS3.15 Annex E, edition {EDITION}; written into "
        "(0012,0064) of every object that leaves. The role is that of a de-identifier; attributes are not "
        "encrypted into the object."
    )
    for name, profile in sorted(config.profiles.items()):
        yield ""
        yield f"Profile `{name}`:"
        yield ""
        codes = [BASIC_PROFILE, *(OPTION_CODES[option] for option in profile.options)]
        yield from _table(("Code (DCM)", "Meaning"), codes)
    yield ""
    yield (
        "Text is written in ISO_IR 192 (UTF-8) where it is not ASCII; every character set of PS3.3 C.12.1.1.2 is "
        "read. UIDs are replaced by UIDs under 2.25, the same for the same source UID and project, unless a "
        "profile keeps them."
    )


def _worksheet(config: GatewayConfig) -> Iterator[str]:
    yield "## AE worksheet"
    yield ""
    yield "This node, for the configuration of its peers:"
    yield ""
    port = f"{config.listener.port}{' (TLS)' if config.listener.tls else ''}"
    yield from _table(
        ("AE title", "Address", "Port", "Calls with"),
        [(title, "this machine", port, config.listener.ae_titles[0]) for title in config.listener.ae_titles],
    )
    yield ""
    yield "Its peers, as this node knows them:"
    yield ""
    yield from _table(
        ("Node", "AE title", "Calls from", "May", "Called at", "Called as", "TLS", "Receives from rules"),
        [
            (
                name,
                node.ae_title or "none",
                ", ".join(node.host) or "any",
                ", ".join(_may(node)) or "none",
                f"{node.address}:{node.port}" if node.port is not None else node.url or "none",
                config.calling_ae_title(name) if node.port is not None else "none",
                "yes" if node.is_encrypted or (node.tls is not None and node.port is not None) else "none",
                ", ".join(rule.name for rule in config.rules if name in rule.target) or "none",
            )
            for name, node in config.nodes.items()
        ],
    )


def _may(node: Node) -> Iterator[str]:
    if node.allow_store:
        yield "store"
    if node.allow_echo:
        yield "echo"
    if node.storage_commitment:
        yield "report commitment"
