"""Grants on single resources and on kinds, and the ownership of what one created."""

from datetime import datetime

from cerberus.errors import Invalid, NotFound
from cerberus.policy import Kind, Level, Resource, Source, Verb
from cerberus.service import parse
from cerberus.service.actors import Actor
from cerberus.service.context import Context
from cerberus.service.people import find_anybody
from cerberus.store import grants, projects
from cerberus.store.records import Grant


class Grants:
    """Gives and takes levels on resources."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def give(
        self,
        actor: Actor,
        resource: Resource,
        *,
        subject: object,
        level: Level,
        expires_at: datetime | None = None,
        reason: str = "",
    ) -> Grant:
        """
        Gives a subject a level on one resource, or with id `*` on its kind; replaces the grant that it has there.

        For those who may manage the resource.
        """
        wanted = parse.member_of(Level, level, "level")
        why = parse.text(reason, "reason", longest=500)
        parse.resource_id(resource.id)
        if resource.kind is Kind.EXPERIMENT:
            parse.experiment_id(resource.id)
        if resource.kind is Kind.PROJECT:
            raise Invalid("Roles are given on a project, not grants.", field="kind", hint="Add a member instead.")
        with self._context.change(actor) as change:
            project = change.require(Verb.MANAGE, resource)
            ends = parse.end(expires_at, change.now)
            row = find_anybody(change, subject)
            found = grants.find(change.session, project, resource, subject_id=row.id, source=Source.GRANT)
            before = None if found is None else _shown(grants.grant(found, row, project.slug))
            if found is None:
                found = grants.insert(
                    change.session,
                    project,
                    resource,
                    subject_id=row.id,
                    level=wanted,
                    source=Source.GRANT,
                    expires_at=ends,
                    reason=why,
                    at=change.now,
                    by=actor.principal.name,
                )
            else:
                found.level, found.expires_at, found.reason = wanted, ends, why
                found.added_at, found.added_by = change.now, actor.principal.name
                change.session.flush()
            given = grants.grant(found, row, project.slug)
            change.record("grant.give", _target(resource), project=project.slug, before=before, after=_shown(given))
            return given

    def revoke(self, actor: Actor, grant_id: int) -> None:
        """
        Takes a grant away. For those who may manage the resource that it names; NotFound otherwise.
        """
        with self._context.change(actor) as change:
            found = grants.get(change.session, grant_id)
            if found is None:
                raise NotFound("There is no such grant.")
            row, value = found
            resource = Resource(value.project, Kind(value.kind), value.resource_id)
            try:
                change.require(Verb.MANAGE, resource)
            except NotFound:  # in its own words this would tell the names of hidden projects, number by number
                raise NotFound("There is no such grant.") from None
            change.session.delete(row)
            change.record("grant.revoke", _target(resource), project=value.project, before=_shown(value))

    def on(self, actor: Actor, resource: Resource) -> list[Grant]:
        """
        The grants that name exactly this resource (or, with id `*`, its kind). For those who may manage it.
        """
        with self._context.view(actor) as view:
            return grants.on(view.session, view.require(Verb.MANAGE, resource), resource)

    def own(self, actor: Actor, resource: Resource) -> None:
        """
        Notes that the actor created the resource. Called by the MLflow plugin once MLflow has made it.
        """
        principal_id = actor.principal.id
        with self._context.aftermath(actor) as change:
            project = projects.project_row(change.session, resource.project)
            if project is None:
                raise NotFound(f"There is no project {resource.project}.")
            if grants.find(change.session, project, resource, subject_id=principal_id, source=Source.OWNERSHIP):
                return
            grants.insert(
                change.session,
                project,
                resource,
                subject_id=principal_id,
                level=Level.MANAGE,
                source=Source.OWNERSHIP,
                expires_at=None,
                reason="created it",
                at=change.now,
                by=actor.principal.name,
            )
            change.record(f"{resource.kind}.create", _target(resource), project=resource.project)

    def forget(self, actor: Actor, resource: Resource) -> int:
        """
        Deletes every grant on a resource that the actor deleted; how many.

        The next one of its name inherits nothing.
        """
        with self._context.aftermath(actor) as change:
            project = projects.project_row(change.session, resource.project)
            count = 0 if project is None else grants.forget(change.session, project, resource)
            if count:
                change.record("grant.forget", _target(resource), project=resource.project, before={"grants": count})
            return count

    def rename(self, actor: Actor, resource: Resource, *, new_id: str) -> int:
        """
        Moves every grant on a resource that the actor renamed to its new name; how many.

        Grants left over on that name go first.
        """
        with self._context.aftermath(actor) as change:
            project = projects.project_row(change.session, resource.project)
            if project is None:
                return 0
            grants.forget(change.session, project, Resource(resource.project, resource.kind, new_id))
            count = grants.rename(change.session, project, resource, new_id)
            if count:
                change.record("grant.rename", _target(resource), project=resource.project, after={"id": new_id})
            return count


def _target(resource: Resource) -> str:
    return f"{resource.kind}:{resource.id}"


def _shown(grant: Grant) -> dict[str, str | None]:
    ends = None if grant.expires_at is None else grant.expires_at.isoformat()
    return {"subject": grant.subject, "level": grant.level, "expires_at": ends, "reason": grant.reason}
