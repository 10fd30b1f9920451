"""What the operator has set about single sign-on, as one value."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from cerberus.policy import Scope

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class LocalSignIn(StrEnum):
    """Who may sign in with a password that is kept here."""

    EVERYBODY = "everybody"
    ADMINS = "admins"


class NewUsers(StrEnum):
    """What happens when somebody signs in at the provider who has no account here."""

    REFUSE = "refuse"
    CREATE = "create"


@dataclass(frozen=True, slots=True)
class Options:
    """
    Single sign-on as it is set up. Without `issuer` there is none.
    """

    issuer: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    scopes: str = "openid"
    name: str = "single sign-on"
    new_users: NewUsers = NewUsers.REFUSE
    name_claim: str = "preferred_username"
    rules: Path | None = None
    jwt_audience: str = ""
    jwt_scopes: frozenset[Scope] = frozenset({Scope.READ, Scope.WRITE})
    local_sign_in: LocalSignIn = LocalSignIn.EVERYBODY

    @property
    def signs_in(self) -> bool:
        """
        Whether people can sign in at the provider.
        """
        return bool(self.issuer and self.client_id)

    @property
    def takes_jwts(self) -> bool:
        """
        Whether the API and MLflow accept JWTs of the provider.
        """
        return bool(self.issuer and self.jwt_audience)


def is_safe(address: object) -> bool:
    """
    Whether it is an https address, or one of this very machine, where nobody listens in.
    """
    if not isinstance(address, str) or not address.isascii() or not address.isprintable():
        return False
    try:
        parsed = urlsplit(address)
        host = parsed.hostname
    except ValueError:
        return False
    if not host or parsed.username is not None or parsed.fragment:
        return False
    return parsed.scheme == "https" or (parsed.scheme == "http" and host in LOOPBACK)
