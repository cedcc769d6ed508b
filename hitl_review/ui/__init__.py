"""The pages: thin views over `hitl_review.workflow`. Only this folder imports Streamlit.

`router` picks the page, `session` holds where a person is, `cache` keeps models by digest, `charts`
and `panels` turn values into HTML (pure, without Streamlit), `server` serves all of it.
"""
