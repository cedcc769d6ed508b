"""The script that Streamlit runs in an installed package; a checkout has `app.py` for it."""

from hitl_review.ui.router import main

main()
