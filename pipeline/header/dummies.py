"""Values that say nothing and are legal for their VR, for attributes that must not be empty.

Rule of the file: constants only, nothing derived from the source (UIDs are mapped elsewhere). PS3.15 E.1.1 action D.
"""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset

ANONYMIZED = "ANONYMIZED"
_DUMMIES: dict[str, Any] = {
    "AE": "ANONYMOUS",
    "AS": "000D",
    "AT": 0,
    "CS": "UNKNOWN",
    "DA": "19000101",
    "DS": "0",
    "DT": "19000101000000",
    "FD": 0.0,
    "FL": 0.0,
    "IS": "0",
    "OB": b"\0\0",
    "OD": bytes(8),
    "OF": bytes(4),
    "OL": bytes(4),
    "OV": bytes(8),
    "OW": b"\0\0",
    "PN": "ANONYMOUS",
    "SL": 0,
    "SS": 0,
    "SV": 0,
    "TM": "000000",
    "UL": 0,
    "UN": b"\0\0",
    "UR": "about:blank",
    "US": 0,
    "UV": 0,
}


def dummy(vr: str) -> Any:
    """Return one legal value of a VR that is neither SQ nor UI; texts read ANONYMIZED."""
    return _DUMMIES.get(vr, ANONYMIZED)


def dummy_code() -> Dataset:
    """Return a coded entry that says only that something stood there (PS3.3 8.8, private scheme)."""
    code = Dataset()
    code.CodeValue = ANONYMIZED
    code.CodingSchemeDesignator = "99SONOVEIL"
    code.CodeMeaning = "Anonymized"
    return code
