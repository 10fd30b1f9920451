"""mlflow-oidc-auth in a virtual environment of its own under `.bench`, with our versions of MLflow, the web framework
and the database driver; made once, through the package index that uv or pip is set up for.

Its newest release says that it runs on Python 3.11, and does not (a dataclass's default that only later versions take):
where there is a later Python it is used with that, otherwise the last release that runs on ours.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NEWEST, OLDER = "11.0.2", "10.2.0"
LATER = ("3.12", "3.13", "3.14")
SAME = ("mlflow", "fastapi", "starlette", "uvicorn", "flask", "werkzeug", "sqlalchemy", "psycopg2-binary", "protobuf")
TOOLS = ("py-spy",)
WORKS = "import mlflow_oidc_auth.sqlalchemy_store"


class LeftOut(Exception):
    """A peer that cannot be measured here, and why."""


@dataclass(frozen=True)
class Peer:
    """An installed mlflow-oidc-auth."""

    release: str
    python: Path

    @property
    def about(self) -> str:
        """What it is, for people."""
        said = subprocess.run([str(self.python), "--version"], capture_output=True, text=True, check=True).stdout
        return f"mlflow-oidc-auth {self.release} on {said.strip()}"

    @property
    def spy(self) -> str:
        """The program py-spy."""
        return str(self.python.with_name("py-spy"))


def installed() -> Peer:
    """
    The first pair of a release and a Python that works. LeftOut when none does.
    """
    said = ""
    for release, python in _pairs():
        venv = ROOT / ".bench" / f"oidc-auth-{release}-{python.name}"
        peer = Peer(release, venv / "bin" / "python")
        if (venv / ".ready").exists():
            return peer
        said = _make(venv, python, release)
        if not said:
            (venv / ".ready").touch()
            return peer
    raise LeftOut(f"mlflow-oidc-auth cannot be installed: {said[:200]}")


def _pairs() -> Iterator[tuple[str, Path]]:
    if sys.version_info >= (3, 12):
        yield NEWEST, Path(sys.executable)
        return
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in LATER:
        there = [shutil.which(f"python{minor}"), *map(str, pyenv.glob(f"{minor}.*/bin/python{minor}"))]
        for python in filter(None, there):
            if (
                subprocess.run([python, "-c", "import venv, ensurepip"], capture_output=True, check=False).returncode
                == 0
            ):
                yield NEWEST, Path(python)
    yield OLDER, Path(sys.executable)


def _make(venv: Path, python: Path, release: str) -> str:
    """
    Empty when it works, otherwise the last that was said.
    """
    wanted = [f"mlflow-oidc-auth=={release}", *(f"{each}=={version(each)}" for each in SAME), *TOOLS]
    uv, its_own = str(Path(sys.executable).parent / "uv"), str(venv / "bin" / "python")
    make = [str(python), "-m", "venv", "--clear", str(venv)]
    works = [its_own, "-c", WORKS]
    said = ""
    for install in ([uv, "pip", "install", "--python", its_own], [its_own, "-m", "pip", "install", "-q"]):
        for command in (make, [*install, *wanted], works):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                said = " ".join(f"{done.stdout}{done.stderr}".strip().splitlines()[-1:])
                break
        else:
            return ""
    return said or "no reason was given"
