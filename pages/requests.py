"""Requests for access: ask for a role, follow what one has asked for, and answer what others ask."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cerberus.errors import CerberusError
from cerberus.policy import Verb
from cerberus.service import AccessRequest, ProjectInfo, RequestState, project_resource
from studio import guard, nav
from studio.ui import notice
from studio.ui.effects import sentences
from studio.ui.text import plain
from studio.ui.when import ago, day, end_of, minute

AT_ONCE = 20
MOST_PROJECTS = 500
STATES = {
    RequestState.OPEN: (":material/hourglass_top:", "orange"),
    RequestState.APPROVED: (":material/check_circle:", "green"),
    RequestState.REFUSED: (":material/cancel:", "red"),
    RequestState.WITHDRAWN: (":material/undo:", "gray"),
    RequestState.ENDED: (":material/folder_off:", "gray"),
}
SHOWN = {"Open": RequestState.OPEN, "Approved": RequestState.APPROVED, "Refused": RequestState.REFUSED, "All": None}
WIDTHS = (5, 3, 7, 3)


@st.dialog("Ask for access", icon=":material/approval:")
def ask() -> None:
    """A project that takes requests, a role, and why."""
    me = guard.require_user()
    projects = {info.slug: info for info in guard.cerberus().requests.askable(me.actor, limit=MOST_PROJECTS)}
    if not projects:
        st.info("No project takes requests at the moment. Ask a maintainer to add you, or to open the project for "
                "requests on this page.", icon=":material/lock:")
        return
    slug = st.selectbox("Project", list(projects), index=None if len(projects) > 1 else 0, key="requests_project",
                        placeholder="Choose a project", format_func=lambda slug: projects[slug].name)
    if slug is None:
        return
    if projects[slug].description:
        st.caption(plain(projects[slug].description))
    roles = {role.name: role.description for role in guard.cerberus().projects.roles(slug)}
    role = st.selectbox("Role", list(roles), index=None, placeholder="Choose a role", key="requests_role",
                        format_func=lambda name: f"{name}: {roles[name]}" if roles[name] else name)
    reason = st.text_area("What for", max_chars=500, key="requests_reason",
                          help="Whoever answers reads this, and it stays with the role.")
    if st.button("Ask", type="primary", key="requests_ask", disabled=role is None):
        notice.after(lambda: guard.cerberus().requests.ask(me.actor, slug, role=role, reason=reason.strip()),
                     f"You asked to be {role} of {plain(projects[slug].name)}.")


@st.dialog("Approve a request", icon=":material/check_circle:")
def approve(asked: AccessRequest) -> None:
    """What it gives, until when, and a remark."""
    me = guard.require_user()
    st.markdown(f"**{plain(asked.subject)}** becomes **{plain(asked.role)}** of **{plain(asked.project)}**.")
    try:
        tried = guard.cerberus().what_if.rehearse(me.actor, "request.approve", {"request_id": asked.id})
    except CerberusError as error:
        st.error(f"{error.message} {error.hint}")
        return
    effects = sentences(tried.effects or ())
    st.markdown("\n".join(f"- {line}" for line in effects) or "Nothing changes by it: other roles give as much.")
    with st.form("requests_approve", border=False):
        until = st.date_input("Until (optional)", value=None, min_value=date.today() + timedelta(days=1))
        remark = st.text_input("Remark (optional)", max_chars=500)
        if not st.form_submit_button("Approve", type="primary"):
            return
    answer = {"expires_at": end_of(until), "answer": remark.strip()}
    notice.after(lambda: guard.cerberus().requests.approve(me.actor, asked.id, **answer),
                 f"{plain(asked.subject)} is now {plain(asked.role)}.")


@st.dialog("Refuse a request", icon=":material/cancel:")
def refuse(asked: AccessRequest) -> None:
    """No, and why."""
    me = guard.require_user()
    st.markdown(f"**{plain(asked.subject)}** asked to be **{plain(asked.role)}**, and is told no.")
    with st.form("requests_refuse", border=False):
        remark = st.text_input("Why (optional)", max_chars=500, help="Whoever asked reads this.")
        if not st.form_submit_button("Refuse", type="primary"):
            return
    notice.after(lambda: guard.cerberus().requests.refuse(me.actor, asked.id, answer=remark.strip()),
                 f"{plain(asked.subject)} is told no.")


@st.dialog("Withdraw a request", icon=":material/undo:")
def withdraw(asked: AccessRequest) -> None:
    """The last question before one's own request is taken back."""
    me = guard.require_user()
    st.markdown(f"Nobody will answer your request to be **{plain(asked.role)}** of **{plain(asked.project)}**. "
                "You can ask anew.")
    if st.button("Withdraw it", type="primary", key="requests_withdraw_confirm"):
        notice.after(lambda: guard.cerberus().requests.withdraw(me.actor, asked.id), "Your request is withdrawn.")


