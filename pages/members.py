"""Who is in this project and in which role; for those who manage it, the ways to change that."""

from datetime import date, timedelta

import streamlit as st

from cerberus.errors import CerberusError
from cerberus.policy import Verb
from cerberus.service import Member
from studio import guard
from studio.ui import notice
from studio.ui.text import plain
from studio.ui.when import day, end_of

KINDS = {"user": "User", "group": "Group", "service_account": "Service account"}
ICONS = {"user": ":material/person:", "group": ":material/group:", "service_account": ":material/smart_toy:"}
WIDTHS = (5, 3, 7, 2)


@st.dialog("Add a member", icon=":material/person_add:")
def add() -> None:
    """A subject and a role, until when and why."""
    me = guard.require_project()
    with st.form("members_add", border=False):
        subject = st.text_input("Name", help="A user name, the name of a group, or that of a service account.")
        role = st.selectbox("Role", list(roles), index=None, placeholder="Choose a role", format_func=_described)
        until = st.date_input("Until (optional)", value=None, min_value=date.today() + timedelta(days=1))
        reason = st.text_input("Reason (optional)", max_chars=200)
        if not st.form_submit_button("Add", type="primary"):
            return
    if not subject.strip() or role is None:
        st.error("Give a name and choose a role.")
        return
    given = {"subject": subject.strip(), "role": role, "expires_at": end_of(until), "reason": reason.strip()}
    notice.after(lambda: guard.cerberus().projects.add_member(me.actor, me.project, **given),
                 f"{subject.strip()} is now {role}.")


@st.dialog("Change the role", icon=":material/edit:")
def change(member: Member) -> None:
    """Another role for the same subject."""
    me = guard.require_project()
    st.markdown(f"**{member.subject}** is {member.role} now.")
    names = list(roles)
    role = st.selectbox("New role", names, index=names.index(member.role) if member.role in names else None,
                        format_func=_described, key="members_new_role")
    if not st.button("Change", type="primary", key="members_change_save", disabled=role in (None, member.role)):
        return
    notice.after(lambda: guard.cerberus().projects.change_role(me.actor, me.project, subject=member.subject, role=role),
                 f"{member.subject} is now {role}.")


@st.dialog("Remove a member", icon=":material/person_remove:")
def remove(member: Member) -> None:
    """What goes with the membership, and the last question."""
    me = guard.require_project()
    st.markdown(
        f"**{member.subject}** loses the role {member.role} in **{me.project}** and every grant of its own on "
        "single experiments and models here, at once and on every server. What it logged stays."
    )
    if not st.button(f"Remove {member.subject}", type="primary", key="members_remove_confirm"):
        return
    try:
        gone = guard.cerberus().projects.remove_member(me.actor, me.project, subject=member.subject)
    except CerberusError as error:
        st.error(f"{error.message} {error.hint}")
        return
    notice.later(f"{member.subject} is out: {gone.bindings} role(s) and {gone.grants} grant(s) are gone.")
    st.rerun()


def _described(role: str) -> str:
    return f"{role}: {roles[role]}" if roles[role] else role


me = guard.require_project()
may_manage = guard.can(Verb.MANAGE, me.project_resource)
members = guard.cerberus().projects.members(me.actor, me.project)
roles = {role.name: role.description for role in guard.cerberus().projects.roles(me.project)}

with st.container(horizontal=True, vertical_alignment="bottom"):
    st.title("Members and roles", width="stretch", anchor=False)
    if may_manage and st.button("Add a member", icon=":material/person_add:", type="primary", key="members_add_open"):
        add()
st.caption(f"{len(members)} in {plain(me.project_info.name or me.project)}. "
           + ("You manage this project." if may_manage else "Its maintainers can change this list."))

wanted = st.text_input("Find", key="members_find", placeholder="Name or role") if len(members) > 12 else ""
for member in members:
    if wanted.lower() not in f"{member.subject} {member.display_name} {member.role}".lower():
        continue
    with st.container(border=True, key=f"members_row_{member.subject_id}"):
        who, role, dates, actions = st.columns(WIDTHS, vertical_alignment="center")
        about = "disabled" if member.disabled else member.display_name or KINDS.get(member.kind, member.kind)
        who.markdown(f"{ICONS.get(member.kind, '')} **{plain(member.subject)}** :gray[{plain(about)}]")
        role.badge(plain(member.role), color="blue")
        until = f"until {day(member.expires_at)}" if member.expires_at else "no end date"
        since = f"since {day(member.added_at)}, by {plain(member.added_by)} · {until}"
        dates.caption(since, help=plain(member.reason) or None)
        if may_manage:
            with actions.container(horizontal=True, gap="small"):
                if st.button("", icon=":material/edit:", help=f"Change the role of {member.subject}",
                             key=f"members_change_{member.subject_id}"):
                    change(member)
                if st.button("", icon=":material/person_remove:", help=f"Remove {member.subject}",
                             key=f"members_remove_{member.subject_id}"):
                    remove(member)
