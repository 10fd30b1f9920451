"""Groups, from a notebook of an admin: `client.groups`."""

from dataclasses import dataclass

from cerberus.client.answers import read
from cerberus.client.connection import Connection, part
from cerberus.client.pages import items_of


@dataclass(frozen=True, slots=True)
class Group:
    """A group."""

    name: str
    display_name: str


@dataclass(frozen=True, slots=True)
class GroupMember:
    """Somebody who is directly in a group, perhaps a group itself."""

    name: str
    kind: str
    display_name: str
    disabled: bool


class Groups:
    """Makes groups and moves people in and out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[Group]:
        """
        All groups by name.
        """
        return [read(Group, item) for item in items_of(self._connection, "/groups")]

    def show(self, name: str) -> Group:
        """
        One group.
        """
        return read(Group, self._connection.call("GET", _address(name)))

    def create(self, name: str, *, display_name: str = "") -> Group:
        """
        A new group, without members.
        """
        return read(Group, self._connection.call("POST", "/groups", {"name": name, "display_name": display_name}))

    def rename(self, name: str, display_name: str) -> Group:
        """
        Another display name; the name itself stays.
        """
        body = {"display_name": display_name}
        return read(Group, self._connection.call("PATCH", _address(name), body, repeatable=True))

    def delete(self, name: str) -> None:
        """
        Deletes the group with its roles and grants; its members stay.
        """
        self._connection.call("DELETE", _address(name))

    def members(self, name: str) -> tuple[GroupMember, ...]:
        """
        Who is directly in the group, by name.
        """
        return tuple(read(GroupMember, item) for item in items_of(self._connection, _address(name, "members")))

    def add_member(self, name: str, member: str) -> GroupMember:
        """
        Puts a user, service account or group into the group.
        """
        return read(GroupMember, self._connection.call("PUT", _address(name, "members", member)))

    def remove_member(self, name: str, member: str) -> None:
        """
        Takes somebody out of the group.
        """
        self._connection.call("DELETE", _address(name, "members", member))


def _address(*names: str) -> str:
    return "/".join(["/groups", *(part(name) for name in names)])
