"""Who sits at this browser: the session cookie of the connection, looked up in Cerberus on every ask."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from cerberus.errors import NotSignedIn
from studio import log
from studio.handover import Ticket, handover
from studio.settings import settings

if TYPE_CHECKING:
    from cerberus.service import Cerberus, Origin, Resumed

_BOUND_TO = "session.bound_to"


@cache
def cerberus() -> Cerberus:
    """The process-wide Cerberus, opened at its first use."""
    from cerberus.service import Cerberus
    from cerberus.settings import configured

    return Cerberus.open(configured())


def session_cookie_name() -> str:
    """The session cookie's name; `__Host-` forbids a Domain and demands Secure where there is TLS."""
    return "__Host-mlstudio_session" if settings().is_https else "mlstudio_session"


def browser_cookie_name() -> str:
    """The name of the cookie that tells browsers apart; it signs nobody in."""
    return "__Host-mlstudio_browser" if settings().is_https else "mlstudio_browser"


def cookie() -> str:
    """The session cookie that this connection was opened with, or "" without one."""
    return str(st.context.cookies.get(session_cookie_name(), ""))


def browser() -> str:
    """What tells this browser from others, or "" when it keeps no cookies."""
    return str(st.context.cookies.get(browser_cookie_name(), ""))


def origin() -> Origin:
    """Where this connection comes from, for the audit."""
    from cerberus.service import Origin

    client = str(st.context.headers.get("User-Agent", ""))[:200]
    return Origin(address=st.context.ip_address or "127.0.0.1", client=client, request_id=log.new_id())


def resume() -> Resumed:
    """The session of this connection and what its person may do now; NotSignedIn, or Unavailable."""
    try:
        if not cookie():
            raise NotSignedIn("Sign in to go on.")
        resumed = cerberus().sessions.resume(cookie())
    except NotSignedIn:
        _bind_to(None)
        raise
    _bind_to(str(resumed.session.id))
    return resumed


def sign_in(name: str, password: str) -> str:
    """Check the password and start a session; a code that this browser can exchange for its cookie."""
    if not browser():
        raise NotSignedIn("This browser keeps no cookies from here.", hint="Allow cookies and reload the page.")
    new = cerberus().sessions.sign_in(name, password, origin())
    return handover.put(Ticket(new.cookie, str(new.session.id), new.session.expires_at), browser=browser())


def sign_out() -> None:
    """End the session of this connection, everywhere that its cookie was copied to."""
    if cookie():
        cerberus().sessions.end(cookie(), origin())
    _bind_to(None)


def _bind_to(session_id: str | None) -> None:
    """Forget what the page remembers when it changes hands: a reconnect may bring another person's cookie."""
    bound_to = st.session_state.get(_BOUND_TO)
    if bound_to == session_id:
        return
    if bound_to is not None:
        st.session_state.clear()
    if session_id is not None:
        st.session_state[_BOUND_TO] = session_id
