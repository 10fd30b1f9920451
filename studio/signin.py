"""The sign-in screen: the form of streamlit-authenticator, the check of Cerberus, then a code for the cookie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st
import streamlit_authenticator as stauth
from streamlit_authenticator.controllers import AuthenticationController

from cerberus.errors import NotSignedIn, Throttled
from cerberus.service import LocalSignIn
from studio import log, session

_CODE = "signin.code"
_LEAVING = "signin.leaving"
FIELDS = {"Form name": "Sign in", "Username": "User name", "Password": "Password", "Login": "Sign in"}

_ENTER = st.components.v2.component("mlstudio_enter", html="<p role='status'></p>", js="""
export default function ({ data, parentElement }) {
  const line = parentElement.querySelector("p");
  if (line.dataset.sent) return;
  line.dataset.sent = "yes";
  fetch("/session", { method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/json" },
                      body: JSON.stringify({ code: data.code }) })
    .then((answer) => { if (!answer.ok) throw new Error(); window.location.reload(); })
    .catch(() => { line.setAttribute("role", "alert");
      line.textContent = "The sign-in did not reach this browser. Reload the page and sign in again."; });
}""")
_LEAVE = st.components.v2.component("mlstudio_leave", html="<p role='status'></p>", js="""
export default function ({ parentElement }) {
  const line = parentElement.querySelector("p");
  if (line.dataset.sent) return;
  line.dataset.sent = "yes";
  fetch("/session/end", { method: "POST", credentials: "same-origin",
                          headers: { "Content-Type": "application/json" }, body: "{}" })
    .finally(() => window.location.replace("/"));
}""")


# A plain link: the browser goes to the provider by itself, and comes back to the page that it shows now.
_ELSEWHERE = st.components.v2.component("mlstudio_elsewhere", html="<a target='_self'></a>", css="""
a { display: block; padding: 0.5rem 0.75rem; text-align: center; text-decoration: none; color: var(--st-text-color);
    border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius, 0.5rem); }
a:hover, a:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }
""", js="""
export default function ({ data, parentElement }) {
  const link = parentElement.querySelector("a");
  const here = window.location.pathname + window.location.search;
  link.textContent = data.label;
  link.href = "/auth/oidc/start?next=" + encodeURIComponent(here);
}""")


class _NoCookie:
    """In place of the form's own cookie, which scripts can read and which outlives a sign-out."""

    def get_cookie(self) -> None:
        """There never is one."""

    def set_cookie(self) -> None:
        """Nothing is set."""


class _Check(AuthenticationController):  # type: ignore[misc]
    """In place of the form's own user list: asks Cerberus, with the password as it was typed."""

    def __init__(self, check: Callable[[str, str], bool]) -> None:
        self._ask = check

    def login(self, username: str | None = None, password: str | None = None, *_: Any, **__: Any) -> bool | None:
        """Whether the two belong together; None while one of them is missing."""
        return self._ask(username, password) if username and password else None


class SignInForm(stauth.Authenticate):  # type: ignore[misc]
    """The form and nothing else: no cookie of its own, no list of users, no wait before it is drawn."""

    def __init__(self, check: Callable[[str, str], bool]) -> None:
        self.path, self.attrs = None, {"login_sleep_time": 0}
        self.cookie_controller, self.authentication_controller = _NoCookie(), _Check(check)


def screen() -> None:
    """The sign-in form; after a right password, what brings the cookie to the browser."""
    if st.session_state.pop(_LEAVING, False):
        st.caption("Signing out …")
        _LEAVE(key="signin_leave")
        return
    if code := st.session_state.pop(_CODE, None):
        st.caption("Signing in …")
        _ENTER(key="signin_enter", data={"code": code})
        return
    with st.container(horizontal_alignment="center"), st.container(width=400):
        st.space("medium")
        st.markdown("# :material/science: ML Studio")
        st.caption("Experiments, runs and models of your projects, and only of yours.")
        _ways()


def _ways() -> None:
    """The ways to sign in, the usual one first."""
    info = session.cerberus().sign_on.info
    if info.name is None:
        SignInForm(_try).login(fields=FIELDS, key="signin_form")
        return
    elsewhere = {"label": f"Sign in with {info.name}"}
    if info.local_sign_in is LocalSignIn.EVERYBODY:
        SignInForm(_try).login(fields=FIELDS, key="signin_form")
        _ELSEWHERE(key="signin_elsewhere", data=elsewhere)
        return
    _ELSEWHERE(key="signin_elsewhere", data=elsewhere)
    with st.expander("Admins: sign in with a password"):
        SignInForm(_try).login(fields=FIELDS, key="signin_form")


def leave() -> None:
    """Sign out: the session ends here and now, and the browser then drops its cookie."""
    session.sign_out()
    st.session_state[_LEAVING] = True


def _try(name: str, password: str) -> bool:
    """One attempt. What is wrong is said below the form, the same words for a wrong name and a wrong password."""
    try:
        st.session_state[_CODE] = session.sign_in(name, password)
    except (NotSignedIn, Throttled) as error:
        log.event("sign_in_refused", reason=error.code)
        st.error(" ".join(filter(None, (error.message, error.hint))), icon=":material/error:")
        return False
    st.rerun()
