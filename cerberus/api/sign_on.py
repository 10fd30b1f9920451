"""How people and scripts sign in here, for whoever has to ask before they can."""

from typing import Literal

from cerberus.api.endpoint import Visitor, noun
from cerberus.api.shapes import Answer

sign_on = noun("sign-on")


class SignOn(Answer):
    """
    How one signs in. `provider` is null where there is no single sign-on; `jwt_audience` is null where no JWT of the
    `issuer` is taken in place of a token.
    """

    provider: str | None
    issuer: str | None
    jwt_audience: str | None
    local_sign_in: Literal["everybody", "admins"]


@sign_on.route("GET", "/sign-on", summary="Show how one signs in here", answer=SignOn, public=True)
def show_sign_on(visitor: Visitor) -> SignOn:
    info = visitor.cerberus.sign_on.info
    return SignOn(
        provider=info.name,
        issuer=info.issuer,
        jwt_audience=info.jwt_audience,
        local_sign_in=info.local_sign_in.value,
    )
