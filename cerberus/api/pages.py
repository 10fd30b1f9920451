"""Cursors: where a list goes on. Opaque to clients, bound to the question that was asked, refused when changed.

An endpoint whose query is a `Page` needs nothing of this: its view reads a plain position in `query.after` and answers
one in `next`, and `Endpoint` turns both into cursors. `cut` makes a page of a list that is short enough to read whole,
`first` of one that was asked for one item more than the page shows.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from cerberus.api.shapes import Page
from cerberus.errors import Invalid

MAC_BYTES: Final = 12
Item = TypeVar("Item")


def _mac(key: bytes, question: str, position: bytes) -> bytes:
    return hashlib.blake2b(question.encode() + b"\x00" + position, key=key, digest_size=MAC_BYTES).digest()


def sealed(key: bytes, question: str, position: str) -> str:
    """
    The cursor for a position in the answer to a question.
    """
    place = position.encode()
    return base64.urlsafe_b64encode(_mac(key, question, place) + place).rstrip(b"=").decode()


def opened(key: bytes, question: str, cursor: str) -> str:
    """
    The position that a cursor names; Invalid when it was changed or comes from another question.
    """
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    position = raw[MAC_BYTES:]
    if not hmac.compare_digest(raw[:MAC_BYTES], _mac(key, question, position)):
        raise Invalid("after: is not the `next` of an answer to this very question", field="after")
    return position.decode()


def question_of(name: str, *, who: int, path: Mapping[str, Any], query: BaseModel) -> str:
    """
    What a cursor is bound to: the endpoint, who asks, and everything asked but how much and from where.
    """
    asked = query.model_dump(mode="json", exclude={"limit", "after"})
    return json.dumps([name, who, path, asked], sort_keys=True, default=str)


def first(found: Sequence[Item], page: Page, place: Callable[[Item], str]) -> tuple[tuple[Item, ...], str | None]:
    """
    The page of what was found with a limit of one more, and where it goes on.
    """
    shown = tuple(found[: page.limit])
    return shown, place(shown[-1]) if len(found) > len(shown) else None


def cut(items: Iterable[Item], page: Page, place: Callable[[Item], str]) -> tuple[tuple[Item, ...], str | None]:
    """
    The page of a list that is sorted by `place`, and where it goes on.
    """
    rest = [item for item in items if page.after is None or place(item) > page.after]
    shown = tuple(rest[: page.limit])
    return shown, place(shown[-1]) if len(rest) > len(shown) else None
