"""What the three applications print: prefixed on the terminal, and in a rotated file each."""

import logging
import re
import threading
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from honcho.printer import Message, Printer

FILE_BYTES = 10_000_000
FILES_KEPT = 3
STARTED = re.compile(r"^(\w+) started \(pid=\d+\)")
WENT_WELL = re.compile(r'HTTP/1\.\d" [23]\d\d\b|"status": [23]\d\d\b')  # a request's line: for the file only
STOPPED = re.compile(r"^(\w+) stopped \(rc=(-?\d+)\)")


class Tee(Printer):
    """
    Writes each line to `<logs>/<name>.log` and, but for requests that went well, to the terminal; notices who
    started and who ended first.
    """

    def __init__(self, logs: Path, names: tuple[str, ...], started: Callable[[], None]) -> None:
        super().__init__()
        self._files = {name: _log_file(logs / f"{name}.log", name) for name in names}
        self._waiting = set(names)
        self._started = started
        self._writing = threading.Lock()
        self.first_ended: tuple[str, int] | None = None

    def write(self, message: Message) -> None:
        with self._writing:
            text = _text(message.data)
            if message.name in self._files:
                self._files[message.name].info(text.rstrip("\n"))
            else:
                self._notice(text)
            if not WENT_WELL.search(text):
                super().write(message)

    def _notice(self, line: str) -> None:
        if found := STARTED.match(line):
            self._waiting.discard(found[1])
            if not self._waiting:
                self._started()
        elif (found := STOPPED.match(line)) and self.first_ended is None:
            self.first_ended = (found[1], int(found[2]))

    def say(self, text: str) -> None:
        """
        A paragraph of the launcher's own, not torn apart by the applications' lines.
        """
        with self._writing:
            print(text, flush=True)


def _text(data: Any) -> str:
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else data


def _log_file(path: Path, name: str) -> logging.Logger:
    path.touch(mode=0o600)
    handler = RotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.Logger(f"mlstudio.{name}")
    logger.addHandler(handler)
    return logger
