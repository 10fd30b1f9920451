"""What the worker makes on every server over HTTP before it is measured, and who may see what."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from tracking_data import EXPERIMENTS, FEW, RUNS, START, VISIBLE, Content, run_sql
from tracking_rows import API, ARTIFACTS, MEGABYTE, Filled, points
from tracking_servers import Given, TrackingServer

from cerberus.policy import Kind

SCRATCH_RUNS = 30


def fill(servers: Sequence[TrackingServer], content: Content) -> list[Filled]:
    """
    Two experiments, runs, a model; then permissions for the others. The servers share one database.
    """
    server = servers[0]
    http = requests.Session()
    http.headers.update(server.headers["worker"])

    def call(method: str, path: str, **body: Any) -> dict[str, Any]:
        answer = http.request(method, f"{server.url}{API}/{path}", json=body, timeout=120)
        if not answer.ok:
            raise SystemExit(f"{server.name} {path}: {answer.status_code} {answer.text[:500]}")
        return dict(answer.json())

    work, scratch = (str(call("POST", "experiments/create", name=name)["experiment_id"]) for name in ("work", "play"))
    made = [call("POST", "runs/create", experiment_id=work, start_time=START + 1 + 2 * each) for each in range(RUNS)]
    ids = [str(each["run"]["info"]["run_id"]) for each in made]
    params = [{"key": f"p{each}", "value": str(each)} for each in range(10)]
    for run in ids:
        call("POST", "runs/log-batch", run_id=run, params=params, metrics=points(10, 1))
    curve = [{"key": "curve", "value": step / 7, "timestamp": START + step, "step": step} for step in range(1000)]
    call("POST", "runs/log-batch", run_id=ids[0], metrics=curve)
    spare = [call("POST", "runs/create", experiment_id=scratch, start_time=START) for _ in range(SCRATCH_RUNS)]
    place = made[0]["run"]["info"]["artifact_uri"]
    artifact = urlsplit(place).path.lstrip("/") + "/model.bin"
    http.put(f"{server.url}{ARTIFACTS}/{artifact}", data=MEGABYTE, timeout=60).raise_for_status()
    call("POST", "registered-models/create", name="scorer")
    call("POST", "model-versions/create", name="scorer", source=f"{place}/model", run_id=ids[0])
    call("POST", "registered-models/alias", name="scorer", alias="champion", version="1")
    server.give(list(permissions(content, work)))
    run_sql(server.database, "ANALYZE")
    spares = [str(each["run"]["info"]["run_id"]) for each in spare]
    return [Filled(each, work, content.secret, scratch, ids[0], spares, "scorer", artifact) for each in servers]


def permissions(content: Content, work: str) -> Iterator[Given]:
    """
    Who may see what that the worker did not make.
    """
    for each in content.experiments[:: EXPERIMENTS // VISIBLE]:
        yield Given("reader", Kind.EXPERIMENT, each)
    for each in content.models[:: len(content.models) // VISIBLE + 1]:
        yield Given("reader", Kind.REGISTERED_MODEL, each)
    for each in content.experiments[:: EXPERIMENTS // FEW]:
        yield Given("newcomer", Kind.EXPERIMENT, each)
    yield Given("colleague", Kind.EXPERIMENT, work)
    yield Given("colleague", Kind.EXPERIMENT, content.secret, denied=True)


def problems(on: Filled) -> Iterator[str]:
    """
    A sentence for everything that a server with access control lets through, so that none is measured doing nothing.
    """

    def status(person: str, path: str, **body: Any) -> int:
        method = "POST" if body else "GET"
        url, headers = f"{on.server.url}{API}/{path}", dict(on.server.headers[person])
        return requests.request(method, url, json=body or None, headers=headers, timeout=120).status_code

    for person in ("reader", "newcomer", "colleague"):
        if status(person, f"experiments/get?experiment_id={on.secret}") not in (403, 404):
            yield f"{on.name}: {person} reads what is not theirs"
    if status("worker", "experiments/delete", experiment_id=on.secret) not in (403, 404):
        yield f"{on.name}: worker may do everything"
