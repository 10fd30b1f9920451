"""What every request gets: an id, security headers, and one line in the log that holds no secret."""

import json
import logging
import random
import re
import sys
import time
from typing import Final

from flask import Flask, Response, g, request
from werkzeug.exceptions import NotFound

REQUEST_ID_HEADER: Final = "X-Request-ID"
SANE_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
TOKEN: Final = re.compile(r"mls_[A-Za-z0-9_-]+|ey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
"""What a credential looks like: a token of ours, or a JWT."""

LONGEST_CLIENT: Final = 200

SECURITY_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

log = logging.getLogger("cerberus.api.requests")


def request_id() -> str:
    """
    The id of this request: the client's own where it sent a sane one.
    """
    if "request_id" not in g:
        sent = request.headers.get(REQUEST_ID_HEADER, "")
        g.request_id = sent if sent and SANE_REQUEST_ID.fullmatch(sent) else f"{random.getrandbits(128):032x}"
    return str(g.request_id)


def client() -> str:
    """
    What the client says it is, cut to what the audit keeps.
    """
    sent = request.headers.get("User-Agent", "")
    if not sent.isprintable():
        sent = "".join(letter for letter in sent if letter.isprintable())
    return sent[:LONGEST_CLIENT]


def signed_in_as(name: str) -> None:
    """
    Puts the name of the caller into this request's log line.
    """
    g.who = name


def log_line(response: Response) -> str:
    """
    One request as a line of JSON: neither bodies, query strings nor headers, and no token that got into the path.
    """
    return json.dumps(
        {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "request_id": request_id(),
            "method": request.method,
            "path": TOKEN.sub("…", request.path)[:LONGEST_CLIENT],
            "status": response.status_code,
            "ms": round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 1),
            "who": g.get("who"),
            "address": request.remote_addr,
            "client": TOKEN.sub("…", client()),
        }
    )


def another_spelling(address: str) -> bool:
    """
    Whether a path is spelled so that a proxy and this server could take it for two different ones.
    """
    path = address.partition("?")[0]
    return path.startswith("//") or ("%" in path and "%2f" in path.lower())


def install(app: Flask, *, https: bool) -> None:
    """
    Adds ids, headers and the log to the app; over https also the promise to stay there.
    """
    headers = SECURITY_HEADERS | ({"Strict-Transport-Security": "max-age=31536000"} if https else {})

    def start() -> None:
        g.started = time.perf_counter()
        if another_spelling(request.environ.get("RAW_URI", "")):
            raise NotFound

    def finish(response: Response) -> Response:
        response.headers[REQUEST_ID_HEADER] = request_id()
        given = {name.lower() for name, _ in response.headers}
        response.headers.extend((name, value) for name, value in headers.items() if name.lower() not in given)
        log.info("%s", log_line(response))
        return response

    app.before_request(start)
    app.after_request(finish)


def log_to_stderr() -> None:
    """
    Sends the request lines to standard error, unless whoever runs this process has set up logging already.
    """
    if log.hasHandlers():
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    package = logging.getLogger("cerberus")
    package.addHandler(handler)
    package.setLevel(logging.INFO)
