"""Single sign-on in a real browser, against a real OpenID provider."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import oidc_provider_mock
import pytest
import requests
from playwright.sync_api import expect

from cerberus.service import SYSTEM, Cerberus

ROOT = Path(__file__).parents[2]
RULES = '[[rule]]\nclaim = "groups"\ncontains = "ml-fraud"\ngroup = "readers"\n'
PASSWORD = "correct horse battery 9"


@dataclass
class Place:
    """Studio, the provider that it trusts, and what Studio wrote to its log."""

    studio: str
    provider: str
    log: Path

    def claims(self, subject: str, **values: Any) -> None:
        """What the provider says of somebody from now on."""
        assert requests.put(f"{self.provider}/users/{subject}", json=values, timeout=10).status_code == 204


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Frank is nobody yet; the group `readers` may read `fraud`. Passwords are for admins."""
    data = tmp_path_factory.mktemp("single-sign-on")
    cerberus = Cerberus(f"sqlite:///{data / 'cerberus.db'}", password_rounds=4)
    cerberus.migrate()
    cerberus.people.create_user(SYSTEM, "admin", password=PASSWORD, admin=True)
    cerberus.groups.create(SYSTEM, "readers")
    cerberus.projects.create(SYSTEM, "fraud", name="Fraud detection")
    cerberus.projects.add_member(SYSTEM, "fraud", subject="admin", role="maintainer")
    cerberus.projects.add_member(SYSTEM, "fraud", subject="readers", role="viewer")
    cerberus.close()
    (data / "rules.toml").write_text(RULES)
    with oidc_provider_mock.run_server_in_thread(require_nonce=True) as server:
        provider = f"http://localhost:{server.server_port}"
        with running(data, provider) as place:
            yield place


@contextmanager
def running(data: Path, provider: str) -> Iterator[Place]:
    """Studio as its own process, with single sign-on set up as an operator does it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    here, log = f"http://127.0.0.1:{port}", data / "studio.log"
    environment = {
        **os.environ, "MLSTUDIO_DATA": str(data), "MLSTUDIO_SECRETS_DIR": str(data / "none"), "STUDIO_PUBLIC_URL": here,
        "CERBERUS_OIDC_ISSUER": provider, "CERBERUS_OIDC_CLIENT_ID": "studio", "CERBERUS_OIDC_NAME": "Example Inc",
        "CERBERUS_OIDC_CLIENT_SECRET": "hush", "CERBERUS_OIDC_NEW_USERS": "create", "CERBERUS_LOCAL_SIGN_IN": "admins",
        "CERBERUS_OIDC_RULES": str(data / "rules.toml"),
    }
    command = [str(Path(sys.executable).parent / "streamlit"), "run", "studio/app.py", "--server.port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out, start_new_session=True)
        until = time.monotonic() + 120
        while time.monotonic() < until and process.poll() is None:
            with suppress(OSError), urllib.request.urlopen(f"{here}/livez", timeout=5):  # noqa: S310 - our own address
                break
            time.sleep(0.3)
        yield Place(here, provider, log)
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


@pytest.fixture
def page(chromium: Any, place: Place) -> Iterator[Any]:
    """A browser of its own."""
    context = chromium.new_context(base_url=place.studio)
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def through_provider(page: Any, subject: str) -> None:
    """The link on the sign-in page, then the provider's form."""
    page.get_by_role("link", name="Sign in with Example Inc").click()
    page.get_by_placeholder("sub").fill(subject)
    page.get_by_role("button", name="Authorize").click()


def test_a_group_gives_a_role_in_a_project_until_it_is_gone_at_the_provider(page: Any, place: Place) -> None:
    place.claims("frank-1", preferred_username="frank", name="Frank Miller", groups=["ml-fraud"])
    page.goto("/members?project=fraud")
    through_provider(page, "frank-1")
    expect(page.get_by_role("heading", name="Members and roles")).to_be_visible()
    assert page.url == f"{place.studio}/members?project=fraud"
    expect(page.get_by_text("Frank Miller").first).to_be_visible()
    place.claims("frank-1", preferred_username="frank", name="Frank Miller", groups=[])
    page.get_by_role("button", name="Sign out").click()
    through_provider(page, "frank-1")
    expect(page.get_by_text("No project yet")).to_be_visible()
    page.goto("/members?project=fraud")
    expect(page.get_by_text("No project yet")).to_be_visible()
    expect(page.get_by_role("heading", name="Members and roles")).to_have_count(0)


def test_no_address_and_no_log_of_ours_holds_a_code(page: Any, place: Place) -> None:
    place.claims("grace-1", preferred_username="grace")
    codes: list[str] = []
    page.on("request", lambda request: codes.append(request.url) if "code=" in request.url else None)
    page.goto("/")
    through_provider(page, "grace-1")
    expect(page.get_by_role("button", name="Sign out")).to_be_attached()
    assert len(codes) == 1
    assert "code=" not in page.url
    cookie = next(each for each in page.context.cookies() if each["name"] == "mlstudio_session")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    log = place.log.read_text()
    assert "event=signed_in" in log
    assert "code=" not in log
    assert "state=" not in log


def test_saying_no_at_the_provider_leads_back_to_the_sign_in_page(page: Any, place: Place) -> None:
    page.goto("/")
    page.get_by_role("link", name="Sign in with Example Inc").click()
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_role("heading", name="Not signed in")).to_be_visible()
    page.get_by_role("link", name="Back to the sign-in page").click()
    expect(page.get_by_role("link", name="Sign in with Example Inc")).to_be_visible()


def test_admins_find_the_form_and_others_are_told_to_use_single_sign_on(
    page: Any, place: Place, fill_in: Callable[..., None]
) -> None:
    page.goto("/")
    page.get_by_text("Admins: sign in with a password").click()
    fill_in(page, "frank", "some password 1")
    expect(page.get_by_text("Use single sign-on.")).to_be_visible()
    fill_in(page, "admin", PASSWORD)
    expect(page.get_by_role("button", name="Sign out")).to_be_attached()
