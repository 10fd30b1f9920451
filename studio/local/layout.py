"""The data directory: what lies where, made so that only its owner can read it."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from studio.local.problem import Problem

ROOT = Path(__file__).resolve().parents[2]
MARKER = "mlstudio.lock"


@dataclass(frozen=True)
class Layout:
    """
    The paths below one data directory.
    """

    data: Path

    @property
    def marker(self) -> Path:
        return self.data / MARKER

    @property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def artifacts(self) -> Path:
        return self.data / "artifacts"

    @property
    def cerberus_db(self) -> Path:
        return self.data / "cerberus.db"

    @property
    def mlflow_db(self) -> Path:
        return self.data / "mlflow.db"

    @property
    def sign_in(self) -> Path:
        return self.data / "sign-in.txt"

    @property
    def demo_done(self) -> Path:
        return self.data / "demo-done"


def claim(layout: Layout) -> IO[str]:
    """
    The data directory exists with mode 0700 and is this process' own until the returned file is closed.
    """
    _refuse_foreign(layout.data)
    try:
        layout.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        layout.data.chmod(0o700)
        lock = open(layout.marker, "a+", opener=private)  # noqa: SIM115 - stays open for as long as we run
    except OSError as error:
        raise Problem(
            f"The data directory {layout.data} cannot be written ({error.strerror}): "
            "make it writable, or set MLSTUDIO_DATA to another one."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise Problem(
            f"Another `make run` is using {layout.data}: stop it first, or set MLSTUDIO_DATA to another directory."
        ) from error
    for directory in (layout.secrets, layout.logs, layout.artifacts):
        directory.mkdir(mode=0o700, exist_ok=True)
    return lock


def _refuse_foreign(data: Path) -> None:
    """
    Somebody else's directory (say, a home or /tmp) is not turned into ours.
    """
    if data.exists() and not data.is_dir():
        raise Problem(f"MLSTUDIO_DATA names {data}, which is not a directory: choose another path.")
    try:
        foreign = data.is_dir() and any(data.iterdir()) and not (data / MARKER).exists()
        foreign = foreign and {entry.name for entry in data.iterdir()} != {"secrets"}
    except OSError as error:
        raise Problem(f"The data directory {data} cannot be read ({error.strerror}).") from error
    if foreign:
        raise Problem(
            f"The directory {data} holds other files than ML Studio's: set MLSTUDIO_DATA to a new or empty one."
        )


def private(path: str, flags: int) -> int:
    """
    An opener for `open`: the file is made with mode 0600 from its first moment.
    """
    return os.open(path, flags, 0o600)
