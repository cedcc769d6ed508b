"""Decision-support review: a model predicts, a person judges, and every act is kept.

The loop, and where each step lives, is told in `hitl_review.workflow`.
"""

__version__ = "0.1.0"
