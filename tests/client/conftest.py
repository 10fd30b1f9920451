"""A real server on a free port, and clients for it."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug.serving import make_server

from cerberus.api import create_app
from cerberus.client import Client


@pytest.fixture
def url(cerberus: Any) -> Iterator[str]:
    """
    The address of the API, served from a thread.
    """
    server = make_server("127.0.0.1", 0, create_app(cerberus=cerberus), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def client_of(url: str, cast: Any) -> Iterator[Callable[..., Client]]:
    """
    Makes a client with somebody's token.
    """
    made: list[Client] = []

    def make(who: str, **limits: Any) -> Client:
        made.append(Client(url, cast.token(who, **limits)))
        return made[-1]

    yield make
    for each in made:
        each.close()
