"""What stands in place of a page that cannot be shown: what happened, what is safe, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cerberus.errors import CerberusError, NotSignedIn, Unavailable
from studio import log, session, signin
from studio.ui.text import plain

if TYPE_CHECKING:
    from cerberus.service import ProjectInfo


def instead(error: CerberusError) -> None:
    """Show the screen that belongs to `error`."""
    if isinstance(error, NotSignedIn | Unavailable) and _is_fragment():
        st.rerun()
    if isinstance(error, NotSignedIn):
        signin.screen()
    elif isinstance(error, Unavailable):
        away()
    else:
        st.warning(" ".join(filter(None, (error.message, error.hint))), icon=":material/block:")


def away() -> None:
    """Cerberus' database cannot be reached; the page comes back by itself when it can."""
    st.error(
        "**Studio cannot ask who may see what: the database of Cerberus does not answer.** Until it does, nothing is "
        "shown and nothing can be changed. Your runs, models and permissions are safe. This page tries again every few "
        "seconds and comes back by itself; if it stays, tell whoever runs this server.",
        icon=":material/cloud_off:",
    )
    _wait()


@st.fragment(run_every=3)
def _wait() -> None:
    try:
        session.cerberus().ready()
    except Unavailable:
        st.caption("Waiting for the database …")
        return
    st.rerun()


def no_project() -> None:
    """Signed in, but in no project yet."""
    st.markdown("### :material/folder_off: No project yet")
    st.markdown(
        "You are signed in, but no project has you as a member. Ask the maintainer of the project that you work on to "
        "add you on its page *Members and roles*, or whoever runs this server to make a project. Some projects take "
        "requests:"
    )
    st.page_link("../pages/requests.py", label="Ask for access", icon=":material/approval:")


def unknown_project(projects: tuple[ProjectInfo, ...]) -> None:
    """The link names a project that is not there, or not for this person, which is the same to them."""
    st.markdown("### :material/search_off: Project not found")
    st.markdown("The project of this link does not exist, or you are not a member of it. These are yours:")
    for info in projects:
        if st.button(plain(info.name or info.slug), key=f"screens_project_{info.slug}", icon=":material/folder:"):
            st.query_params["project"] = info.slug
            st.rerun()


def failed(error: Exception) -> bool:
    """The handler of whatever a page did not expect: a number here, the details in the log."""
    if isinstance(error, CerberusError):
        instead(error)
        return True
    number = log.new_id()
    log.problem("page_failed", error, id=number)
    st.error(
        f"**This page could not be shown.** Nothing was lost. Try again; if it stays, tell whoever runs this server "
        f"the number `{number}`, which stands in Studio's log.",
        icon=":material/error:",
    )
    return True


def _is_fragment() -> bool:
    context = get_script_run_ctx()
    return bool(context and context.fragment_ids_this_run)
