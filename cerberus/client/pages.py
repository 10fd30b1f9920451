"""Lists that come in pages, read as far as one looks."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from cerberus.client.connection import Connection

AT_ONCE: Final = 200


def items_of(connection: Connection, path: str, **asked: object) -> Iterator[Mapping[str, Any]]:
    """
    Every item of the list at this address below `/api/v1`; of what is asked, only what is not None.
    """
    words = {name: str(value) for name, value in asked.items() if value is not None} | {"limit": str(AT_ONCE)}
    while True:
        page = connection.call("GET", f"{path}?{urlencode(words)}")
        yield from page["items"]
        if page["next"] is None:
            return
        words["after"] = page["next"]
