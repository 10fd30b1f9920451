"""Fifty clients that log for ten minutes: what they were answered, how long it took, and what memory it costs.

    python tests/bench/soak.py [--minutes 10] [--clients 50] [--workers 4]

`make soak`. MLflow on PostgreSQL behind Cerberus on MySQL, as in compose.yaml. Ends with 1 when an answer was none of
those that are due (5xx, a broken connection, a refusal), or when a worker needs a tenth more memory at the end than
after the first quarter.
"""

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import psutil
import requests
from tracking_data import database
from tracking_servers import cerberus_database, plugin_settings, running

from cerberus.service import SYSTEM, Cerberus

PROJECTS = 5
SAMPLES_EVERY = 5.0
GROWTH = 1.10
ARTIFACT = os.urandom(50_000)
PARAMS = [{"key": f"p{each}", "value": str(each)} for each in range(20)]
MEBIBYTE = 1024 * 1024


@dataclass
class Seen:
    """What the clients saw, all together."""

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str, status: str, seconds: float, *, due: bool) -> None:
        """
        One answer.
        """
        with self.lock:
            self.statuses[status] += 1
            self.seconds.append(seconds)
            if not due and len(self.wrong) < 20:
                self.wrong.append(f"{what}: {status}")


class Client:
    """One of the fifty: logs run after run in its project, each with parameters, metrics, tags and an artifact."""

    def __init__(self, url: str, token: str, number: int, seen: Seen) -> None:
        self.url, self.number, self.seen = url, number, seen
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {token}"
        self.made = 0

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """
        What the server answers; an error when it is not 200.
        """
        begun = time.perf_counter()
        try:
            answer = self.http.request(method, f"{self.url}/api/2.0/{path}", timeout=60, **options)
            status = str(answer.status_code)
        except requests.RequestException as error:
            answer, status = None, type(error).__name__
        self.seen.note(f"{method} {path}", status, time.perf_counter() - begun, due=status == "200")
        if answer is None or status != "200":
            raise RuntimeError(f"{method} {path}: {status}")
        return answer.json() if answer.headers.get("content-type", "").startswith("application/json") else answer

    def post(self, path: str, **body: Any) -> Any:
        return self.ask("POST", f"mlflow/{path}", json=body)

    def work(self, until: float) -> None:
        """
        Logs until the end. A request that fails spoils its run only.
        """
        experiment = ""
        while time.monotonic() < until:
            try:
                if not experiment or self.made % 25 == 0:
                    name = f"client {self.number}, {self.made}"
                    experiment = str(self.post("experiments/create", name=name)["experiment_id"])
                self.one_run(experiment)
            except RuntimeError:
                time.sleep(0.5)
            except Exception:
                self.seen.wrong.append(traceback.format_exc(limit=3))
            self.made += 1

    def one_run(self, experiment: str) -> None:
        """
        What a training does, and a look at the list of runs.
        """
        info = self.post("runs/create", experiment_id=experiment, run_name=f"run {self.made}")["run"]["info"]
        run = info["run_id"]
        self.post("runs/log-batch", run_id=run, params=PARAMS)
        for step in range(5):
            metrics = [{"key": f"m{each}", "value": step / 7, "timestamp": step, "step": step} for each in range(10)]
            self.post("runs/log-batch", run_id=run, metrics=metrics)
            self.post("runs/log-metric", run_id=run, key="loss", value=0.5, timestamp=step, step=step)
        self.post("runs/set-tag", run_id=run, key="stage", value="soak")
        path = info["artifact_uri"].partition(":")[2].lstrip("/")
        self.ask("PUT", f"mlflow-artifacts/artifacts/{path}/model.bin", data=ARTIFACT)
        self.ask("GET", "mlflow/runs/get", params={"run_id": run})
        self.post("runs/search", experiment_ids=[experiment], max_results=20, order_by=["metrics.loss DESC"])
        if self.made % 10 == 0:
            model = f"model {self.number}-{self.made}"
            self.post("registered-models/create", name=model)
            self.post("model-versions/create", name=model, source=f"runs:/{run}/model.bin", run_id=run)
        self.post("runs/update", run_id=run, status="FINISHED", end_time=1)


