"""Studio's server without a browser: what is public, what needs a session, what every answer carries."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from cerberus.service import Origin
from studio import log, nav, session, settings
from studio.gate import MOST_BODY_BYTES, Gate
from studio.handover import Ticket, handover
from studio.routes import ROUTES


class Browser(requests.Session):
    """A client that keeps cookies, of one server."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self.here, self.json = here, {"content-type": "application/json", "origin": here}

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """The address is a path."""
        return super().request(method, self.here + url, *args, timeout=30, **kwargs)

    def holding(self, session_cookie: str) -> Browser:
        """Another browser, into which this cookie was copied."""
        other = Browser(self.here)
        other.cookies.set("mlstudio_session", session_cookie)
        return other


async def anything(request: Request) -> Response:
    """In place of Streamlit: a page, or an echo of the body."""
    return HTMLResponse("<p>page</p>") if request.method == "GET" else PlainTextResponse(await request.body())


async def socket(websocket: WebSocket) -> None:
    """In place of Streamlit's websocket."""
    await websocket.accept()
    await websocket.close()


@pytest.fixture
def configured(
    cast: Any, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.MonkeyPatch]:
    """Studio's settings on the database of this test."""
    monkeypatch.setenv("CERBERUS_DATABASE_URL", database_url)
    monkeypatch.setenv("MLSTUDIO_DATA", str(tmp_path))
    monkeypatch.setenv("STUDIO_PUBLIC_URL", "http://localhost:3000")
    settings.settings.cache_clear()
    session.cerberus.cache_clear()
    yield monkeypatch
    session.cerberus().close()
    settings.settings.cache_clear()
    session.cerberus.cache_clear()


