"""hitl-review as a Streamlit app: `streamlit run app.py`, or `make run`.

Serves the workspace that HITL_WORKSPACE names, or makes the demonstration one in ./demo-workspace. Read
by a server, this file is the app with its sign-in routes; run by Streamlit as a script, it draws a page.
"""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from hitl_review.ui import router, server

if get_script_run_ctx(suppress_warning=True) is None:
    app = st.App(server.ENTRY, **server.parts())
else:
    router.main()
