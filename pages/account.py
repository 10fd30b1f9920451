"""One's own tokens, sessions and password, and the lines for a notebook."""

import streamlit as st

from cerberus.errors import CerberusError
from cerberus.policy import Scope
from studio import guard, signin
from studio.ui import notice, snippets
from studio.ui.text import plain
from studio.ui.when import ago, day, minute

SCOPES = {Scope.READ: "read", Scope.WRITE: "read and write", Scope.ADMIN: "all that I may do, administration too"}
LIVES = {7: "7 days", 30: "30 days", 90: "90 days", 365: "a year"}


@st.dialog("New access token", icon=":material/key:", on_dismiss="rerun")
def new_token() -> None:
    """Make a token and show it, this once."""
    me = guard.require_user()
    made, form = st.empty(), st.empty()
    with form.form("account_token", border=False):
        name = st.text_input("Name", max_chars=80, placeholder="laptop notebook")
        slugs = [info.slug for info in me.access.projects]
        project = st.selectbox("Project", [None, *slugs], format_func=lambda slug: slug or "all of mine",
                               index=slugs.index(me_project) + 1 if me_project in slugs else 0)
        scope = st.selectbox("May", list(SCOPES), index=1, format_func=SCOPES.__getitem__)
        days = st.selectbox("Lives for", list(LIVES), index=2, format_func=LIVES.__getitem__)
        if not st.form_submit_button("Make the token", type="primary"):
            return
    scopes = {Scope.READ: (Scope.READ,), Scope.WRITE: (Scope.READ, Scope.WRITE)}.get(scope, tuple(Scope))
    try:
        new = guard.cerberus().tokens.create(me.actor, name.strip(), scopes=scopes, project=project, days=days)
    except CerberusError as error:
        st.error(f"{error.message} {error.hint}")
        return
    form.empty()
    with made.container():
        st.markdown(f"**{plain(new.token.name)}** is made. Copy it now: it is kept nowhere and shown only this once.")
        st.code(new.secret, language=None, wrap_lines=True)
        st.caption("In a notebook:")
        st.code(snippets.tracking_lines(project or (slugs[0] if slugs else "my-project"), token=new.secret))


@st.dialog("Revoke a token", icon=":material/key_off:")
def revoke(token_id: str, name: str) -> None:
    """The last question before a token ends."""
    me = guard.require_user()
    st.markdown(f"Whatever uses **{plain(name)}** is refused from its very next request on. This cannot be undone.")
    if st.button(f"Revoke {plain(name)}", type="primary", key="account_revoke_confirm"):
        guard.cerberus().tokens.revoke(me.actor, token_id)
        notice.later(f"The token {plain(name)} is revoked.")
        st.rerun()


@st.dialog("End a session", icon=":material/logout:")
def end_session(session_id: str, where: str) -> None:
    """The last question before another browser is signed out."""
    me = guard.require_user()
    st.markdown(f"The browser at **{plain(where)}** is signed out at its next click.")
    if st.button("End this session", type="primary", key="account_session_confirm"):
        guard.cerberus().sessions.end_other(me.actor, session_id)
        notice.later("The session has ended.")
        st.rerun()


me = guard.require_user()
me_project = st.query_params.get("project")
st.title("Account", anchor=False)
st.caption(f"{plain(me.principal.display_name or me.principal.name)} · user name `{me.principal.name}`")
tokens_tab, notebook_tab, sessions_tab, password_tab = st.tabs(["Access tokens", "Notebook", "Sessions", "Password"])

with tokens_tab:
    st.markdown("A token lets a notebook or a script act as you, within its project and for as long as it lives.")
    if st.button("New token", icon=":material/add:", type="primary", key="account_token_new"):
        new_token()
    tokens = [token for token in guard.cerberus().tokens.list(me.actor) if token.revoked_at is None]
    if not tokens:
        st.info("You have no token yet. Make one, then copy the lines of the tab Notebook.", icon=":material/key:")
    for token in tokens:
        with st.container(border=True, key=f"account_token_{token.id}"):
            name, may, dates, action = st.columns((4, 4, 4, 1), vertical_alignment="center")
            name.markdown(f":material/key: **{plain(token.name)}**")
            may.caption(f"{', '.join(sorted(token.scopes))} · {token.project or 'all projects'}")
            used = ago(token.last_used_at) if token.last_used_at else "never"
            dates.caption(f"until {day(token.expires_at)} · used {used}")
            if action.button("", icon=":material/delete:", help="Revoke this token", key=f"account_revoke_{token.id}"):
                revoke(token.id, token.name)

with notebook_tab:
    st.markdown("These lines log a run from anywhere that reaches this server. Put your token in place of the dots.")
    project = me_project or next((info.slug for info in me.access.projects), "my-project")
    st.code(snippets.tracking_lines(project))
    st.markdown("And these ask Cerberus what you may do:")
    st.code(snippets.permission_lines(project))

with sessions_tab:
    st.markdown("Browsers in which you are signed in. One that you do not know: end it and change your password.")
    for each in guard.cerberus().sessions.list(me.actor):
        with st.container(border=True, key=f"account_session_{each.id}"):
            where, seen, action = st.columns((6, 4, 2), vertical_alignment="center")
            where.markdown(f":material/computer: **{plain(each.address) or 'unknown address'}**")
            where.caption(plain(each.client) or "unknown browser")
            seen.caption(f"since {minute(each.created_at)} · seen {ago(each.last_seen_at)}")
            if each.id == me.session.id:
                action.badge("this one", color="green")
            elif action.button("End", key=f"account_end_{each.id}"):
                end_session(each.id, each.address or "an unknown address")

with password_tab, st.form("account_password", border=False, width=400):
    current = st.text_input("Current password", type="password", autocomplete="current-password")
    new = st.text_input("New password", type="password", autocomplete="new-password")
    again = st.text_input("New password again", type="password", autocomplete="new-password")
    st.caption("Changing it signs you out everywhere, here too. Tokens stay.")
    if st.form_submit_button("Change password", type="primary"):
        if new != again:
            st.error("The two new passwords differ.")
        else:
            try:
                guard.cerberus().people.change_password(me.actor, current=current, new=new)
            except CerberusError as error:
                st.error(f"{error.message} {error.hint}")
            else:
                signin.leave()
                st.rerun()
