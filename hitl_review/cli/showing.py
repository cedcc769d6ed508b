"""What commands print: JSON to standard output, progress to standard error and only to a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from hitl_review.domain.printing import printable, printable_json, printable_lines


def tell(text: object, *, err: bool = False) -> None:
    """Print a text for people. What stands in a file could otherwise move a terminal's cursor and hide a line."""
    click.echo(printable_lines(str(text)), err=err)


def print_json(value: object) -> None:
    """Print one JSON value to standard output, and nothing else."""
    click.echo(printable_json(value))


@contextmanager
def steps_bar(*, hidden: bool = False) -> Iterator[Callable[[int, int, str], None]]:
    """Give a function that draws how far a work of known steps is: step, of how many, what it does now."""
    with click.progressbar(length=1, file=sys.stderr, hidden=hidden or not sys.stderr.isatty()) as bar:

        def told(step: int, of: int, words: str) -> None:
            bar.length, bar.label = of, f"{words:<40}"
            bar.update(step - bar.pos)

        yield told


@contextmanager
def words_line() -> Iterator[Callable[[object], None]]:
    """Give a function that shows what a work of unknown length does now, on one line of a terminal."""
    shown = sys.stderr.isatty()

    def told(words: object) -> None:
        if shown:
            click.echo(f"\r\x1b[K{printable(str(words))}", nl=False, err=True)

    try:
        yield told
    finally:
        told("")
