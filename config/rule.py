"""A rule of `gateway.yaml`: whose instances, which of them, and what happens to them.

Rule of the file: what is written is checked here; which rule wins is decided in the gateway.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from config.attributes import check_keyword
from config.section import Name, NoRepeats, OneOrMany, Section


class Match(Section):
    """What one value must look like.

    Parameters
    ----------
    values
        Any of these, equal after trimming spaces; empty where `pattern` is given.
    pattern
        A regular expression that is searched anywhere in the value, written `/…/` or `/…/i`.
    """

    one_value: ClassVar[bool] = True

    values: tuple[str, ...] = ()
    pattern: str | None = None
    ignore_case: bool = False

    def accepts(self, found: Sequence[str]) -> bool:
        """Tell whether one of the values found, of an element that may have several, matches; none never does."""
        if self.pattern is None:
            return any(value.strip() in self.values for value in found)
        expression = re.compile(self.pattern, re.IGNORECASE if self.ignore_case else 0)
        return any(expression.search(value) is not None for value in found)


def _match(written: Any) -> Any:
    """Read `[A, B]`, `A`, `/expression/` or `/expression/i`."""
    if isinstance(written, str) and (parts := re.fullmatch(r"/(.+)/([a-z]*)", written, re.DOTALL)):
        if parts[2] not in {"", "i"}:
            raise ValueError(f"unknown flag {parts[2]!r} behind the expression; only /…/i is known")
        try:
            re.compile(parts[1])
        except re.error as error:
            raise ValueError(f"{written} is no regular expression: {error}") from None
        return Match(pattern=parts[1], ignore_case=bool(parts[2]))
    if isinstance(written, str):
        return Match(values=(written.strip(),))
    if isinstance(written, list | tuple) and written and all(isinstance(item, str) for item in written):
        return Match(values=tuple(item.strip() for item in written))
    if isinstance(written, Match):
        return written
    raise ValueError("write a value, a list such as [US, CT], or an expression such as /echo/i; put a number in quotes")


def _condition_key(written: str) -> str:
    return written if written in {"called_aet", "calling_aet"} else check_keyword(written)


class Rule(Section):
    """What happens to an instance. Rules are tried in order and the first that matches wins.

    Parameters
    ----------
    sources
        Written `from`: nodes; empty means every node.
    when
        Keyword, `called_aet` or `calling_aet` to what its value must be; all must match.
    project
        Pseudonyms, UIDs and date shifts are one world per project.
    target
        The nodes that get the result: all of them.
    priority
        In which order its results leave, for each target: `urgent` before everything else, `off_peak` after everything
        else and within `send.off_peak` only.
    fallback
        The last rule, and only that, is for everything that no other matches.
    action
        `hold` or `refuse` instead of de-identifying; None de-identifies.
    """

    name: Name
    sources: Annotated[tuple[str, ...], OneOrMany, NoRepeats, Field(alias="from")] = ()
    when: Annotated[
        dict[Annotated[str, AfterValidator(_condition_key)], Annotated[Match, BeforeValidator(_match)]],
        WithJsonSchema({"type": "object"}),
    ] = {}  # noqa: RUF012  pydantic copies it
    profile: Name | None = None
    project: Name | None = None
    target: Annotated[tuple[str, ...], OneOrMany, NoRepeats] = ()
    priority: Literal["urgent", "normal", "off_peak"] = "normal"
    fallback: bool = False
    action: Literal["hold", "refuse", "clean"] | None = None

    @model_validator(mode="after")
    def _says_what_to_do(self) -> Self:
        does = {"profile": self.profile, "project": self.project, "target": self.target or None}
        if self.action is not None:
            if any(does.values()):
                raise ValueError(f"`action: {self.action}` stands instead of profile, project and target")
            if self.priority != "normal":
                raise ValueError("`priority` is about what is sent; a rule with an `action` sends nothing")
        elif missing := [key for key, value in does.items() if value is None]:
            raise ValueError(f"a rule needs {' and '.join(missing)}, or `action: hold` or `action: refuse`")
        if self.fallback and (self.sources or self.when):
            raise ValueError("the fallback rule is for everything that is left: remove `from` and `when`")
        return self
