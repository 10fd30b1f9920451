"""Which requests are still arriving, by the thread that reads them: `cerberus.api.worker` hangs up on who is late."""

import threading
import time
from typing import Any

_connections: dict[int, tuple[Any, float]] = {}


def begins(connection: Any) -> None:
    """
    This thread reads a request from here on.
    """
    _connections[threading.get_ident()] = (connection, time.monotonic())


def is_over() -> None:
    """
    The request that this thread handles is read whole: from here on it takes as long as it takes.
    """
    _connections.pop(threading.get_ident(), None)


def late(seconds: float) -> list[Any]:
    """
    The connections whose requests have been arriving for longer than that; each is named once.
    """
    before = time.monotonic() - seconds
    threads = [thread for thread, (_, since) in list(_connections.items()) if since < before]
    return [found[0] for thread in threads if (found := _connections.pop(thread, None)) is not None]
