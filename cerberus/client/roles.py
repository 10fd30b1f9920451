"""Roles of one's own making, from a notebook: `client.roles`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cerberus.client.answers import read
from cerberus.client.connection import Connection, part
from cerberus.client.pages import items_of


@dataclass(frozen=True, slots=True)
class Role:
    """A level for each kind (`*` = every other kind). `project` is None for a role that every project has."""

    name: str
    description: str
    levels: Mapping[str, str]
    manages_project: bool
    project: str | None
    built_in: bool


class Roles:
    """Makes and changes roles: of a project, or with `project=None` of every project (for admins)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, project: str | None = None) -> list[Role]:
        """
        The roles that one can have, by name.
        """
        return [read(Role, item) for item in items_of(self._connection, _address(project))]

    def show(self, name: str, *, project: str | None = None) -> Role:
        """
        One role.
        """
        return read(Role, self._connection.call("GET", _address(project, name)))

    def create(
        self,
        name: str,
        *,
        project: str | None,
        levels: Mapping[str, str],
        description: str = "",
        manages_project: bool = False,
    ) -> Role:
        """
        A new role: `levels` gives a level for each kind, e.g. `{"experiment": "READ", "registered_model": "MANAGE"}`.
        """
        body = {
            "name": name,
            "levels": _words(levels),
            "description": description,
            "manages_project": manages_project,
        }
        return read(Role, self._connection.call("POST", _address(project), body))

    def change(
        self,
        name: str,
        *,
        project: str | None,
        levels: Mapping[str, str] | None = None,
        description: str | None = None,
        manages_project: bool | None = None,
    ) -> Role:
        """
        Changes what is given, at once for everybody who has the role. `levels` is given whole.
        """
        body = {
            "levels": None if levels is None else _words(levels),
            "description": description,
            "manages_project": manages_project,
        }
        return read(Role, self._connection.call("PATCH", _address(project, name), body, repeatable=True))

    def delete(self, name: str, *, project: str | None) -> None:
        """
        Deletes a role that nobody has.
        """
        self._connection.call("DELETE", _address(project, name))


def _address(project: str | None, *names: str) -> str:
    home = "" if project is None else f"/projects/{part(project)}"
    return "/".join([f"{home}/roles", *(part(name) for name in names)])


def _words(levels: Mapping[str, str]) -> dict[str, Any]:
    return {str(kind): str(level) for kind, level in levels.items()}