class Memory:
    """What each worker holds by itself, in MiB, every few seconds."""

    def __init__(self, server: psutil.Process) -> None:
        family = server.children(recursive=True)
        self.workers = [each for each in family if each.memory_info().rss > 150 * MEBIBYTE]
        self.samples: dict[int, list[float]] = {each.pid: [] for each in self.workers}

    def sample(self) -> None:
        """
        One more of each worker; ends the measurement where one is gone.
        """
        for worker in self.workers:
            self.samples[worker.pid].append(worker.memory_full_info().uss / MEBIBYTE)

    def growth(self, pid: int) -> tuple[float, float]:
        """
        The median of the second quarter of the samples, and of the last: what is loaded at first use does not count.
        """
        found = self.samples[pid]
        quarter = max(1, len(found) // 4)
        return statistics.median(found[quarter : 2 * quarter] or found), statistics.median(found[-quarter:])


def tokens_of(cerberus: Cerberus, clients: int) -> list[str]:
    """
    A token for each client, of people in several projects.
    """
    made = []
    for number in range(PROJECTS):
        cerberus.projects.create(SYSTEM, f"team-{number}")
    for number in range(clients):
        name, project = f"scientist-{number}", f"team-{number % PROJECTS}"
        cerberus.people.create_user(SYSTEM, name)
        cerberus.projects.add_member(SYSTEM, project, subject=name, role="contributor")
        made.append(cerberus.tokens.create(SYSTEM, "soak", owner=name, project=project).secret)
    return made


def report(seen: Seen, memory: Memory, *, seconds: float) -> bool:
    """
    Prints what was seen; whether all of it is as it should be.
    """
    times = sorted(seen.seconds)
    at = [times[int(len(times) * share)] * 1000 for share in (0.5, 0.95, 0.99)]
    print(f"{len(times):,} requests, {len(times) / seconds:.0f} a second; answers: {dict(seen.statuses)}")
    print(
        f"half within {at[0]:.0f} ms, 95% within {at[1]:.0f} ms, 99% within {at[2]:.0f} ms; {times[-1]:.1f} s at most"
    )
    flat = True
    for pid, samples in memory.samples.items():
        early, late = memory.growth(pid)
        flat = flat and late < early * GROWTH
        print(f"worker {pid}: {samples[0]:.0f} MiB at first, {early:.0f} after a quarter, {late:.0f} at the end")
    print("\n".join(seen.wrong))
    return flat and not seen.wrong


def soak(url: str, server: psutil.Process, tokens: Sequence[str], minutes: float) -> bool:
    """
    Lets all clients work, and watches.
    """
    seen, memory = Seen(), Memory(server)
    begun = time.monotonic()
    until = begun + minutes * 60
    clients = [Client(url, token, number, seen) for number, token in enumerate(tokens)]
    threads = [threading.Thread(target=client.work, args=(until,), daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    while time.monotonic() < until:
        memory.sample()
        time.sleep(SAMPLES_EVERY)
    for thread in threads:
        thread.join(120)
    return report(seen, memory, seconds=time.monotonic() - begun)


def main() -> None:
    """
    Starts a server, soaks it, and says whether it held.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as place,
        database(f"mlstudio_soak_{os.getpid()}") as backend,
        cerberus_database(Path(place)) as (own, about),
    ):
        print(f"{options.clients} clients, {options.minutes} minutes, {options.workers} workers; {about}", flush=True)
        cerberus = Cerberus(own)
        cerberus.migrate()
        tokens = tokens_of(cerberus, options.clients)
        cerberus.close()
        settings = plugin_settings(own, Path(place))
        arguments = ["--app-name", "cerberus"]
        with running("soak", Path(place), backend, arguments, settings, workers=options.workers) as (url, server):
            held = soak(url, server, tokens, options.minutes)
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
