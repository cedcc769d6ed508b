"""`python -m hitl_review` is the same as `hitl-review`."""

from __future__ import annotations

from hitl_review.cli import main

if __name__ == "__main__":
    main()
