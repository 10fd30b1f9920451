"""What Prometheus can read at `/metrics`: how much, how fast, how often refused. No names of people in it."""

import hmac
import ipaddress
import os
from collections.abc import Iterator
from functools import cache
from typing import Final

from flask import Flask, Request, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from cerberus.api.auth import token_of
from cerberus.api.trace import Trace
from cerberus.errors import CerberusError, Forbidden, NotSignedIn, Throttled, Unavailable
from cerberus.service import Cerberus
from cerberus.service.access import Refused

ADDRESS: Final = "/metrics"
DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"
UNKNOWN: Final = "none"
"""The endpoint of requests to an address that there is not: their paths would be labels without end."""

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
PROXIED: Final = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")
"""A proxy on this machine is no reason to show the metrics to everybody who comes through it."""

OWN: Final = CollectorRegistry()
REQUESTS: Final = Counter(
    "cerberus_http_requests", "Requests, by what was asked", ("endpoint", "method", "status"), registry=OWN
)
DURATION: Final = Histogram(
    "cerberus_http_request_seconds", "How long they took", ("endpoint", "method"), buckets=SECONDS, registry=OWN
)
DECISIONS: Final = Counter("cerberus_decisions", "Answers to 'may I?', and refusals", ("outcome",), registry=OWN)
SIGN_IN_FAILURES: Final = Counter("cerberus_sign_in_failures", "Sign-ins that failed", ("reason",), registry=OWN)
AUDIT_DROPS: Final = Counter("cerberus_audit_drops", "Audit lines of denials and looks that were lost", registry=OWN)

ALLOWED, DENIED = DECISIONS.labels("allowed"), DECISIONS.labels("denied")


class State(Collector):
    """What is asked at the moment of reading: the same in every process."""

    def __init__(self, cerberus: Cerberus) -> None:
        self.cerberus = cerberus

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """
        Whether the database answers, and the policy version that it has.
        """
        try:
            version = self.cerberus.version()
        except Unavailable:
            yield GaugeMetricFamily("cerberus_database_up", "Whether the database answers", value=0)
            return
        yield GaugeMetricFamily("cerberus_database_up", "Whether the database answers", value=1)
        yield GaugeMetricFamily("cerberus_policy_version", "Steps that the policy has made", value=version)


def count(allowed: bool) -> None:
    """
    One more answer to "may I?".
    """
    (ALLOWED if allowed else DENIED).inc()


def failed(error: CerberusError, endpoint: str | None) -> None:
    """
    Counts what a refusal says about decisions and about signing in.
    """
    if isinstance(error, Refused):
        DENIED.inc()
    if (endpoint or "").startswith("sign-") and isinstance(error, NotSignedIn | Throttled):
        SIGN_IN_FAILURES.labels(error.code).inc()


@cache
def of_endpoint(endpoint: str, method: str, status: str) -> tuple[Counter, Histogram]:
    """
    Where requests of a kind are counted: looking up labels takes longer than counting.
    """
    return REQUESTS.labels(endpoint, method, status), DURATION.labels(endpoint, method)


def observe(trace: Trace, method: str, status: int) -> None:
    """
    Counts a request that is answered.
    """
    endpoint = trace.endpoint or UNKNOWN
    counted, timed = of_endpoint(endpoint, method if method in METHODS else "other", f"{status // 100}xx")
    counted.inc()
    if endpoint != UNKNOWN:
        timed.observe(trace.seconds)


def require_reader(request: Request, token: str) -> None:
    """
    Lets in who shows the token; where none is set, who comes from this machine and through no proxy.
    """
    if token:
        if not hmac.compare_digest(token_of(request).encode(), token.encode()):
            raise NotSignedIn("This is not the token for metrics.", hint="It is set as CERBERUS_METRICS_TOKEN.")
        return
    if any(name in request.headers for name in PROXIED) or not is_local(request.remote_addr):
        raise Forbidden("Metrics are shown on this machine only.", hint="CERBERUS_METRICS_TOKEN opens them to others.")


def is_local(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False


def written(cerberus: Cerberus) -> bytes:
    """
    Everything, in the text format: of all workers where they share a directory.
    """
    registry = CollectorRegistry()
    if os.environ.get(DIRECTORY):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(OWN)
    registry.register(State(cerberus))
    return generate_latest(registry)


def install(app: Flask, cerberus: Cerberus, *, token: str) -> None:
    """
    Shows the counts at `/metrics`.
    """

    def metrics() -> Response:
        require_reader(request, token)
        return Response(written(cerberus), content_type=CONTENT_TYPE_LATEST)

    cerberus.count_drops(AUDIT_DROPS.inc)
    app.add_url_rule(ADDRESS, "metrics", metrics, methods=["GET"])
