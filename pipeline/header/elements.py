"""Apply actions to elements, one data set after the other down the sequences.

Rule of the file: values are rebuilt, never shared with the source where they can be changed; every text that stays
has been compared with the identifiers; a value that is not legal for what it claims to be does not stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataelem import DataElement, empty_value_for_VR
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from pipeline.header.dates import shift
from pipeline.header.decoding import Undecodable, check_depth, decoded, vr_of
from pipeline.header.dummies import ANONYMIZED, dummy, dummy_code
from pipeline.header.identifiers import parts_of
from pipeline.header.identity import normalise_patient_id
from pipeline.header.keeping import fits_dictionary, is_decoded, publishable, spells_identifier
from pipeline.header.outside import action_for
from pipeline.header.ps315_table import ROWS
from pipeline.header.special import TREATMENTS
from pipeline.header.table import BASIC_ACTIONS, Action
from pipeline.header.treatments.finish import finish
from pipeline.reasons import Held, Reason

if TYPE_CHECKING:
    from pipeline.header.context import ScrubContext

_SPECIFIC_CHARACTER_SET = 0x00080005
_PATIENT_ID = 0x00100020
_WORD_BYTES = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
_CHARSET_VRS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_DUMMY_CODE_SEQUENCES = frozenset({0x00080082, 0x00401101})
"""Institution Code and Person Identification Code: scrubbing inside would leave the code, which is the person."""
_REMOVED_SEQUENCES = frozenset({0x00081072, 0x0040A730, 0x0040B020, 0x00700001})
"""X/D or D in the table, but optional wherever `check_class` lets an object through: Operator Identification; Content,
Waveform Annotation, Graphic Annotation, whose cleaning is an option of its own."""
_CODE_PARTS = frozenset({0x00080100, 0x00080102, 0x00080104, 0x00080119, 0x00080120})
"""Type 1 or 1C wherever they stand: code value, scheme, meaning."""
_TREATED = frozenset({Action.KEEP, Action.CLEAN})
_CLEANED_VRS = frozenset({"LO", "LT", "SH", "ST", "UC", "UT"})
_OPAQUE_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW"})


class Scrubber:
    """Scrubs the data sets of one object.

    Attributes
    ----------
    has_unicode
        Whether a text that is not ASCII was kept.
    """

    def __init__(self, context: ScrubContext) -> None:
        self._context = context
        self._rules = context.rules
        self._identities = context.identities
        self._identifiers = context.identifiers
        self.has_unicode = False

    def scrub(self, source: Dataset, depth: int = 0) -> Dataset:
        """Return a new data set with what may stay of `source` and of its sequences.

        Raises
        ------
        Held
            `RESOURCE_LIMIT` for sequences nested deeper than 40.
        """
        check_depth(depth)
        result = Dataset()
        for tag in sorted(source.keys()):
            action = action_for(int(tag), self._rules)
            if action is Action.REMOVE or tag == _SPECIFIC_CHARACTER_SET:
                continue
            element = self._acted(source, tag, action, depth)
            if element is not None:
                result[tag] = element
        self.has_unicode |= finish(source, result, self._context)
        return result

    def _acted(self, source: Dataset, tag: int, action: Action, depth: int) -> DataElement | None:
        if action is Action.EMPTY:
            return _element(tag, vr_of(source, tag).split(" or ", maxsplit=1)[0], None)
        original = decoded(source, tag)
        if isinstance(original, Undecodable) or original.VR == "UN" or " or " in original.VR:
            return None
        if action is Action.REPLACE:
            return self._replaced(original)
        if original.is_empty:
            return _element(tag, original.VR, None)
        return self._acted_on_value(original, action, depth)

    def _acted_on_value(self, original: DataElement, action: Action, depth: int) -> DataElement | None:
        tag = int(original.tag)
        if action in _TREATED and tag in TREATMENTS and tag not in self._rules.ruled:
            treated = TREATMENTS[tag](original, self._context, self.scrub, depth)
            if treated is not None:
                self._note_text(treated.VR, treated.value)
            return treated
        if original.VR == "SQ":
            return self._sequence(original, action, depth)
        return _METHODS[action](self, original)

    def _sequence(self, original: DataElement, action: Action, depth: int) -> DataElement | None:
        tag = int(original.tag)
        if not isinstance(original.value, Sequence) or (action is Action.DUMMY and tag in _REMOVED_SEQUENCES):
            return None
        if action is Action.DUMMY and tag in _DUMMY_CODE_SEQUENCES:
            return _element(tag, "SQ", Sequence([dummy_code()]))
        return _element(tag, "SQ", Sequence([self.scrub(item, depth + 1) for item in original.value]))

    def _replaced(self, original: DataElement) -> DataElement:
        value = self._rules.replacements[int(original.tag)]
        self._note_text(original.VR, value)
        try:
            return DataElement(original.tag, original.VR, value)
        except (TypeError, ValueError):
            raise Held(Reason.INTERNAL_ERROR, "a replacement in the profile does not fit its attribute") from None

    def _dummied(self, original: DataElement) -> DataElement:
        if original.VR == "UI":
            return self._mapped(original)
        if original.tag == _PATIENT_ID:
            return _element(
                _PATIENT_ID, "LO", self._context.pseudonym if self._is_this_patient(original) else ANONYMIZED
            )
        return DataElement(original.tag, original.VR, _like(original.value, dummy(original.VR)))

    def _is_this_patient(self, original: DataElement) -> bool:
        try:
            normal = normalise_patient_id(str(original.value), strip_leading_zeros=False)
        except Held:
            return False
        return normal == self._context.normal_patient_id or normal.lstrip("0") == self._context.normal_patient_id

    def _mapped(self, original: DataElement) -> DataElement:
        uids = [self._identities.public_uid(str(uid)) for uid in parts_of(original.value)]
        return _element(int(original.tag), original.VR, _multiple(uids))

    def _mapped_where_known(self, tag: int, parts: list[Any]) -> DataElement:
        """Keep UIDs of classes and vocabularies, but none that stands elsewhere as an instance's, and no other text."""
        return _element(tag, "UI", _multiple([self._class_uid(str(uid)) for uid in parts]))

    def _class_uid(self, uid: str) -> str:
        is_class = uid not in self._identifiers.uids and publishable("UI", uid, self._identifiers) is not None
        return uid if is_class else self._identities.public_uid(uid)

    def _shifted(self, original: DataElement) -> DataElement | None:
        moved = [shift(original.VR, str(part), self._context.shift_days) for part in parts_of(original.value)]
        if None not in moved:
            return _element(int(original.tag), original.VR, _multiple(moved))
        row = ROWS.get(f"{int(original.tag):08X}")
        basic = Action.REMOVE if row is None else BASIC_ACTIONS[row[0]]
        if basic is Action.REMOVE:
            return None
        return self._dummied(original) if basic is Action.DUMMY else _element(int(original.tag), original.VR, None)

    def _kept(self, original: DataElement) -> DataElement | None:
        tag, vr = int(original.tag), original.VR
        parts = list(parts_of(original.value))
        if tag not in self._rules.ruled:
            if not fits_dictionary(tag, vr, is_multiple=len(parts) > 1):
                return None
            if vr == "UI":
                return self._mapped_where_known(tag, parts)
            parts = [publishable(vr, part, self._identifiers) for part in parts]
            if None in parts:
                return self._swept(tag, vr, parts)
            if spells_identifier(vr, parts, self._identifiers):
                return None
        elif vr == "PN":
            parts = [str(part) for part in parts]
        if self._context.is_big_endian and vr in _WORD_BYTES:
            parts = [_swapped(part, _WORD_BYTES[vr]) for part in parts]
        for part in parts:
            self._note_text(vr, part)
        return DataElement(original.tag, vr, _multiple(parts), already_converted=vr != "PN")

    def _cleaned(self, original: DataElement) -> DataElement | None:
        """Clean a free text; what is not text gets the Basic Profile's action, which gives away less."""
        tag, vr = int(original.tag), original.VR
        if vr not in _CLEANED_VRS or not fits_dictionary(tag, vr, is_multiple=False):
            row = ROWS.get(f"{tag:08X}")
            basic = Action.REMOVE if row is None else BASIC_ACTIONS[row[0]]
            if basic is Action.REMOVE:
                return None
            return self._dummied(original) if basic is Action.DUMMY else _element(tag, vr, None)
        texts = [str(part) for part in parts_of(original.value)]
        parts = [self._context.cleaner.clean(text) if is_decoded(text) else "" for text in texts]
        for part in parts:
            self._note_text(vr, part)
        return DataElement(tag, vr, _multiple(parts)) if any(parts) else _element(tag, vr, None)

    def _swept(self, tag: int, vr: str, parts: list[Any]) -> DataElement | None:
        """Mend an element of which some values may not stay: the others stay in their places.

        A lone value is emptied, which is legal for all but Type 1; of those, code values get a dummy.
        """
        if vr in _OPAQUE_VRS:
            return None
        if vr == "AS" or (len(parts) == 1 and tag not in _CODE_PARTS):
            return _element(tag, vr, None)
        for part in parts:
            self._note_text(vr, part)
        return DataElement(tag, vr, [dummy(vr) if part is None else part for part in parts])

    def _note_text(self, vr: str, value: Any) -> None:
        if vr in _CHARSET_VRS and not str(value).isascii():
            self.has_unicode = True


