"""What the shipped profiles leave of planted identifiers, over a made corpus and over real files.

    python -m benchmarks.header_leaks [FOLDER]

The made corpus has every kind of object of `tests.factories.corpus` in every transfer syntax; the real files are
pydicom's, or those of a folder, with identifiers planted into them. The whole pipeline runs, only without looking at
pixels. Leaks are sought as bytes; the share is of all plants in objects that came out. `less valid` counts objects in
which dciodvfy finds fault with an attribute that it did not find fault with before.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from config.load import shipped_profiles
from pipeline.reasons import Held
from tests.factories.corpus.judge import new_faults
from tests.factories.corpus.made import combinations, make
from tests.factories.corpus.pixels import DEFLATED
from tests.factories.corpus.plants import Place
from tests.factories.corpus.real import planted_real_files
from tests.factories.corpus.runner import HeaderRunner, header_profile
from tests.factories.corpus.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.factories.corpus.made import Made

HEADINGS = (
    "| corpus, profile | files | leaks, % of plants | UIDs kept | in-table left | private left | outside left "
    "| container left | UIDs inconsistent, dangling | held | less valid | files per CPU-s |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def measured(corpus: Iterable[Made], profile_name: str, folder: Path) -> tuple[Tally, float, int, dict[str, str]]:
    """Return the counts, CPU-seconds, how many objects were made less valid, and an example of each new fault."""
    profile = header_profile(profile_name)
    runner = HeaderRunner(profile, folder)
    tally = Tally(options=frozenset(option.value for option in profile.options))
    seconds, worse = 0.0, 0
    examples: dict[str, str] = {}
    for made in corpus:
        started = time.process_time()
        try:
            result = runner.run(made.raw)
        except Held as held:
            result, reason = None, str(held.reason)
        seconds += time.process_time() - started
        if result is None:
            tally.add(made, None, reason=reason)
            continue
        tally.add(made, result)
        faults = new_faults(made.raw, result, folder / "judged.dcm") if made.syntax != DEFLATED else {}
        worse += bool(faults)
        for subject, line in faults.items():
            examples.setdefault(f"{subject}: {line}", made.name)
    return tally, seconds, worse, examples


def row(name: str, tally: Tally, seconds: float, worse: int | str) -> str:
    """Return one line of the table."""
    left = {place: sum(map(len, tally.leaked(place).values())) for place in Place}
    checks = sum(tally.checks.values())
    counts = [f"{left[place]}/{tally.checks[place]}" for place in (Place.UID, Place.TABLE, Place.PRIVATE)]
    counts += [f"{left[place]}/{tally.checks[place]}" for place in (Place.OUTSIDE, Place.CONTAINER)]
    refused = sum(map(len, tally.refused.values()))
    cells = [name, tally.files, f"{100 * sum(left.values()) / max(1, checks):.2f}", *counts]
    cells += [f"{len(tally.inconsistent)}, {len(tally.dangling)}", refused, worse]
    return "| " + " | ".join(map(str, [*cells, f"{(tally.files - refused) / max(seconds, 1e-9):.0f}"])) + " |"


def details(tally: Tally) -> str:
    """Return what was refused and where something was found, one a line."""
    lines = [f"  held as {reason}: {len(names)}, e.g. {names[0]}" for reason, names in sorted(tally.refused.items())]
    found = sorted(tally.leaks.items(), key=lambda leak: -len(leak[1]))
    lines += [f"  left, {place}, {where}: {len(names)}, e.g. {names[0]}" for (place, where), names in found[:20]]
    return "\n".join(lines)


def main() -> None:
    """Print the table, then the reasons and the places."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    corpora = {
        "made": [make(kind, syntax) for kind, syntax in combinations()],
        "real": list(planted_real_files(folder)),
    }
    notes = []
    print(HEADINGS)
    for corpus, objects in corpora.items():
        for profile in shipped_profiles():
            with tempfile.TemporaryDirectory() as scratch:
                tally, seconds, worse, examples = measured(objects, profile, Path(scratch))
            print(row(f"{corpus}, {profile}", tally, seconds, worse), flush=True)
            faults = "".join(f"\n  less valid: {line}, e.g. {name}" for line, name in examples.items())
            notes.append(f"{corpus}, {profile}:\n{details(tally)}{faults}")
    print("\n" + "\n".join(notes))


if __name__ == "__main__":
    main()
