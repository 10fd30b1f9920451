"""Requests with an `Idempotency-Key` are done once; sent again, they are answered the same.

What holds a secret is kept sealed with the caller's own token, which the database does not hold: whoever reads the
table learns neither a password nor a new token, and only the same token gets the answer again.
"""

import base64
import hashlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Request, Response

from cerberus.api.auth import Caller
from cerberus.errors import Conflict, Invalid
from cerberus.service.idempotency import FIELD, Given

PATTERN: Final = r"^[!-~]([ -~]*[!-~])?$"
LONGEST: Final = 100
REPLAYED: Final = "Idempotent-Replayed"
NONCE_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class Plain:
    """How a request without secrets and its answer are kept."""

    def hash(self, text: bytes) -> str:
        """
        By this, the same request is known again.
        """
        return hashlib.sha256(text).hexdigest()

    def close(self, answer: str) -> str:
        """
        The answer as it is kept.
        """
        return answer

    def open(self, kept: str) -> str:
        """
        The answer again.
        """
        return kept


@dataclass(frozen=True, slots=True)
class Sealed:
    """How a request or answer with a secret is kept: only who shows the same token can do anything with it."""

    secret: bytes

    @classmethod
    def with_token(cls, token: str) -> "Sealed":
        """
        A seal that this token opens.
        """
        return cls(hashlib.blake2b(token.encode(), digest_size=32, person=b"idempotency").digest())

    def hash(self, text: bytes) -> str:
        """
        Keyed: the hash of a password alone could be guessed.
        """
        return hashlib.blake2b(text, key=self.secret, digest_size=32).hexdigest()

    def close(self, answer: str) -> str:
        """
        Encrypted, with a new nonce.
        """
        nonce = os.urandom(NONCE_BYTES)
        return base64.b64encode(nonce + AESGCM(self.secret).encrypt(nonce, answer.encode(), None)).decode()

    def open(self, kept: str) -> str:
        """
        Conflict when it was sealed with another token.
        """
        raw = base64.b64decode(kept)
        try:
            return AESGCM(self.secret).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], None).decode()
        except InvalidTag:
            raise Conflict("This was done already, and its answer is shown to the same token only.") from None


def key_of(request: Request) -> str | None:
    """
    The key that the request carries; Invalid for a malformed one.
    """
    sent = request.headers.get(FIELD)
    if sent is not None and (len(sent) > LONGEST or not re.match(PATTERN, sent)):
        raise Invalid(f"{FIELD}: must be 1 to {LONGEST} printable ASCII characters", field=FIELD)
    return sent


def once(
    caller: Caller, key: str, *, asked: str, status: int, confidential: bool, do: Callable[[Caller], Response]
) -> Response:
    """
    The answer of `do`, or the one that it gave when `asked` first came with this key. A failure is not kept.
    """
    way: Plain | Sealed = Sealed.with_token(caller.token) if confidential else Plain()
    principal = caller.access.principal
    with_what = json.dumps([asked, principal.project, sorted(principal.scopes)])
    request_hash = way.hash(with_what.encode())
    found = caller.cerberus.idempotency.claim(principal.id, key, request_hash=request_hash, status=status)
    if isinstance(found, Given):
        return replayed(found.status, way.open(found.answer))
    try:
        response = do(replace(caller, before_commit=found.done))
    except BaseException:
        found.release()
        raise
    found.keep(way.close(response.get_data(as_text=True)))
    return response


def replayed(status: int, text: str) -> Response:
    """
    An answer given again, and said to be so.
    """
    response = Response(text, status=status, content_type="application/json" if text else None)
    if not text:
        del response.headers["Content-Type"]
    response.headers[REPLAYED] = "true"
    return response