_METHODS = {
    Action.DUMMY: Scrubber._dummied,  # noqa: SLF001  the table of this class's own methods
    Action.UID: Scrubber._mapped,  # noqa: SLF001  same
    Action.SHIFT: Scrubber._shifted,  # noqa: SLF001  same
    Action.CLEAN: Scrubber._cleaned,  # noqa: SLF001  same
    Action.KEEP: Scrubber._kept,  # noqa: SLF001  same
}


def _element(tag: int, vr: str, value: Any) -> DataElement:
    if value is None:
        value = empty_value_for_VR(vr)
    return DataElement(tag, vr, value, already_converted=True)


def _multiple(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else MultiValue(_as_it_is, parts)


def _as_it_is(value: Any) -> Any:
    return value


def _swapped(raw: bytes, word_bytes: int) -> bytes:
    whole = len(raw) // word_bytes * word_bytes
    words = np.frombuffer(raw[:whole], dtype=f">u{word_bytes}")
    return words.astype(f"<u{word_bytes}").tobytes() + raw[whole:]


def _like(value: Any, single: Any) -> Any:
    """Return as many of `single` as `value` has parts; bytes and empty values count as one."""
    count = len(value) if isinstance(value, MultiValue | list) else 1
    return [single] * count if count > 1 else single
