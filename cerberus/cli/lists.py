"""How commands show lists: as lines for people, as values for `--json`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cerberus.cli.call import Done
from cerberus.service import Person

MOST: Final = 200
"""How many lines a command shows at once; `--after` goes on."""


def values_of(person: Person) -> dict[str, Any]:
    """
    A user, group or service account as JSON values.
    """
    held = sorted(person.platform_roles)
    return {
        "name": person.name,
        "kind": str(person.kind),
        "display_name": person.display_name,
        "disabled": person.disabled,
        "platform_roles": held,
        "project": person.project,
        "state": ", ".join([*held, *(["disabled"] if person.disabled else [])]),
    }


def table(items: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Done:
    """
    A list: one line each with the columns under one another, or `{"items": [...]}`.
    """
    widths = [max((len(str(item[column])) for item in items), default=0) for column in columns]
    lines = (
        "  ".join(str(item[column]).ljust(width) for column, width in zip(columns, widths, strict=True)).rstrip()
        for item in items
    )
    return Done("\n".join(lines) or "None.", {"items": list(items)})
