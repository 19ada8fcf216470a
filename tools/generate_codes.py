"""Write `pipeline/header/ps316_codes.csv` from the concept tables of PS3.16 that pydicom carries.

    python tools/generate_codes.py

Only facts are copied: scheme, code value, code meaning. A code with several meanings gets a row for each; the first is
the one that is written where an object's own meaning is not the standard's. SNOMED-RT style values (SRT), which old
objects use, are listed with the meaning of the SNOMED CT concept they stand for. At run time this file is read
instead of pydicom's tables, which take 100 MB of memory. The output is not edited by hand.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pydicom
from pydicom.sr._concepts_dict import concepts
from pydicom.sr._snomed_dict import mapping

OUTPUT = Path(__file__).resolve().parents[1] / "pipeline" / "header" / "ps316_codes.csv"
LONGEST_LO = 64
FEWEST_ROWS = 15_000


def main() -> int:
    """Read pydicom's tables, write the file, and say how many rows it has."""
    rows = code_rows()
    if len(rows) < FEWEST_ROWS:
        print(f"only {len(rows)} rows: pydicom's tables have changed", file=sys.stderr)
        return 1
    with OUTPUT.open("w", encoding="utf-8", newline="") as file:
        file.write(
            f"# PS3.16 coded concepts as packaged in pydicom {pydicom.__version__} (MIT). Generated; do not edit.\n"
        )
        file.write(
            "# Written by tools/generate_codes.py. Codes are NEMA's, SNOMED International's (DICOM subset), LOINC's\n"
        )
        file.write(
            "# and others'; see PS3.16 section 8. Columns: coding scheme designator, code value, code meaning.\n"
        )
        csv.writer(file, lineterminator="\n").writerows(rows)
    print(f"{OUTPUT.name}: {len(rows)} rows")
    return 0


def code_rows() -> list[tuple[str, str, str]]:
    """Return (scheme, value, meaning), the preferred meaning of a code first."""
    meanings: dict[tuple[str, str], set[str]] = {}
    for scheme, by_keyword in concepts.items():
        for by_value in by_keyword.values():
            for value, (meaning, _groups) in by_value.items():
                meanings.setdefault((scheme, value), set()).add(_written(meaning))
    for old, new in mapping["SRT"].items():
        if ("SCT", new) in meanings:
            meanings[("SRT", old)] = meanings[("SCT", new)]
    return [
        (*code, meaning) for code in sorted(meanings) if code[1] for meaning in sorted(meanings[code], key=_preference)
    ]


def _written(meaning: str) -> str:
    return " ".join(meaning.replace("\u200b", "").split())


def _preference(meaning: str) -> tuple[bool, bool, int, str]:
    """Put what fits a Code Meaning first, then what names no hierarchy in parentheses, then what is short."""
    return (len(meaning) > LONGEST_LO, meaning.endswith(")"), len(meaning), meaning)


if __name__ == "__main__":
    sys.exit(main())
