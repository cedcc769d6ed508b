"""What every table of a project file shares: frozen, no unknown keys, exact types, no contradictions.

Types are exact on purpose: `decimals = true` and `threshold = "0.5"` are slips of the pen, and a
reader that quietly turns them into numbers hides the slip in a clinical setting.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

NAME = r"^[a-z][a-z0-9_]*$"
CODE = r"^[a-z0-9][a-z0-9_-]*$"
PATTERN_WORDS = {
    NAME: "small letters, digits and underscores, beginning with a letter",
    CODE: "small letters, digits, underscores and hyphens",
}


def _written(value: str) -> str:
    """Return text without the spaces around it; text of spaces only is refused."""
    if not (stripped := value.strip()):
        raise PydanticCustomError("string_too_short", "text that is not empty", {"min_length": 1})
    return stripped


Text = Annotated[str, Strict(), AfterValidator(_written)]
"""Text that says something."""
Remark = Annotated[str, Strict()]
"""Text that may be empty."""
Name = Annotated[str, Strict(), StringConstraints(pattern=NAME, max_length=64)]
"""A name fit for a column, a key and a database."""
Code = Annotated[str, Strict(), StringConstraints(pattern=CODE, max_length=64)]
"""A short code that is stored in place of a label."""
Number = Annotated[float, Strict()]
Whole = Annotated[int, Strict()]
Switch = Annotated[bool, Strict()]
Share = Annotated[float, Strict(), Field(ge=0, le=1)]
"""A number from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a project file: where it is, what was found there, what was expected."""

    key: str
    found: object
    expected: str

    def __str__(self) -> str:
        return f"{self.key}: found {shown(self.found)}, expected {self.expected}"


def shown(value: object, *, limit: int = 60) -> str:
    """Return a value as the file would write it, cut to `limit` characters; None is "nothing"."""
    if value is None:
        return "nothing"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    written = json.dumps(value, ensure_ascii=False, default=str)
    return written if len(written) <= limit else written[: limit - 1] + "…"


class Table(BaseModel):
    """One table of the file. Subclasses say in `contradictions` which of their keys can't go together."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def contradictions(self) -> Iterator[Fault]:
        """Yield the faults that only show when several keys are looked at together."""
        yield from ()

    @model_validator(mode="after")
    def _without_contradictions(self) -> Self:
        faults = tuple(self.contradictions())
        if faults:
            told = "; ".join(str(fault) for fault in faults)
            raise PydanticCustomError("contradiction", "{told}", {"told": told, "faults": faults})
        return self


def repeated(values: Iterator[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Return the values that occur more than once, each once, in order of their second occurrence."""
    seen: set[str] = set()
    again: dict[str, None] = {}
    for value in values:
        if value in seen:
            again[value] = None
        seen.add(value)
    return tuple(again)
