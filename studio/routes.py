"""Studio's own routes: a code becomes a cookie, a cookie ends, and two answers for whoever watches the process."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from json import JSONDecodeError
from urllib.parse import urlsplit

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from cerberus.errors import CerberusError, Unavailable
from cerberus.service import Origin
from studio import log, session
from studio.handover import handover
from studio.settings import settings


async def begin(request: Request) -> Response:
    """POST /session: exchange a hand-over's code for the session cookie."""
    if not _is_ours(request):
        return JSONResponse({"error": "forbidden", "detail": "Sign in from Studio's own page."}, status_code=403)
    ticket = handover.take(await _code(request), browser=request.cookies.get(session.browser_cookie_name(), ""))
    if ticket is None:
        return JSONResponse({"error": "not_signed_in", "detail": "This sign-in is too old or not this browser's. "
                             "Reload the page and sign in again."}, status_code=401)
    await end_session(request)
    response = Response(status_code=204)
    hold_session(response, ticket.cookie, until=ticket.expires_at)
    log.event("signed_in", id=request.state.request_id, session=ticket.session_id)
    return response


async def end(request: Request) -> Response:
    """POST /session/end: end this browser's session and take its cookie away."""
    if not _is_ours(request):
        return JSONResponse({"error": "forbidden", "detail": "Sign out on Studio's own page."}, status_code=403)
    await end_session(request)
    response = Response(status_code=204)
    response.delete_cookie(session.session_cookie_name(), path="/", httponly=True, samesite="lax",
                           secure=settings().is_https)
    return response


async def livez(request: Request) -> Response:
    """The process answers."""
    del request
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """Cerberus' database answers too."""
    del request
    try:
        await to_thread.run_sync(session.cerberus().ready)
    except Unavailable as error:
        return PlainTextResponse(f"{error.message}\n", status_code=503)
    return PlainTextResponse("ok\n")


ROUTES = (
    Route("/session", begin, methods=["POST"]),
    Route("/session/end", end, methods=["POST"]),
    Route("/livez", livez, methods=["GET"]),
    Route("/readyz", readyz, methods=["GET"]),
)


def _is_ours(request: Request) -> bool:
    """Whether a page of this very site sent it: a form elsewhere can neither send JSON nor our Origin."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return False
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    sender = urlsplit(request.headers.get("origin", "")).netloc
    return bool(sender) and sender in {request.headers.get("host"), urlsplit(settings().public_url).netloc}


async def _code(request: Request) -> str:
    try:
        body = json.loads(await request.body())
    except (JSONDecodeError, UnicodeDecodeError, RecursionError):
        return ""
    code = body.get("code") if isinstance(body, dict) else None
    return code if isinstance(code, str) else ""


def hold_session(response: Response, cookie: str, *, until: datetime) -> None:
    """Have the browser keep the session's cookie until it ends, out of reach of scripts and of other sites."""
    seconds = max(0, int((until - datetime.now(UTC)).total_seconds()))
    response.set_cookie(session.session_cookie_name(), cookie, path="/", httponly=True, samesite="lax",
                        secure=settings().is_https, max_age=seconds)


async def end_session(request: Request) -> None:
    """End the session of the request's cookie, if it has one that lives."""
    cookie = request.cookies.get(session.session_cookie_name(), "")
    if not cookie:
        return
    try:
        await to_thread.run_sync(session.cerberus().sessions.end, cookie, origin_of(request))
    except CerberusError as error:
        log.event("session_not_ended", id=request.state.request_id, error=error.code)


def origin_of(request: Request) -> Origin:
    """Where the request comes from, for the audit."""
    address = request.client.host if request.client else ""
    return Origin(address, request.headers.get("user-agent", "")[:200], request.state.request_id)
