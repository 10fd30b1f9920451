"""What every command of `cerberus` is made of: how it is declared, what it is called with, what it answers."""

import argparse
import getpass
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from cerberus.errors import Invalid
from cerberus.service import SYSTEM, Actor, Cerberus, Origin
from cerberus.settings import Settings

ONCE: Final = "It is shown this once: write it down."


class Exit(IntEnum):
    """What a script can tell from the command's end."""

    YES = 0
    NO = 1
    USAGE = 2
    FAULT = 3


MEANING: Final = {
    Exit.YES: "done, or yes",
    Exit.NO: "no, or refused: nothing is changed",
    Exit.USAGE: "wrong usage, or a value that cannot be accepted",
    Exit.FAULT: "a fault, such as a database that is away",
}
EXIT_CODES: Final = "Exit codes: " + "; ".join(f"{int(code)} {meaning}" for code, meaning in MEANING.items()) + "."


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
        operator = getpass.getuser()
        return Actor(SYSTEM.principal, Origin(client=f"command line of {operator}"), on_behalf_of=operator)


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


def moment(text: str) -> datetime:
    """
    A date or a moment as ISO 8601 has it, in UTC unless it says otherwise.
    """
    found = datetime.fromisoformat(text)
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:  # in no year there
        raise ValueError(text) from None


def up_to(most: int) -> Callable[[str], int]:
    """
    Reads a number from 1 to `most`: more would be cut without a word.
    """

    def read(text: str) -> int:
        number = int(text)
        if not 1 <= number <= most:
            raise argparse.ArgumentTypeError(f"it is 1 to {most}")
        return number

    return read


def reason_of(error: Exception) -> str:
    """
    Why, in the system's words and without a number.
    """
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")


Command = Callable[[Call], Done]


class Commands:
    """The parser, and one sub-parser a command."""

    def __init__(self, parser: argparse.ArgumentParser | None = None) -> None:
        about = "Who may do what in ML Studio."
        self.parser = parser or argparse.ArgumentParser(prog="cerberus", description=about)
        self._common = argparse.ArgumentParser(add_help=False)
        self._common.add_argument("--json", action="store_true", help="print one JSON object")
        self._subparsers = self.parser.add_subparsers(required=True, metavar="COMMAND")

    def group(self, name: str, about: str) -> "Commands":
        """
        Commands that share a first word.
        """
        return Commands(self._subparsers.add_parser(name, help=about, description=about))

    def add(self, name: str, command: Command) -> argparse.ArgumentParser:
        """
        A command; the first line of the function's docstring is its help.
        """
        text = (command.__doc__ or "").strip().partition("\n")[0]
        parser = self._subparsers.add_parser(
            name, parents=[self._common], help=text, description=text, epilog=EXIT_CODES
        )
        parser.set_defaults(command=command)
        return parser


def add_password_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help="take the password from this file's first line"
    )


def shown_once(text: str, values: Mapping[str, Any], given: str | None, made: str) -> Done:
    """
    The end of a command that made a password: a given one is not repeated.
    """
    if given is not None:
        return Done(text, values)
    return Done(f"{text}\nPassword: {made}\n{ONCE}", {**values, "password": made})
