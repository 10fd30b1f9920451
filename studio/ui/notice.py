"""Toasts that survive the rerun which the change itself asks for."""

from __future__ import annotations

import streamlit as st

_WAITING = "notice.waiting"


def later(text: str, *, icon: str = ":material/check_circle:") -> None:
    """Say `text` at the next full run."""
    st.session_state.setdefault(_WAITING, []).append((text, icon))


def show() -> None:
    """Say what is waiting, once."""
    for text, icon in st.session_state.pop(_WAITING, []):
        st.toast(text, icon=icon)
