"""What a credential looks like: to tell one from another, and to keep it out of what is written down.

Two patterns, because two mistakes differ. A log that hides too much says `…` once too often. The audit, which is kept,
must not lose the name of a model because it begins like a token: what it hides is long enough to be one.
"""

import re
from typing import Final

PREFIX: Final = "mls_"
"""How an access token of ours begins."""

PERHAPS: Final = re.compile(rf"{PREFIX}[A-Za-z0-9_-]+|ey[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
"""An access token or a JWT, or what begins like one."""

SURELY: Final = re.compile(
    rf"{PREFIX}[A-Za-z0-9]{{16,}}|ey[A-Za-z0-9_-]{{16,}}\.[A-Za-z0-9_-]{{16,}}\.[A-Za-z0-9_-]{{16,}}"
)
"""An access token or a JWT with parts as long as those of a real one."""


def looks_like_jwt(text: object) -> bool:
    """
    Whether the text has the form of a signed JWT: three parts, the first a JSON object.
    """
    return isinstance(text, str) and text.startswith("ey") and text.count(".") == 2


def harmless(text: str) -> str:
    """
    The text without credentials: a client can put its token where none belongs, into a name, a request's id, a reason.
    """
    return SURELY.sub("***", text)
