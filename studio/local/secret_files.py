"""Secrets as files, made once and kept. Standard library only: `make up` runs this before anything is installed.

The directory is 0700, so that only its owner gets at the files. Those for containers are readable
to all inside it, because a container's user has another number than the person who made them.
"""

import os
import secrets
import sys
from pathlib import Path

CONTAINER_SECRETS = (
    "cerberus_admin_password",
    "cerberus_database_password",
    "mlflow_database_password",
    "mlflow_server_secret_key",
    "studio_cookie_secret",
    "studio_database_password",
)


def secret(directory: Path, name: str, mode: int = 0o600) -> str:
    """
    The secret of that name in `directory`, made with `mode` at the first call and the same ever after.
    """
    path = directory / name
    if not path.exists():
        for private in (directory.parent, directory):
            private.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        new = path.with_name(f".{name}.{os.getpid()}")
        new.touch(mode=0o600)
        new.write_text(secrets.token_urlsafe(24))
        new.chmod(mode)
        new.rename(path)
    return path.read_text().strip()


def main(arguments: list[str]) -> None:
    """
    Makes what compose.yaml mounts; with --addresses it prints where everything is instead.
    """
    data = Path(os.environ.get("MLSTUDIO_DATA", ".data"))
    if "--addresses" in arguments:
        print(ADDRESSES.format(password=data / "secrets" / "cerberus_admin_password"))
        return
    for name in CONTAINER_SECRETS:
        secret(data / "secrets", name, 0o644)


ADDRESSES = """
  Studio    http://localhost:3000   sign in as admin, the password is in {password}
  MLflow    http://localhost:5050   MLFLOW_TRACKING_URI for notebooks and scripts
  Cerberus  http://localhost:5000   who may do what, as an API
"""

if __name__ == "__main__":
    main(sys.argv[1:])
