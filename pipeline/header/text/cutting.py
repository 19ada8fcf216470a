"""Cut a run of letters and digits where its writing changes: kneeMiller, SAGT2, 胸部CT.

Rule of the file: nothing is judged here.
"""

from __future__ import annotations

import re

from pipeline.header.folding import is_unspaced

RUN = re.compile(r"[^\W_]+")
DECIMAL = re.compile(r"\d{1,4}[.,]\d{1,4}", re.ASCII)


def cut_scripts(run: str) -> list[str]:
    """Return the parts of a run in scripts with and without blanks between words."""
    if run.isascii():
        return [run]
    parts: list[str] = []
    last: bool | None = None
    for letter in run:
        unspaced = is_unspaced(letter)
        if unspaced is last:
            parts[-1] += letter
        else:
            parts.append(letter)
        last = unspaced
    return parts


def cut_writing(run: str) -> list[str]:
    """Return the parts of a run between letters and digits, and where lower case turns into capitals."""
    parts = [run[:1]]
    for index in range(1, len(run)):
        before, here, after = run[index - 1], run[index], run[index + 1 : index + 2]
        is_new_word = before.islower() and here.isupper()
        is_last_capital = before.isupper() and here.isupper() and after.islower()
        if is_new_word or is_last_capital or before.isdigit() is not here.isdigit():
            parts.append(here)
        else:
            parts[-1] += here
    return parts
