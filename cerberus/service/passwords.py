"""What a new password must be like: of the right length, and not among those that are guessed first."""

import threading
from collections.abc import Iterable
from typing import Any, Final

from cerberus.errors import Invalid
from cerberus.store import words

SHORTEST, LONGEST = 8, 72
"""In bytes: bcrypt reads no more."""

JUDGED: Final = 20
"""How many characters are judged: judging 72 odd ones can take ten seconds, and a good beginning is enough."""

WEAKEST: Final = 2
"""The lowest score, of 0 to 4, that is taken: more than a million guesses."""

SHORTEST_NAME: Final = 3
"""A shorter name is in many a password by chance."""

_judging = threading.Lock()


def acceptable(value: Any, *, about: Iterable[str], field: str = "password") -> str:
    """
    The password; Invalid when it is too short or long, common, or guessable by who knows the names in `about`.
    """
    password = measured(value, field=field)
    if (warning := _why_guessable(password, about)) is not None:
        raise Invalid(
            f"That password is too easy to guess. {warning}".rstrip(),
            field=field,
            hint="Take several words that do not belong together, or let a password manager make one.",
        )
    return password


def measured(value: Any, *, field: str = "password") -> str:
    """
    The password; Invalid unless it is text of 8 to 72 bytes.
    """
    if not isinstance(value, str) or "\x00" in value:
        raise Invalid("A password must be text.", field=field)
    try:
        length = len(value.encode())
    except UnicodeEncodeError:
        raise Invalid("A password must be text.", field=field) from None
    if not SHORTEST <= length <= LONGEST:
        raise Invalid(
            f"A password has {SHORTEST} to {LONGEST} bytes.", field=field, hint="Letters beyond a-z count as several."
        )
    return value


def _why_guessable(password: str, about: Iterable[str]) -> str | None:
    from zxcvbn import zxcvbn  # 25 ms and 13 MB that few processes ever need

    names = list(about)
    known = sorted({part for name in names for part in (name.casefold(), *words.split(name))})
    judged = [password]
    if (rest := _without(password, known)) != password.casefold():
        judged.append(rest)  # a name said three times is three words to a judge of passwords
    for each in judged:
        with _judging:  # it keeps what is known about the person in a variable of its module
            found = zxcvbn(each[:JUDGED], user_inputs=known)
        if found["score"] < WEAKEST:
            return str(found["feedback"]["warning"])
    return None


def _without(password: str, known: Iterable[str]) -> str:
    left = password.casefold()
    for name in sorted(known, key=len, reverse=True):
        left = left.replace(name, "") if len(name) >= SHORTEST_NAME else left
    return left
