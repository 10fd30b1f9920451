"""What the `cerberus` command can do: one function a command. They act as SYSTEM, and the audit says so."""

import argparse
import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from cerberus.errors import Invalid, NotFound
from cerberus.policy import Kind, PlatformRole, Resource, Scope, Verb
from cerberus.service import SYSTEM, Actor, Cerberus, Origin
from cerberus.service.secrets import new_password
from cerberus.settings import Settings

ONCE: Final = "It is shown this once: write it down."


class Exit(IntEnum):
    """What a script can tell from the command's end."""

    YES = 0
    NO = 1
    USAGE = 2
    FAULT = 3


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did: lines for people, values for `--json`."""

    text: str
    values: Mapping[str, Any]
    code: Exit = Exit.YES


@dataclass(frozen=True, slots=True)
class Call:
    """One use of the command: the options given, the settings of this server."""

    options: argparse.Namespace
    settings: Settings
    cerberus: Cerberus

    @property
    def actor(self) -> Actor:
        """
        SYSTEM, with the name of the operating system's user for the audit.
        """
        return Actor(SYSTEM.principal, Origin(client=f"command line of {getpass.getuser()}"))


def password_from(path: Path | None) -> str | None:
    """
    The first line of a file, so that a password is in no command line; None without a file.
    """
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"The password file {path} cannot be read: {reason_of(error)}.", field="password-file") from None


def reason_of(error: Exception) -> str:
    """
    Why, in the system's words and without a number.
    """
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")


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


def init(call: Call) -> Done:
    """Make the data directory, the schema and the first admin; a second time it changes nothing."""
    make_data_directory(call.settings.data)
    call.cerberus.migrate()
    name = call.options.admin
    there = first_admin(call)
    if there is not None:
        return Done(f"Nothing to do: there is an admin already ({there}).", {"created": False, "admin": there})
    given = password_from(call.options.password_file)
    password = given or new_password()
    if call.options.write_password is not None:
        write_secret(call.options.write_password, password)
    call.cerberus.people.create_user(call.actor, name, password=password, admin=True)
    return shown_once(f"Admin {name} was made.", {"created": True, "admin": name}, given, password)


def first_admin(call: Call) -> str | None:
    """
    The name of an enabled admin, or None.
    """
    after = None
    while people := call.cerberus.people.search(call.actor, limit=200, after=after):
        for person in people:
            if PlatformRole.ADMIN in person.platform_roles and not person.disabled:
                return person.name
        after = people[-1].name
    return None


def shown_once(text: str, values: Mapping[str, Any], given: str | None, made: str) -> Done:
    """
    The end of a command that made a password: a given one is not repeated.
    """
    if given is not None:
        return Done(text, values)
    return Done(f"{text}\nPassword: {made}\n{ONCE}", {**values, "password": made})


def migrate(call: Call) -> Done:
    """Create the schema or bring it up to date."""
    if call.settings.database_url.startswith("sqlite"):
        make_data_directory(call.settings.data)
    call.cerberus.migrate()
    return Done("The schema is up to date.", {"migrated": True})


def create_user(call: Call) -> Done:
    """Make a user."""
    return make_user(call, admin=False)


def create_admin(call: Call) -> Done:
    """Make a user who may do everything."""
    return make_user(call, admin=True)


def make_user(call: Call, *, admin: bool) -> Done:
    """
    A user with a given or a random password.
    """
    given = password_from(call.options.password_file)
    password = given or new_password()
    person = call.cerberus.people.create_user(
        call.actor, call.options.name, display_name=call.options.display_name, password=password, admin=admin
    )
    what = "Admin" if admin else "User"
    return shown_once(f"{what} {person.name} was made.", {"name": person.name, "admin": admin}, given, password)


def reset_password(call: Call) -> Done:
    """Give somebody a new password; their sessions end."""
    given = password_from(call.options.password_file)
    password = call.cerberus.people.reset_password(call.actor, call.options.name, new=given)
    name = call.options.name
    return shown_once(f"{name} has a new password, and is signed out everywhere.", {"name": name}, given, password)


def create_group(call: Call) -> Done:
    """Make a group, with its first members by --member."""
    options = call.options
    group = call.cerberus.groups.create(call.actor, options.name, display_name=options.display_name)
    for member in options.member:
        call.cerberus.groups.add_member(call.actor, group.name, member=member)
    return Done(f"Group {group.name} was made.", {"name": group.name, "members": list(options.member)})


def create_project(call: Call) -> Done:
    """Make a project, with a maintainer who is a user already."""
    options = call.options
    project = call.cerberus.projects.create(
        call.actor, options.slug, name=options.title or options.slug, description=options.description
    )
    if options.maintainer:
        call.cerberus.projects.add_member(call.actor, project.slug, subject=options.maintainer, role="maintainer")
    return Done(f"Project {project.slug} was made.", {"slug": project.slug, "name": project.name})


def add_member(call: Call) -> Done:
    """Give a user, group or service account a role in a project."""
    options = call.options
    member = call.cerberus.projects.add_member(
        call.actor, options.project, subject=options.subject, role=options.role, reason=options.reason
    )
    return Done(
        f"{member.subject} is {member.role} in {options.project}.",
        {"project": options.project, "subject": member.subject, "role": member.role},
    )


def create_token(call: Call) -> Done:
    """Make an access token for somebody."""
    options = call.options
    scopes = tuple(Scope(scope) for scope in options.scope) or (Scope.READ, Scope.WRITE)
    made = call.cerberus.tokens.create(
        call.actor, options.label, scopes=scopes, project=options.project, days=options.days, owner=options.owner
    )
    values = {"id": made.token.id, "owner": made.token.owner, "secret": made.secret}
    return Done(f"Token: {made.secret}\n{ONCE}", values)


def check(call: Call) -> Done:
    """Say whether somebody may do something, and why. Exit code 0 means yes, 1 no."""
    options = call.options
    kind = Kind(options.kind)
    try:
        access = call.cerberus.decisions.access_of_name(options.name)
    except NotFound as error:
        raise Invalid(error.message, field="name", hint=error.hint) from None
    thing = options.id or (options.project if kind is Kind.PROJECT else "*")
    decision = access.check(Verb(options.verb), Resource(options.project, kind, thing))
    rules = [
        f"{item.rule.subject_name}: {item.rule.role or item.rule.level} on {item.rule.kind} "
        f"{item.rule.resource_id}: {item.outcome.value}"
        for item in decision.judged
    ]
    values = {
        "allowed": decision.allowed,
        "visible": decision.visible,
        "reason": decision.reason.name.lower(),
        "detail": decision.reason.value,
        "rules": rules,
    }
    text = "\n  ".join([decision.text, *rules])
    return Done(text, values, Exit.YES if decision.allowed else Exit.NO)
