"""Finds the access token in a request's headers. Pure; whatever is malformed is no token."""

import base64
import binascii

TOKEN_PREFIX = "mls_"  # noqa: S105 - how tokens begin, not one
AUTHORIZATION = b"authorization"
GATEWAY_AUTHORIZATION = b"x-mlflow-authorization"
GATEWAY_PREFIX = "/gateway/"


def header_values(headers: list[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """
    Every value of a header; more than one is a second spelling of one thing.
    """
    return [value for key, value in headers if key.lower() == name]


def token_of(value: bytes) -> str | None:
    """
    The token in an Authorization header: `Bearer mls_...`, or the password of basic authentication.
    """
    scheme, _, rest = value.strip().partition(b" ")
    token = {b"bearer": _bearer, b"basic": _password}.get(scheme.lower(), lambda _: None)(rest.strip())
    return token if token and token.startswith(TOKEN_PREFIX) and token.isascii() and token.isprintable() else None


def _bearer(value: bytes) -> str | None:
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        return None


def _password(value: bytes) -> str | None:
    try:
        _, found, password = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return password if found else None


def user_of(value: bytes) -> str:
    """
    The user name of basic authentication, lower case; empty for anything else.
    """
    scheme, _, rest = value.strip().partition(b" ")
    if scheme.lower() != b"basic":
        return ""
    try:
        return base64.b64decode(rest.strip(), validate=True).decode("utf-8").partition(":")[0].strip().lower()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
