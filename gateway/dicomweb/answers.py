"""The answer to a STOW-RS request: which parts are stored, which are not and why (PS3.18 10.5.3 and Annex I).

Rule of the file: pure, both ways: what we answer, and what we read out of others' answers. UIDs of an answer go back to
who sent them and nowhere else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from gateway.statuses import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.dicomweb.part import PartOutcome

DICOM_JSON = "application/dicom+json"
_RETRIEVE_URL = "00081190"
_WARNING_REASON = "00081196"
_FAILURE_REASON = "00081197"
_FAILED_SOP_SEQUENCE = "00081198"
_REFERENCED_SOP_SEQUENCE = "00081199"
_OTHER_FAILURES_SEQUENCE = "0008119A"
_REFERENCED_CLASS = "00081150"
_REFERENCED_INSTANCE = "00081155"
_LARGEST_STATUS = 0xFFFF


def http_status(outcomes: Sequence[PartOutcome]) -> HTTPStatus:
    """Return how a request with these parts is answered (PS3.18 Table 10.5.3-1).

    All are stored: 200. Some: 202. None: 503 where all may be sent again later, else 409; 400 without any part.
    """
    stored = [outcome.status is Status.SUCCESS for outcome in outcomes]
    if not outcomes:
        return HTTPStatus.BAD_REQUEST
    if all(stored):
        return HTTPStatus.OK
    if any(stored):
        return HTTPStatus.ACCEPTED
    later = all(outcome.status is Status.OUT_OF_RESOURCES for outcome in outcomes)
    return HTTPStatus.SERVICE_UNAVAILABLE if later else HTTPStatus.CONFLICT


def response_body(outcomes: Sequence[PartOutcome]) -> bytes:
    """Return the Store Instances Response Module as DICOM JSON.

    What cannot be named by class and instance stands in Other Failures Sequence. Retrieve URL is empty: nothing can be
    retrieved here.
    """
    module: dict[str, Any] = {_RETRIEVE_URL: {"vr": "UR"}}
    sequences: dict[str, list[dict[str, Any]]] = {}
    for outcome in outcomes:
        sequence, item = _item(outcome)
        sequences.setdefault(sequence, []).append(item)
    module |= {tag: {"vr": "SQ", "Value": items} for tag, items in sorted(sequences.items())}
    return json.dumps(module).encode()


def _item(outcome: PartOutcome) -> tuple[str, dict[str, Any]]:
    reason = {_FAILURE_REASON: {"vr": "US", "Value": [outcome.status.value]}}
    if outcome.sop_class_uid is None or outcome.sop_instance_uid is None:
        return _OTHER_FAILURES_SEQUENCE, reason
    named: dict[str, Any] = {
        _REFERENCED_CLASS: {"vr": "UI", "Value": [outcome.sop_class_uid]},
        _REFERENCED_INSTANCE: {"vr": "UI", "Value": [outcome.sop_instance_uid]},
    }
    if outcome.status is Status.SUCCESS:
        return _REFERENCED_SOP_SEQUENCE, named | {_RETRIEVE_URL: {"vr": "UR"}}
    return _FAILED_SOP_SEQUENCE, named | reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What another service's answer says of one instance.

    Parameters
    ----------
    is_stored
        Whether it is said to be stored.
    reason
        Warning Reason or Failure Reason, as a status of DIMSE; None where there is none.
    """

    is_stored: bool
    reason: int | None


def told_about(body: bytes, sop_instance_uid: str) -> Told | None:
    """Return what an answer in DICOM JSON says of the instance that was sent; None where it says nothing.

    Parameters
    ----------
    body
        As received; whatever it is, nothing is raised for it.
    sop_instance_uid
        Of the only instance of the request.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    module = answer[0] if isinstance(answer, list) and answer else answer
    for item in _items(module, _FAILED_SOP_SEQUENCE):
        if _first(item, _REFERENCED_INSTANCE) in (sop_instance_uid, None):  # no set: it may be anything
            return Told(is_stored=False, reason=_status(item, _FAILURE_REASON))
    for item in _items(module, _REFERENCED_SOP_SEQUENCE):
        if _first(item, _REFERENCED_INSTANCE) == sop_instance_uid:
            return Told(is_stored=True, reason=_status(item, _WARNING_REASON))
    for item in _items(module, _OTHER_FAILURES_SEQUENCE):
        return Told(is_stored=False, reason=_status(item, _FAILURE_REASON))
    return None


def _items(module: Any, tag: str) -> Iterator[dict[str, Any]]:
    for item in _values(module, tag):
        if isinstance(item, dict):
            yield item


def _values(item: Any, tag: str) -> list[Any]:
    element = item.get(tag) if isinstance(item, dict) else None
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


def _first(item: dict[str, Any], tag: str) -> Any:
    return next(iter(_values(item, tag)), None)


def _status(item: dict[str, Any], tag: str) -> int | None:
    value = _first(item, tag)
    return value if type(value) is int and 0 <= value <= _LARGEST_STATUS else None
