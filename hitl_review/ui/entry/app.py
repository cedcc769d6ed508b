"""The script that Streamlit runs in an installed package; a checkout has `app.py` at its top for it.

It lies in a folder of its own because Streamlit takes a folder `pages` beside the script for pages of
its own, and would run one of them without the router when a fresh server is first asked for its address.
"""

from hitl_review.ui.router import main

main()
