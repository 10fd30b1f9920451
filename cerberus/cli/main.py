"""The `cerberus` command, for whoever operates the server."""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Final

from cerberus.cli import (
    audit,
    checks,
    grants,
    groups,
    identities,
    people,
    policy,
    projects,
    requests,
    roles,
    service_accounts,
    setup,
    what_if,
)
from cerberus.cli.call import Call, Command, Commands, Done, Exit
from cerberus.errors import CerberusError, Conflict, Forbidden, Invalid, NotFound, NotSignedIn
from cerberus.service import Cerberus
from cerberus.settings import configured

NOUNS: Final = (
    setup,
    people,
    groups,
    service_accounts,
    identities,
    projects,
    roles,
    grants,
    requests,
    checks,
    audit,
    what_if,
    policy,
)

EXIT_OF: Final[dict[type[CerberusError], Exit]] = {
    Invalid: Exit.USAGE,
    Conflict: Exit.NO,
    Forbidden: Exit.NO,
    NotFound: Exit.NO,
    NotSignedIn: Exit.NO,
}


def build_parser() -> argparse.ArgumentParser:
    """
    Everything that the command understands.
    """
    commands = Commands()
    for noun in NOUNS:
        noun.add(commands)
    return commands.parser


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
    settings = configured()
    cerberus = Cerberus.open(settings)
    try:
        command: Command = options.command
        return command(Call(options, settings, cerberus))
    finally:
        cerberus.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """
    The command; returns its exit code.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    for brought in entry_points(group="cerberus.commands", name=given[0] if given else ""):  # by an application
        code: int = brought.load()(given[1:])
        return code
    options = build_parser().parse_args(given)
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
    if done.text:  # an export has written what there is to say
        print(json.dumps(done.values) if options.json else done.text)
    return done.code
