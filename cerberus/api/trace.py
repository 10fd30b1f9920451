"""What every request gets: an id, security headers, and one line in the log that holds no secret."""

import logging
import random
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, Request, request
from werkzeug.exceptions import NotFound
from werkzeug.wsgi import get_path_info

from cerberus.credential_forms import PERHAPS
from cerberus.service import Origin

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TRACE: Final = "cerberus.trace"
"""Where the environment of a request keeps its trace."""

REQUEST_ID_HEADER: Final = "X-Request-ID"
SANE_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
LONGEST_CLIENT: Final = 200

SECURITY_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

log = logging.getLogger("cerberus.api.requests")

Headers = list[tuple[str, str]]


@dataclass(slots=True)
class Trace:
    """One request on its way: since when, its id, what sent it from where; later whose it is and which endpoint's."""

    started: float
    request_id: str
    address: str | None
    client: str
    who: str | None = None
    endpoint: str | None = None

    @classmethod
    def begun(cls, environ: "WSGIEnvironment") -> "Trace":
        """
        The trace of a request that begins now. Its id is the client's own where it sent a sane one.
        """
        sent = environ.get("HTTP_X_REQUEST_ID", "")
        sane = sent if SANE_REQUEST_ID.fullmatch(sent) else f"{random.getrandbits(128):032x}"
        client = printable(environ.get("HTTP_USER_AGENT", ""))
        return cls(time.perf_counter(), sane, environ.get("REMOTE_ADDR"), client)

    @property
    def origin(self) -> Origin:
        """
        Where the request comes from, for the audit.
        """
        return Origin(address=self.address or "", client=self.client, request_id=self.request_id)

    @property
    def seconds(self) -> float:
        """
        How long it has taken until now.
        """
        return time.perf_counter() - self.started


def printable(sent: str) -> str:
    """
    What the client says it is, cut to what the audit keeps.
    """
    if not sent.isprintable():
        sent = "".join(letter for letter in sent if letter.isprintable())
    return sent[:LONGEST_CLIENT]


def trace_of(request: Request) -> Trace:
    """
    The trace of this request.
    """
    found: Trace | None = request.environ.get(TRACE)
    if found is None:  # an app without `Traced`
        found = request.environ[TRACE] = Trace.begun(request.environ)
    return found


def request_id() -> str:
    """
    The id of the present request.
    """
    return trace_of(request).request_id


def log_line(trace: Trace, environ: "WSGIEnvironment", status: int) -> str:
    """
    One request as a line of JSON: neither bodies, query strings nor headers, and no token that got into the path.
    """
    path = PERHAPS.sub("…", get_path_info(environ))[:LONGEST_CLIENT]
    return (
        f'{{"time": "{time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}", "request_id": "{trace.request_id}", '
        f'"method": {quoted(environ["REQUEST_METHOD"])}, "path": {quoted(path)}, "status": {status}, '
        f'"ms": {trace.seconds * 1000:.1f}, "who": {quoted(trace.who)}, "address": {quoted(trace.address)}, '
        f'"client": {quoted(PERHAPS.sub("…", trace.client))}}}'
    )


def quoted(text: str | None) -> str:
    """
    The text, or that there is none, as JSON in ASCII.
    """
    return "null" if text is None else encode_basestring_ascii(text)


def another_spelling(address: str) -> bool:
    """
    Whether a path is spelled so that a proxy and this server could take it for two different ones.
    """
    path = address.partition("?")[0]
    return path.startswith("//") or ("%" in path and "%2f" in path.lower())


Observe = Callable[[Trace, str, int], None]
"""Is told of each request: what was asked, by which method, and the status that was answered."""


class Traced:
    """
    An app whose every answer has the request's id and the given headers, but for those that it has itself, and leaves
    a line for `write`.
    """

    def __init__(
        self, app: "WSGIApplication", headers: Mapping[str, str], *, observe: Observe, write: Callable[[str], None]
    ) -> None:
        self._app, self._observe, self._write = app, observe, write
        self._headers = list(headers.items())
        self._names = frozenset(name.lower() for name in headers)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        trace = environ[TRACE] = Trace.begun(environ)

        def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
            code = int(status[:3])
            self._observe(trace, environ["REQUEST_METHOD"], code)
            self._write(log_line(trace, environ, code))
            return start_response(status, [*headers, *self._added(trace, headers)], exc_info)

        return self._app(environ, start)

    def _added(self, trace: Trace, headers: Headers) -> Headers:
        given = {name.lower() for name, _ in headers}
        own = [(REQUEST_ID_HEADER, trace.request_id)]
        if given.isdisjoint(self._names):
            return own + self._headers
        return own + [(name, value) for name, value in self._headers if name.lower() not in given]


def install(app: Flask, *, https: bool, observe: Observe) -> None:
    """
    Adds ids, headers and the log to the app; over https also the promise to stay there.
    """

    def arrived() -> None:
        asked: Request = request._get_current_object()  # type: ignore[attr-defined] # each look at the proxy costs
        environ = asked.environ
        environ[TRACE].endpoint = asked.endpoint
        if another_spelling(environ.get("RAW_URI", "")):
            raise NotFound

    app.before_request(arrived)
    headers = SECURITY_HEADERS | ({"Strict-Transport-Security": "max-age=31536000"} if https else {})
    app.wsgi_app = Traced(app.wsgi_app, headers, observe=observe, write=writer())  # type: ignore[method-assign]


def writer() -> Callable[[str], None]:
    """
    Writes the lines of requests: to the log where whoever runs this process has set one up, otherwise to standard
    error, where the rest of the log goes then, too.
    """
    if log.hasHandlers():
        return log.info
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    package = logging.getLogger("cerberus")
    package.addHandler(handler)
    package.setLevel(logging.INFO)
    return to_stderr


def to_stderr(line: str) -> None:
    """
    Writes a line at once. A log that cannot be written to stops no request.
    """
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{line}\n")
