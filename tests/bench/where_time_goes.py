"""Where a request's time goes in our server beyond the plain one: stacks of both under the same load, subtracted.

py-spy looks from outside many times a second while the load runs; a stack seen in 1 % of the looks is 1 % of an
answer's milliseconds. It comes with the bench's own virtual environment.
"""

import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator import Generator
from peer_venv import LeftOut, installed
from tracking_rows import Filled, Row

RATE = 200
LONGEST = 35
WAITING = ("select (selectors.py", "wait (threading.py", "_worker (concurrent/")
SITE = "site-packages/"


@dataclass(frozen=True)
class Profile:
    """One server's time in one answer, in milliseconds: its own work, and that of each stack."""

    own: float
    stacks: dict[tuple[str, ...], float]

    def by(self, names: Callable[[tuple[str, ...]], Iterable[str]]) -> Counter[str]:
        """
        Milliseconds by what a stack is said to be about.
        """
        found: Counter[str] = Counter()
        for stack, spent in self.stacks.items():
            for name in names(stack):
                found[name] += spent
        return found


def where_time_goes(row: Row, filled: Sequence[Filled], generator: Generator, *, seconds: float) -> str:
    """
    Three lists: by package and by function, what is spent in it itself; by function, what is spent in it and below.
    """
    try:
        spy = installed().spy
    except LeftOut as reason:
        raise SystemExit(f"no profile: {reason}") from None
    plain, ours = (_profile(row, on, generator, spy, seconds) for on in filled)
    text = f"{row.name}: own work of an answer {ours.own:.2f} ms, plain {plain.own:.2f} ms ({plain.own / ours.own:.2f})"
    parts = {
        "in the package itself": lambda stack: [package(stack[-1])],
        "in the function itself": lambda stack: [stack[-1]],
        "in the function and below": lambda stack: set(stack),
    }
    for title, names in parts.items():
        text += f"\n\n{title:<88}{'ours':>8}{'plain':>8}{'beyond':>8}  (ms)\n"
        text += "\n".join(_beyond(ours.by(names), plain.by(names)))
    return text


def _profile(row: Row, on: Filled, generator: Generator, spy: str, seconds: float) -> Profile:
    requests = row.ask(on).requests(on)
    generator.ask(on.server.url, requests, clients=1, seconds=1)
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "stacks"
        command = [spy, "record", "--pid", str(on.server.worker()), "--duration", str(round(seconds)), "--function"]
        command += ["--rate", str(RATE), "--format", "raw", "--output", str(output), "--nonblocking"]
        watching = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)
        worked = on.server.own_cpu()
        result = generator.ask(on.server.url, requests, clients=1, seconds=seconds)
        own = (on.server.own_cpu() - worked) / (result.answers + 1) * 1000
        _, said = watching.communicate(timeout=seconds + 60)
        if watching.returncode or result.failure:
            raise SystemExit(f"no profile of {on.name}: {result.failure or said[-500:]}")
        stacks = read_stacks(output.read_text().splitlines())
    total = sum(stacks.values())
    return Profile(own, {stack: own * number / total for stack, number in stacks.items()})


def read_stacks(lines: Iterable[str]) -> Counter[tuple[str, ...]]:
    """
    How often each stack was seen, outermost first. What only waits for the next request is not the request's.
    """
    found: Counter[tuple[str, ...]] = Counter()
    for line in lines:
        stack, _, number = line.rpartition(" ")
        frames = tuple(_named(frame) for frame in stack.split(";"))
        if not any(waiting in frames[-1] for waiting in WAITING):
            found[frames] += int(number)
    return found


def _named(frame: str) -> str:
    """
    `function (package/module.py)`, without where the package lies.
    """
    function, _, place = frame.rpartition(" (")
    place = place.rstrip(")")
    for root in (SITE, "lib/python3", "/mlflow/cerberus_mlflow", "/cerberus/"):
        _, found, after = place.partition(root)
        if found and root == SITE:
            place = after
        elif found and root == "lib/python3":
            place = after.partition("/")[2]
        elif found:
            place = root.strip("/").removeprefix("mlflow/") + ("/" if not after.startswith("/") else "") + after
        else:
            continue
        break
    return f"{function} ({place})"


def package(frame: str) -> str:
    """
    The package, of MLflow's and ours the one below it, that a frame belongs to.
    """
    place = frame.rpartition(" (")[2].rstrip(")").partition(":")[0]
    parts = place.split("/")
    deep = 2 if parts[0] in ("mlflow", "cerberus") else 1
    return "/".join(parts[:deep])


def _beyond(ours: Counter[str], plain: Counter[str]) -> list[str]:
    more = sorted(ours.keys() | plain.keys(), key=lambda name: plain[name] - ours[name])
    return [
        f"{name[-86:]:<88}{ours[name]:>8.3f}{plain[name]:>8.3f}{ours[name] - plain[name]:>+8.3f}"
        for name in more[:LONGEST]
        if ours[name] - plain[name] > 0.005
    ]
