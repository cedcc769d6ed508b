"""The least that Streamlit can do: one button, one line of text. What every page is measured against."""

import gc

import streamlit as st


@st.cache_resource(show_spinner=False)
def settle_in() -> bool:
    """Freeze what is loaded, as our own app does: the comparison is not to be won by that."""
    gc.collect()
    gc.freeze()
    return True


def count() -> None:
    """Count the press."""
    st.session_state["presses"] = st.session_state.get("presses", 0) + 1


st.button("Next", on_click=count, shortcut="A", key=f"next_{st.session_state.get('presses', 0)}")
st.html(f"<p id='pressed'>{st.session_state.get('presses', 0)}</p>")
settle_in()
