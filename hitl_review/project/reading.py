"""Read project.toml, and tell every fault in it by its key, what was found and what was expected."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hitl_review.errors import ProjectFileError
from hitl_review.project.schema import Project
from hitl_review.project.table import PATTERN_WORDS, Fault, Table

LARGEST_FILE_BYTES = 1_000_000
"""A project file is a few pages; anything larger is a table that was named by mistake."""
FAULTS_SHOWN = 10
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?:\.[ \t]*+{_PART}[ \t]*+){{50}}")
"""A key of so many parts as no project has; Python's reader takes a time with their number in the square."""

_EXPECTED = {
    "string_type": "text in quotes",
    "string_too_short": "text that is not empty",
    "string_too_long": "at most {max_length} characters",
    "float_type": "a number",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "finite_number": "a finite number",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "literal_error": "{expected}",
    "tuple_type": "a list",
    "model_type": "a table",
    "too_short": "at least {min_length}",
}


def read_project(path: Path | str) -> Project:
    """Read a project file, or refuse it naming each fault."""
    return parse_project(read_project_text(path), source=str(path))


def read_project_text(path: Path | str) -> str:
    """Return the text of a project file as it stands, so that its digest can be checked later."""
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            limit = f"{LARGEST_FILE_BYTES:,} bytes"
            raise ProjectFileError(f"{path} is larger than {limit}; is it the project's file?")
        return path.read_bytes().decode("utf-8").removeprefix("\ufeff")
    except OSError as error:
        raise ProjectFileError(f"The project file {path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        found = f"{path} is not text in UTF-8 (byte {error.start})"
        raise ProjectFileError(f"{found}; save it as UTF-8.") from error


def parse_project(text: str, *, source: str = "project.toml") -> Project:
    """Turn the text of a project file into a Project; `source` names the file in what is told of faults."""
    if len(text) > LARGEST_FILE_BYTES or _LONG_KEY.search(text):
        raise ProjectFileError(f"{source} is larger, or a key in it is longer, than a project's; is it the right file?")
    try:
        return _parsed(text, source)
    except RecursionError:
        raise ProjectFileError(f"{source} is nested far more deeply than a project is.") from None


def _parsed(text: str, source: str) -> Project:
    try:
        data = tomllib.loads(text)
    except ValueError as error:  # also of a number with more digits than Python reads
        raise ProjectFileError(f"{source} is not valid TOML: {error}.") from error
    try:
        return Project.model_validate(data)
    except ValidationError as error:
        raise ProjectFileError(_refusal(source, tuple(_faults(error, data)))) from None


def project_digest(text: str) -> str:
    """Return "sha256:" and the SHA-256 of the text's UTF-8 bytes: how a project's wording is known later."""
    return "sha256:" + hashlib.sha256(text.encode("utf-8")).hexdigest()


def _refusal(source: str, faults: tuple[Fault, ...]) -> str:
    lines = [f"  {fault}" for fault in faults[:FAULTS_SHOWN]]
    if len(faults) > FAULTS_SHOWN:
        lines.append(f"  and {len(faults) - FAULTS_SHOWN} more")
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return "\n".join([f"{source} was refused, {count}:", *lines])


def _faults(error: ValidationError, data: Mapping[str, Any]) -> Iterator[Fault]:
    for detail in error.errors(include_url=False):
        yield from _faults_of(detail, data)


def _faults_of(detail: ErrorDetails, data: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what one of pydantic's errors says, in words for the person who wrote the file."""
    place, kind, context = detail["loc"], detail["type"], detail.get("ctx", {})
    key = _dotted(place, data)
    if kind == "contradiction":
        for fault in context["faults"]:
            yield Fault(".".join(filter(None, (key, fault.key))), fault.found, fault.expected)
    elif kind == "missing":
        yield Fault(key, None, _description(place))
    elif kind == "extra_forbidden":
        yield Fault(key, detail["input"], _known_keys(place))
    elif kind == "string_pattern_mismatch":
        yield Fault(key, detail["input"], PATTERN_WORDS[context["pattern"]])
    else:
        expected = _EXPECTED[kind].format(**context) if kind in _EXPECTED else detail["msg"]
        yield Fault(key, detail["input"], expected)


def _dotted(place: tuple[int | str, ...], data: Any) -> str:
    """Return the key's path, with an entry's own name in place of its number where it has one."""
    parts = []
    for step in place:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            data = None
        parts.append(step if isinstance(step, str) else _entry_name(data, step))
    return ".".join(parts)


def _entry_name(entry: Any, position: int) -> str:
    for key in ("name", "code", "feature"):
        if isinstance(entry, Mapping) and isinstance(entry.get(key), str):
            return str(entry[key])
    return f"number {position + 1}"


def _table_of(place: tuple[int | str, ...]) -> type[Table]:
    """Return the table that the last key of a path stands in."""
    table: type[Table] = Project
    for step in place[:-1]:
        if isinstance(step, str):
            table = next(_tables_in(table.model_fields[step].annotation), table)
    return table


def _tables_in(annotation: Any) -> Iterator[type[Table]]:
    if isinstance(annotation, type) and issubclass(annotation, Table):
        yield annotation
    for part in get_args(annotation):
        yield from _tables_in(part)


def _description(place: tuple[int | str, ...]) -> str:
    return _table_of(place).model_fields[str(place[-1])].description or "a value"


def _known_keys(place: tuple[int | str, ...]) -> str:
    known = tuple(_table_of(place).model_fields)
    near = get_close_matches(str(place[-1]), known, n=1)
    return f"the key {near[0]}; there is no such key" if near else f"one of the keys {', '.join(known)}"
