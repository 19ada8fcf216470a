"""DICOM attributes as an administrator writes them: keyword, `(gggg,eeee)` or eight hexadecimal digits.

Rule of the file: the dictionary is pydicom's; only names of attributes are handled, never values.
"""

from __future__ import annotations

import difflib
import re

_HEXADECIMAL = re.compile(r"\(?\s*([0-9A-Fa-f]{4})\s*,?\s*([0-9A-Fa-f]{4})\s*\)?", re.ASCII)

FIXED_TAGS = {
    "00080016": "SOP Class UID",
    "00080018": "SOP Instance UID",
    "0020000D": "Study Instance UID",
    "0020000E": "Series Instance UID",
    "00100020": "Patient ID",
    "00120062": "Patient Identity Removed",
    "00120063": "De-identification Method",
    "00120064": "De-identification Method Code Sequence",
    "00280301": "Burned In Annotation",
    "00280303": "Longitudinal Temporal Information Modified",
}
"""What the product sets itself; a rule of a profile cannot override it."""

_FIXED_GROUPS = {"0000": "command", "0002": "file meta", "7FE0": "pixel data"}


def tag_of(written: str) -> str:
    """Return a tag as eight upper-case hexadecimal digits.

    Parameters
    ----------
    written
        `StudyDescription`, `(0008,1030)` or `00081030`.

    Raises
    ------
    ValueError
        Not an attribute, a private one, or one that the product sets itself.
    """
    tag = _parse(written)
    if tag[:4] in _FIXED_GROUPS:
        raise ValueError(f"{written} is {_FIXED_GROUPS[tag[:4]]}: no rule can change it")
    if int(tag[:4], 16) % 2:
        raise ValueError(f"{written} is a private attribute; `private_tags` decides about those")
    if tag in FIXED_TAGS:
        raise ValueError(f"{FIXED_TAGS[tag]} is set by the product: no rule can change it")
    return tag


def check_keyword(written: str) -> str:
    """Return `written` if it is a keyword of PS3.6.

    Raises
    ------
    ValueError
        It is none; the nearest keyword is named.
    """
    from pydicom.datadict import tag_for_keyword  # noqa: PLC0415  as above

    if tag_for_keyword(written) is None:
        raise ValueError(f"{written} is no DICOM keyword{_nearest(written)}")
    return written


def _parse(written: str) -> str:
    match = _HEXADECIMAL.fullmatch(written)
    if match is not None:
        return (match[1] + match[2]).upper()
    from pydicom.datadict import tag_for_keyword  # noqa: PLC0415  a second that `sonoveil status` need not pay

    number = tag_for_keyword(written)
    if number is None:
        raise ValueError(f"{written} is no DICOM attribute{_nearest(written)}; write a keyword or (gggg,eeee)")
    return f"{number:08X}"


def _nearest(written: str) -> str:
    from pydicom.datadict import keyword_dict  # noqa: PLC0415  as above

    folded = {keyword.casefold(): keyword for keyword in keyword_dict}
    near = difflib.get_close_matches(re.sub(r"\W", "", written).casefold(), folded, n=1, cutoff=0.75)
    return f"; did you mean {folded[near[0]]}?" if near else ""
