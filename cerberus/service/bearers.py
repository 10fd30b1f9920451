"""JWTs of the provider in place of an access token of ours: whose they are, and what they allow."""

import hashlib
import time
from typing import Final

from cerberus.errors import NotSignedIn
from cerberus.service.access import Access
from cerberus.service.context import Context, Kept
from cerberus.sso.options import Options
from cerberus.sso.provider import Provider
from cerberus.store import identities

SECONDS_KEPT: Final = 300.0
"""A token whose key the provider has withdrawn is found out after this long, and its keys' hour."""

NOBODYS: Final = "This account at the provider has no user here."
HOW: Final = "Sign in to Studio once, or ask an admin to link it."


class Bearers:
    """Turns a JWT into the access of the user or service account that it is linked to."""

    def __init__(self, context: Context, options: Options, provider: Provider) -> None:
        self._context = context
        self._options = options
        self._provider = provider

    @property
    def taken(self) -> bool:
        """
        Whether JWTs are accepted at all.
        """
        return self._options.takes_jwts

    def access(self, raw: str) -> Access:
        """
        The owner's access, within the scopes set for JWTs. Groups are as the last sign-in left them.

        NotSignedIn for a token that is not good now or belongs to nobody here; Unavailable when the provider's keys
        are needed and cannot be had. One statement when warm.
        """
        kept = self._context.kept()
        subject_id = self._subject_id(kept, raw)
        return Access.of(self._context.loaded(kept, subject_id), kept.version, scopes=self._options.jwt_scopes)

    def _subject_id(self, kept: Kept, raw: str) -> int:
        key, now = hashlib.sha256(raw.encode("utf-8", "replace")).hexdigest(), time.time()
        known, until = kept.jwts.get(key, (0, 0.0))
        if now < until:
            return known
        subject, ends = self._provider.bearer(raw)
        with self._context.database.reading() as session:
            owner = identities.owner(session, self._options.issuer, subject)
        if owner is None:
            raise NotSignedIn(NOBODYS, hint=HOW)
        kept.jwts[key] = (owner.id, min(ends, now + SECONDS_KEPT))
        return owner.id
