"""The commands about roles: of a project with --project, otherwise of every one."""

import argparse
from typing import Any

from cerberus.cli.call import Call, Commands, Done
from cerberus.cli.lists import table
from cerberus.errors import Invalid
from cerberus.service import RoleInfo


def add(commands: Commands) -> None:
    """
    The commands about roles.
    """
    add_project(commands.add("roles", list_roles))
    made = commands.add("create-role", create_role)
    changed = commands.add("change-role", change_role)
    for parser in (made, changed):
        parser.add_argument("name")
        parser.add_argument(
            "--level", action="append", metavar="KIND=LEVEL", help="e.g. experiment=READ or '*=EDIT'; several times"
        )
        parser.add_argument("--description", metavar="TEXT")
        parser.add_argument(
            "--manages-project", action=argparse.BooleanOptionalAction, help="whether it manages members, too"
        )
        add_project(parser)
    deleted = commands.add("delete-role", delete_role)
    deleted.add_argument("name")
    add_project(deleted)


def add_project(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", metavar="PROJECT", help="whose role it is; without it, every project's")


def list_roles(call: Call) -> Done:
    """List the roles that one can have."""
    found = call.cerberus.roles.list(call.actor, call.options.project)
    rows = [{**values_of(role), "shown": shown(role)} for role in found]
    return table(rows, ("name", "shown", "description"))


def create_role(call: Call) -> Done:
    """Make a role: a level for each kind that it names."""
    options = call.options
    made = call.cerberus.roles.create(
        call.actor,
        options.project,
        name=options.name,
        levels=levels_of(options.level or []),
        description=options.description or "",
        manages_project=bool(options.manages_project),
    )
    return Done(f"Role {made.name} was made.", values_of(made))


def change_role(call: Call) -> Done:
    """Change a role, at once for everybody who has it; levels are given whole."""
    options = call.options
    changed = call.cerberus.roles.change(
        call.actor,
        options.project,
        name=options.name,
        levels=None if options.level is None else levels_of(options.level),
        description=options.description,
        manages_project=options.manages_project,
    )
    return Done(f"Role {changed.name} was changed.", values_of(changed))


def delete_role(call: Call) -> Done:
    """Delete a role that nobody has."""
    name = call.options.name
    call.cerberus.roles.delete(call.actor, call.options.project, name=name)
    return Done(f"Role {name} was deleted.", {"name": name})


def levels_of(words: list[str]) -> dict[str, str]:
    """
    What `KIND=LEVEL` says, each kind once.
    """
    pairs = [word.partition("=") for word in words]
    if any(not equals for _, equals, _ in pairs) or len({kind for kind, _, _ in pairs}) != len(pairs):
        raise Invalid("A level is given as KIND=LEVEL, each kind once.", field="level")
    return {kind: level for kind, _, level in pairs}


def shown(role: RoleInfo) -> str:
    """
    What the role gives, in one line.
    """
    given = [f"{kind}={level}" for kind, level in role.levels.items()]
    return " ".join([*given, *(["manages the project"] if role.manages_project else [])])


def values_of(role: RoleInfo) -> dict[str, Any]:
    """
    A role as JSON values.
    """
    return {
        "name": role.name,
        "description": role.description,
        "levels": {str(kind): str(level) for kind, level in role.levels.items()},
        "manages_project": role.manages_project,
        "project": role.project,
        "built_in": role.built_in,
    }
