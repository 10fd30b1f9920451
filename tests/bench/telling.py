"""`make bench`, third part: can time tell something hidden from something that is not there? And what a refusal takes.

    python tests/bench/telling.py [--samples 1000] [--rows "run,alias"]

MLflow behind Cerberus, PostgreSQL, one worker, one connection kept open. Each row asks, one after the other and each
time in another order, about things that are hidden, about things that do not exist, and about such once more.

The difference is that of the medians, hidden less absent. `auc` is how often the answer about something hidden takes
longer than one about something absent (Mann-Whitney's U in proportion): 0.5 tells nothing. Beside both stands the
control: what two of the same kind differ by. `answers` is how many of each an attacker had to compare to be right with
95 in 100, if the auc were exactly that; where it lies within what chance does (two standard errors), there is a dash.
"""

import argparse
import gc
import http.client
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from scipy.stats import mannwhitneyu, norm
from telling_scene import READS, WRITES, Question, Row, Scene, prepared, rows

SORTS = ("hidden", "absent", "control")
UNCOUNTED = 20
REFUSALS = (
    ("read of a run", READS["run"], (("alice", 200), ("denied", 404))),
    ("tag of a run", WRITES["tag of a run"], (("alice", 200), ("viewer", 403), ("denied", 404))),
    ("artifact written", WRITES["artifact"], (("alice", 200), ("viewer", 403), ("denied", 404))),
)


def main() -> None:
    """
    Prints one line a row.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--rows", default="")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that what was started is ended too
    with tempfile.TemporaryDirectory() as directory, prepared(Path(directory)) as scene:
        head = ("median", "difference", "control", "auc", "control", "answers")
        print(f"{'who asks for what':<46}" + "".join(f"{word:>12}" for word in head))
        for name, row in rows(scene).items():
            if not options.rows or any(each in name for each in options.rows.split(",")):
                print(line(name, measured(Wire(scene), row, options.samples)), flush=True)
        print(f"\n{'what a refusal takes':<46}" + "".join(f"{word:>16}" for word in ("allowed", "403", "404")))
        for name, operation, whom in REFUSALS:
            took = refused(scene, operation, dict(whom), options.samples)
            print(f"{name:<46}" + "".join(f"{each:>16}" for each in took), flush=True)


class Wire:
    """
    One connection that is kept open.
    """

    def __init__(self, scene: Scene) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(scene.url).netloc, timeout=60)

    def send(self, asked: Question) -> tuple[float, int]:
        """
        How long the answer took, and its status.
        """
        begun = time.perf_counter()
        self.connection.request(asked.method, asked.path, asked.body, asked.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        took = time.perf_counter() - begun
        if answer.status >= 500:
            raise SystemExit(f"{asked.path}: {answer.status} {text[:300]!r}")
        return took, answer.status


def measured(wire: Wire, row: Row, samples: int) -> dict[str, list[float]]:
    """
    The seconds of so many answers of each sort. All must have one status.
    """
    took: dict[str, list[float]] = {sort: [] for sort in SORTS}
    statuses: set[int] = set()
    gc.disable()
    for number in range(samples + UNCOUNTED):
        for sort in random.sample(SORTS, len(SORTS)):
            if row.before is not None:
                wire.send(row.before(sort))
            seconds, status = wire.send(row.ask(sort))
            statuses.add(status)
            if row.after is not None:
                wire.send(row.after(sort))
            if number >= UNCOUNTED:
                took[sort].append(seconds)
    gc.enable()
    if len(statuses) > 1:
        raise SystemExit(f"the status tells: {statuses}")
    return took


def refused(scene: Scene, operation: object, whom: Mapping[str, int], samples: int) -> list[str]:
    """
    The median of each one's answers, asked in turns about the same things; and beside it the ratio to the first's.
    """
    wire, took = Wire(scene), {who: [] for who in whom}
    for number in range(samples + UNCOUNTED):
        shelf = scene.shelf("hidden")
        for who in random.sample(list(whom), len(whom)):
            seconds, status = wire.send(scene.question(who, operation, shelf))  # type: ignore[arg-type]
            if status != whom[who]:
                raise SystemExit(f"{who} got {status}, not {whom[who]}")
            if number >= UNCOUNTED:
                took[who].append(seconds)
    median = {who: statistics.median(each) for who, each in took.items()}
    by_status = {whom[who]: f"{1e3 * each:.2f} ms ({each / median['alice']:.2f})" for who, each in median.items()}
    return [by_status.get(status, "") for status in (200, 403, 404)]


def line(name: str, took: dict[str, list[float]]) -> str:
    """
    Medians in milliseconds, their differences in microseconds.
    """
    median = {sort: statistics.median(took[sort]) for sort in SORTS}
    away = {sort: f"{1e6 * (median[sort] - median['absent']):+.0f} us" for sort in SORTS}
    hidden, control = (auc(took[sort], took["absent"]) for sort in ("hidden", "control"))
    cells = (f"{1e3 * median['absent']:.2f} ms", away["hidden"], away["control"], f"{hidden:.3f}", f"{control:.3f}")
    return f"{name:<46}" + "".join(f"{cell:>12}" for cell in (*cells, answers_needed(hidden, len(took["hidden"]))))


def auc(one: Sequence[float], other: Sequence[float]) -> float:
    """
    How often one of the first takes longer than one of the second.
    """
    return float(mannwhitneyu(one, other).statistic) / (len(one) * len(other))


def answers_needed(found: float, samples: int) -> str:
    """
    How many answers of each kind the rank test needs to tell them apart with 95 in 100 on either side.
    """
    error = ((2 * samples + 1) / (12 * samples * samples)) ** 0.5
    if abs(found - 0.5) <= 2 * error:
        return "-"
    return f"{(2 * norm.ppf(0.95) / (found - 0.5)) ** 2 / 6:,.0f}"


if __name__ == "__main__":
    main()
