"""Setting up: the data directory, the schema, the first admin."""

import os
from pathlib import Path

from cerberus.cli.call import Call, Commands, Done, add_password_file, password_from, reason_of, shown_once
from cerberus.errors import Invalid
from cerberus.service.secrets import new_password


def add(commands: Commands) -> None:
    """
    The commands about setting up.
    """
    first = commands.add("init", init)
    first.add_argument("--admin", default="admin", metavar="NAME", help="name of the first admin")
    first.add_argument("--write-password", type=Path, metavar="FILE", help="put the password into a new 0600 file too")
    add_password_file(first)
    commands.add("migrate", migrate)


def init(call: Call) -> Done:
    """Make the data directory, the schema and the first admin; a second time it changes nothing."""
    make_data_directory(call.settings.data)
    call.cerberus.migrate()
    name = call.options.admin
    there = call.cerberus.people.an_admin()
    if there is not None:
        return Done(f"Nothing to do: there is an admin already ({there}).", {"created": False, "admin": there})
    given = password_from(call.options.password_file)
    password = given or new_password()
    if call.options.write_password is not None:
        write_secret(call.options.write_password, password)
    call.cerberus.people.create_user(call.actor, name, password=password, admin=True)
    return shown_once(f"Admin {name} was made.", {"created": True, "admin": name}, given, password)


def migrate(call: Call) -> Done:
    """Create the schema or bring it up to date."""
    if call.settings.database_url.startswith("sqlite"):
        make_data_directory(call.settings.data)
    call.cerberus.migrate()
    return Done("The schema is up to date.", {"migrated": True})


def write_secret(path: Path, text: str) -> None:
    """
    A new file that only its owner can read. Never overwrites.
    """
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as error:
        raise Invalid(f"The file {path} cannot be written: {reason_of(error)}.", field="write-password") from None


def make_data_directory(path: Path) -> None:
    """
    The data directory, for its owner only.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.chmod(0o700)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise Invalid(
            f"The data directory {path} cannot be used: {reason_of(error)}.",
            field="MLSTUDIO_DATA",
            hint="Set MLSTUDIO_DATA to a directory that you own.",
        ) from None
