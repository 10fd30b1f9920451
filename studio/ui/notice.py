"""Toasts that survive the rerun which the change itself asks for."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from cerberus.errors import CerberusError, NotSignedIn, Unavailable

_WAITING = "notice.waiting"


def later(text: str, *, icon: str = ":material/check_circle:") -> None:
    """Say `text` at the next full run."""
    st.session_state.setdefault(_WAITING, []).append((text, icon))


def after(change: Callable[[], object], text: str) -> None:
    """Make a change, then run the page anew and say `text` there; where it is refused, say why right here."""
    try:
        change()
    except (NotSignedIn, Unavailable):
        raise  # the whole page has something to say about that
    except CerberusError as error:
        st.error(f"{error.message} {error.hint}")
        return
    later(text)
    st.rerun()


def show() -> None:
    """Say what is waiting, once."""
    for text, icon in st.session_state.pop(_WAITING, []):
        st.toast(text, icon=icon)
