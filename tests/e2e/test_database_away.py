"""Cerberus' database goes away under a live page: Studio says so, shows nothing, and comes back by itself."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from cerberus.service import SYSTEM, Cerberus

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery 9"


class Cable:
    """A connection to the database that can be pulled out and put back."""

    def __init__(self, host: str, port: int) -> None:
        self.there, self.plugged, self.wires = (host, port), True, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def pull(self) -> None:
        """Every connection breaks, and no new one comes about."""
        self.plugged = False
        for wire in self.wires:
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
        self.wires.clear()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if not self.plugged:
                near.close()
                continue
            far = socket.create_connection(self.there)
            self.wires += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)
        for end in (source, target):
            with suppress(OSError):
                end.close()


@pytest.fixture
def cable(migrated_mysql: str) -> Iterator[Cable]:
    """The way to MySQL."""
    url = make_url(migrated_mysql)
    cable = Cable(url.host or "127.0.0.1", url.port or 3306)
    yield cable
    cable.listener.close()
    cable.pull()


@pytest.fixture
def address(cable: Cable, migrated_mysql: str, tmp_path: Path, free_port: int) -> Iterator[str]:
    """Studio on that database, with Eve in a project of hers."""
    cerberus = Cerberus(migrated_mysql, password_rounds=4)
    cerberus.people.create_user(SYSTEM, "eve", password=PASSWORD)
    cerberus.projects.create(SYSTEM, "away", name="Away")
    cerberus.projects.add_member(SYSTEM, "away", subject="eve", role="maintainer")
    cerberus.close()
    through = make_url(migrated_mysql).set(host="127.0.0.1", port=cable.port)
    here = f"http://127.0.0.1:{free_port}"
    environment = {
        **os.environ, "MLSTUDIO_DATA": str(tmp_path), "STUDIO_PUBLIC_URL": here,
        "CERBERUS_DATABASE_URL": through.render_as_string(hide_password=False),
    }
    command = [str(Path(sys.executable).parent / "streamlit"), "run", "studio/app.py", "--server.port", str(free_port)]
    with (tmp_path / "studio.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
        until = time.monotonic() + 120
        while time.monotonic() < until and process.poll() is None:
            with suppress(OSError), urllib.request.urlopen(f"{here}/livez", timeout=5):  # noqa: S310 - our own address
                break
            time.sleep(0.3)
        yield here
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


@pytest.mark.services
def test_a_live_page_says_that_the_database_is_away_and_comes_back_by_itself(
    chromium: Any, address: str, cable: Cable, fill_in: Callable[..., None]
) -> None:
    from playwright.sync_api import expect

    context = chromium.new_context(base_url=address)
    page = context.new_page()
    page.goto("/members?project=away")
    fill_in(page, "eve", PASSWORD)
    expect(page.get_by_role("heading", name="Members and roles")).to_be_visible()
    cable.pull()
    page.get_by_role("link", name="Account").click()
    expect(page.get_by_text("does not answer")).to_be_visible()
    expect(page.get_by_role("heading", name="Account")).to_have_count(0)
    assert context.request.get("/readyz").status == 503
    assert context.request.get("/media/x.png").status == 503
    cable.plugged = True
    expect(page.get_by_role("heading", name="Account")).to_be_visible()
    context.close()
