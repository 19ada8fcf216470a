"""Alphanumerics that say something technical and identify nobody: T1, 3D, 5MM, L4, B30f, FLAIR3D.

Rule of the file: a shape is short or made of known atoms. Four digits without a unit or a technical word before them
are a year, an extension or a short patient number, and none of these.
"""

from __future__ import annotations

import re
from functools import lru_cache

_UNITS = (
    "mm|mm2|mm3|cm|cm2|cm3|m|um|nm|ml|cc|l|dl|mg|g|kg|ug|mcg|ms|msec|s|sec|min|h|hr|hrs|hz|khz|mhz|kv|kvp|mv|ma|mas|mgy|gy|"
    "cgy|msv|bq|kbq|mbq|gbq|mci|uci|hu|kev|mev|w|mw|db|bpm|mmhg|mol|mmol|deg|grad|t|tesla|d|wk|wks|mo|yr|yrs|y|x|"
    "sl|ch|pt|st|nd|rd|th|px|fps|bit|tage|wo|std|dimensional|phase|phases|phasen|view|views|chamber|slice|slices"
)
_SHAPES = re.compile(
    rf"""
      \d{{1,4}}(?:{_UNITS})              # 5mm, 120kv, 1000ms
    | \d{{1,3}}x\d{{1,3}}(?:x\d{{1,3}})?(?:mm|cm)?   # 512x512
    | (?:[ctls]\d{{1,2}}){{1,2}}         # vertebrae: L4, L5S1
    | [a-z]\d{{1,3}}[a-z]{{0,2}}         # T1, E9, B30f, H60s
    | b\d{{4}}                           # b1000
    | [a-z]{{2}}\d{{1,2}}[a-z]?          # Br40d, TE90
    | \d{{1,2}}[a-z]{{1,2}}              # 3D, 7C
    | \d{{1,2}}[a-z]\d{{1,2}}            # 2D1
    | t[12]w?[a-z]?
    """,
    re.VERBOSE | re.ASCII,
)
_ATOM_WORDS = """
ax axi axial sag sagittal cor coronal tra trans obl o p t1 t2 t1w t2w pd pdw dwi dw dti adc flair stir tirm tse fse
se gre ge epi fl fs fatsat nofs we dixon mprage mpr mip mra tof cube space vibe lava bravo haste ssfse trufi fiesta
ffe tfe swi swan perf asl cine iso pre post gd gado ce km native nativ bh fb rt lt left right 2d 3d 4d tfl ep2d ep3d
diff ir blade propeller star map grappa sense ipat bone soft lung thin thick head brain neck chest spine knee hip
cor b0 b50 b100 b400 b500 b600 b800 b1000 b1200 b1400 b1500 b2000 1mm 2mm 3mm 4mm 5mm tr te ti fov v1 v2 v3 d1 ns
vfl nav mb dyn 1st 2nd 3rd art ven del delay spc spcir tirm2d mp2rage db rst cs fast hr lr no
"""
_ATOMS = sorted(_ATOM_WORDS.split(), key=len, reverse=True)
_COMPOUND = re.compile(f"(?:{'|'.join(_ATOMS)})+", re.ASCII)
_LONGEST_COMPOUND = 20
_HAS_BOTH = re.compile(r"(?=.*\d)(?=.*[a-z])", re.ASCII)
_BEFORE_NUMBER = """
tr te ti b fov tp td mtx matrix matrice hu kv kvp ma mas vps nex etl bw khz hz ms wl ww time delay venc sl images
frames volume length version v ver sw release mx dpi jpeg
"""
_TECHNICAL_BEFORE_NUMBER = frozenset(_BEFORE_NUMBER.split())
_UNIT_WORDS = frozenset(_UNITS.split("|"))
LONGEST_FREE_NUMBER = 3
LONGEST_NUMBER = 4


@lru_cache(maxsize=8192)
def is_technical(folded: str) -> bool:
    """Tell whether a folded run of letters and digits is a harmless technical shape."""
    if len(folded) > _LONGEST_COMPOUND or not _HAS_BOTH.match(folded):
        return False
    return bool(_SHAPES.fullmatch(folded) or _COMPOUND.fullmatch(folded))


def is_harmless_number(digits: str, before: str, after: str) -> bool:
    """Tell whether a whole number identifies nobody.

    Parameters
    ----------
    digits
        ASCII digits only.
    before, after
        The folded words beside it, empty where there are none.
    """
    if not digits.isascii():
        return False
    if len(digits) <= LONGEST_FREE_NUMBER:
        return True
    return len(digits) == LONGEST_NUMBER and (before in _TECHNICAL_BEFORE_NUMBER or after in _UNIT_WORDS)
