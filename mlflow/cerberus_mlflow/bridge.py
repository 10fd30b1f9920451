"""From ASGI to Flask with one change of thread for a request, where Starlette's bridge takes four.

An answer that is small goes back whole with the thread that made it. A large one is sent in pieces, each of which waits
until the client has taken the one before, so that a download is never held in memory.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import anyio.from_thread
import anyio.to_thread
from flask import Flask
from starlette.middleware.wsgi import build_environ
from starlette.types import Message, Receive, Scope, Send

if TYPE_CHECKING:
    from _typeshed import OptExcInfo

AT_ONCE = 256 * 1024
"""Bytes of an answer that are put together before the first of them is sent."""


class Bridge:
    """
    ASGI application that runs a WSGI one in a thread.
    """

    def __init__(self, wsgi: Flask) -> None:
        self.wsgi = wsgi

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _whole(receive)
        if body is None:
            return
        environ = build_environ(scope, body)
        for message in await anyio.to_thread.run_sync(self._answer, environ, send):
            await send(message)

    def _answer(self, environ: dict[str, Any], send: Send) -> list[Message]:
        """
        What of the answer is still to be sent, by whoever waits for this thread.
        """
        started = _Start()
        chunks: Iterable[bytes] = self.wsgi(environ, started)
        waiting: list[Message] = []
        try:
            for piece in _pieces(chunks):
                for message in waiting:
                    anyio.from_thread.run(_sent, send, message)
                more = {"type": "http.response.body", "body": piece, "more_body": True}
                waiting = [more] if waiting else [started.message, more]
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        if not waiting:
            return [started.message, {"type": "http.response.body", "body": b""}]
        waiting[-1]["more_body"] = False
        return waiting


class _Start:
    """
    WSGI's `start_response`: keeps the answer's head.
    """

    def __init__(self) -> None:
        self.message: Message = {}

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: "OptExcInfo | None" = None) -> Any:
        if exc_info is not None and exc_info[1] is not None:
            raise exc_info[1]
        self.message = {
            "type": "http.response.start",
            "status": int(status.partition(" ")[0]),
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        }


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """
    The same bytes in as few pieces as `AT_ONCE` allows.
    """
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= AT_ONCE:
            yield b"".join(held)
            held, size = [], 0
    if size:
        yield b"".join(held)


async def _sent(send: Send, message: Message) -> None:
    await send(message)


async def _whole(receive: Receive) -> bytes | None:
    """
    The request's body; None where the client went away before its end, for half of a body is not what was meant.
    """
    chunks: list[bytes] = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)
