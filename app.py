"""hitl-review as a Streamlit app: `streamlit run app.py`, or `make run`.

Serves the workspace that HITL_WORKSPACE names, or makes the demonstration one in ./demo-workspace.
"""

from hitl_review.ui.router import main

main()
