"""The bridge from ASGI to Flask: whole answers, large ones in pieces, and nothing done with half of a request."""

from collections.abc import Callable, Iterable
from typing import Any

import anyio
import pytest

from cerberus_mlflow import bridge
from cerberus_mlflow.bridge import AT_ONCE, Bridge

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/api/x",
    "query_string": b"a=1",
    "http_version": "1.1",
    "headers": [(b"content-type", b"application/json"), (b"x-one", b"1")],
}
App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Chunks:
    """What a WSGI application answers: pieces, and whether it was told that they were taken."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces, self.closed = iter(pieces), 0

    def __iter__(self) -> "Chunks":
        return self

    def __next__(self) -> bytes:
        return next(self.pieces)

    def close(self) -> None:
        self.closed += 1


def asked(app: App, *parts: dict[str, Any], when_sent: Callable[[], None] = lambda: None) -> list[dict[str, Any]]:
    """What goes out when these parts of a request come in."""
    coming = list(parts) or [{"type": "http.request", "body": b""}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return coming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(dict(message))
        when_sent()

    anyio.run(Bridge(app), SCOPE, receive, send)  # type: ignore[arg-type]
    return sent


def answering(chunks: Iterable[bytes]) -> App:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("201 CREATED", [("Content-Type", "text/plain"), ("X-Two", "2")])
        return chunks

    return app


def body_of(sent: list[dict[str, Any]]) -> bytes:
    return b"".join(message["body"] for message in sent[1:])


@pytest.mark.parametrize("pieces", [[], [b""], [b"one"], [b"one", b"", b"two"]])
def test_a_small_answer_goes_out_in_one_piece(pieces: list[bytes]) -> None:
    chunks = Chunks(pieces)
    sent = asked(answering(chunks))
    head, body = sent
    assert head == {
        "type": "http.response.start",
        "status": 201,
        "headers": [(b"content-type", b"text/plain"), (b"x-two", b"2")],
    }
    assert body["body"] == b"".join(pieces)
    assert not body.get("more_body")
    assert chunks.closed == 1


def test_the_request_arrives_whole() -> None:
    seen: list[tuple[Any, ...]] = []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        names = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "HTTP_X_ONE")
        seen.append((environ["wsgi.input"].read(), *(environ[name] for name in names)))
        start_response("200 OK", [])
        return []

    parts = [{"type": "http.request", "body": each, "more_body": each != b"c"} for each in (b"a", b"b", b"c")]
    assert asked(app, *parts)[0]["status"] == 200
    assert seen == [(b"abc", "POST", "/api/x", "a=1", "application/json", "1")]


def test_half_of_a_request_is_not_done() -> None:
    """Whoever goes away in the middle of an upload has not asked to keep half of it."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        raise AssertionError("it was done all the same")

    half = {"type": "http.request", "body": b"half", "more_body": True}
    assert asked(app, half, {"type": "http.disconnect"}) == []


def test_a_large_answer_is_never_in_memory_whole() -> None:
    """Each piece is sent before the one after the next is made."""
    made = 0
    waiting: list[int] = []

    def chunks() -> Iterable[bytes]:
        nonlocal made
        for _ in range(20):
            made += 1
            yield b"x" * AT_ONCE

    gone = 0

    def when_sent() -> None:
        nonlocal gone
        gone += 1
        waiting.append(made - (gone - 1))

    sent = asked(answering(chunks()), when_sent=when_sent)
    assert len(body_of(sent)) == 20 * AT_ONCE
    assert [message.get("more_body", False) for message in sent[1:]] == [True] * 19 + [False]
    assert max(waiting) <= 3, waiting


def test_what_fails_on_the_way_is_told_and_closed() -> None:
    def failing() -> Iterable[bytes]:
        yield b"x" * AT_ONCE
        yield b"x" * AT_ONCE
        raise OSError("the file went away")

    chunks = Chunks(failing())
    with pytest.raises(OSError, match="went away"):
        asked(answering(chunks))
    assert chunks.closed == 1


def test_an_error_that_the_application_hands_over_is_raised() -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        error = ValueError("no")
        start_response("500 INTERNAL SERVER ERROR", [], (ValueError, error, None))
        return [b"never"]

    with pytest.raises(ValueError, match="no"):
        asked(app)


def test_many_small_pieces_are_put_together() -> None:
    pieces = [b"x" * 1000] * (2 * AT_ONCE // 1000)
    assert next(len(piece) for piece in bridge._pieces(pieces)) >= AT_ONCE
    assert len(list(bridge._pieces(pieces))) == 2
