"""Plants in the rows of PS3.15 Table E.1-1, one part of the table an object, so that a corpus covers the whole table.

Rule of the file: rows that decide what an object is, or that carry its content, are planted by its kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence

from pipeline.header.ps315_table import ROWS
from tests.factories.corpus.elements import code, item

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataset import Dataset

    from tests.factories.corpus.plants import Plants

_OF_A_KIND = frozenset(
    {0x00080018, 0x0020000D, 0x0020000E, 0x00200052, 0x00420011, 0x0040A730, 0x0040B020, 0x00700001, 0x00281199}
    | {0x00880200, 0x00080015, 0xFFFAFFFA, 0xFFFCFFFC, 0x00400555, 0x04000403}
)
"""Content, documents, graphics, icons, signatures; and the UIDs of an object."""


def plantable_rows() -> list[int]:
    """Return the public attributes of the table, in order, that `write_rows` can plant."""
    tags = sorted(int(pattern, 16) for pattern in ROWS if all(digit in "0123456789ABCDEF" for digit in pattern))
    return [
        tag
        for tag in tags
        if 0x0008 <= tag >> 16 < 0x7FE0 and tag not in _OF_A_KIND and dictionary_has_tag(tag) and _vr(tag) in _PLANTS
    ]


def write_rows(dataset: Dataset, plants: Plants, *, turn: int, turns: int) -> None:
    """Plant in every `turns`-th row that the object does not have yet."""
    for tag in plantable_rows()[turn::turns]:
        if tag not in dataset:
            vr = _vr(tag)
            dataset.add(DataElement(tag, vr, _PLANTS[vr](plants, f"{vr} of the table: {dictionary_keyword(tag)}", tag)))


def _vr(tag: int) -> str:
    return dictionary_VR(tag).split(" or ", maxsplit=1)[0]


def _text(plants: Plants, where: str, tag: int) -> str:
    return f"by {plants.in_table(where, tag)} at ten"


def _short(plants: Plants, where: str, tag: int) -> str:
    return plants.in_table(where, tag)


def _capitals(plants: Plants, where: str, tag: int) -> str:
    return plants.in_table(where, tag).upper()


def _name(plants: Plants, where: str, tag: int) -> str:
    return f"{plants.in_table(where, tag)}^Q"


def _address(plants: Plants, where: str, tag: int) -> str:
    return f"http://{plants.in_table(where, tag)}.example/"


def _bytes(plants: Plants, where: str, tag: int) -> bytes:
    return plants.in_table(where, tag).encode().ljust(16, b"\0")


def _uid(plants: Plants, where: str, _tag: int) -> str:
    return plants.instance_uid(where)


def _items(plants: Plants, where: str, tag: int) -> Sequence:
    return Sequence(
        [
            item(
                PersonName=f"{plants.in_table(where, tag)}^S",
                TextValue=f"told by {plants.in_table(where, tag)}",
                ReferencedSOPInstanceUID=plants.instance_uid(where),
                ConceptCodeSequence=[code("X2", "99LOCAL", plants.outside("Code Meaning in a row of the table"))],
            )
        ]
    )


_PLANTS: dict[str, Callable[[Plants, str, int], Any]] = {
    **dict.fromkeys(("LO", "LT", "ST", "UC", "UT"), _text),
    "SH": _short,
    **dict.fromkeys(("AE", "CS"), _capitals),
    "PN": _name,
    "UR": _address,
    **dict.fromkeys(("OB", "OW", "UN"), _bytes),
    "UI": _uid,
    "SQ": _items,
}