def open_or_close(project: str, askable: bool) -> None:
    """Whether anybody may ask for a role in the project."""
    me = guard.require_user()
    try:
        guard.cerberus().projects.change(me.actor, project, askable=askable)
    except CerberusError as error:
        notice.later(f"{error.message} {error.hint}", icon=":material/block:")
        del st.session_state[f"requests_askable_{not askable}"]
    else:
        notice.later("Anybody may ask for a role here." if askable else "Nobody can ask for a role here any more.")


def shown(asked: AccessRequest, title: str, place: str) -> DeltaGenerator:
    """One request: who or where, its state, the dates and what was said; room for what can be done."""
    with st.container(border=True, key=f"requests_{place}_{asked.id}"):
        what, state, dates, actions = st.columns(WIDTHS, vertical_alignment="center")
        what.markdown(f"{title} :gray[as {plain(asked.role)}]")
        if asked.reason:
            what.caption(plain(asked.reason))
        icon, colour = STATES[asked.state]
        state.badge(asked.state, icon=icon, color=colour)
        said = f"asked {ago(asked.asked_at)}"
        if asked.decided_at:
            said += f" · answered {ago(asked.decided_at)} by {plain(asked.decided_by or 'nobody')}"
        if asked.expires_at:
            said += f" · until {day(asked.expires_at)}"
        dates.caption(said, help=minute(asked.asked_at))
        if asked.answer:
            dates.caption(f":material/chat: {plain(asked.answer)}")
    return actions


def answerable(asked: AccessRequest) -> None:
    """A request to this project, and the two answers."""
    actions = shown(asked, f":material/person: **{plain(asked.subject)}** :gray[{plain(asked.display_name)}]", "here")
    if asked.state != RequestState.OPEN:
        return
    if asked.subject_id == me.principal.id:
        actions.caption("Somebody else answers yours.")
        return
    with actions.container(horizontal=True, gap="small"):
        if st.button("Approve", key=f"requests_approve_{asked.id}", type="primary"):
            approve(asked)
        if st.button("Refuse", key=f"requests_refuse_{asked.id}"):
            refuse(asked)



def listed(key: str, fetch: Callable[[int], list[AccessRequest]], show: Callable[[AccessRequest], None]) -> int:
    """The newest requests that `fetch` gives for a number, and more of them at a click; how many are shown."""
    most = st.session_state.setdefault(key, AT_ONCE)
    found = fetch(most + 1)
    for asked in found[:most]:
        show(asked)
    if len(found) > most and st.button("Show older ones", key=f"{key}_more", icon=":material/expand_more:"):
        st.session_state[key] = most + AT_ONCE
        st.rerun()
    return len(found[:most])


def to_answer(info: ProjectInfo) -> None:
    """What waits in the project of the link, whether one can ask there, and what was answered."""
    st.subheader(f"To answer in {plain(info.name)}", anchor=False)
    st.toggle("Anybody may ask for a role in this project", value=info.askable, disabled=info.archived,
              key=f"requests_askable_{info.askable}", on_change=open_or_close, args=(info.slug, not info.askable),
              help="Its name and description are then shown to everybody who is signed in.")
    state = st.segmented_control("Show", list(SHOWN), default="Open", key="requests_state",
                                 label_visibility="collapsed", required=True)
    fetch = partial(requests.of_project, me.actor, info.slug, state=SHOWN[state])
    if not listed("requests_here", lambda most: fetch(limit=most), answerable):
        st.info("Nobody waits for an answer." if state == "Open" else "There is none.", icon=":material/done_all:")


def own(asked: AccessRequest) -> None:
    """What one has asked for, and the way back while nobody has answered."""
    actions = shown(asked, f":material/folder: **{plain(asked.project)}**", "own")
    if asked.state == RequestState.OPEN and actions.button("Withdraw", key=f"requests_withdraw_{asked.id}"):
        withdraw(asked)


me = guard.require_user()
requests = guard.cerberus().requests
here = next((info for info in me.access.projects if info.slug == st.query_params.get(nav.PROJECT)), None)

with st.container(horizontal=True, vertical_alignment="bottom"):
    st.title("Requests", width="stretch", anchor=False)
    if st.button("Ask for access", icon=":material/approval:", type="primary", key="requests_ask_open"):
        ask()
if here is not None and guard.can(Verb.MANAGE, project_resource(here.slug)):
    to_answer(here)
st.subheader("What you asked for", anchor=False)
if not listed("requests_mine", lambda most: requests.mine(me.actor, limit=most), own):
    st.markdown("Nothing yet. *Ask for access* lists the projects in which anybody may ask for a role.")
