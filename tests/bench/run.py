"""`make bench`: permission checks a second, and what access control costs MLflow's server. Prints ratios.

Both servers run here, one worker each, on SQLite, and are asked in turns, so that the machine's moods hit both.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import requests
from running import Launched, data_directory, environment_for, free_ports, start

from cerberus.policy import Kind, Resource, Verb
from cerberus.service import Cerberus

ROUNDS = 300
SECONDS_OF_CHECKS = 2.0
TRACKING = "api/2.0/mlflow"


def main() -> None:
    with tempfile.TemporaryDirectory() as directory, _ml_studio(Path(directory)) as studio:
        token = _token(studio)
        _checks(studio.data, token)
        with _plain(Path(directory), studio.data) as plain:
            _compare(_Target(studio.mlflow, token), _Target(plain, ""))


def _checks(data: Path, token: str) -> None:
    """
    What one process answers: a decision from memory, and a whole look-up of a token with the policy version read.
    """
    cerberus = Cerberus(f"sqlite:///{data / 'cerberus.db'}")
    access = cerberus.decisions.access_of_token(token)
    resource = Resource("bench", Kind.EXPERIMENT, "1")
    print(f"check in memory           {_per_second(lambda: access.check(Verb.READ, resource)):>9,.0f} a second")
    print(f"token + version + check   {_per_second(lambda: _whole(cerberus, token, resource)):>9,.0f} a second")
    cerberus.close()


def _whole(cerberus: Cerberus, token: str, resource: Resource) -> None:
    cerberus.decisions.access_of_token(token).require(Verb.READ, resource)


def _per_second(work: Callable[[], object]) -> float:
    end, done = time.perf_counter() + SECONDS_OF_CHECKS, 0
    while time.perf_counter() < end:
        work()
        done += 1
    return done / SECONDS_OF_CHECKS


class _Target:
    """One MLflow server with a run to ask about."""

    def __init__(self, address: str, token: str) -> None:
        self.address, self.http = address, requests.Session()
        if token:
            self.http.headers["Authorization"] = f"Bearer {token}"
        experiment = self._post("experiments/create", name="bench")["experiment_id"]
        self.run = self._post("runs/create", experiment_id=experiment)["run"]["info"]["run_id"]

    def get_run(self, _: int) -> None:
        """Reads the run."""
        self.http.get(f"{self.address}/{TRACKING}/runs/get", params={"run_id": self.run}).raise_for_status()

    def log_metric(self, step: int) -> None:
        """Writes one value."""
        self._post("runs/log-metric", run_id=self.run, key="loss", value=0.5, timestamp=step, step=step)

    def _post(self, path: str, **body: object) -> dict:
        answer = self.http.post(f"{self.address}/{TRACKING}/{path}", json=body)
        answer.raise_for_status()
        return dict(answer.json())


def _compare(ours: _Target, plain: _Target) -> None:
    for name in ("get_run", "log_metric"):
        times: dict[str, list[float]] = {"ours": [], "plain": []}
        for step in range(ROUNDS):
            for label, target in (("ours", ours), ("plain", plain)):
                begun = time.perf_counter()
                getattr(target, name)(step)
                times[label].append(time.perf_counter() - begun)
        guarded, bare = (1000 * statistics.median(times[label]) for label in ("ours", "plain"))
        print(f"{name:<12} {guarded:6.1f} ms guarded, {bare:6.1f} ms plain: ratio {guarded / bare:.2f}")


@contextmanager
def _ml_studio(directory: Path) -> Iterator[Launched]:
    launched = start(data_directory(directory / "data"), directory / "output")
    try:
        launched.wait_until_ready()
        yield launched
    finally:
        launched.process.terminate()
        launched.process.wait(60)


@contextmanager
def _plain(directory: Path, data: Path) -> Iterator[str]:
    """
    The stock server on an empty database of its own.
    """
    port = free_ports()[0]
    database = f"sqlite:///{directory / 'plain.db'}"
    environment = {**environment_for(data, free_ports()), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    mlflow = str(Path(sys.executable).parent / "mlflow")
    subprocess.run([mlflow, "db", "upgrade", database], env=environment, capture_output=True, check=True)
    command = [mlflow, "server", "--backend-store-uri", database, "--port", str(port), "--workers", "1"]
    command += ["--artifacts-destination", str(directory / "plain-artifacts")]
    with open(os.devnull, "w") as nothing:
        server = subprocess.Popen(command, env=environment, stdout=nothing, stderr=nothing, start_new_session=True)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def _wait_for(url: str) -> None:
    for _ in range(400):
        try:
            if requests.get(url, timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.3)
    raise SystemExit(f"{url} does not answer")


def _token(studio: Launched) -> str:
    session = studio.sign_in()
    studio.ask("POST", "projects", session, slug="bench")
    return str(studio.ask("POST", "tokens", session, name="bench", project="bench")["secret"])


if __name__ == "__main__":
    main()
