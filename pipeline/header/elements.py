"""Apply actions to elements, one data set after the other down the sequences.

Rule of the file: the result is built up from nothing, and the source is only read. An element is judged as the bytes
that it came in where that gives the same answer (`pipeline.header.verbatim`), and decoded where it does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pipeline.header.decoding import Undecodable, check_depth, decoded, stored_vr
from pipeline.header.dummies import dummy_code
from pipeline.header.numbers import keyed_number
from pipeline.header.outside import action_for
from pipeline.header.private.blocks import scrub_private
from pipeline.header.special import TREATMENTS
from pipeline.header.table import Action
from pipeline.header.treatments.finish import finish
from pipeline.header.values import ACTIONS, PATIENT_ID, empty
from pipeline.header.verbatim import acted_on_bytes, empty_element

if TYPE_CHECKING:
    from pydicom.tag import BaseTag

    from pipeline.header.context import ScrubContext

Stored: TypeAlias = DataElement | RawDataElement
"""As pydicom keeps an element: not decoded until somebody asks for its value."""

_SPECIFIC_CHARACTER_SET = 0x00080005
_DUMMY_CODE_SEQUENCES = frozenset({0x00080082, 0x00401101})
"""Institution Code and Person Identification Code: scrubbing inside would leave the code, which is the person."""
_REMOVED_SEQUENCES = frozenset({0x00081072, 0x0040A730, 0x0040B020, 0x00700001})
"""X/D or D in the table, but optional wherever `check_class` lets an object through: Operator Identification; Content,
Waveform Annotation, Graphic Annotation, whose cleaning is an option of its own."""
_OPTIONAL_IN_OBJECTS = frozenset({0x00081110})
"""X/Z in the table, but no object may have it empty: Referenced Study Sequence is Type 2 only inside sequences."""
_TREATED = frozenset({Action.KEEP, Action.CLEAN})
_CHARSET_VRS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})


class Scrubber:
    """Scrubs the data sets of one object."""

    def __init__(self, context: ScrubContext) -> None:
        self._context = context
        self._rules = context.rules

    def scrub(self, source: Dataset, depth: int = 0) -> Dataset:
        """Return a new data set with what may stay of `source` and of its sequences.

        Raises
        ------
        Held
            `RESOURCE_LIMIT` for sequences nested deeper than 40.
        """
        check_depth(depth)
        elements: dict[BaseTag, Stored] = {}
        for tag, stored in list(source.items()):
            number = int(tag)
            action = action_for(number, self._rules)
            if action is Action.REMOVE or number == _SPECIFIC_CHARACTER_SET:
                continue
            element = self._acted(source, stored, number, action, depth)
            if element is not None:
                elements[tag] = element
        for private in scrub_private(source, self._context, self.scrub, depth):
            elements[private.tag] = private
        result = Dataset(elements)
        finish(source, result, self._context)
        return result

    def _acted(self, source: Dataset, stored: Stored, number: int, action: Action, depth: int) -> Stored | None:
        vr = stored_vr(stored, number)
        if action is Action.EMPTY:
            is_left_out = depth == 0 and number in _OPTIONAL_IN_OBJECTS
            return None if is_left_out else _emptied(stored.tag, vr.split(" or ", maxsplit=1)[0])
        if action is Action.KEYED:
            return keyed_number(source, stored.tag, self._context)
        if isinstance(stored, RawDataElement) and self._may_stay_bytes(stored, number, action):
            if not stored.value:
                return None if vr == "UN" or " or " in vr else _emptied(stored.tag, vr)
            element = acted_on_bytes(stored, vr, action, self._context)
            if element is not None:
                return element
        original = decoded(source, stored.tag)
        if isinstance(original, Undecodable) or original.VR == "UN" or " or " in original.VR:
            return None
        return self._acted_on_value(original, action, depth)

    def _may_stay_bytes(self, stored: RawDataElement, number: int, action: Action) -> bool:
        if not stored.is_little_endian or stored.value is None or number in self._rules.ruled or number == PATIENT_ID:
            return False
        return not (action in _TREATED and number in TREATMENTS)

    def _acted_on_value(self, original: DataElement, action: Action, depth: int) -> DataElement | None:
        tag = int(original.tag)
        if action is Action.REPLACE:
            return ACTIONS[action](original, self._context)
        if original.is_empty:
            return empty(tag, original.VR)
        if action in _TREATED and tag in TREATMENTS and tag not in self._rules.ruled:
            return TREATMENTS[tag](original, self._context, self.scrub, depth)
        if original.VR == "SQ":
            return self._sequence(original, action, depth)
        return ACTIONS[action](original, self._context)

    def _sequence(self, original: DataElement, action: Action, depth: int) -> DataElement | None:
        tag = int(original.tag)
        if not isinstance(original.value, Sequence) or (action is Action.DUMMY and tag in _REMOVED_SEQUENCES):
            return None
        if action is Action.DUMMY and tag in _DUMMY_CODE_SEQUENCES:
            items = [dummy_code()]
        else:
            items = [self.scrub(item, depth + 1) for item in original.value]
        return DataElement(original.tag, "SQ", Sequence(items), already_converted=True)


def _emptied(tag: BaseTag, vr: str) -> Stored:
    return empty(int(tag), vr) if vr == "SQ" else empty_element(tag, vr)


def needs_unicode(dataset: Dataset) -> bool:
    """Tell whether a scrubbed data set holds text that is not ASCII, at any depth."""
    for tag, stored in list(dataset.items()):
        if isinstance(stored, RawDataElement) and (stored.VR not in _CHARSET_VRS or (stored.value or b"").isascii()):
            continue
        element = dataset[tag] if isinstance(stored, RawDataElement) else stored
        if element.VR == "SQ":
            if any(needs_unicode(item) for item in element.value or ()):
                return True
        elif element.VR in _CHARSET_VRS and not _is_ascii(element):
            return True
    return False


def _is_ascii(element: DataElement) -> bool:
    value = element.value
    return all(str(part).isascii() for part in value) if element.VM > 1 else str(value).isascii()
