"""The first admin, and the file that says how to sign in."""

from datetime import date
from pathlib import Path
from secrets import token_urlsafe

from cerberus.service import SYSTEM, Cerberus
from cerberus.settings import secrets_dir
from studio.local.layout import Layout, private

ADMIN = "admin"
HEADING = """\
How to sign in to this ML Studio ({day}). Only you can read this file; nothing else holds these passwords.
Change a password on Studio's Account page, and then delete its line here.

"""


def ensure_admin(cerberus: Cerberus, layout: Layout) -> None:
    """
    Gives a Cerberus without people its first admin. The password is written down first, so that it is never lost.
    """
    if cerberus.people.search(SYSTEM, limit=1):
        return
    password = _given_password() or token_urlsafe(12)
    if _given_password() is None:
        remember(layout.sign_in, ADMIN, password, "the first admin: sees and may do everything")
    cerberus.people.create_user(SYSTEM, ADMIN, display_name="Admin", password=password, admin=True)


def remember(path: Path, name: str, password: str, note: str) -> None:
    """
    One more line in the file of mode 0600; a former line of the same name is gone.
    """
    lines = path.read_text().splitlines(keepends=True) if path.exists() else [HEADING.format(day=date.today())]
    kept = [line for line in lines if line.split(maxsplit=1)[:1] != [name]]
    with open(path.with_suffix(".new"), "w", opener=private) as new:
        new.writelines([*kept, f"{name:<10} {password:<18} {note}\n"])
    path.with_suffix(".new").rename(path)


def password_of(path: Path, name: str) -> str | None:
    """
    The password that the file holds for `name`, if any.
    """
    for line in path.read_text().splitlines() if path.exists() else []:
        words = line.split()
        if words[:1] == [name] and len(words) > 1:
            return words[1]
    return None


def _given_password() -> str | None:
    """
    In containers the password is a secret that was made on the host.
    """
    secrets = secrets_dir()
    path = secrets / "cerberus_admin_password" if secrets else None
    return path.read_text().strip() if path and path.exists() else None
