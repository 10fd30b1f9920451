"""The pages, as data, and the sidebar: the project first, then only what one may open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from studio import signin
from studio.ui.text import plain

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

    from cerberus.service import Access

ROOT = Path(__file__).parents[1] / "pages"
PROJECT = "project"


def everybody(access: Access, project: str | None) -> bool:
    """A page that nobody is kept from."""
    del access, project
    return True


def overseers_and_managers(access: Access, project: str | None) -> bool:
    """A page for admins, auditors and those who manage the project."""
    from cerberus.policy import Verb
    from cerberus.service import project_resource

    return access.oversees or (project is not None and access.can(Verb.MANAGE, project_resource(project)))


@dataclass(frozen=True, slots=True)
class Entry:
    """One page: its script, its words, its link, and where it is listed."""

    script: str
    title: str
    icon: str
    url_path: str
    section: str
    is_listed: bool = True
    needs_project: bool = True
    is_for: Callable[[Access, str | None], bool] = everybody


PAGES = (
    Entry("home.py", "Home", ":material/home:", "", "Work"),
    Entry("experiments.py", "Experiments", ":material/science:", "experiments", "Work"),
    Entry("runs.py", "Runs", ":material/table_rows:", "runs", "Work"),
    Entry("run.py", "Run", ":material/play_circle:", "run", "Work", is_listed=False),
    Entry("compare.py", "Compare", ":material/compare_arrows:", "compare", "Work"),
    Entry("members.py", "Members and roles", ":material/group:", "members", "Project"),
    Entry("requests.py", "Requests", ":material/approval:", "requests", "Project", needs_project=False),
    Entry("why.py", "Why?", ":material/help:", "why", "Project"),
    Entry("audit.py", "Audit", ":material/history:", "audit", "Project", needs_project=False,
          is_for=overseers_and_managers),
    Entry("account.py", "Account", ":material/person:", "account", "You", needs_project=False),
)


def pages() -> dict[str, Page]:
    """The pages by script name, in their order."""
    return {
        entry.script: st.Page(
            ROOT / entry.script, title=entry.title, icon=entry.icon,
            url_path=entry.url_path or None, default=not entry.url_path,
        )
        for entry in PAGES
    }


def sidebar(access: Access, known: dict[str, Page]) -> None:
    """The chooser, the pages, and who is signed in."""
    with st.sidebar:
        st.markdown("### :material/science: ML Studio")
        project = choose_project(access)
        for section in dict.fromkeys(entry.section for entry in PAGES):
            listed = [entry for entry in PAGES if entry.section == section and _is_offered(entry, access, project)]
            if listed:
                st.caption(section)
            for entry in listed:
                st.page_link(known[entry.script], query_params={PROJECT: project} if project else None)
        st.divider()
        st.caption(f":material/account_circle: {plain(access.principal.display_name or access.principal.name)}")
        if st.button("Sign out", key="nav_sign_out", icon=":material/logout:", type="tertiary", on_click=signin.leave):
            st.rerun()


def _is_offered(entry: Entry, access: Access, project: str | None) -> bool:
    return entry.is_listed and (project is not None or not entry.needs_project) and entry.is_for(access, project)


def choose_project(access: Access) -> str | None:
    """The project of the link, chosen in the sidebar and kept in the link; None when there is none to choose."""
    names = {info.slug: info.name or info.slug for info in access.projects}
    if not names:
        return None
    asked = st.query_params.get(PROJECT) or st.session_state.get(PROJECT) or next(iter(names))
    # A link to a project that is not there keeps its name, so that the page can say so.
    slug = asked if asked in names else None
    if st.session_state.get("nav_project") != slug:
        st.session_state["nav_project"] = slug
    chosen = st.selectbox(
        "Project", list(names), key="nav_project", index=0 if slug else None, placeholder="Choose a project",
        format_func=names.__getitem__, on_change=_chosen,
    )
    st.session_state[PROJECT] = st.query_params[PROJECT] = asked if slug is None else chosen
    return slug


def _chosen() -> None:
    """Bring the choice into the link; what else the link said was about the other project."""
    st.query_params.from_dict({PROJECT: st.session_state["nav_project"]})
