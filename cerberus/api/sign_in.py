"""From a name and a password to a token, and back. Failures are counted and throttled by the service."""

from http import HTTPStatus

from cerberus.api.auth import Caller
from cerberus.api.endpoint import Visitor, noun
from cerberus.api.models import SignedIn, SignIn
from cerberus.errors import Conflict, NotSignedIn, Throttled, Unavailable

sign_in = noun("sign-in")


@sign_in.route(
    "POST",
    "/sign-in",
    summary="Get a token for a name and a password",
    body=SignIn,
    answer=SignedIn,
    status=HTTPStatus.CREATED,
    raises=(NotSignedIn, Throttled, Unavailable),
    public=True,
)
def open_session(visitor: Visitor, body: SignIn) -> SignedIn:
    made = visitor.cerberus.sessions.sign_in_for_token(body.name, body.password, visitor.origin)
    return SignedIn(token=made.secret, expires_at=made.expires_at, name=made.session.name)


@sign_in.route(
    "POST",
    "/sign-out",
    summary="End the session that this token came from",
    raises=(Conflict,),
    reads=True,
)
def end_session(caller: Caller) -> None:
    caller.cerberus.sessions.end_with_token(caller.actor, caller.token)
