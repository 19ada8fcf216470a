"""Audit rows as DICOM Audit Messages (PS3.15 A.5).

Which event of the standard a row is stands in `EVENTS`; what is ours alone is said in extensions that the schema
allows: a second Event Type Code with the ledger's word for the action, and a Participant Object with the row's number,
its hashes, and those details that are known to hold nothing of a patient.

Rule of the file: nothing that came from an object is written but public UIDs and pseudonyms, and these only where
`audit.participants` says so; a person's free text never is.
"""

from __future__ import annotations

import base64
import ipaddress
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from pydicom.uid import UID

from gateway.audit_chain import read
from gateway.tables import instance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from config.schema import GatewayConfig
    from gateway.database import Database

OURS = "Sonoveil"
"""Code system of the codes that are this product's own."""
PROCESS = "sonoveil"
"""User ID of the node itself, as `actor: node` in the ledger."""
LARGEST_BYTES = 32_768
"""No message is longer (PS3.15 A.6 asks receivers for that much)."""

_ROOM_BYTES = 512
"""For what a transport puts before a message."""
_HASHES = 2
"""The first details of the audit row, which stay where the others would make a message too long."""
_SAFE_DETAILS = frozenset(
    {
        *("attempts", "by", "cancelled", "changed", "commitment", "count", "failed", "fetched", "first", "how"),
        *("instances", "kind", "last", "listed", "missing", "node", "outcome", "output_sha256", "profile", "project"),
        *("reason", "row", "rule", "state", "status", "studies", "subject", "syntax", "target", "version", "what"),
    }
)
_ALL_SAFE = frozenset({"config_change", "model_change"})
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INSTANCES_AT_ONCE = 500

_Code = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """How an action is told.

    Parameters
    ----------
    event_id
        Code and meaning, of DCM.
    action_code
        C, R, U, D or E.
    types
        Event Type Codes of DCM.
    """

    event_id: _Code
    action_code: str
    types: tuple[_Code, ...] = ()


_ACTIVITY = ("110100", "Application Activity")
_LOG_USED = ("110101", "Audit Log Used")
_ACCESSED = ("110103", "DICOM Instances Accessed")
_TRANSFERRED = ("110104", "DICOM Instances Transferred")
_STUDY_DELETED = ("110105", "DICOM Study Deleted")
_QUERY = ("110112", "Query")
_ALERT = ("110113", "Security Alert")
_RESTRICTED = ("110132", "Use of Restricted Function")
_SOFTWARE = ("110131", "Software Configuration")
_OBJECT_SECURITY = ("110135", "Object Security Attributes Changed")

_OTHER = Event(event_id=_ACCESSED, action_code="U")
_RESTRICTED_USE = Event(event_id=_ALERT, action_code="E", types=(_RESTRICTED,))
_RECONFIGURED = Event(event_id=_ALERT, action_code="E", types=(_SOFTWARE,))
EVENTS: Mapping[str, Event] = {
    "start": Event(event_id=_ACTIVITY, action_code="E", types=(("110120", "Application Start"),)),
    "stop": Event(event_id=_ACTIVITY, action_code="E", types=(("110121", "Application Stop"),)),
    "reload": _RECONFIGURED,
    "config_change": _RECONFIGURED,
    "model_change": _RECONFIGURED,
    "receive": Event(event_id=_TRANSFERRED, action_code="C"),
    "send": Event(event_id=_TRANSFERRED, action_code="C"),
    "clean": Event(event_id=_ACCESSED, action_code="C"),
    "convert": Event(event_id=_ACCESSED, action_code="C"),
    "delete_originals": Event(event_id=_ACCESSED, action_code="D"),
    "delete_outputs": Event(event_id=_ACCESSED, action_code="D"),
    "withdraw": Event(event_id=_STUDY_DELETED, action_code="D"),
    "lift_withdrawal": Event(event_id=_ALERT, action_code="E", types=(_OBJECT_SECURITY,)),
    "pull": Event(event_id=_QUERY, action_code="E"),
    "crosswalk_lookup": _RESTRICTED_USE,
    "crosswalk_export": _RESTRICTED_USE,
    "audit_export": Event(event_id=_LOG_USED, action_code="R"),
}
"""By the ledger's action; what is not here is an access that updates: hold, refuse, release, reject, retry, repair …"""

