"""A project's service accounts, from a notebook of its maintainer: `client.service_accounts`."""

from dataclasses import dataclass

from cerberus.client.answers import read
from cerberus.client.connection import Connection, part
from cerberus.client.pages import items_of
from cerberus.client.people import departing


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A service account."""

    name: str
    display_name: str
    disabled: bool
    project: str


class ServiceAccounts:
    """Makes and ends the service accounts of a project."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, project: str) -> list[ServiceAccount]:
        """
        The service accounts that the project owns, by name.
        """
        return [read(ServiceAccount, item) for item in items_of(self._connection, _address(project))]

    def create(self, project: str, name: str, *, display_name: str = "") -> ServiceAccount:
        """
        A new one. It has no role until it gets one as a member.
        """
        body = {"name": name, "display_name": display_name}
        return read(ServiceAccount, self._connection.call("POST", _address(project), body))

    def show(self, project: str, name: str) -> ServiceAccount:
        """
        One of them.
        """
        return read(ServiceAccount, self._connection.call("GET", _address(project, name)))

    def rename(self, project: str, name: str, display_name: str) -> ServiceAccount:
        """
        Another display name; the name itself stays.
        """
        body = {"display_name": display_name}
        found = self._connection.call("PATCH", _address(project, name), body, repeatable=True)
        return read(ServiceAccount, found)

    def disable(self, project: str, name: str) -> None:
        """
        Its tokens stop working at once.
        """
        self._connection.call("POST", _address(project, name, "disable"), repeatable=True)

    def enable(self, project: str, name: str) -> None:
        """
        Lets it in again.
        """
        self._connection.call("POST", _address(project, name, "enable"), repeatable=True)

    def delete(self, project: str, name: str, *, hand_over_to: str | None = None) -> None:
        """
        Deletes it; `hand_over_to` takes over what it owns, everything else goes.
        """
        self._connection.call("DELETE", departing(_address(project, name), hand_over_to))


def _address(project: str, *names: str) -> str:
    return "/".join([f"/projects/{part(project)}/service-accounts", *(part(name) for name in names)])
