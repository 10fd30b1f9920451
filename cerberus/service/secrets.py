"""Makes and reads what people must keep secret: access tokens, session cookies, passwords."""

import hashlib
import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass

import bcrypt

from cerberus.credential_forms import PREFIX

ALPHABET = string.ascii_lowercase + string.digits
AS_BASE_36 = str.maketrans(ALPHABET, string.digits + string.ascii_lowercase)
ID_LENGTH, SECRET_LENGTH, CHECK_LENGTH = 10, 32, 7  # 36^32 is 165 bits
TOKEN = re.compile(rf"{PREFIX}([a-z0-9]{{{ID_LENGTH}}})([a-z0-9]{{{SECRET_LENGTH}}})([a-z0-9]{{{CHECK_LENGTH}}})")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token taken apart. `text` is what its holder shows."""

    id: str
    text: str

    @property
    def hash(self) -> str:
        """
        What is stored of it: SHA-256 as hexadecimal digits. Enough for a random secret of 165 bits.
        """
        return hashlib.sha256(self.text.encode()).hexdigest()

    def matches(self, stored: str) -> bool:
        """
        Whether this is the stored token, in constant time.
        """
        return hmac.compare_digest(self.hash, stored)


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _fits(text: str, check: str) -> bool:
    return int(check.translate(AS_BASE_36), len(ALPHABET)) == zlib.crc32(text.encode())


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    while len(digits) < CHECK_LENGTH:
        number, rest = divmod(number, len(ALPHABET))
        digits = ALPHABET[rest] + digits
    return digits


def new_token() -> AccessToken:
    """
    A random access token: `mls_`, 10 characters of id, 32 of secret, 7 of checksum.
    """
    token_id, secret = _random(ID_LENGTH), _random(SECRET_LENGTH)
    body = PREFIX + token_id + secret
    return AccessToken(token_id, body + _checksum(body))


def read_token(text: object) -> AccessToken | None:
    """
    The token, or None when the text cannot be one: mistyped tokens are refused without asking the database.
    """
    found = TOKEN.fullmatch(text) if isinstance(text, str) else None
    if found is None or not _fits(found[0][:-CHECK_LENGTH], found[3]):
        return None
    return AccessToken(found[1], found[0])


def new_cookie() -> str:
    """
    The value of a session cookie: 256 random bits.
    """
    return secrets.token_urlsafe(32)


def cookie_hash(cookie: str) -> str:
    """
    What is stored of a session cookie.
    """
    return hashlib.sha256(cookie.encode("utf-8", "replace")).hexdigest()


def new_password() -> str:
    """
    A random password of 20 characters, about 100 bits, without letters that look alike.
    """
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(4))


def hash_password(password: str, *, rounds: int) -> str:
    """
    The password's bcrypt hash.
    """
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds)).decode()


def password_matches(password: str, stored: str | None, *, rounds: int) -> bool:
    """
    Whether the password is the stored one. Takes as long without a stored one, so time does not tell who exists.
    """
    given = password.encode("utf-8", "replace")[:72]
    if stored is None:
        bcrypt.hashpw(given, bcrypt.gensalt(rounds))
        return False
    return bcrypt.checkpw(given, stored.encode())
