"""Whatever somebody shows as a JWT, the answer is a refusal, never a fault."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cerberus.errors import NotSignedIn
from cerberus.sso import tokens
from cerberus.sso.keys import keys_of

ISSUER = "https://sso.example.org"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
HEADERS = st.fixed_dictionaries(
    {}, optional={"alg": st.sampled_from(["RS256", "none", "HS256", "", "ES256"]) | JSON, "kid": JSON, "typ": JSON,
                  "crit": JSON, "b64": JSON, "jwk": JSON, "zip": JSON})
CLAIMS = st.fixed_dictionaries({}, optional={"iss": st.just(ISSUER) | JSON, "sub": JSON, "aud": JSON, "exp": JSON})


def segment(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def refused(raw: object) -> None:
    with pytest.raises(NotSignedIn):
        tokens.opened(raw, tokens.BEARER, issuer=ISSUER, find_key=lambda *_: None)


@given(header=HEADERS | JSON, claims=CLAIMS | JSON, signature=st.binary(max_size=300))
def test_made_up_tokens(header: Any, claims: Any, signature: bytes) -> None:
    refused(f"{segment(header)}.{segment(claims)}.{segment(signature)}")


@given(raw=st.text() | st.text(alphabet="ey.AZ09-_=") | st.binary() | JSON)
def test_what_is_no_token(raw: Any) -> None:
    refused(raw)


CHECKED = dict.fromkeys(("iss", "sub", "aud", "exp", "nbf", "iat", "azp", "nonce"), JSON)


@given(claims=st.fixed_dictionaries({}, optional=CHECKED))
def test_claims_of_any_kind(claims: Any) -> None:
    """Even a provider that signs nonsense lets nobody in by it."""
    with pytest.raises(NotSignedIn):
        tokens.checked_id_token(claims, issuer=ISSUER, client_id="studio", nonce="n" * 43)


@given(document=st.dictionaries(st.just("keys"), st.lists(st.fixed_dictionaries(
    {}, optional={"kty": st.sampled_from(["RSA", "EC", "OKP", "oct"]) | JSON, "kid": JSON, "n": JSON, "e": JSON,
                  "crv": JSON, "x": JSON, "y": JSON, "k": JSON, "use": JSON, "alg": JSON, "key_ops": JSON}) | JSON)))
def test_keys_of_any_kind(document: Any) -> None:
    assert keys_of(document) == ()
