"""Who is calling: reads the Authorization header and asks the service whose token that is."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Request

from cerberus.api.trace import Trace, trace_of
from cerberus.errors import Forbidden, NotSignedIn
from cerberus.policy import Verb
from cerberus.service import Access, Actor, Cerberus, Origin

HOW = "Send 'Authorization: Bearer mls_...', or the token as the password of basic authentication."


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whose credential is good, and what that credential allows at this moment."""

    cerberus: Cerberus
    access: Access
    trace: Trace
    token: str
    before_commit: Callable[[Any], None] | None = None

    @property
    def origin(self) -> Origin:
        """
        Where the request comes from, for the audit.
        """
        return self.trace.origin

    @property
    def actor(self) -> Actor:
        """
        The caller as the one who changes something.
        """
        return Actor(self.access.principal, self.origin, before_commit=self.before_commit)


def password_of(encoded: str) -> str:
    """
    The password of a basic-auth credential; NotSignedIn when it is malformed.
    """
    try:
        name, colon, password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        raise NotSignedIn("The Authorization header is malformed.", hint=HOW) from None
    del name
    if not colon:
        raise NotSignedIn("The Authorization header is malformed.", hint=HOW)
    return password


def token_of(request: Request) -> str:
    """
    The token that the request shows; NotSignedIn when it shows none or in a way that cannot be read.
    """
    header: str | None = request.environ.get("HTTP_AUTHORIZATION")
    if header is None:
        raise NotSignedIn("This needs a token.", hint=HOW)
    scheme, _, credential = header.strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return credential.strip()
        case "basic":
            return password_of(credential.strip())
    raise NotSignedIn("This kind of Authorization header is not understood.", hint=HOW)


def caller_of(request: Request, cerberus: Cerberus) -> Caller:
    """
    Who is calling; NotSignedIn when the token is missing, malformed, unknown, expired, revoked or of somebody disabled.
    """
    token = token_of(request)
    return Caller(cerberus, cerberus.decisions.access_of_token(token), trace_of(request), token)


def require_scope(caller: Caller) -> None:
    """
    Raises Forbidden when the credential is one for reading only.
    """
    if Verb.UPDATE not in caller.access.principal.verbs:
        raise Forbidden("This token may only read.", hint="Make a token with the scope 'write' or 'admin'.")
