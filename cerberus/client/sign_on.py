"""How one signs in, from a notebook: `client.sign_on`. Needs no token that works."""

from dataclasses import dataclass

from cerberus.client.answers import read
from cerberus.client.connection import Connection


@dataclass(frozen=True, slots=True)
class SignOn:
    """
    `provider` is None where there is no single sign-on, `jwt_audience` where no JWT of `issuer` is taken as a token.
    """

    provider: str | None
    issuer: str | None
    jwt_audience: str | None
    local_sign_in: str


class SignOns:
    """Says how one signs in."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def show(self) -> SignOn:
        """
        What the operator has set up.
        """
        return read(SignOn, self._connection.call("GET", "/sign-on"))
