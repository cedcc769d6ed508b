"""The audit log as it stands: newest events first, and its verification at a click."""

from __future__ import annotations

import streamlit as st

st.subheader("Audit log", anchor=False)
