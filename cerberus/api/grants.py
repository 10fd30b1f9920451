"""Grants on single resources and on kinds, and who owns what."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from cerberus.api.auth import Caller
from cerberus.api.endpoint import noun
from cerberus.api.pages import first
from cerberus.api.parsing import Identifier, Moment, Name, Remark, number_of
from cerberus.api.shapes import Answer, Page, Query, Request
from cerberus.errors import Conflict, Forbidden, Invalid, NotFound
from cerberus.policy import Kind, Level, Resource, Source, SubjectKind
from cerberus.service import Grant

grants = noun("grants")

Id = Annotated[Identifier, Field(description="The id of one thing, or `*` for the kind as a whole.")]


class GrantPut(Request):
    """What a user, group or service account is to have on one thing (`id` = `*`: on the kind), until when, and why."""

    kind: Kind
    id: Id
    subject: Name
    level: Level
    expires_at: Moment | None = None
    reason: Remark = ""


class GrantShown(Answer):
    """A level on one thing, or with id `*` on a kind. `source` is `ownership` for what comes of having made it."""

    grant_id: int
    project: str
    kind: str
    id: str
    subject: str
    subject_kind: SubjectKind
    level: Level
    source: Source
    expires_at: datetime | None
    reason: str
    added_at: datetime
    added_by: str


class Grants(Answer):
    """Grants and ownership, oldest first; those that have ended, too."""

    items: tuple[GrantShown, ...]
    next: str | None = None


class GrantsQuery(Page):
    """Those that have all of these: `id` needs `kind`, and `*` stands for the kind as a whole."""

    kind: Kind | None = None
    id: Identifier | None = None
    subject: Name | None = None
    source: Literal["grant", "ownership"] | None = None


class OwnerQuery(Query):
    """The thing whose owner is asked for."""

    kind: Kind
    id: Identifier


class HandOver(Request):
    """The thing, and who is to own it."""

    kind: Kind
    id: Identifier
    owner: Name


def shown(grant: Grant) -> GrantShown:
    """
    The grant as the API names its parts: `id` is that of the resource.
    """
    values = {name: getattr(grant, name) for name in GrantShown.model_fields if name not in ("grant_id", "id")}
    return GrantShown(grant_id=grant.id, id=grant.resource_id, **values)


@grants.route(
    "GET",
    "/projects/<project>/grants",
    summary="List grants and ownership: of a thing, a kind, a subject, or the project",
    query=GrantsQuery,
    answer=Grants,
    raises=(NotFound, Forbidden),
)
def list_grants(caller: Caller, query: GrantsQuery, project: str) -> Grants:
    if query.id is not None and query.kind is None:
        raise Invalid("kind: an id needs a kind", field="kind")
    found = caller.cerberus.grants.page(
        caller.actor,
        project,
        kind=query.kind,
        resource_id=query.id,
        subject=query.subject,
        source=None if query.source is None else Source(query.source),
        limit=query.limit + 1,
        after=number_of(query.after or "0"),
    )
    page, following = first(found, query, lambda grant: str(grant.id))
    return Grants(items=tuple(shown(grant) for grant in page), next=following)


@grants.route(
    "PUT",
    "/projects/<project>/grants",
    summary="Give somebody this level on a thing or a kind, in place of the one they have there",
    body=GrantPut,
    answer=GrantShown,
    raises=(NotFound, Forbidden, Conflict),
)
def put_grant(caller: Caller, body: GrantPut, project: str) -> GrantShown:
    given = caller.cerberus.grants.give(
        caller.actor,
        Resource(project, body.kind, body.id),
        subject=body.subject,
        level=body.level,
        expires_at=body.expires_at,
        reason=body.reason,
    )
    return shown(given)


@grants.route("GET", "/grants/<grant>", summary="Show a grant", answer=GrantShown, raises=(NotFound, Forbidden))
def show_grant(caller: Caller, grant: str) -> GrantShown:
    return shown(caller.cerberus.grants.get(caller.actor, number_of(grant)))


@grants.route("DELETE", "/grants/<grant>", summary="Take a grant away", raises=(NotFound, Forbidden, Conflict))
def revoke_grant(caller: Caller, grant: str) -> None:
    caller.cerberus.grants.revoke(caller.actor, number_of(grant))


@grants.route(
    "GET",
    "/projects/<project>/owner",
    summary="Show who owns a thing",
    query=OwnerQuery,
    answer=GrantShown,
    raises=(NotFound,),
)
def show_owner(caller: Caller, query: OwnerQuery, project: str) -> GrantShown:
    return shown(caller.cerberus.grants.owner(caller.actor, Resource(project, query.kind, query.id)))


@grants.route(
    "POST",
    "/projects/<project>/hand-over",
    summary="Make somebody else the owner of a thing",
    body=HandOver,
    answer=GrantShown,
    raises=(NotFound, Forbidden, Conflict),
)
def hand_over(caller: Caller, body: HandOver, project: str) -> GrantShown:
    resource = Resource(project, body.kind, body.id)
    return shown(caller.cerberus.grants.hand_over(caller.actor, resource, owner=body.owner))
