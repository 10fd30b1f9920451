"""Single sign-on's two routes: to the provider, and back from it with a session."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import cache, partial
from html import escape
from typing import TypeVar

import anyio
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from cerberus.errors import CerberusError, NotFound, NotSignedIn, Unavailable
from studio import log, session
from studio.routes import end_session, hold_session, origin_of
from studio.settings import settings

START, CALLBACK = "/auth/oidc/start", "/auth/oidc/callback"
# The provider may be slow: waiting for it must not take the threads that every other request needs.
THREADS = 8
STATUS = {NotFound: 404, Unavailable: 503}
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>ML Studio: not signed in</title>
<meta name="viewport" content="width=device-width"><style>:root {{ color-scheme: light dark }}
body {{ font: 1.05rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 15vh auto; padding: 0 1rem }}
code, p {{ overflow-wrap: anywhere }}</style></head>
<body><h1>Not signed in</h1><p role="alert">{message}</p><p>{hint}</p><p><a href="/">Back to the sign-in page</a></p>
</body></html>"""
Answer = TypeVar("Answer")


async def start(request: Request) -> Response:
    """GET /auth/oidc/start?next=/page: off to the provider; this browser alone can come back with what it says."""
    name = session.browser_cookie_name()
    browser = request.cookies.get(name, "") or secrets.token_urlsafe(24)
    begin = partial(session.cerberus().sign_on.begin, browser=browser, next=request.query_params.get("next", "/"),
                    redirect_uri=_redirect_uri())
    try:
        address = await _run(begin)
    except CerberusError as error:
        return _refused(request, error)
    response = RedirectResponse(address, status_code=303, headers={"cache-control": "no-store"})
    if name not in request.cookies:
        response.set_cookie(name, browser, path="/", httponly=True, samesite="lax", secure=settings().is_https)
    return response


async def callback(request: Request) -> Response:
    """GET /auth/oidc/callback: what the provider says becomes a session, and the page that was asked for opens."""
    given = request.query_params
    browser = request.cookies.get(session.browser_cookie_name(), "")
    try:
        if len(given.multi_items()) != len(given):
            raise NotSignedIn("The provider's answer says one thing twice.", hint="Sign in again.")
        finish = partial(session.cerberus().sign_on.finish, dict(given), browser=browser,
                         redirect_uri=_redirect_uri(), origin=origin_of(request))
        entered = await _run(finish)
    except CerberusError as error:
        return _refused(request, error)
    await end_session(request)
    response = RedirectResponse(entered.next, status_code=303, headers={"cache-control": "no-store"})
    hold_session(response, entered.new.cookie, until=entered.new.session.expires_at)
    log.event("signed_in", id=request.state.request_id, session=entered.new.session.id, by="oidc")
    return response


ROUTES = (Route(START, start, methods=["GET"]), Route(CALLBACK, callback, methods=["GET"]))


async def _run(task: Callable[[], Answer]) -> Answer:
    return await to_thread.run_sync(task, limiter=_limiter())


@cache
def _limiter() -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(THREADS)


def _redirect_uri() -> str:
    return settings().public_url.rstrip("/") + CALLBACK


def _refused(request: Request, error: CerberusError) -> Response:
    log.event("sign_in_refused", id=request.state.request_id, reason=error.code, by="oidc")
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 403)
    page = PAGE.format(message=escape(error.message), hint=escape(error.hint))
    return HTMLResponse(page, status_code=status, headers={"cache-control": "no-store"})
