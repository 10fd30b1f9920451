"""`make bench`, second half: what access control costs MLflow's server, in requests a second beside the plain one.

    python tests/bench/tracking.py [--seconds 1.0] [--rounds 5] [--only plain,ours] [--rows "get run,log metric"]

PostgreSQL, one worker a server, connections kept open. All servers are asked in turns, round by round, so that the
machine's moods hit them alike; a ratio is the median over the rounds.
"""

import argparse
import http.client
import json
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import requests
import tracking_servers as servers
from tracking_servers import TrackingServer

API = "/api/2.0/mlflow"
MANY, VISIBLE, RUNS = 1000, 50, 100
KINDS = {
    "plain": servers.plain,
    "ours": servers.ours,
    "basic-auth": partial(servers.basic_auth, cache_seconds=0),
    "basic-auth cached": partial(servers.basic_auth, cache_seconds=3600),
}


@dataclass(frozen=True)
class Filled:
    """A server with something in it to ask for."""

    server: TrackingServer
    experiment: str
    run: str


@dataclass(frozen=True)
class Question:
    """One request, by the worker or by the reader, who sees 50 of 1,000."""

    method: str
    path: str
    body: Mapping[str, object] | None = None
    by_reader: bool = False


ROWS: dict[str, Callable[[Filled], Question]] = {
    "get experiment": lambda on: Question("GET", f"{API}/experiments/get?experiment_id={on.experiment}"),
    "get run": lambda on: Question("GET", f"{API}/runs/get?run_id={on.run}"),
    "log metric": lambda on: Question(
        "POST", f"{API}/runs/log-metric", {"run_id": on.run, "key": "loss", "value": 0.5, "timestamp": 1, "step": 1}
    ),
    "log batch of 100": lambda on: Question("POST", f"{API}/runs/log-batch", {"run_id": on.run, "metrics": BATCH}),
    "search 100 runs": lambda on: Question(
        "POST", f"{API}/runs/search", {"experiment_ids": [on.experiment], "max_results": 100}
    ),
    "search experiments": lambda _: Question("POST", f"{API}/experiments/search", {"max_results": MANY}, True),
    "search models": lambda _: Question("GET", f"{API}/registered-models/search?max_results={MANY}", by_reader=True),
}
BATCH = [{"key": f"m{each}", "value": 0.5, "timestamp": 1, "step": each} for each in range(100)]


def main() -> None:
    """
    Prints one line a row of work, number of clients and server.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join(KINDS))
    parser.add_argument("--rows", default=",".join(ROWS))
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that what was started is ended too
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        started = [stack.enter_context(KINDS[name](Path(directory))) for name in options.only.split(",")]
        filled = [fill(server) for server in started]
        print(f"{'requests a second':<20} clients  " + "  ".join(f"{each.server.name:>24}" for each in filled))
        for row in options.rows.split(","):
            for clients in (1, 4):
                print(line(row, clients, filled, rounds=options.rounds, seconds=options.seconds), flush=True)


def line(row: str, clients: int, filled: list[Filled], *, rounds: int, seconds: float) -> str:
    """
    One row: each server's median rate, and the median ratio to the first one's of the same round.
    """
    rates = [
        [rate(each.server, ROWS[row](each), clients=clients, seconds=seconds) for each in filled] for _ in range(rounds)
    ]
    cells = []
    for column in range(len(filled)):
        median = statistics.median(each[column] for each in rates)
        ratio = statistics.median(each[column] / each[0] for each in rates)
        cells.append(f"{median:>14,.1f} ({ratio:.2f})".rjust(24))
    return f"{row:<20} {clients:>7}  " + "  ".join(cells)


def rate(server: TrackingServer, question: Question, *, clients: int, seconds: float) -> float:
    """
    Answers a second that so many clients get, each on a connection of its own. An answer other than 200 ends it.
    """
    counts, end = [0] * clients, time.perf_counter() + seconds
    failures: list[str] = []

    def ask(index: int) -> None:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
        headers = {**(server.reader if question.by_reader else server.worker), "Content-Type": "application/json"}
        body = None if question.body is None else json.dumps(question.body)
        while time.perf_counter() < end and not failures:
            connection.request(question.method, question.path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                failures.append(f"{server.name} {question.path}: {answer.status} {text[:300]!r}")
            counts[index] += 1
        connection.close()

    begun = time.perf_counter()
    threads = [threading.Thread(target=ask, args=(index,)) for index in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise SystemExit(failures[0])
    return sum(counts) / (time.perf_counter() - begun)


def fill(server: TrackingServer) -> Filled:
    """
    1,000 experiments and models of which the reader may see 50, and an experiment with 100 runs.
    """
    http = requests.Session()
    http.headers.update(server.worker)

    def post(path: str, **body: object) -> dict:
        answer = http.post(f"{server.url}{API}/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return dict(answer.json())

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda each: post("experiments/create", name=f"experiment {each}"), range(MANY)))
        list(pool.map(lambda each: post("registered-models/create", name=f"model {each}"), range(MANY)))
        experiment = str(made[0]["experiment_id"])
        runs = list(pool.map(lambda _: post("runs/create", experiment_id=experiment), range(RUNS)))
        run_ids = [str(run["run"]["info"]["run_id"]) for run in runs]
        params = [{"key": f"p{each}", "value": str(each)} for each in range(10)]
        metrics = BATCH[:10]
        list(pool.map(lambda run: post("runs/log-batch", run_id=run, params=params, metrics=metrics), run_ids))
    ids = [str(each["experiment_id"]) for each in made]
    server.show(ids[:: MANY // VISIBLE], [f"model {each}" for each in range(0, MANY, MANY // VISIBLE)])
    return Filled(server, experiment, run_ids[0])


if __name__ == "__main__":
    main()
