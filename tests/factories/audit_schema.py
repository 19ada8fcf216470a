"""The schema of DICOM Audit Messages, from the text of PS3.15 A.5.1.1 (RELAX NG Compact), as a check of structure.

Rule of the file: independent of `gateway`; a pattern is a table of attributes and a sequence of children. Elements and
attributes that the schema does not have are faults, as they are for a RELAX NG validator.
"""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DATE_TIME = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def _any(_value: str) -> bool:
    return True


def _one_of(*values: str) -> Callable[[str], bool]:
    return lambda value: value in values


def _numbers(last: int) -> Callable[[str], bool]:
    return _one_of(*(str(number) for number in range(1, last + 1)))


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except ValueError:
        return False
    return True


def _is_boolean(value: str) -> bool:
    return value in {"true", "false", "0", "1"}


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """What an element may be: required and optional attributes, children in order with their least and most, its text.

    `choice` names children of which exactly one stands at that place.
    """

    required: Mapping[str, Callable[[str], bool]] = field(default_factory=dict)
    optional: Mapping[str, Callable[[str], bool]] = field(default_factory=dict)
    children: tuple[tuple[str, Pattern, int, int | None], ...] = ()
    choice_after: str | None = None
    choice: Mapping[str, Pattern] = field(default_factory=dict)
    text: Callable[[str], bool] | None = None


_TEXT = Pattern(text=_any)
_CODED = Pattern(
    required={"csd-code": _any, "codeSystemName": _any, "originalText": _any}, optional={"displayName": _any}
)
_EVENT = Pattern(
    required={
        "EventDateTime": lambda value: _DATE_TIME.fullmatch(value) is not None,
        "EventOutcomeIndicator": _one_of("0", "4", "8", "12"),
    },
    optional={"EventActionCode": _one_of("C", "R", "U", "D", "E")},
    children=(
        ("EventID", _CODED, 1, 1),
        ("EventTypeCode", _CODED, 0, None),
        ("EventOutcomeDescription", _TEXT, 0, 1),
    ),
)
_PARTICIPANT = Pattern(
    required={"UserID": _any, "UserIsRequestor": _is_boolean},
    optional={
        "AlternativeUserID": _any,
        "UserName": _any,
        "NetworkAccessPointID": _any,
        "NetworkAccessPointTypeCode": _numbers(5),
    },
    children=(
        ("RoleIDCode", _CODED, 0, None),
        ("MediaIdentifier", Pattern(children=(("MediaType", _CODED, 1, 1),)), 0, 1),
    ),
)
_SOURCE = Pattern(
    required={"AuditSourceID": _any},
    optional={"AuditEnterpriseSiteID": _any},
    children=(
        (
            "AuditSourceTypeCode",
            Pattern(
                required={"csd-code": _any},
                optional={"codeSystemName": _any, "displayName": _any, "originalText": _any},
            ),
            0,
            None,
        ),
    ),
)
_UID = Pattern(required={"UID": _any})
_SOP_CLASS = Pattern(
    required={"NumberOfInstances": str.isdecimal}, optional={"UID": _any}, children=(("Instance", _UID, 0, None),)
)
_BOOLEAN = Pattern(text=_is_boolean)
_DESCRIPTION = Pattern(
    children=(
        ("MPPS", _UID, 0, None),
        ("Accession", Pattern(required={"Number": _any}), 0, None),
        ("SOPClass", _SOP_CLASS, 0, None),
        ("ParticipantObjectContainsStudy", Pattern(children=(("StudyIDs", _UID, 0, None),)), 0, 1),
        ("Encrypted", _BOOLEAN, 0, 1),
        ("Anonymized", _BOOLEAN, 0, 1),
    )
)
_OBJECT = Pattern(
    required={"ParticipantObjectID": _any},
    optional={
        "ParticipantObjectTypeCode": _numbers(4),
        "ParticipantObjectTypeCodeRole": _numbers(26),
        "ParticipantObjectDataLifeCycle": _numbers(15),
        "ParticipantObjectSensitivity": _any,
    },
    children=(
        ("ParticipantObjectIDTypeCode", _CODED, 1, 1),
        ("ParticipantObjectDetail", Pattern(required={"type": _any, "value": _is_base64}), 0, None),
        ("ParticipantObjectDescription", _DESCRIPTION, 0, None),
    ),
    choice_after="ParticipantObjectIDTypeCode",
    choice={"ParticipantObjectName": _TEXT, "ParticipantObjectQuery": Pattern(text=_is_base64)},
)
_MESSAGE = Pattern(
    children=(
        ("EventIdentification", _EVENT, 1, 1),
        ("ActiveParticipant", _PARTICIPANT, 1, None),
        ("AuditSourceIdentification", _SOURCE, 1, 1),
        ("ParticipantObjectIdentification", _OBJECT, 0, None),
    )
)


def faults(xml: bytes) -> list[str]:
    """Return what of a message does not fit the schema; empty where it is valid."""
    root = ET.fromstring(xml)
    if root.tag != "AuditMessage":
        return [f"the root is {root.tag}"]
    found: list[str] = []
    _check(root, _MESSAGE, "AuditMessage", found)
    requestors = [one for one in root.findall("ActiveParticipant") if one.get("UserIsRequestor") == "true"]
    if len(requestors) > 1:  # PS3.15 A.5.2, Table A.5.2-1
        found.append("several requestors")
    return found


def _check(element: ET.Element, pattern: Pattern, place: str, found: list[str]) -> None:
    found += [f"{place}: no {name}" for name in pattern.required if name not in element.attrib]
    for name, value in element.attrib.items():
        check = {**pattern.required, **pattern.optional}.get(name)
        if check is None:
            found.append(f"{place}: unknown attribute {name}")
        elif not check(value):
            found.append(f"{place}: {name} cannot be {value!r}")
    if pattern.text is not None:
        if len(element) or not pattern.text(element.text or ""):
            found.append(f"{place}: wrong content")
        return
    if (element.text or "").strip():
        found.append(f"{place}: text")
    _children(element, pattern, place, found)


def _children(element: ET.Element, pattern: Pattern, place: str, found: list[str]) -> None:
    rest = list(element)
    for name, inner, least, most in pattern.children:
        count = 0
        while rest and rest[0].tag == name and (most is None or count < most):
            _check(rest.pop(0), inner, f"{place}/{name}", found)
            count += 1
        if count < least:
            found.append(f"{place}: no {name}")
        if name == pattern.choice_after:
            if rest and rest[0].tag in pattern.choice:
                _check(rest[0], pattern.choice[rest[0].tag], f"{place}/{rest[0].tag}", found)
                rest.pop(0)
            else:
                found.append(f"{place}: none of {', '.join(pattern.choice)}")
    found += [f"{place}: {one.tag} at a wrong place" for one in rest]
