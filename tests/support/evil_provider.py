"""An OpenID provider that signs whatever a test wants, with whatever key, and keeps count of what it was asked."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

CLIENT, SECRET, AUDIENCE = "ml-studio", "the secret of the client", "https://api.example.org"
REDIRECT = "http://localhost:3000/auth/oidc/callback"
ANY = JWSRegistry(algorithms=list(JWSRegistry.algorithms), strict_check_header=False)
ANY.max_header_length = ANY.max_payload_length = 1_000_000
FIRST_KEY, OTHER_KEY = (RSAKey.generate_key(2048, {"kid": kid, "use": "sig"}) for kid in ("first", "other"))
CURVE_KEY = ECKey.generate_key("P-256", {"kid": "curve"})


def segment(value: Any) -> str:
    """One part of a JWT."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class EvilProvider:
    """
    Well-behaved until a test changes `claims` (what it says), `sign` (how), `published` (its keys) or `metadata`.
    """

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key: Any = FIRST_KEY
        self.published: list[Any] = [FIRST_KEY]
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any]], str] = self.signed
        self.metadata: dict[str, Any] = {}
        self.answer: Callable[[BaseHTTPRequestHandler], bool] = lambda _: False
        self.asked: Counter[str] = Counter()
        self.codes: dict[str, dict[str, str]] = {}
        self.away = False

    def signed(self, claims: dict[str, Any]) -> str:
        """The claims, signed as a good provider would."""
        header = {"alg": "RS256", "kid": self.key.kid, **self.header}
        return jwt.encode(
            {name: value for name, value in header.items() if value is not None}, claims, self.key, registry=ANY
        )

    def unsigned(self, claims: dict[str, Any]) -> str:
        """Algorithm `none`."""
        return f"{segment({'alg': 'none', 'typ': 'JWT'})}.{segment(claims)}."

    def confused(self, claims: dict[str, Any]) -> str:
        """HS256 with the public key, which everybody has, as the secret."""
        signed = f"{segment({'alg': 'HS256', 'typ': 'JWT', 'kid': FIRST_KEY.kid})}.{segment(claims)}"
        made = hmac.digest(FIRST_KEY.as_pem(private=False), signed.encode(), "sha256")
        return f"{signed}.{segment(made)}"

    def good_claims(self, subject: str, **more: Any) -> dict[str, Any]:
        """What a good token says now."""
        now = int(time.time())
        return {"iss": self.issuer, "sub": subject, "iat": now, "exp": now + 300, **more}

    def bearer(self, subject: str, **more: Any) -> str:
        """A JWT for the API, after what the test has changed."""
        claims = {**self.good_claims(subject, aud=AUDIENCE), **self.claims, **more}
        return self.sign({name: value for name, value in claims.items() if value is not None})

    def signs_in(self, address: str, subject: str, **more: Any) -> dict[str, str]:
        """Somebody signs in at the address that their browser was sent to; what the browser brings back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = secrets.token_urlsafe(12)
        self.codes[code] = asked | {"claims": json.dumps({"sub": subject, **more})}
        return {"code": code, "state": asked["state"]}

    def token_for(self, form: dict[str, str]) -> dict[str, Any]:
        """The answer of the token endpoint: PKCE, client and address are checked as the standards want it."""
        begun = self.codes.pop(form.get("code", ""), None)
        if begun is None or begun["redirect_uri"] != form.get("redirect_uri"):
            return {"error": "invalid_grant"}
        challenge = segment(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (begun["code_challenge_method"], begun["code_challenge"]) != ("S256", challenge):
            return {"error": "invalid_grant"}
        claims = self.good_claims("", aud=CLIENT, nonce=begun["nonce"]) | json.loads(begun["claims"]) | self.claims
        token = self.sign({name: value for name, value in claims.items() if value is not None})
        return {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": token}

    def document(self, path: str) -> dict[str, Any] | None:
        """What the address answers to a GET."""
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                **self.metadata,
            }
        return {"keys": [key.as_dict(private=False) for key in self.published]} if path == "/keys" else None


def handler_of(provider: EvilProvider) -> type[BaseHTTPRequestHandler]:
    """What serves the provider."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.asked[self.path] += 1
            found = None if provider.away else provider.document(self.path)
            if not provider.answer(self):
                self.respond(503 if provider.away else 404 if found is None else 200, found or {})

        def do_POST(self) -> None:
            provider.asked[self.path] += 1
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if provider.away:
                self.respond(503, {})
                return
            expected = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            if self.headers.get("Authorization") != expected:
                self.respond(401, {"error": "invalid_client"})
                return
            token = provider.token_for({name: values[0] for name, values in parse_qs(body).items()})
            self.respond(400 if "error" in token else 200, token)

        def respond(self, status: int, value: Any) -> None:
            raw = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    return Handler


@contextmanager
def evil_provider() -> Iterator[EvilProvider]:
    """One on a free port of this machine."""
    provider = EvilProvider("")
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(provider))
    server.daemon_threads = True
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
