"""What is wrong with a configuration: one line each, all at once.

Rule of the file: a problem says where, what is wrong and what to write instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

Place = tuple[str | int, ...]
"""Where a setting stands: keys and list positions from the top, such as `("rules", 0, "profile")`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    Parameters
    ----------
    line
        Counted from 1; 0 where the file as a whole is meant.
    """

    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else f"{self.file}"
        return f"{where}: {self.message}"


class ConfigurationError(Exception):
    """The configuration cannot be used; `problems` is everything that was found, in the order of the lines.

    Its text holds a line `file:line: message` for each problem. Contents of secret files are never in it.
    """

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)
