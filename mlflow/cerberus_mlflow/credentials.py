"""Finds the access token in a request's headers. Pure; whatever is malformed is no token."""

import base64
import binascii
from dataclasses import dataclass

TOKEN_PREFIX = "mls_"  # noqa: S105 - how tokens begin, not one
AUTHORIZATION = b"authorization"
GATEWAY_AUTHORIZATION = b"x-mlflow-authorization"
GATEWAY_PREFIX = "/gateway/"


def header_values(headers: list[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """
    Every value of a header; more than one is a second spelling of one thing.
    """
    return [value for key, value in headers if key.lower() == name]


@dataclass(frozen=True, slots=True)
class Credential:
    """
    A token as it was shown, and the user name beside it, which says nothing but must not be wrong.
    """

    token: str
    user: str = ""

    def may_be_of(self, owner: str) -> bool:
        return self.user.casefold() in ("", "token", owner.casefold())


def credential_of(value: bytes) -> Credential | None:
    """
    What is in an Authorization header: `Bearer mls_...`, or basic authentication with a token as password. A JWT of
    the provider may stand in its place.
    """
    scheme, _, rest = value.strip().partition(b" ")
    found = {b"bearer": _bearer, b"basic": _basic}.get(scheme.lower(), lambda _: None)(rest.strip())
    if found is None or not (found.token.startswith(TOKEN_PREFIX) or looks_like_jwt(found.token)):
        return None
    return found if found.token.isascii() and found.token.isprintable() else None


def looks_like_jwt(token: str) -> bool:
    """
    Whether it has the form of a signed JWT; whether such are taken, and this one, is Cerberus' to say.
    """
    return token.startswith("ey") and token.count(".") == 2


def _bearer(value: bytes) -> Credential | None:
    try:
        return Credential(value.decode("ascii"))
    except UnicodeDecodeError:
        return None


def _basic(value: bytes) -> Credential | None:
    try:
        user, found, password = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return Credential(password, user.strip()) if found else None
