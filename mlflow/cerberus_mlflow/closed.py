"""What of MLflow this server does not offer: refused to everybody, admins too, before anything of MLflow sees it."""

import re
from dataclasses import dataclass

from mlflow.exceptions import _UnsupportedMultipartUploadException

NOT_OFFERED = "This server does not offer that."
API = r"/(?:ajax-)?api/\d+\.\d+/mlflow"


@dataclass(frozen=True, slots=True)
class Closed:
    """
    A family of routes, by their paths; why nobody gets there; the answer, where clients look for a certain one.
    """

    paths: re.Pattern[str]
    reason: str
    answer: str = ""


CLOSED = tuple(
    Closed(re.compile(paths), *more)
    for paths, *more in (
        (r"/build/.*", "the page's files, which are at /static-files"),
        (r"/(?:ajax-)?api/2\.0mlflow/.*", "a slip in MLflow's own table of routes"),
        (rf"{API}/(?:unified-traces|get-online-trace-details)", "another vendor's"),
        (rf"{API}/demo(?:/.*)?", "anybody signed in could fill a project with examples"),
        (rf"{API}/assistant(?:/.*)?", "runs commands on the server's host for whoever is local to it"),
        (
            rf"/(?:ajax-)?api/\d+\.\d+/jobs(?:/.*)?|{API}/jobs(?:/.*)?|{API}/prompt-optimization/.*"
            rf"|{API}/(?:scorer|issues|genai/evaluate)/invoke|{API}/scorers/online-configs?",
            "jobs run on the server as nobody that Cerberus knows",
        ),
        (
            rf"/gateway(?:/.*)?|{API}/gateway(?:/.*)?|{API}/gateway-proxy|{API}/runs/create-promptlab-run",
            "calls models with the server's keys; its endpoints log into experiments past the caller's permissions",
        ),
        (rf"{API}/mcp-servers(?:/.*)?", "a registry of a kind that Cerberus does not know"),
        (rf"{API}/webhooks(?:/.*)?", "the server would call addresses that a client names"),
        (rf"{API}/ui-telemetry", "reports to somebody outside"),
        (
            r"/(?:ajax-)?api/\d+\.\d+/mlflow-artifacts/mpu/.*",
            "hands out addresses of the store, which hold after a permission is gone",
            _UnsupportedMultipartUploadException.MESSAGE,
        ),
        (
            rf"/(?:ajax-)?api/\d+\.\d+/mlflow-artifacts/presigned/.*|{API}/artifacts/presigned-(?:up|down)load-url",
            "hands out addresses of the store, which hold after a permission is gone",
        ),
    )
)


def why_closed(path: str) -> Closed | None:
    """
    The family that a path (without `--static-prefix`) belongs to; None where MLflow's checks decide.
    """
    return next((each for each in CLOSED if each.paths.fullmatch(path)), None)
