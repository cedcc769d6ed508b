"""A fault is told in the terminal by its kind and its place: its words may hold what people wrote, or a value.

`HITL_DEBUG=1` prints them all the same, for whoever mends the fault.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from hitl_review.domain.printing import printable


@contextmanager
def wordless() -> Iterator[None]:
    """Keep the words of faults out of every log of this process for the block, and signs that move a cursor."""
    if is_debugging():
        yield
        return
    usual = logging.getLogRecordFactory()

    def made(*args: object, **named: object) -> logging.LogRecord:
        record = usual(*args, **named)
        record.msg = _kind(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(_told(each) for each in record.args)
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text, record.exc_info = lines_of(record.exc_info[1]), None
        return record

    logging.setLogRecordFactory(made)
    try:
        yield
    finally:
        logging.setLogRecordFactory(usual)


def lines_of(fault: BaseException) -> str:
    """Return where a fault arose, and what kind it is, after those that led to it; the code's own lines, no value."""
    if is_debugging():
        return "".join(traceback.format_exception(fault))
    told: list[str] = []
    each: BaseException | None = fault
    while each is not None and len(told) < 10:
        places = "".join(traceback.format_tb(each.__traceback__))
        told.append(f"Traceback (most recent call last):\n{places}{type(each).__qualname__}")
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return "\n\nwhich led to this:\n\n".join(reversed(told))


def is_debugging() -> bool:
    """Tell whether somebody mends a fault, and wants its words."""
    return os.environ.get("HITL_DEBUG") == "1"


def _told(argument: object) -> object:
    """Return what stands in a log line for an argument, which may come from whoever calls: nothing moves the cursor."""
    return printable(argument) if isinstance(argument, str) else _kind(argument)


def _kind(told: object) -> object:
    return type(told).__qualname__ if isinstance(told, BaseException) else told
