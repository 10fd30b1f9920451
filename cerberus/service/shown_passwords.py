"""A name and a password that are shown with every request, as clients of MLflow's own access control do.

A password is compared with its hash once; from then on a process recognises it, as long as that hash is the stored one.
What it recognises it by is worth nothing elsewhere: a hash with a key that only this process has.
"""

import hmac
import os
import threading
from typing import Final

from cerberus.bounded import Bounded
from cerberus.errors import NotSignedIn
from cerberus.service.access import Access
from cerberus.service.actors import Origin
from cerberus.service.context import Context
from cerberus.service.proofs import WRONG, Proof, Proofs, account_of

MOST_KNOWN: Final = 10_000
TURNS: Final = 64


class ShownPasswords:
    """Turns names and passwords into `Access`."""

    def __init__(self, context: Context, proofs: Proofs) -> None:
        self._context = context
        self._proofs = proofs
        self._known: dict[bytes, Proof] = Bounded(MOST_KNOWN)
        self._key = os.urandom(32)
        self._turns = tuple(threading.Lock() for _ in range(TURNS))

    def access(self, name: object, password: object, origin: Origin) -> Access:
        """
        The access of the user whose name and password these are. One statement when warm.

        NotSignedIn for a wrong name or password, and where passwords are not taken from this user; Throttled after as
        many failures as at sign-in.
        """
        if not (isinstance(name, str) and isinstance(password, str)):
            raise NotSignedIn(WRONG)
        kept = self._context.kept()
        mark = self._mark(account_of(name), password)
        subject_id = kept.passwords.get(mark)
        if subject_id is None:
            subject_id = kept.passwords[mark] = self._proof(mark, name, password, origin).subject_id
        return Access.of(self._context.loaded(kept, subject_id), kept.version)

    def _proof(self, mark: bytes, name: str, password: str, origin: Origin) -> Proof:
        # One at a time for an account: a client that begins with twenty requests at once has not guessed twenty times.
        with self._turns[hash(account_of(name)) % TURNS]:
            known = self._known.get(mark)
            if known is not None and self._proofs.still_holds(name, known):
                return known
            proof = self._proofs.to_sign_in(name, password, origin)
            self._known[mark] = proof
            return proof

    def _mark(self, account: str, password: str) -> bytes:
        text = f"{len(account)}:{account}:{password}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, text, "sha256")
