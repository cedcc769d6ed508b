"""The model in use: what it is for, how it was made, how good it is, and what it has learned."""

from __future__ import annotations

import streamlit as st

st.subheader("Model", anchor=False)
