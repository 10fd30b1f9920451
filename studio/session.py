"""Who sits at this browser: the session cookie of the connection, looked up in Cerberus on every ask."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from cerberus.errors import NotSignedIn
from studio.settings import settings

if TYPE_CHECKING:
    from cerberus.service import Cerberus, Origin, Resumed


@cache
def cerberus() -> Cerberus:
    """The process-wide Cerberus, opened at its first use."""
    from cerberus.service import Cerberus
    from cerberus.settings import Settings

    return Cerberus.open(Settings())


def session_cookie_name() -> str:
    """The session cookie's name; `__Host-` forbids a Domain and demands Secure where there is TLS."""
    return "__Host-mlstudio_session" if settings().is_https else "mlstudio_session"


def cookie() -> str:
    """The session cookie that this connection was opened with, or "" without one."""
    return str(st.context.cookies.get(session_cookie_name(), ""))


def origin() -> Origin:
    """Where this connection comes from, for the audit."""
    from cerberus.service import Origin

    return Origin(address=st.context.ip_address or "127.0.0.1", client=st.context.headers.get("User-Agent", "")[:200])


def resume() -> Resumed:
    """The session of this connection and what its person may do now; NotSignedIn, or Unavailable."""
    if not cookie():
        raise NotSignedIn("Sign in to go on.")
    return cerberus().sessions.resume(cookie())
