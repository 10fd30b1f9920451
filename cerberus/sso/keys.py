"""The provider's public keys (JWKS), and which of them a token may be signed with."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

PublicKey = RSAKey | ECKey | OKPKey

KEY_OF: Final[dict[str, tuple[str, str | None]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "Ed25519": ("OKP", "Ed25519"),
}
"""The algorithms that are accepted, all of them asymmetric, and the type and curve of the key that each needs."""

SMALLEST_RSA: Final = 2048
MOST_KEYS: Final = 100


def keys_of(document: Mapping[str, Any]) -> tuple[PublicKey, ...]:
    """
    The usable keys of a JWKS. Others are passed over: symmetric or short ones, ones for encryption, malformed ones.
    """
    listed = document.get("keys")
    found = []
    for each in listed[:MOST_KEYS] if isinstance(listed, list) else []:
        if not isinstance(each, dict) or each.get("use", "sig") != "sig" or "d" in each:
            continue
        key = _key(each)
        if key is not None:
            found.append(key)
    return tuple(found)


def _key(each: dict[str, Any]) -> PublicKey | None:
    if each.get("kty") not in ("RSA", "EC", "OKP"):
        return None
    try:
        key = JWKRegistry.import_key(each)
        usable = not isinstance(key, RSAKey) or key.public_key.key_size >= SMALLEST_RSA
    except (JoseError, ValueError, TypeError, AttributeError):
        return None
    return key if usable and isinstance(key, RSAKey | ECKey | OKPKey) else None


def key_for(keys: Sequence[PublicKey], *, algorithm: str, kid: str | None) -> PublicKey | None:
    """
    The one key that a token with this algorithm and key id is signed with; None when there is none, or no telling.
    """
    kind, curve = KEY_OF[algorithm]
    fitting = [
        key
        for key in keys
        if key.key_type == kind
        and (curve is None or key.get("crv") == curve)
        and key.get("alg") in (None, algorithm)
        and (kid is None or key.kid == kid)
    ]
    return fitting[0] if len(fitting) == 1 else None
