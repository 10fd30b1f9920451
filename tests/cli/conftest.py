"""The command line on a fresh data directory."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cerberus import cli


class Ran(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    Where the settings say that the data directory is; it does not exist yet.
    """
    path = tmp_path / "data"
    use(path, monkeypatch)
    return path


def use(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSTUDIO_DATA", str(path))
    monkeypatch.setenv("MLSTUDIO_SECRETS_DIR", str(path / "none"))
    monkeypatch.delenv("CERBERUS_DATABASE_URL", raising=False)


@pytest.fixture(scope="session")
def ready_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    The data directory of a server that was set up by the command: admin, alice, bob, project fraud with alice as
    maintainer and bob as viewer. To be copied.
    """
    path = tmp_path_factory.mktemp("ready") / "data"
    with pytest.MonkeyPatch.context() as patch:
        use(path, patch)
        for words in (
            ("init",),
            ("create-user", "alice"),
            ("create-user", "bob"),
            ("create-project", "fraud", "--maintainer", "alice"),
            ("add-member", "fraud", "bob", "viewer"),
        ):
            assert cli.main(words) == 0
    return path


@pytest.fixture
def run(data: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """
    Runs `cerberus` with these words.
    """

    def call(*words: object) -> Ran:
        capsys.readouterr()
        try:
            code = int(cli.main([str(word) for word in words]))
        except SystemExit as end:
            code = int(end.code or 0)
        return Ran(code, *capsys.readouterr())

    return call


@pytest.fixture
def server(ready_data: Path, data: Path, run: Callable[..., Ran]) -> Callable[..., Ran]:
    """
    The command on a copy of the server that was set up.
    """
    shutil.copytree(ready_data, data)
    return run
