"""People, from a notebook of an admin: `client.people`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cerberus.client.answers import read
from cerberus.client.connection import Connection, part
from cerberus.client.pages import items_of


@dataclass(frozen=True, slots=True)
class Person:
    """A user, group or service account; `project` is the one that a service account belongs to."""

    name: str
    kind: str
    display_name: str
    disabled: bool
    platform_roles: tuple[str, ...]
    project: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Profile(Person):
    """Somebody, the groups they are directly in, their roles and how many things they own, by project."""

    groups: tuple[str, ...]
    roles: Mapping[str, str]
    owns: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Where somebody is signed in."""

    id: int
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str
    client: str


class People:
    """Finds, makes and changes users. Most of it is for admins."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def search(self, text: str = "") -> list[Person]:
        """
        People and groups with a word in name or display name that begins with each word of `text`; without one all.
        """
        return [read(Person, item) for item in items_of(self._connection, "/users", text=text or None)]

    def show(self, name: str) -> Profile:
        """
        One user or service account, and what hangs on it.
        """
        return read(Profile, self._connection.call("GET", _address(name)))

    def create(self, name: str, *, display_name: str = "", password: str | None = None, admin: bool = False) -> Person:
        """
        A new user; without a password nobody can sign in as them until `reset_password`.
        """
        body = {"name": name, "display_name": display_name, "password": password, "admin": admin}
        return read(Person, self._connection.call("POST", "/users", body))

    def rename(self, name: str, display_name: str) -> Person:
        """
        Another display name; the name itself stays.
        """
        body = {"display_name": display_name}
        return read(Person, self._connection.call("PATCH", _address(name), body, repeatable=True))

    def delete(self, name: str, *, hand_over_to: str | None = None) -> None:
        """
        Deletes a user; `hand_over_to` takes over what they own, everything else goes.
        """
        self._connection.call("DELETE", departing(_address(name), hand_over_to))

    def disable(self, name: str) -> None:
        """
        Sessions and tokens stop working at once.
        """
        self._connection.call("POST", _address(name, "disable"), repeatable=True)

    def enable(self, name: str) -> None:
        """
        Lets somebody in again.
        """
        self._connection.call("POST", _address(name, "enable"), repeatable=True)

    def reset_password(self, name: str) -> str:
        """
        A new random password, known to nobody else.
        """
        return str(self._connection.call("POST", _address(name, "reset-password"))["password"])

    def give_role(self, name: str, role: str) -> Person:
        """
        Makes somebody `admin` or `auditor` of the whole platform.
        """
        return read(Person, self._connection.call("PUT", _address(name, "platform-roles", role)))

    def take_role(self, name: str, role: str) -> Person:
        """
        Takes that away.
        """
        return read(Person, self._connection.call("DELETE", _address(name, "platform-roles", role)))

    def sessions(self, name: str) -> list[SignedIn]:
        """
        Where somebody is signed in.
        """
        return [read(SignedIn, item) for item in items_of(self._connection, _address(name, "sessions"))]

    def end_sessions(self, name: str) -> None:
        """
        Signs somebody out everywhere.
        """
        self._connection.call("DELETE", _address(name, "sessions"))


def departing(address: str, heir: str | None) -> str:
    """
    The address of a deletion, with who takes over.
    """
    return address if heir is None else f"{address}?hand_over_to={part(heir)}"


def _address(*names: str) -> str:
    return "/".join(["/users", *(part(name) for name in names)])
