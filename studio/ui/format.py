"""Numbers, durations, sizes and states as people read them."""

import math
from dataclasses import dataclass
from typing import Any

from studio.ui.when import DASH


@dataclass(frozen=True, slots=True)
class State:
    """A run's status: an icon and a word, and a colour that only repeats them."""

    icon: str
    mark: str  # where no icon can stand, as in the cells of a table
    word: str
    colour: str


STATES = {
    "RUNNING": State(":material/play_circle:", "\N{BLACK RIGHT-POINTING POINTER}", "running", "blue"),
    "FINISHED": State(":material/check_circle:", "\N{CHECK MARK}", "finished", "green"),
    "FAILED": State(":material/error:", "\N{MULTIPLICATION X}", "failed", "red"),
    "KILLED": State(":material/cancel:", "\N{BLACK SQUARE}", "stopped", "orange"),
    "SCHEDULED": State(":material/schedule:", "\N{WHITE CIRCLE}", "scheduled", "gray"),
}


def state(status: str) -> State:
    """How a status is shown; one that is not known keeps its own word."""
    return STATES.get(status, State(":material/help:", "?", status.lower() or "unknown", "gray"))


def number(value: float | None) -> str:
    """Four significant digits; thousands are grouped, whole numbers stay whole, none is a dash."""
    if value is None:
        return DASH
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "\N{INFINITY}" if value > 0 else "\N{MINUS SIGN}\N{INFINITY}"
    if value == int(value) and abs(value) < 1e7:
        return _minus(f"{int(value):,}")
    if abs(value) >= 1e7 or abs(value) < 1e-4:
        return _minus(f"{value:.3e}")
    rounded = float(f"{abs(value):.3e}")  # 9.99999 becomes 10.00, not 10.000
    digits = max(0, 3 - math.floor(math.log10(rounded)))
    return _minus(f"{value:,.{digits}f}")


def signed(value: float | None) -> str:
    """A number with its sign, for differences."""
    return number(value) if value is None or math.isnan(value) or value <= 0 else f"+{number(value)}"


def duration(seconds: float | None) -> str:
    """The two largest units; a dash for what still runs."""
    if seconds is None or seconds < 0:
        return DASH
    if seconds < 9.95:
        return f"{seconds:.1f} s" if seconds >= 0.1 or seconds == 0 else f"{seconds * 1000:.0f} ms"
    whole = round(seconds)
    for size, unit, smaller, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {name}" if rest else "")
    return f"{whole} s"


def size(of_bytes: int) -> str:
    """Bytes in the unit that fits."""
    amount = float(of_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.3g} {unit}"
        amount /= 1000
    raise AssertionError("unreachable")


def short(value: Any, *, longest: int = 120) -> str:
    """A text on one line, cut where it is too long; a dash for none."""
    if value is None or value == "":
        return DASH
    line = " ".join(str(value).split())
    return line if len(line) <= longest else line[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}", 1) if text.startswith("-") else text
