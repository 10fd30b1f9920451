"""Waiting for what comes by itself, on a machine that may be busy."""

import time
from collections.abc import Callable
from typing import Any


def wait_until(done: Callable[[], bool], *, seconds: float) -> float:
    """How long it took until that was so; fails when it takes longer than it may."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() < began + seconds, f"not within {seconds} seconds"
        time.sleep(0.05)
    return time.monotonic() - began


def eventually(said: Callable[[], Any], expected: Any, *, seconds: float) -> None:
    """Fails, showing both, when what is said is not what is expected by then."""
    until = time.monotonic() + seconds
    while said() != expected and time.monotonic() < until:
        time.sleep(0.1)
    found = said()
    assert found == expected, f"{found!r} is not {expected!r}"
