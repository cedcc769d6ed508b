"""Makes the demonstration workspace in a process of its own, and tells each step as one line of JSON.

    python -m hitl_review.ui.demo_process FOLDER

A line is `{"step": 3, "of": 10, "words": "fitting on 500 cases"}`, or `{"refused": "a sentence"}` at the
end of a build that could not be made. Anything else that goes wrong goes to standard error, so to
whoever serves the app, and not to the page.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from hitl_review.errors import HitlError
from hitl_review.workflow.demo import make_demo

STOPPED = 130


def main(folder: Path) -> int:
    """Make the workspace and return 0, or 1 if it was refused."""
    try:
        make_demo(folder, progress=_tell_step)
    except HitlError as refusal:
        _tell({"refused": str(refusal)})
        return 1
    except OSError as error:
        _tell(
            {
                "refused": f"The folder {folder} can't be written: {error.strerror}. Start the app in another one."
            }
        )
        return 1
    except KeyboardInterrupt:
        return STOPPED
    return 0


def _tell_step(step: int, of: int, words: str) -> None:
    _tell({"step": step, "of": of, "words": words})


def _tell(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
