"""Judges a JWT: its form, its signature, its claims. Whatever is odd is refused with a reason that holds no secret."""

import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jws import JWSRegistry

from cerberus.errors import NotSignedIn
from cerberus.sso.keys import KEY_OF, PublicKey

LARGEST_BEARER: Final = 8 * 1024
"""Bytes of a token in a header. An HTTP server takes hardly longer lines."""

LARGEST_ID_TOKEN: Final = 64 * 1024
"""It comes in an answer's body, and may name hundreds of groups."""

LONGEST_SUBJECT: Final = 255
LEEWAY: Final = 60
FOR_SOMETHING_ELSE: Final = ("events", "cnf")
"""Claims of tokens that are no sign-in: of a notice of sign-out, and of one that is worth nothing without a key."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a token of one sort may look like: how long it is, and what its header may call it."""

    longest: int
    types: frozenset[str]


ID_TOKEN: Final = Form(LARGEST_ID_TOKEN, frozenset({"", "jwt"}))
BEARER: Final = Form(LARGEST_BEARER, frozenset({"", "jwt", "at+jwt", "application/at+jwt"}))

Claims = Mapping[str, Any]
FindKey = Callable[[str, str | None], PublicKey | None]


class _Registry(JWSRegistry):
    max_header_length = 4096
    max_payload_length = LARGEST_ID_TOKEN


REGISTRY: Final = _Registry(algorithms=tuple(KEY_OF), strict_check_header=False)


class Refused(NotSignedIn):
    """A token that is not accepted."""

    def __init__(self, why: str, *, hint: str = "Get a new one from the provider.") -> None:
        super().__init__(f"The token of the provider is not accepted: {why}.", hint=hint)


def opened(raw: object, form: Form, *, issuer: str, find_key: FindKey) -> Claims:
    """
    The claims of a token that the issuer signed. Nothing is asked of `find_key` for a token that cannot be good.

    `find_key` gets the algorithm, one that is accepted, and the key's id.
    """
    if not isinstance(raw, str) or not raw.isascii():
        raise Refused("it is no JWT")
    if len(raw) > form.longest:
        raise Refused(f"it is longer than {form.longest} bytes")
    try:
        header, claimed = _unverified(raw)
        algorithm, kid = _named(header, form.types)
        if claimed.get("iss") != issuer:
            raise Refused("it is of another issuer")
        key = find_key(algorithm, kid)
        if key is None:
            raise Refused("its key is not one of the provider's")
        return jwt.decode(raw, key, registry=REGISTRY).claims
    except (JoseError, ValueError, TypeError, RecursionError):
        raise Refused("its signature or its form is wrong") from None


def _unverified(raw: str) -> tuple[Mapping[str, Any], Claims]:
    taken_apart = jws.extract_compact(raw.encode(), registry=REGISTRY)
    claims = json.loads(taken_apart.payload or b"")
    if not isinstance(claims, dict):
        raise ValueError("no object")
    return taken_apart.headers(), claims


def _named(header: Mapping[str, Any], types: frozenset[str]) -> tuple[str, str | None]:
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "")
    if not isinstance(algorithm, str) or algorithm not in KEY_OF:
        raise Refused("its algorithm is not one that is allowed")
    if "crit" in header or "b64" in header or not isinstance(kid, str | None):
        raise Refused("its header says something that is not understood")
    if not isinstance(kind, str) or kind.lower() not in types:
        raise Refused("it is a token of another type")
    return algorithm, kid


def checked(claims: Claims, *, issuer: str, audience: str, essential: tuple[str, ...] = ()) -> str:
    """
    The subject of claims that hold now, for this audience.
    """
    wanted: dict[str, jwt.ClaimsOption] = {
        **{name: {"essential": True} for name in ("sub", "exp", *essential)},
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": audience},
    }
    registry = jwt.JWTClaimsRegistry(now=int(time.time()), leeway=LEEWAY, **wanted)
    try:
        registry.validate(dict(claims))
    except ExpiredTokenError:
        raise Refused("it has expired") from None
    except ClaimError as error:
        raise Refused(f"its claim {_name(error)} is missing or wrong") from None
    if any(name in claims for name in FOR_SOMETHING_ELSE):
        raise Refused("it is a token of another type")
    subject: str = claims["sub"]
    if not is_subject(subject):
        raise Refused("its claim sub is missing or wrong")
    return subject


def is_subject(text: object) -> bool:
    """
    Whether a provider may call an account so: 1 to 255 characters in one line, no space around them.
    """
    return isinstance(text, str) and 0 < len(text) <= LONGEST_SUBJECT and text.isprintable() and text == text.strip()


def _name(error: ClaimError) -> str:
    return error.claim if error.claim in ("iss", "sub", "exp", "nbf", "iat", "nonce") else "aud"


def checked_id_token(claims: Claims, *, issuer: str, client_id: str, nonce: str) -> str:
    """
    The subject of an ID token that answers this very sign-in of this client.
    """
    subject = checked(claims, issuer=issuer, audience=client_id, essential=("iat",))
    audiences = claims["aud"]
    if isinstance(audiences, list) and len(audiences) > 1 and "azp" not in claims:
        raise Refused("its claim azp is missing")
    if claims.get("azp", client_id) != client_id:
        raise Refused("it was made for another client")
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode("utf-8", "replace"), nonce.encode()):
        raise Refused("its nonce is not the one of this sign-in")
    return subject
