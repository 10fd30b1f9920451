"""What every request passes first: a number, a limit on its body, a session where one is needed, safe headers."""

from __future__ import annotations

import re
import secrets
import time
from http.cookies import SimpleCookie

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cerberus.errors import NotSignedIn, Unavailable
from studio import log, nav, session
from studio.settings import settings

MOST_BODY_BYTES = 1_000_000
# Served to anybody: Streamlit's own code, its heartbeat, the websocket behind which every page asks the guard.
PUBLIC = frozenset({
    "/", "/favicon.png", "/livez", "/readyz", "/session", "/session/end", "/auth/oidc/start", "/auth/oidc/callback",
    "/_stcore/health", "/_stcore/host-config", "/_stcore/stream",
    *(f"/{page.url_path}" for page in nav.PAGES if page.url_path),
})
REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# Plotly's WebGL charts compile their shaders' glue with `new Function`; components come as blobs.
PAGE_POLICY = "; ".join((
    "default-src 'self'", "script-src 'self' 'unsafe-eval' 'unsafe-inline' blob: data:",
    "style-src 'self' 'unsafe-inline'", "img-src 'self' data: blob:", "font-src 'self' data:",
    "connect-src 'self' ws: wss: blob: data:", "worker-src 'self' blob:", "frame-src 'self' blob: data:",
    "object-src 'none'", "base-uri 'self'", "form-action 'self'", "frame-ancestors 'self'",
))
# An artifact may be anybody's HTML or SVG: opened by itself it runs no script and reaches nothing.
MEDIA_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class Gate:
    """ASGI middleware; the outermost."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or refuse with a plain sentence."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        started, headers, path = time.monotonic(), Headers(scope=scope), str(scope["path"])
        given = headers.get("x-request-id", "")
        number = given if REQUEST_ID.fullmatch(given) else log.new_id()
        scope.setdefault("state", {})["request_id"] = number
        answer = {"status": 0}
        send = _dressed(send, scope, number=number, answer=answer)
        refusal = await refuse(HTTPConnection(scope))
        if refusal is not None and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif refusal is not None:
            await refusal(scope, receive, send)
        else:
            await self._serve(scope, receive, send)
        if path.startswith(("/media/", "/session", "/auth/")) or answer["status"] >= 400:
            took, method = round((time.monotonic() - started) * 1000), scope.get("method", "-")
            log.event("request", id=number, method=method, path=path, status=answer["status"], ms=took)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, _limited(receive), send)
        except _TooLarge:
            await _too_large()(scope, receive, send)


async def refuse(connection: HTTPConnection) -> PlainTextResponse | None:
    """The answer to a request that may not pass, or None."""
    length = connection.headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or int(length) > MOST_BODY_BYTES:
        return _too_large()
    path = str(connection.scope["path"])
    if path in PUBLIC or path.startswith("/static/"):
        return None
    cookie = connection.cookies.get(session.session_cookie_name(), "")
    try:
        if cookie:
            await to_thread.run_sync(session.cerberus().sessions.resume, cookie)
            return None
    except NotSignedIn:
        pass
    except Unavailable:
        return PlainTextResponse("Cerberus' database cannot be reached. Try again in a moment.\n", status_code=503)
    return PlainTextResponse("Sign in to see this.\n", status_code=403)


def _dressed(send: Send, scope: Scope, *, number: str, answer: dict[str, int]) -> Send:
    """`send`, with safe headers on every response and a cookie that tells browsers apart."""

    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer["status"] = int(message["status"])
            _add_headers(MutableHeaders(scope=message), scope, number)
        await send(message)

    return dressed


def _add_headers(headers: MutableHeaders, scope: Scope, number: str) -> None:
    path, is_media = str(scope["path"]), str(scope["path"]).startswith("/media/")
    for name, value in HEADERS.items():
        headers[name] = value
    headers["x-request-id"] = number
    headers["content-security-policy"] = MEDIA_POLICY if is_media else PAGE_POLICY
    if is_media:
        headers["cache-control"] = "private, no-store"
    if settings().is_https:
        headers["strict-transport-security"] = "max-age=31536000"
    is_page = path in PUBLIC and headers.get("content-type", "").startswith("text/html")
    if is_page and session.browser_cookie_name() not in HTTPConnection(scope).cookies:
        headers.append("set-cookie", browser_cookie())


def browser_cookie() -> str:
    """A new cookie that names this browser until it is closed; hand-overs are bound to it."""
    jar: SimpleCookie = SimpleCookie()
    name = session.browser_cookie_name()
    jar[name] = secrets.token_urlsafe(24)
    jar[name].update({"path": "/", "httponly": True, "samesite": "Lax"})
    if settings().is_https:
        jar[name]["secure"] = True
    return jar[name].OutputString()


class _TooLarge(Exception):
    """The body grew past the limit while it was read."""


def _too_large() -> PlainTextResponse:
    return PlainTextResponse(f"A request carries at most {MOST_BODY_BYTES:,} bytes.\n", status_code=413)


def _limited(receive: Receive) -> Receive:
    """`receive`, until an HTTP body is longer than the limit, whatever length it announced."""
    read = 0

    async def limited() -> Message:
        nonlocal read
        message = await receive()
        if message["type"] == "http.request":
            read += len(message.get("body", b""))
            if read > MOST_BODY_BYTES:
                raise _TooLarge
        return message

    return limited
