"""Finds the credential in a request's headers. Pure; whatever is malformed is none."""

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
    A token as it was shown, or a password. The user name beside a token says nothing, but must not be wrong.
    """

    secret: str
    user: str = ""
    is_password: bool = False

    def may_be_of(self, owner: str) -> bool:
        return self.user.casefold() in ("", "token", owner.casefold())


def credential_of(value: bytes) -> Credential | None:
    """
    What is in an Authorization header: `Bearer mls_...`, or basic authentication with a token, or the user's own
    password, as password. A JWT of the provider may stand in a token's place.
    """
    scheme, _, rest = value.strip().partition(b" ")
    found = {b"bearer": _bearer, b"basic": _basic}.get(scheme.lower(), lambda _: None)(rest.strip())
    return found if found is None or found.is_password or _is_token(found.secret) else None


def _is_token(secret: str) -> bool:
    known = secret.startswith(TOKEN_PREFIX) or looks_like_jwt(secret)
    return known and secret.isascii() and secret.isprintable()


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
    if not found:
        return None
    by_name = bool(user.strip() and password) and not password.startswith(TOKEN_PREFIX) and not looks_like_jwt(password)
    return Credential(password, user.strip(), is_password=by_name)
