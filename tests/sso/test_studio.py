"""The whole way by HTTP: Studio's routes and a real OpenID provider, each on a port of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import oidc_provider_mock
import pytest
import requests
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from cerberus.service import SYSTEM, Cerberus
from studio import session, settings, sign_on
from studio.gate import Gate
from studio.routes import ROUTES

RULES = '[[rule]]\nclaim = "groups"\ncontains = "ml-fraud"\ngroup = "readers"\n'
COOKIE = "mlstudio_session"


@pytest.fixture(scope="module")
def real_provider() -> Iterator[str]:
    """A real one: oidc-provider-mock."""
    with oidc_provider_mock.run_server_in_thread(require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def studio(
    cast: Any, database_url: str, tmp_path: Path, free_port: int, real_provider: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Studio's gate and routes, set up by environment variables and a file with the secret, as an operator does."""
    here = f"http://127.0.0.1:{free_port}"
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "cerberus_oidc_client_secret").write_text("of the client\n")
    (tmp_path / "rules.toml").write_text(RULES)
    for name, value in {
        "CERBERUS_DATABASE_URL": database_url, "MLSTUDIO_DATA": str(tmp_path), "STUDIO_PUBLIC_URL": here,
        "MLSTUDIO_SECRETS_DIR": str(tmp_path / "secrets"), "CERBERUS_OIDC_ISSUER": real_provider,
        "CERBERUS_OIDC_CLIENT_ID": "studio", "CERBERUS_OIDC_RULES": str(tmp_path / "rules.toml"),
    }.items():
        monkeypatch.setenv(name, value)
    forget()
    server = uvicorn.Server(uvicorn.Config(app(), port=free_port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield here
    server.should_exit = True
    thread.join()
    session.cerberus().close()
    forget()


def forget() -> None:
    settings.settings.cache_clear()
    session.cerberus.cache_clear()
    sign_on._limiter.cache_clear()


def app() -> Starlette:
    async def page(request: Request) -> Response:
        return HTMLResponse(f"<p>{request.url.path}</p>")

    rest = Route("/{rest:path}", page)
    return Starlette(routes=[*ROUTES, *sign_on.ROUTES, rest], middleware=[Middleware(Gate)])


@pytest.fixture
def linked(cerberus: Cerberus, real_provider: str, studio: str) -> Cerberus:
    cerberus.sign_on.link(SYSTEM, "charlie", issuer=real_provider, external_id="c-1")
    return cerberus


def claims(provider: str, subject: str, **values: Any) -> None:
    """What the provider says of somebody from now on."""
    assert requests.put(f"{provider}/users/{subject}", json=values, timeout=10).status_code == 204


def to_provider(studio: str, browser: requests.Session, next: str = "/") -> str:
    """The provider's page that Studio sends the browser to."""
    answer = browser.get(f"{studio}/auth/oidc/start", params={"next": next}, allow_redirects=False, timeout=10)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def consent(address: str, browser: requests.Session, subject: str = "c-1") -> str:
    """Signs in there; the address of Studio that the provider sends the browser to."""
    answer = browser.post(address, data={"sub": subject}, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def sign_in(studio: str, browser: requests.Session, next: str = "/") -> requests.Response:
    """The whole way; the answer that gives the session."""
    back = consent(to_provider(studio, browser, next), browser)
    return browser.get(back, allow_redirects=False, timeout=10)


def test_the_whole_way(linked: Cerberus, studio: str) -> None:
    browser = requests.Session()
    answer = sign_in(studio, browser, "/members?project=fraud")
    assert (answer.status_code, answer.headers["location"]) == (303, "/members?project=fraud")
    cookie = next(part for part in answer.headers["set-cookie"].split(", ") if part.startswith(COOKIE))
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert linked.sessions.resume(browser.cookies[COOKIE]).access.principal.name == "charlie"
    assert browser.get(f"{studio}/media/x.png", timeout=10).status_code == 200


def test_a_group_of_the_provider_gives_a_role_in_a_project_until_it_is_gone(
    linked: Cerberus, studio: str, real_provider: str
) -> None:
    def projects() -> list[str]:
        browser = requests.Session()
        sign_in(studio, browser)
        return [each.slug for each in linked.sessions.resume(browser.cookies[COOKIE]).access.projects]

    claims(real_provider, "c-1", groups=["ml-fraud"])
    assert projects() == ["fraud"]
    claims(real_provider, "c-1", groups=[])
    assert projects() == []


def test_the_browsers_old_session_ends(linked: Cerberus, studio: str) -> None:
    browser = requests.Session()
    sign_in(studio, browser)
    old = browser.cookies[COOKIE]
    sign_in(studio, browser)
    with pytest.raises(Exception, match="over"):
        linked.sessions.resume(old)


def test_another_browser_cannot_use_the_answer(linked: Cerberus, studio: str) -> None:
    mallory, victim = requests.Session(), requests.Session()
    victim.get(studio, timeout=10)
    back = consent(to_provider(studio, mallory), mallory)
    answer = victim.get(back, allow_redirects=False, timeout=10)
    assert answer.status_code == 403
    assert "another browser" in answer.text
    assert COOKIE not in victim.cookies


def test_the_answer_works_once(linked: Cerberus, studio: str) -> None:
    browser = requests.Session()
    back = consent(to_provider(studio, browser), browser)
    assert browser.get(back, allow_redirects=False, timeout=10).status_code == 303
    assert browser.get(back, allow_redirects=False, timeout=10).status_code == 403


@pytest.mark.parametrize("next", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_nobody_is_sent_to_another_site(linked: Cerberus, studio: str, next: str) -> None:
    assert sign_in(studio, requests.Session(), next).headers["location"] == "/"


@pytest.mark.parametrize(
    "query", ["", "?state=", "?state=x&code=y", "?code=%00", "?state=a&state=b", "?error=access_denied", "?state=%ff"]
)
def test_an_odd_answer_is_a_page_that_says_so(linked: Cerberus, studio: str, query: str) -> None:
    answer = requests.get(f"{studio}/auth/oidc/callback{query}", timeout=10)
    assert answer.status_code == 403
    assert "Not signed in" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert COOKIE not in answer.headers.get("set-cookie", "")


def test_an_answer_that_says_one_thing_twice_is_refused_before_anything_of_it_is_used(
    linked: Cerberus, studio: str
) -> None:
    browser = requests.Session()
    back = consent(to_provider(studio, browser), browser)
    assert "one thing twice" in browser.get(f"{back}&state=another", timeout=10).text
    assert browser.get(back, allow_redirects=False, timeout=10).status_code == 303


def test_nothing_that_the_provider_says_becomes_markup(studio: str, real_provider: str) -> None:
    browser = requests.Session()
    back = consent(to_provider(studio, browser), browser, subject="<script>alert(1)</script>")
    answer = browser.get(back, timeout=10)
    assert answer.status_code == 403
    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_neither_log_nor_address_of_ours_holds_a_code_or_a_secret(
    linked: Cerberus, studio: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(logging.getLogger("studio"), "propagate", True)
    browser = requests.Session()
    address = to_provider(studio, browser)
    back = consent(address, browser)
    answer = browser.get(back, allow_redirects=False, timeout=10)
    code = parse_qs(urlsplit(back).query)["code"][0]
    ours = "\n".join(each.getMessage() for each in caplog.records if each.name.split(".")[0] in ("studio", "cerberus"))
    assert "signed_in" in ours
    for secret in (code, "of the client", browser.cookies[COOKIE]):
        assert secret not in ours
        assert secret not in address
        assert secret not in answer.headers["location"]


def test_a_provider_that_is_away_is_said(
    linked: Cerberus, studio: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERBERUS_OIDC_ISSUER", "http://localhost:9")
    session.cerberus().close()
    session.cerberus.cache_clear()
    answer = requests.get(f"{studio}/auth/oidc/start", timeout=10)
    assert answer.status_code == 503
    assert "does not answer" in answer.text


def test_without_a_provider_the_routes_are_not_there(studio: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CERBERUS_OIDC_ISSUER", "CERBERUS_OIDC_CLIENT_ID"):
        monkeypatch.delenv(name)
    session.cerberus().close()
    session.cerberus.cache_clear()
    for path in ("start", "callback?state=xxxxxxxxxxxxxxxxxxxxxxxxxxxxx&code=y"):
        assert requests.get(f"{studio}/auth/oidc/{path}", timeout=10).status_code == 404


