"""`cerberus what-if`: what a change would do."""

import argparse
import json
from collections.abc import Callable
from typing import Any, Final

from cerberus.cli.call import EXIT_CODES, Call, Commands, Done, moment
from cerberus.cli.effects import lines_of, values_of
from cerberus.errors import Invalid
from cerberus.service.what_if import TRIALS


def add(commands: Commands) -> None:
    """
    The command that tries changes.
    """
    parser = commands.add("what-if", what_if)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    shown = (
        f"  {name:<24} {' '.join((*trial.required, *(f'[{field}]' for field in trial.optional)))}"
        for name, trial in TRIALS.items()
    )
    parser.epilog = "\n".join(("changes and their fields (in brackets: may be left out):", *shown, "", EXIT_CODES))
    parser.add_argument("change", metavar="CHANGE", help="for example member.set")
    parser.add_argument("fields", nargs="*", metavar="FIELD=VALUE", help="for example project=fraud subject=bob")


def what_if(call: Call) -> Done:
    """Say who would gain and who would lose what by a change, without making it."""
    values: dict[str, Any] = {}
    for each in call.options.fields:
        name, equals, text = each.partition("=")
        if not equals or name in values:
            raise Invalid(f"Give each field once, as FIELD=VALUE: {each[:60]}.", field="fields")
        values[name] = _read(name, text)
    found = call.cerberus.what_if.rehearse(call.actor, call.options.change, values)
    told = {
        "change": found.change,
        "changes": found.changes,
        "people": list(found.people),
        "effects": None if found.effects is None else values_of(found.effects),
    }
    if not found.changes:
        return Done("That would change nothing.", told)
    if found.effects is None:
        return Done("That concerns too many people in too many projects to say who gains and who loses.", told)
    if not found.effects:
        return Done("That would change something, but nobody would gain or lose a permission.", told)
    return Done("\n".join(lines_of(found.effects)), told)


def _flag(text: str) -> bool:
    return {"true": True, "false": False}[text]


READ: Final[dict[str, Callable[[str], Any]]] = {
    "expires_at": moment,
    "grant_id": int,
    "levels": json.loads,
    "manages_project": _flag,
    "request_id": int,
}
"""How a field is read that is no text."""


def _read(name: str, text: str) -> Any:
    try:
        return READ.get(name, str)(text)
    except (ValueError, KeyError):
        raise Invalid(f"{name} cannot be read.", field=name, hint='Levels are JSON: \'{"*": "READ"}\'.') from None