_MINOR, _SERIOUS = "4", "8"
_OUTCOMES = {
    "hold": _MINOR,
    "missing_at_target": _MINOR,
    "delivery_failed": _SERIOUS,
    "not_committed_by_target": _SERIOUS,
}
_LIFE_CYCLE = {"receive": "2", "clean": "7", "send": "10", "delete_originals": "15", "delete_outputs": "15"}


def event_of(action: str) -> Event:
    """Return how an action is told; `send_of_cancelled` and the like are sends."""
    return EVENTS.get(_plain(action), _OTHER)


def _plain(action: str) -> str:
    return "send" if action.startswith("send_of_") else action


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, ready to leave.

    Parameters
    ----------
    row_id
        The audit row that it tells.
    at
        When that happened, seconds since 1970-01-01 UTC.
    outcome
        Its Event Outcome Indicator: 0, 4 or 8.
    xml
        UTF-8; one line.
    """

    row_id: int
    at: float
    outcome: str
    xml: bytes


class Messages:
    """Makes messages of one node's audit rows.

    Parameters
    ----------
    config
        AE titles, addresses of nodes, and what may be told (`audit.participants`).
    hostname
        Of this machine: of every participant that works on it.
    """

    def __init__(self, config: GatewayConfig, *, hostname: str) -> None:
        self._config = config
        self._hostname = hostname
        self._tells_pseudonyms = config.audit.participants == "pseudonyms"

    def after(self, database: Database, row_id: int) -> Iterator[Message]:
        """Yield the messages of all rows with a greater number, in order."""
        some: list[Any] = []
        for row in read(database, after=row_id):
            some.append(row)
            if len(some) == _INSTANCES_AT_ONCE:
                yield from self._made(database, some)
                some = []
        yield from self._made(database, some)

    def _made(self, database: Database, rows: Sequence[Any]) -> Iterator[Message]:
        numbers = {row.instance_id for row in rows if row.instance_id is not None}
        with database.read() as connection:
            found = connection.execute(_INSTANCES.where(instance.c.id.in_(numbers))).all()
        instances = {one.id: one for one in found}
        for row in rows:
            yield self.message(row, instances.get(row.instance_id))

    def message(self, row: Any, about: Any) -> Message:
        """Return the message of one row.

        Parameters
        ----------
        about
            Of the row's instance: `id`, `calling_aet`, `called_aet`, `sop_class_uid`, `public_study_uid`, `pseudonym`;
            None where there is none.
        """
        root = ET.Element("AuditMessage")
        outcome = self._event(root, row)
        self._participants(root, row, about)
        source = ET.SubElement(root, "AuditSourceIdentification", AuditSourceID=self._config.listener.ae_titles[0])
        ET.SubElement(source, "AuditSourceTypeCode", {"csd-code": "4"})
        self._objects(root, row, about)
        xml = _written(root)
        if len(xml) > LARGEST_BYTES - _ROOM_BYTES:
            for detail in root[-1].findall("ParticipantObjectDetail")[_HASHES:]:
                root[-1].remove(detail)
            xml = _written(root)
        return Message(row_id=row.id, at=row.at, outcome=outcome, xml=xml)

    def _event(self, root: ET.Element, row: Any) -> str:
        told = event_of(row.action)
        outcome = _outcome_of(row)
        element = ET.SubElement(
            root,
            "EventIdentification",
            EventActionCode=told.action_code,
            EventDateTime=datetime.fromtimestamp(row.at, UTC).isoformat(timespec="milliseconds"),
            EventOutcomeIndicator=outcome,
        )
        _coded(element, "EventID", told.event_id)
        for code in told.types:
            _coded(element, "EventTypeCode", code)
        _coded(element, "EventTypeCode", (row.action, row.action.replace("_", " ")), system=OURS)
        if outcome != "0":
            description = ET.SubElement(element, "EventOutcomeDescription")
            description.text = _text(str(row.detail.get("reason") or row.detail.get("outcome") or row.action))
        return outcome

    def _participants(self, root: ET.Element, row: Any, about: Any) -> None:
        action, actor = _plain(row.action), str(row.actor)
        if action == "receive" and about is not None:
            name = str(row.detail.get("node"))
            self._node(root, name, about.calling_aet, role=_SOURCE, is_requestor=True)
            self._ourselves(root, (about.called_aet,), role=_DESTINATION, is_requestor=False)
            return
        person = actor.removeprefix("user:") if actor.startswith("user:") else None
        if person is not None:
            self._person(root, person)
        peer = row.detail.get("target") if action == "send" else row.detail.get("node") if action == "pull" else None
        role = _APPLICATION if action in {"start", "stop"} else _SOURCE if peer is not None else None
        titles = (
            (self._config.calling_ae_title(str(peer)),)
            if peer in self._config.nodes
            else self._config.listener.ae_titles
        )
        self._ourselves(root, titles, role=role, is_requestor=person is None)
        if peer is not None:
            node = self._config.nodes.get(str(peer))
            title = None if node is None else node.ae_title
            self._node(root, str(peer), title, role=_DESTINATION, is_requestor=False)

    def _ourselves(self, root: ET.Element, titles: Sequence[str], *, role: _Code | None, is_requestor: bool) -> None:
        self._participant(
            root,
            {"UserID": PROCESS, "AlternativeUserID": f"AETITLES={';'.join(titles)}", "UserName": "Sonoveil node"},
            self._hostname,
            role=role,
            is_requestor=is_requestor,
        )

    def _person(self, root: ET.Element, login: str) -> None:
        told = {"UserID": f"{login}@{self._hostname}"}
        self._participant(root, told, self._hostname, role=None, is_requestor=True)

    def _node(self, root: ET.Element, name: str, ae_title: str | None, *, role: _Code, is_requestor: bool) -> None:
        told = {"UserID": name}
        if ae_title:  # a node that speaks DICOMweb need not have one
            told["AlternativeUserID"] = f"AETITLES={ae_title}"
        node = self._config.nodes.get(name)
        address = None if node is None else node.address or node.web_host
        self._participant(root, told, address, role=role, is_requestor=is_requestor)

    def _participant(
        self,
        root: ET.Element,
        told: Mapping[str, str],
        address: str | None,
        *,
        role: _Code | None,
        is_requestor: bool,
    ) -> None:
        attributes = {name: _text(value) for name, value in told.items()}
        attributes["UserIsRequestor"] = "true" if is_requestor else "false"
        if address is not None:
            attributes["NetworkAccessPointID"] = _text(address)
            attributes["NetworkAccessPointTypeCode"] = "2" if _is_ip(address) else "1"
        element = ET.SubElement(root, "ActiveParticipant", attributes)
        if role is not None:
            _coded(element, "RoleIDCode", role)

    def _objects(self, root: ET.Element, row: Any, about: Any) -> None:
        if _plain(row.action) == "audit_export":
            log = {"ParticipantObjectTypeCode": "2", "ParticipantObjectTypeCodeRole": "13"}
            uri = _object(root, f"urn:sonoveil:audit:{self._config.listener.ae_titles[0]}", log)
            _coded(uri, "ParticipantObjectIDTypeCode", ("12", "URI"), system="RFC-3881")
            ET.SubElement(uri, "ParticipantObjectName").text = "Security Audit Log"
        if about is not None and self._tells_pseudonyms and about.public_study_uid is not None:
            self._study_and_patient(root, row, about)
        if about is not None:
            self._instance(root, row, about)
        own = _object(root, str(row.id), {"ParticipantObjectTypeCode": "2", "ParticipantObjectTypeCodeRole": "13"})
        _coded(own, "ParticipantObjectIDTypeCode", ("audit-row", "Number of the ledger's audit row"), system=OURS)
        ET.SubElement(own, "ParticipantObjectName").text = "audit row"
        details = {"sha256": bytes(row.sha256), "previous_sha256": bytes(row.previous_sha256)}
        for name, value in sorted(row.detail.items()):
            if value is not None and (name in _SAFE_DETAILS or row.action in _ALL_SAFE):
                details[name] = str(value).encode()
        for name, content in details.items():
            ET.SubElement(
                own, "ParticipantObjectDetail", type=_text(name), value=base64.b64encode(content).decode("ascii")
            )

    def _study_and_patient(self, root: ET.Element, row: Any, about: Any) -> None:
        study = _object(
            root,
            about.public_study_uid,
            {"ParticipantObjectTypeCode": "2", "ParticipantObjectTypeCodeRole": "3", **_stage(row.action)},
        )
        _coded(study, "ParticipantObjectIDTypeCode", ("110180", "Study Instance UID"))
        ET.SubElement(study, "ParticipantObjectName").text = "de-identified study"
        _class(study, about.sop_class_uid)
        if _plain(row.action) == "send":
            ET.SubElement(study[-1], "Anonymized").text = "true"
        if about.pseudonym is not None:
            patient = _object(
                root, about.pseudonym, {"ParticipantObjectTypeCode": "1", "ParticipantObjectTypeCodeRole": "1"}
            )
            _coded(patient, "ParticipantObjectIDTypeCode", ("2", "Patient Number"), system="RFC-3881")
            ET.SubElement(patient, "ParticipantObjectName").text = "pseudonym"

    def _instance(self, root: ET.Element, row: Any, about: Any) -> None:
        element = _object(
            root,
            str(about.id),
            {"ParticipantObjectTypeCode": "2", "ParticipantObjectTypeCodeRole": "3", **_stage(row.action)},
        )
        _coded(element, "ParticipantObjectIDTypeCode", ("instance", "Number of the ledger's instance"), system=OURS)
        ET.SubElement(element, "ParticipantObjectName").text = "instance"
        _class(element, about.sop_class_uid)


_SOURCE: _Code = ("110153", "Source Role ID")
_DESTINATION: _Code = ("110152", "Destination Role ID")
_APPLICATION: _Code = ("110150", "Application")
_INSTANCES = sa.select(
    instance.c.id,
    instance.c.calling_aet,
    instance.c.called_aet,
    instance.c.sop_class_uid,
    instance.c.public_study_uid,
    instance.c.pseudonym,
)


def _written(root: ET.Element) -> bytes:
    return ET.tostring(root, encoding="unicode").encode()


def _outcome_of(row: Any) -> str:
    if row.action == "pull":
        return "0" if row.detail.get("outcome") == "complete" else _MINOR
    return _OUTCOMES.get(row.action, "0")


def _stage(action: str) -> dict[str, str]:
    stage = _LIFE_CYCLE.get(_plain(action))
    return {} if stage is None else {"ParticipantObjectDataLifeCycle": stage}


def _object(root: ET.Element, identifier: str, attributes: Mapping[str, str]) -> ET.Element:
    return ET.SubElement(
        root, "ParticipantObjectIdentification", {"ParticipantObjectID": _text(identifier), **attributes}
    )


def _class(element: ET.Element, uid: str) -> None:
    """Add the class of the one instance; a UID that does not stand in PS3.6 is the sender's own word and left out."""
    description = ET.SubElement(element, "ParticipantObjectDescription")
    known = {"UID": uid} if UID(uid).name != uid else {}
    ET.SubElement(description, "SOPClass", {**known, "NumberOfInstances": "1"})


def _coded(parent: ET.Element, name: str, code: _Code, *, system: str = "DCM") -> None:
    value, meaning = (_text(part) for part in code)
    ET.SubElement(parent, name, {"csd-code": value, "codeSystemName": system, "originalText": meaning})


def _text(value: str) -> str:
    return _NOT_XML.sub("�", value)


def _is_ip(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True
