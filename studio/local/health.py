"""Whether an application answers."""

import time
import urllib.error
import urllib.request
from collections.abc import Callable

SECONDS_TO_START = 180


def answers(url: str) -> bool:
    """
    Whether `url` answers with a success within two seconds.
    """
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own http address
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def wait_until_healthy(url: str, stopped: Callable[[], bool], seconds: float = SECONDS_TO_START) -> bool:
    """
    True once `url` answers; False when it did not in time, or when `stopped()` became true.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not stopped():
        if answers(url):
            return True
        time.sleep(0.25)
    return False
