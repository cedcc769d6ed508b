"""The outermost command group: the one place where an error becomes a sentence and an exit code.

    0   done
    1   the answer is no: a verification failed, an act was refused
    2   wrong use, bad input, or a fault of ours

Nobody who reviews patients should meet a traceback, and a value in one could be a patient's.
`HITL_DEBUG=1` prints it all the same, for whoever mends a fault.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Any, Final

import click

from hitl_review.cli.showing import tell
from hitl_review.errors import HitlError, ModelError, NotPermitted, ReviewError
from hitl_review.workflow.fault_lines import is_debugging

NO: Final = 1
WRONG_USE: Final = 2
_REFUSED: Final = (ReviewError, NotPermitted, ModelError)
"""What was understood and may not be; the tree's other errors are input or a place that can't be used."""


class Door(click.Group):
    """A command group that says every error in one sentence on standard error."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order of a workspace's life, as they were added."""
        return list(self.commands)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line and leave with its exit code; without `standalone_mode`, let errors through."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        sys.exit(self._run(args, prog_name, complete_var, **extra))

    def _run(
        self, args: Sequence[str] | None, prog_name: str | None, complete_var: str | None, **extra: Any
    ) -> int:
        try:
            # In this mode click gives back what a command returned (nothing) or the code it left with.
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra) or 0
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            return WRONG_USE
        except Exception as error:  # the outermost door: whatever comes here has no other place to go
            if is_debugging():
                traceback.print_exception(error)
            else:
                tell(f"Error: {sentence_of(error)}", err=True)
            return exit_code_of(error)


def exit_code_of(error: Exception) -> int:
    """Return 1 where the answer is no, and 2 where the question could not be asked so."""
    return NO if isinstance(error, (*_REFUSED, click.Abort)) else WRONG_USE


def sentence_of(error: Exception) -> str:
    """Say an error to a person: what was asked, what was found, what to do. Unexpected ones show no value."""
    if isinstance(error, HitlError):
        return str(error)
    if isinstance(error, click.Abort):
        return "Stopped. What was stored before stays stored; the same command goes on from there."
    if isinstance(error, click.UsageError):
        return _usage_sentence(error)
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError) and error.strerror:
        place = f" ({error.filename})" if error.filename else ""
        return f"The system refused it: {error.strerror}{place}. Check path, permissions and space."
    if isinstance(error, UnicodeError):
        return "What was given holds bytes that are no text in UTF-8. Give it as it was written, or in other letters."
    return (
        f"This is a fault of the program's own ({type(error).__name__}), and the act may not have been done. "
        "Set HITL_DEBUG=1 and run it again to see where."
    )


def _usage_sentence(error: click.UsageError) -> str:
    message = error.format_message()
    asked = error.ctx.command_path if error.ctx is not None else "hitl-review"
    return f"{message} See `{asked} --help`."
