"""Pages as the members of the cast see them: the real gate, guard and databases, without a browser.

Only Streamlit's own connection is put in: the cookies, the address and the headers that a browser would send.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from mlflow.entities import Workspace
from mlflow.exceptions import MlflowException
from mlflow.tracking._workspace.registry import get_workspace_store
from sqlalchemy import text
from streamlit.runtime.scriptrunner import RerunData
from streamlit.testing.v1 import AppTest, local_script_runner

from cerberus.service import Origin
from studio import guard, session, settings
from studio.session import browser_cookie_name, session_cookie_name

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "studio" / "main.py"
BROWSER = "a-browser-of-the-tests"


class Studio:
    """Opens pages: `studio.open("members.py", who="alice", project="fraud")`."""

    def __init__(self, cerberus: Any, cast: Any, browser: SimpleNamespace) -> None:
        self.cerberus, self.cast, self.browser = cerberus, cast, browser

    def sign_in(self, who: str | None) -> str:
        """A real session of that person in this browser; its cookie. None is nobody."""
        self.browser.cookies = {browser_cookie_name(): BROWSER}
        if who is None:
            return ""
        cookie: str = self.cerberus.sessions.sign_in(who, self.cast.password, Origin()).cookie
        self.browser.cookies[session_cookie_name()] = cookie
        return cookie

    def open(self, script: str, *, who: str | None, **link: str) -> AppTest:
        """The page behind the gate, at a link with these parameters, after its first run."""
        self.sign_in(who)
        page = AppTest.from_file(MAIN, default_timeout=30)
        page.query_params.update(link)
        if script != "home.py":
            page.switch_page(f"../pages/{script}")
        return page.run()

    def open_alone(self, script: str, *, who: str | None, **link: str) -> AppTest:
        """The page's script without the entry before it, as a fragment or a callback would run it."""
        self.sign_in(who)
        page = AppTest.from_file(ROOT / "pages" / script, default_timeout=30)
        page.query_params.update(link)
        return page.run()

    def press(self, page: AppTest, key: str) -> AppTest:
        """Click inside the open dialog."""
        page.button(key=key).click()
        return self.run_dialog(page)

    def run_dialog(self, page: AppTest) -> AppTest:
        """As in a browser: what happens in a dialog runs the dialog again, and nothing of the page around it."""
        (fragment,) = page._fragment_storage._fragments
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(local_script_runner, "RerunData", partial(RerunData, fragment_id=fragment))
            return page.run()


@pytest.fixture
def studio(
    cerberus: Any, cast: Any, database_url: str, mlflow_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Studio]:
    """Studio on the databases of this test."""
    for name, value in {
        "MLSTUDIO_DATA": str(tmp_path), "CERBERUS_DATABASE_URL": database_url, "MLFLOW_DATABASE_URL": mlflow_url,
        "STUDIO_PUBLIC_URL": "http://localhost:3000", "MLFLOW_PUBLIC_URL": "http://localhost:5050",
        "CERBERUS_PUBLIC_URL": "http://localhost:5000",
    }.items():
        monkeypatch.setenv(name, value)
    forget()
    browser = SimpleNamespace(cookies={}, headers=[("User-Agent", "a browser")], remote_ip="192.0.2.7")
    monkeypatch.setattr("streamlit.runtime.context._get_client_context", lambda: browser)
    yield Studio(cerberus, cast, browser)
    session.cerberus().close()
    forget()


def forget() -> None:
    """No test inherits the databases of the one before."""
    for cached in (settings.settings, session.cerberus, guard.reader):
        cached.cache_clear()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """MLflow's own store on a SQLite file: `lab.experiment("fraud")`, `lab.run("fraud", ...)`."""
    from mlflow.store.model_registry.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore as Registry
    from mlflow.store.tracking.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore

    root, before = tmp_path_factory.mktemp("lab"), os.environ.get("MLFLOW_ENABLE_WORKSPACES")
    os.environ["MLFLOW_ENABLE_WORKSPACES"] = "true"
    url = f"sqlite:///{root / 'mlflow.db'}"
    store = WorkspaceAwareSqlAlchemyStore(url, str(root / "artifacts"))
    yield _tracking_tests().Lab(url, store, Registry(url))
    store.engine.dispose()
    if before is None:
        del os.environ["MLFLOW_ENABLE_WORKSPACES"]


@pytest.fixture(scope="session")
def empty_lab(lab: Any) -> Callable[[], None]:
    """Leaves `fraud` and `churn` without experiments and runs: each file counts what it put in itself."""

    def empty() -> None:
        for slug in ("fraud", "churn"):
            with suppress(MlflowException):  # it is there already
                get_workspace_store(workspace_uri=lab.url).create_workspace(Workspace(name=slug))
        with lab.store.engine.begin() as connection:
            for table in ("metrics", "latest_metrics", "params", "tags", "runs", "experiments"):
                connection.execute(text(f"DELETE FROM {table}"))

    return empty


@pytest.fixture
def mlflow_url(lab: Any) -> str:
    """MLflow's database; what is in it, the tests of the session put there."""
    url: str = lab.url
    return url


def _tracking_tests() -> ModuleType:
    """The Lab of the reader's tests."""
    name, path = "studio_tracking_lab", ROOT / "tests/studio/tracking/conftest.py"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture
def words() -> Callable[[AppTest], str]:
    """Everything that a page says, as one text."""
    return all_words


def all_words(page: AppTest) -> str:
    """The text of every element and the labels of every widget, dialogs included."""
    said: list[str] = []
    for element in page:
        for attribute in ("value", "label", "body", "help"):
            words = getattr(element, attribute, None)
            if isinstance(words, str):
                said.append(words)
    return "\n".join(said)
