"""The commands of docs/policy-as-code.md do what it says that they print, one after another, on a fresh server."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cerberus.service import policy_text

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "policy-as-code.md").read_text()
CONSOLE = "".join(re.findall(r"```console\n(.*?)```", TEXT, re.S))
SAID = re.compile(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", re.M)
SET_UP = (
    "init",
    "create-user alice",
    "create-user bob",
    "create-project fraud --maintainer alice",
    "add-member fraud bob viewer",
)


@pytest.fixture
def shell(tmp_path):
    """Runs a line in an empty directory, with `cerberus` on a fresh database."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {
        "PATH": path,
        "MLSTUDIO_DATA": str(tmp_path / "data"),
        "MLSTUDIO_SECRETS_DIR": str(tmp_path / "none"),
    }

    def run(line):
        done = subprocess.run(line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True)  # noqa: S602
        return done.stdout + done.stderr

    for words in SET_UP:
        run(f"cerberus {words}")
    return run


def test_the_example_is_true(shell):
    lines = SAID.findall(CONSOLE)
    assert len(lines) > 12
    for line, expected in lines:
        said = re.sub(r"version \d+, digest [0-9a-f]{64}", "version VERSION, digest DIGEST", shell(line))
        assert said == expected, line


def test_the_file_that_explains_everything_can_be_read():
    (example,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.S)
    file = policy_text.read(example)
    assert file.projects["fraud"].members["analysts"].role == "release-manager"
    assert [grant.id for grant in file.projects["fraud"].grants] == ["7", "*"]
