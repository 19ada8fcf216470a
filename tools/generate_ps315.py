"""Write `pipeline/header/ps315_table.py` from a machine-readable copy of PS3.15 Table E.1-1.

    python tools/generate_ps315.py FOLDER

FOLDER holds `e1_1_2026d.json`: `edition`, `source` and `rules`, each rule with `tag` (eight hexadecimal digits, `x`
where a repeating group varies, or `PRIVATE`), `name`, `basic` and `options`. Only facts are copied: tag, name and
actions. The output is not edited by hand.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

OUTPUT = Path(__file__).resolve().parents[1] / "pipeline" / "header" / "ps315_table.py"
EXPECTED_ROWS = 657
COLUMNS = {
    "P": "retain_safe_private",
    "U": "retain_uids",
    "V": "retain_device_identity",
    "I": "retain_institution_identity",
    "C": "retain_patient_characteristics",
    "F": "retain_longitudinal_full_dates",
    "M": "retain_longitudinal_modified_dates",
    "D": "clean_descriptors",
    "S": "clean_structured_content",
    "G": "clean_graphics",
}

HEADER = '''"""PS3.15 Table E.1-1 of edition {edition}, as data. Generated; do not edit.

Written by `tools/generate_ps315.py` from `{file}`.
Origin: {origin}; the table's content is NEMA's.
{rows} rows: tag pattern -> (Basic Profile action, option actions). An option action is two letters, the column
(`COLUMNS`) and what it asks for: K keep, C clean.
"""

from __future__ import annotations

EDITION = "{edition}"

COLUMNS: dict[str, str] = {{
'''


def main(folder: Path) -> int:
    """Read the copy in `folder`, write the module, and say how many rows it has."""
    source = folder / "e1_1_2026d.json"
    table = json.loads(source.read_text(encoding="utf-8"))
    rules = sorted(table["rules"], key=lambda rule: rule["tag"])
    if len(rules) != EXPECTED_ROWS or len({rule["tag"] for rule in rules}) != EXPECTED_ROWS:
        print(f"expected {EXPECTED_ROWS} different tags, found {len(rules)} rows", file=sys.stderr)
        return 1
    letters = {name: letter for letter, name in COLUMNS.items()}
    origin = table["source"].split(" ")[0:3]
    lines = [HEADER.format(edition=table["edition"], file=source.name, origin=" ".join(origin), rows=len(rules))]
    lines += [f'    "{letter}": "{name}",\n' for letter, name in COLUMNS.items()]
    lines.append("}\n\nROWS: dict[str, tuple[str, str]] = {\n")
    for rule in rules:
        options = " ".join(f"{letters[name]}{action}" for name, action in sorted(rule["options"].items()))
        name = rule["name"].encode("ascii", "replace").decode("ascii")
        lines.append(f'    "{rule["tag"]}": ("{rule["basic"]}", "{options}"),  # {name}\n')
    lines.append("}\n")
    OUTPUT.write_text("".join(lines), encoding="utf-8")
    print(f"{OUTPUT.name}: {len(rules)} rows of edition {table['edition']}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004  the program and its one argument
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
