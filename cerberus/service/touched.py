"""Whom a change can touch, and where: read from what the change is given, before and after it."""

from collections.abc import Callable, Mapping
from typing import Any

from cerberus.policy import Kind, Resource
from cerberus.service import parse
from cerberus.store import grants, projects, reached, requests, roles
from cerberus.store.database import Transaction
from cerberus.store.reached import Reach

Values = Mapping[str, Any]
"""The fields of a change by name."""

Touches = Callable[[Transaction, Values], Reach]


def member(session: Transaction, values: Values) -> Reach:  # noqa: ARG001 - one shape for all
    """
    The subject within the project.
    """
    return Reach(within={str(values["project"]): {parse.user_name(values["subject"], "subject")}})


def holder_of_grant(session: Transaction, values: Values) -> Reach:
    """
    Who has the grant, where it is.
    """
    found = grants.get(session, values["grant_id"])
    return Reach() if found is None else Reach(within={found[1].project: {found[1].subject}})


def owners(session: Transaction, values: Values) -> Reach:
    """
    Who owns the resource, and who is to.
    """
    row = projects.project_row(session, str(values["project"]))
    reach = Reach(within={str(values["project"]): {parse.user_name(values["owner"], "owner")}})
    if row is not None:
        resource = Resource(row.slug, parse.member_of(Kind, values["kind"], "kind"), str(values["id"]))
        for _, grant in grants.owners(session, row, resource):
            reach.add(grant.subject, row.slug)
    return reach


def leaving(session: Transaction, values: Values) -> Reach:  # noqa: ARG001
    """
    Who leaves, and who takes over.
    """
    heir = values.get("hand_over_to")
    heirs = set() if heir is None else {parse.user_name(heir, "hand_over_to")}
    return Reach(everywhere={parse.user_name(values["name"]), *heirs})


def asker(session: Transaction, values: Values) -> Reach:
    """
    Who asks, in the project.
    """
    found = requests.get(session, values["request_id"])
    return Reach() if found is None else Reach(within={found[2].slug: {found[1].name}})


def joining(session: Transaction, values: Values) -> Reach:  # noqa: ARG001
    """
    Who comes into the group or leaves it, in all projects.
    """
    return Reach(everywhere={parse.user_name(values["member"], "member")})


def named(session: Transaction, values: Values) -> Reach:  # noqa: ARG001
    """
    The user, group or service account of that name, in all projects.
    """
    return Reach(everywhere={parse.user_name(values["name"])})


def project(session: Transaction, values: Values) -> Reach:  # noqa: ARG001
    """
    Everybody in the project.
    """
    return Reach(whole={str(values["project"])})


def holders_of_role(session: Transaction, values: Values) -> Reach:
    """
    Who has the role, in each project where it means this one.
    """
    reach = Reach()
    for slug, subject in reached.bound_to(session, values.get("project") or roles.EVERYWHERE, str(values["name"])):
        reach.add(subject, slug)
    return reach
