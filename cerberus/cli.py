"""The `cerberus` command, for whoever operates the server.

Exit codes: 0 done or yes, 1 no, 2 wrong usage, 3 fault.
"""

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from cerberus import commands
from cerberus.commands import Call, Done, Exit
from cerberus.errors import CerberusError, Conflict, Forbidden, Invalid, NotFound
from cerberus.policy import BUILT_IN_ROLES, Kind, Scope, Verb
from cerberus.service import Cerberus
from cerberus.settings import Settings

Command = Callable[[Call], Done]

EXIT_OF: Final[dict[type[CerberusError], Exit]] = {
    Invalid: Exit.USAGE,
    Conflict: Exit.NO,
    Forbidden: Exit.NO,
    NotFound: Exit.NO,
}


class Commands:
    """The parser, and one sub-parser a command."""

    def __init__(self) -> None:
        self.parser = argparse.ArgumentParser(prog="cerberus", description="Who may do what in ML Studio.")
        self._common = argparse.ArgumentParser(add_help=False)
        self._common.add_argument("--json", action="store_true", help="print one JSON object")
        self._subparsers = self.parser.add_subparsers(required=True, metavar="COMMAND")

    def add(self, name: str, command: Command) -> argparse.ArgumentParser:
        """
        A command; the first line of the function's docstring is its help.
        """
        text = (command.__doc__ or "").strip().partition("\n")[0]
        parser = self._subparsers.add_parser(name, parents=[self._common], help=text, description=text)
        parser.set_defaults(command=command)
        return parser


def add_password_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help="take the password from this file's first line"
    )


def add_people(commands_: Commands) -> None:
    """
    The commands about people.
    """
    for name, command in (("create-admin", commands.create_admin), ("create-user", commands.create_user)):
        parser = commands_.add(name, command)
        parser.add_argument("name")
        parser.add_argument("--display-name", default="", metavar="TEXT")
        add_password_file(parser)
    reset = commands_.add("reset-password", commands.reset_password)
    reset.add_argument("name")
    add_password_file(reset)
    group = commands_.add("create-group", commands.create_group)
    group.add_argument("name")
    group.add_argument("--display-name", default="", metavar="TEXT")
    group.add_argument("--member", action="append", default=[], metavar="NAME", help="may be given several times")
    token = commands_.add("create-token", commands.create_token)
    token.add_argument("owner", help="the user or service account that the token is for")
    token.add_argument("--label", default="command line", metavar="TEXT", help="what the token is for")
    token.add_argument("--scope", action="append", default=[], choices=[scope.value for scope in Scope])
    token.add_argument("--project", help="let the token work in this project only")
    token.add_argument("--days", type=int, default=90)


def add_projects(commands_: Commands) -> None:
    """
    The commands about projects.
    """
    project = commands_.add("create-project", commands.create_project)
    project.add_argument("slug", help="its name in addresses and its MLflow workspace")
    project.add_argument("--title", default="", metavar="TEXT")
    project.add_argument("--description", default="", metavar="TEXT")
    project.add_argument("--maintainer", metavar="NAME", help="who is to manage it")
    member = commands_.add("add-member", commands.add_member)
    member.add_argument("project")
    member.add_argument("subject", help="a user, a group or a service account")
    member.add_argument("role", help="for example " + ", ".join(BUILT_IN_ROLES))
    member.add_argument("--reason", default="", metavar="TEXT")


def build_parser() -> argparse.ArgumentParser:
    """
    Everything that the command understands.
    """
    all_of = Commands()
    first = all_of.add("init", commands.init)
    first.add_argument("--admin", default="admin", metavar="NAME", help="name of the first admin")
    first.add_argument("--write-password", type=Path, metavar="FILE", help="put the password into a new 0600 file too")
    add_password_file(first)
    all_of.add("migrate", commands.migrate)
    add_people(all_of)
    add_projects(all_of)
    check = all_of.add("check", commands.check)
    check.add_argument("name")
    check.add_argument("verb", choices=[verb.value for verb in Verb])
    check.add_argument("kind", choices=[kind.value for kind in Kind])
    check.add_argument("project")
    check.add_argument("id", nargs="?", default="")
    return all_of.parser


def complain(error: CerberusError, *, as_json: bool) -> None:
    """
    One line on standard error.
    """
    if as_json:
        print(json.dumps({"error": error.code, "detail": error.message, "hint": error.hint}), file=sys.stderr)
        return
    print(" ".join(f"cerberus: {error.message} {error.hint}".split()), file=sys.stderr)


def run(options: argparse.Namespace) -> Done:
    """
    Does what the options say.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise Invalid(f"The setting {name} is wrong: {first['msg']}", field=name) from None
    try:
        cerberus = Cerberus.open(settings)
    except ValueError as error:
        raise Invalid(f"{error}.", field="CERBERUS_DATABASE_URL") from None
    try:
        command: Command = options.command
        return command(Call(options, settings, cerberus))
    finally:
        cerberus.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """
    The command; returns its exit code.
    """
    options = build_parser().parse_args(arguments)
    logging.getLogger("cerberus").addHandler(logging.NullHandler())
    try:
        done = run(options)
    except CerberusError as error:
        complain(error, as_json=options.json)
        return next((EXIT_OF[kind] for kind in type(error).__mro__ if kind in EXIT_OF), Exit.FAULT)
    except KeyboardInterrupt:
        return Exit.FAULT
    except Exception as error:  # a person at a terminal needs a sentence, not a traceback
        what = f"{type(error).__name__}: {error}".partition("\n")[0]
        fault = CerberusError(f"This should not happen ({what}).", hint="Please report it.")
        complain(fault, as_json=options.json)
        return Exit.FAULT
    print(json.dumps(done.values) if options.json else done.text)
    return done.code


if __name__ == "__main__":
    sys.exit(main())
