"""The load generator (`asking.py`) as the bench speaks to it."""

import base64
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Result:
    """How many answers came in how many seconds, and what asking cost the generator itself, in seconds."""

    answers: int
    seconds: float
    cpu: float
    failure: str


class Generator:
    """The process that asks; gone with the context."""

    def __enter__(self) -> "Generator":
        command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("asking.py"))]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()

    def ask(
        self, url: str, requests: Sequence[bytes], *, clients: int, seconds: float, least: int = 1, most: float = 0
    ) -> Result:
        """
        So many clients at once, each on a connection of its own, send these requests in turn: so many seconds, and
        longer (`most`, otherwise four times as long) where fewer than `least` answers came.
        """
        order = {
            "port": urlsplit(url).port,
            "requests": [base64.b64encode(each).decode() for each in requests],
            "clients": clients,
            "seconds": seconds,
            "least": least,
            "most": most or 4 * seconds,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Result(**json.loads(self._process.stdout.readline()))
