"""A progress bar: in place on a terminal, a line now and then in a log."""

from typing import TextIO

WIDTH = 30
STEP = 10  # per cent between two lines where there is no terminal


class Progress:
    """
    Counts runs up to `total`.
    """

    def __init__(self, total: int, out: TextIO) -> None:
        self._total, self._out = total, out
        self._done, self._printed = 0, -STEP

    def advance(self, runs: int) -> None:
        """
        Shows that `runs` more are done.
        """
        self._done += runs
        percent = 100 * self._done // self._total
        filled = WIDTH * self._done // self._total
        line = f"Demo runs [{'#' * filled}{'.' * (WIDTH - filled)}] {self._done}/{self._total}"
        if self._out.isatty():
            print(f"\r{line}", end="\n" if self._done == self._total and not runs else "", file=self._out, flush=True)
        elif percent >= self._printed + STEP:
            self._printed = percent
            print(line, file=self._out, flush=True)