@pytest.fixture
def browser(configured: pytest.MonkeyPatch, free_port: int) -> Iterator[Browser]:
    """A browser before a server that has the gate and, behind it, Studio's routes."""
    del configured
    websocket = WebSocketRoute("/_stcore/{rest:path}", socket)
    rest = Route("/{rest:path}", anything, methods=["GET", "POST"])
    routes = [*ROUTES, websocket, rest]
    app = Starlette(routes=routes, middleware=[Middleware(Gate)])
    server = uvicorn.Server(uvicorn.Config(app, port=free_port, log_level="error", ws="websockets-sansio"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Browser(f"http://127.0.0.1:{free_port}")
    server.should_exit = True
    thread.join()


def signed_in(browser: Browser, cerberus: Any, cast: Any, who: str = "bob") -> str:
    """Sign that person in, the way of the form; the secret of the session."""
    browser.get("/")
    new = cerberus.sessions.sign_in(who, cast.password, Origin())
    ticket = Ticket(new.cookie, str(new.session.id), datetime.now(UTC) + timedelta(hours=1))
    code = handover.put(ticket, browser=browser.cookies["mlstudio_browser"])
    assert browser.post("/session", json={"code": code}, headers=browser.json).status_code == 204
    secret: str = new.cookie
    return secret


@pytest.mark.parametrize("path", ["/", "/livez", "/static/js/index.js", "/_stcore/health",
                                  *(f"/{page.url_path}" for page in nav.PAGES)])
def test_anybody_gets_what_draws_the_sign_in_form(browser: Browser, path: str) -> None:
    assert browser.get(path).status_code == 200


PRIVATE = [
    "/media/0123.png", "/media/../media/0123.png", "//media/0123.png", "/component/x/index.html", "/app/static/x",
    "/_stcore/upload_file/1/2", "/_stcore/agent/interact", "/_stcore/agent/openapi.json", "/_stcore/metrics",
    "/_stcore/bidi-components/x", "/_stcore/script-health-check", "/oauth2callback", "/auth/login", "/anything-else",
    "/static", "/Media/0123.png", "/members/media/0123.png",
]


@pytest.mark.parametrize("path", PRIVATE)
@pytest.mark.parametrize("cookie", [None, "", "guessed", "x" * 5000, "\xe9"])
def test_without_a_session_everything_else_is_refused(browser: Browser, path: str, cookie: str | None) -> None:
    headers = {} if cookie is None else {"cookie": f"mlstudio_session={cookie}".encode()}
    answer = browser.get(path, headers=headers)
    assert answer.status_code == 403
    assert "page" not in answer.text


@pytest.mark.parametrize("path", ["/media/0123.png", "/anything-else"])
def test_with_a_session_it_is_served_until_the_session_ends(
    browser: Browser, cerberus: Any, cast: Any, path: str
) -> None:
    signed_in(browser, cerberus, cast)
    assert browser.get(path).status_code == 200
    cerberus.people.disable(cast.admin, "bob")
    assert browser.get(path).status_code == 403


def test_a_websocket_elsewhere_than_streamlits_is_refused(browser: Browser) -> None:
    there = browser.here.replace("http", "ws")
    with connect(f"{there}/_stcore/stream"):
        pass
    with pytest.raises(InvalidStatus), connect(f"{there}/_stcore/other"):
        pass


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(
    browser: Browser, cerberus: Any, cast: Any
) -> None:
    browser.get("/")
    new = cerberus.sessions.sign_in("bob", cast.password, Origin())
    code = handover.put(Ticket(new.cookie, "1", new.session.expires_at), browser=browser.cookies["mlstudio_browser"])
    cookie = browser.post("/session", json={"code": code}, headers=browser.json).headers["set-cookie"]
    assert cookie.startswith(f"mlstudio_session={new.cookie}; ")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


def test_over_tls_the_cookies_are_secure_and_bound_to_the_host(
    configured: pytest.MonkeyPatch, browser: Browser
) -> None:
    configured.setenv("STUDIO_PUBLIC_URL", "https://studio.example.org")
    settings.settings.cache_clear()
    answer = browser.get("/")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-mlstudio_browser=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert session.session_cookie_name().startswith("__Host-")
    assert "max-age" in answer.headers["strict-transport-security"]


@pytest.mark.parametrize("headers", [
    {"content-type": "application/json"},
    {"content-type": "application/json", "origin": "http://evil.example"},
    {"content-type": "application/json", "origin": "null"},
    {"content-type": "application/json", "origin": "{here}", "sec-fetch-site": "cross-site"},
    {"content-type": "application/json", "origin": "{here}", "sec-fetch-site": "same-site"},
    {"content-type": "application/x-www-form-urlencoded", "origin": "{here}"},
    {"content-type": "text/plain", "origin": "{here}"},
    {"origin": "{here}"},
])
@pytest.mark.parametrize("path", ["/session", "/session/end"])
def test_another_site_can_neither_sign_a_browser_in_nor_out(
    browser: Browser, cerberus: Any, cast: Any, path: str, headers: dict[str, str]
) -> None:
    signed_in(browser, cerberus, cast)
    code = handover.put(Ticket("attackers", "1", datetime.now(UTC)), browser=browser.cookies["mlstudio_browser"])
    headers = {name: value.replace("{here}", browser.here) for name, value in headers.items()}
    answer = browser.post(path, data=f'{{"code": "{code}"}}', headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert browser.get("/media/x").status_code == 200


@pytest.mark.parametrize("body", [
    "", "{}", "[]", "null", '{"code": 7}', '{"code": ""}', '{"code": "guessed"}', "[" * 9999,
    '{"code": "\\ud800"}', "\x00",
])
def test_a_body_without_a_good_code_signs_nobody_in(browser: Browser, body: str) -> None:
    browser.get("/")
    answer = browser.post("/session", data=body, headers=browser.json)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_signing_in_again_ends_the_session_before(browser: Browser, cerberus: Any, cast: Any) -> None:
    first = signed_in(browser, cerberus, cast)
    signed_in(browser, cerberus, cast, "dana")
    assert cerberus.sessions.list(cast.bob) == []
    assert browser.holding(first).get("/media/x").status_code == 403


def test_signing_out_ends_the_session_and_takes_the_cookie(browser: Browser, cerberus: Any, cast: Any) -> None:
    copied = signed_in(browser, cerberus, cast)
    assert browser.post("/session/end", data="{}", headers=browser.json).status_code == 204
    assert "mlstudio_session" not in browser.cookies
    assert browser.holding(copied).get("/media/x").status_code == 403


def test_every_answer_is_dressed_safely(browser: Browser, cerberus: Any, cast: Any) -> None:
    signed_in(browser, cerberus, cast)
    for path in ("/", "/media/x.svg", "/livez"):
        headers = browser.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert "frame-ancestors 'self'" in headers["content-security-policy"] or path.startswith("/media")
    assert browser.get("/media/x.svg").headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert browser.get("/media/x.svg").headers["cache-control"] == "private, no-store"
    assert "http:" not in browser.get("/").headers["content-security-policy"]


NUMBERS = [("abcd-1234_EF", True), ("short:1.2", True), ("", False), ("a b\x7f" * 4, False), ("x" * 65, False)]


@pytest.mark.parametrize(("given", "kept"), NUMBERS)
def test_a_request_has_a_number_which_a_proxy_may_give(browser: Browser, given: str, kept: bool) -> None:
    number = browser.get("/livez", headers={"x-request-id": given}).headers["x-request-id"]
    assert (number == given) is kept
    assert number


@pytest.mark.parametrize("length", [str(MOST_BODY_BYTES + 1), "-1", "many", "1e9", "\xb2"])
def test_a_body_that_is_announced_too_long_is_not_read(browser: Browser, length: str) -> None:
    answer = browser.post("/session", data=b"", headers={**browser.json, "content-length": length.encode()})
    assert answer.status_code in {400, 413}


def test_a_body_that_grows_too_long_is_cut_off(browser: Browser) -> None:
    pieces = (b"x" * 100_000 for _ in range(11))
    assert browser.post("/session", data=pieces, headers=browser.json).status_code == 413


def test_the_process_is_ready_while_the_database_answers(browser: Browser, database_url: str) -> None:
    assert browser.get("/readyz").status_code == 200
    session.cerberus().close()
    path = Path(database_url.removeprefix("sqlite:///"))
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    session.cerberus.cache_clear()
    assert browser.get("/livez").status_code == 200
    assert browser.get("/readyz").status_code == 503
    answer = browser.get("/media/x", headers={"cookie": "mlstudio_session=whatever"})
    assert answer.status_code in {403, 503}


def test_the_log_has_one_line_a_request_and_no_secret(
    browser: Browser, cerberus: Any, cast: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log._LOGGER, "propagate", True)
    with caplog.at_level("INFO", logger="studio"):
        secret = signed_in(browser, cerberus, cast)
        browser.get("/media/%0Aevent=forged?token=mls_secret", headers={"x-request-id": "number-of-a-proxy"})
        until = time.monotonic() + 10  # the line is written when the answer is out
        while not any("number-of-a-proxy" in each.getMessage() for each in caplog.records) and time.monotonic() < until:
            time.sleep(0.01)
    lines = [record.getMessage() for record in caplog.records]
    assert not [line for line in lines if secret in line or "mls_secret" in line or "\n" in line]
    assert any(line.startswith("event=signed_in id=") for line in lines)
    assert next(line for line in lines if "id=number-of-a-proxy" in line).count("event=") == 2
    assert not [line for line in lines if line.startswith("event=forged")]


def test_a_failure_is_logged_with_its_place_and_not_with_its_text(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log._LOGGER, "propagate", True)
    try:
        raise ValueError("password=hunter2")
    except ValueError as error:
        log.problem("page_failed", error, id="7")
    line = caplog.records[-1].getMessage()
    assert line.startswith("event=page_failed error=ValueError where=")
    assert "hunter2" not in line
