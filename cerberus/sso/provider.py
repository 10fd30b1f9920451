"""One OpenID provider: where it is, what it signs with, and the two steps of a sign-in there."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session

from cerberus.errors import NotSignedIn
from cerberus.sso import tokens, web
from cerberus.sso.keys import PublicKey, key_for, keys_of
from cerberus.sso.options import Options, is_safe
from cerberus.sso.remembered import Remembered

log = logging.getLogger(__name__)

DISCOVERY: Final = "/.well-known/openid-configuration"
LONGEST_CODE: Final = 4096


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the provider says about itself."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    client_auth: str
    names_itself: bool


@dataclass(frozen=True, slots=True)
class Begun:
    """The secrets of one sign-in, which its end must show again."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


class Provider:
    """
    The configured provider. Thread-safe; nothing is asked of it before it is needed.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self._metadata = Remembered(self._discovered)
        self._keys = Remembered(self._published)

    def address(self, begun: Begun) -> str:
        """
        Where to send the browser; Unavailable when the provider cannot be asked.
        """
        metadata = self._metadata.value()
        with self._session(metadata, begun) as session:
            address, _ = session.create_authorization_url(
                metadata.authorization_endpoint, state=begun.state, code_verifier=begun.verifier, nonce=begun.nonce
            )
        return str(address)

    def claims(self, answer: Mapping[str, str], begun: Begun) -> tuple[str, tokens.Claims]:
        """
        The subject and the claims that the provider's answer leads to: the code is redeemed, the ID token judged.

        NotSignedIn when the provider or the check says no, Unavailable when the provider cannot be asked.
        """
        metadata = self._metadata.value()
        if answer.get("iss", self.options.issuer if not metadata.names_itself else "") != self.options.issuer:
            raise NotSignedIn("That answer came from another provider.", hint="Sign in again.")
        raw = self._redeemed(metadata, answer.get("code", ""), begun)
        claims = tokens.opened(raw, tokens.ID_TOKEN, issuer=self.options.issuer, find_key=self._find_key)
        subject = tokens.checked_id_token(
            claims, issuer=self.options.issuer, client_id=self.options.client_id, nonce=begun.nonce
        )
        return subject, claims

    def bearer(self, raw: str) -> tuple[str, float]:
        """
        The subject of a JWT that is meant for us, and the moment that it ends, in seconds since 1970.
        """
        claims = tokens.opened(raw, tokens.BEARER, issuer=self.options.issuer, find_key=self._find_key)
        subject = tokens.checked(claims, issuer=self.options.issuer, audience=self.options.jwt_audience)
        return subject, claims["exp"]

    def _redeemed(self, metadata: Metadata, code: str, begun: Begun) -> object:
        if not 0 < len(code) <= LONGEST_CODE:
            raise NotSignedIn("The provider sent no code.", hint="Sign in again.")
        with self._session(metadata, begun) as session:
            try:
                answer = session.fetch_token(
                    metadata.token_endpoint, code=code, code_verifier=begun.verifier, allow_redirects=False
                )
            except AuthlibBaseError as error:
                known = error.error if error.error in ("invalid_grant", "invalid_client") else "an error"
                log.warning("single sign-on: the token endpoint answered %s", known)
                raise NotSignedIn("The provider did not accept this sign-in.", hint="Sign in again.") from None
            except (requests.RequestException, ValueError, TypeError) as error:
                raise web.away(metadata.token_endpoint, type(error).__name__) from None
        return answer.get("id_token")

    def _session(self, metadata: Metadata, begun: Begun) -> Any:
        session = OAuth2Session(
            client_id=self.options.client_id,
            client_secret=self.options.client_secret or None,
            scope=self.options.scopes,
            redirect_uri=begun.redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method=metadata.client_auth if self.options.client_secret else "none",
        )
        return web.made_careful(session)

    def _find_key(self, algorithm: str, kid: str | None) -> PublicKey | None:
        found = key_for(self._keys.value(), algorithm=algorithm, kid=kid)
        return found or key_for(self._keys.newer(), algorithm=algorithm, kid=kid)

    def _published(self) -> tuple[PublicKey, ...]:
        address = self._metadata.value().jwks_uri
        keys = keys_of(web.document(address))
        if not keys:
            raise web.away(address, "no usable key")
        return keys

    def _discovered(self) -> Metadata:
        address = self.options.issuer.rstrip("/") + DISCOVERY
        found = web.document(address)
        if found.get("issuer") != self.options.issuer:
            raise web.away(address, "it names another issuer than CERBERUS_OIDC_ISSUER")
        wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        unsafe = [name for name in wanted if not is_safe(found.get(name))]
        if unsafe:
            raise web.away(address, f"{', '.join(unsafe)}: missing, or not https")
        ways = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        only_post = isinstance(ways, list) and "client_secret_basic" not in ways and "client_secret_post" in ways
        return Metadata(
            authorization_endpoint=found["authorization_endpoint"],
            token_endpoint=found["token_endpoint"],
            jwks_uri=found["jwks_uri"],
            client_auth="client_secret_post" if only_post else "client_secret_basic",
            names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        )
