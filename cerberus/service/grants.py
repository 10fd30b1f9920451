"""Grants on single resources and on kinds, and the ownership of what one created."""

from datetime import datetime

from cerberus.errors import Invalid, NotFound
from cerberus.policy import ANY, Kind, Level, Resource, Source, SubjectKind, Verb
from cerberus.service import ownership, parse
from cerberus.service.access import Access, project_resource
from cerberus.service.actors import Actor
from cerberus.service.change import Change, View
from cerberus.service.context import Context
from cerberus.service.ownership import own, target
from cerberus.service.subjects import find_anybody
from cerberus.store import grants, principals, projects
from cerberus.store.records import Grant
from cerberus.store.tables import ProjectRow, SubjectRow


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
        Gives a subject a level on one resource, or with id `*` on its kind; replaces the grant that it has there, and
        does nothing when that says the same already. For those who may manage the resource.
        """
        require_nameable(resource)
        wanted = parse.member_of(Level, level, "level")
        why = parse.text(reason, "reason", longest=500)
        with self._context.change(actor) as change:
            project = change.require(Verb.MANAGE, resource)
            ends = parse.end(expires_at, change.now)
            row = find_anybody(change, subject)
            before, given = _put(change, project, resource, row, level=wanted, expires_at=ends, reason=why)
            if before is None or _shown(before) != _shown(given):
                was = None if before is None else _shown(before)
                change.record("grant.give", target(resource), project=project.slug, before=was, after=_shown(given))
            return given

    def revoke(self, actor: Actor, grant_id: int) -> None:
        """
        Takes a grant away. For those who may manage the resource that it names, and those who manage the project,
        whatever a grant denies them there; NotFound otherwise.
        """
        with self._context.change(actor) as change:
            found = grants.get(change.session, grant_id)
            if found is None:
                raise NotFound("There is no such grant.")
            row, value = found
            resource = Resource(value.project, Kind(value.kind), value.resource_id)
            if not change.access.can(Verb.MANAGE, project_resource(value.project)):
                try:
                    change.require(Verb.MANAGE, resource)
                except NotFound:  # in its own words this would tell the names of hidden projects, number by number
                    raise NotFound("There is no such grant.") from None
            change.session.delete(row)
            before = {**_shown(value), "source": value.source}
            change.record("grant.revoke", target(resource), project=value.project, before=before)

    def get(self, actor: Actor, grant_id: int) -> Grant:
        """
        The grant of that id. For whom it names, and those who manage the resource; NotFound otherwise.
        """
        with self._context.view(actor) as view:
            found = grants.get(view.session, grant_id)
            if found is None or not _may_see(view, found[1]):
                raise NotFound("There is no such grant.")
            return found[1]

    def on(self, actor: Actor, resource: Resource) -> list[Grant]:
        """
        The grants that name exactly this resource (or, with id `*`, its kind). For those who may manage it.
        """
        with self._context.view(actor) as view:
            return grants.on(view.session, view.require_sight(resource), resource)

    def page(
        self,
        actor: Actor,
        project: str,
        *,
        kind: Kind | None = None,
        resource_id: str | None = None,
        subject: object = None,
        source: Source | None = None,
        limit: int = 50,
        after: int = 0,
    ) -> list[Grant]:
        """
        Grants and ownership in the project that have all the given values, ended ones too, by id, those after `after`.
        For those who manage what is asked about; one's own are for everybody in the project.
        """
        with self._context.view(actor) as view:
            name = None if subject is None else parse.user_name(subject, "subject")
            about = project_resource(project) if kind is None else Resource(project, kind, resource_id or ANY)
            mine = name == actor.principal.name
            where = view.require_project(project, Verb.READ) if mine else view.require_sight(about)
            row = None if name is None else find_anybody(view, name)  # only now: strangers learn no names here
            return grants.page(
                view.session,
                where,
                kind=kind,
                resource_id=resource_id,
                subject_id=None if row is None else row.id,
                source=source,
                limit=limit,
                after=after,
            )

    def owner(self, actor: Actor, resource: Resource) -> Grant:
        """
        Who owns the resource. For those who may read it; NotFound when Cerberus knows of no owner.
        """
        require_nameable(resource)
        with self._context.view(actor) as view:
            project = view.require(Verb.READ, resource)
            found = grants.owners(view.session, project, resource)
            if not found:
                raise NotFound("Cerberus knows of no owner of that.")
            return found[-1][1]

    def hand_over(self, actor: Actor, resource: Resource, *, owner: object) -> Grant:
        """
        Makes somebody else the owner. For the owner, while they may manage the resource, and whoever else may; the
        new one is a user or service account that may read the project.
        """
        require_nameable(resource)
        with self._context.change(actor) as change:
            project = change.require(Verb.MANAGE, resource)
            row = _new_owner(change, project, owner)
            found = grants.owners(change.session, project, resource)
            if [value.subject_id for _, value in found] == [row.id]:
                return found[0][1]
            for old, _ in found:
                change.session.delete(old)
            change.session.flush()
            made = own(change, project, resource, row.id, reason="was handed it")
            before = {"owner": ", ".join(value.subject for _, value in found)}
            change.record(
                "ownership.hand_over", target(resource), project=project.slug, before=before, after={"owner": row.name}
            )
            return grants.grant(made, row, project.slug)

    def own(self, actor: Actor, resource: Resource) -> None:
        """
        Notes that the actor created the resource, unless it has an owner. (MLflow's plugin does so through `deeds`.)
        """
        with self._context.aftermath(actor) as change:
            if projects.project_row(change.session, resource.project) is None:
                raise NotFound(f"There is no project {resource.project}.")
            ownership.created(change, resource, actor.principal.id)

    def forget(self, actor: Actor, resource: Resource) -> int:
        """
        Deletes every grant on a resource that the actor deleted; how many.

        The next one of its name inherits nothing.
        """
        with self._context.aftermath(actor) as change:
            return ownership.deleted(change, resource)

    def rename(self, actor: Actor, resource: Resource, *, new_id: str) -> int:
        """
        Moves every grant on a resource that the actor renamed to its new name; how many.

        Grants left over on that name go first.
        """
        with self._context.aftermath(actor) as change:
            return ownership.renamed(change, resource, new_id)


def require_nameable(resource: Resource) -> None:
    """
    Invalid unless the id is in the one spelling that MLflow's guard compares, and of a kind that grants are given on.
    """
    if resource.kind is Kind.PROJECT:
        raise Invalid("Roles are given on a project, not grants.", field="kind", hint="Add a member instead.")
    parse.id_of(resource.kind, resource.id)


def _may_see(view: View, grant: Grant) -> bool:
    whole = project_resource(grant.project)
    mine = grant.subject_id == view.actor.principal.id and view.access.can(Verb.READ, whole)
    return mine or view.sees_policy_on(Resource(grant.project, Kind(grant.kind), grant.resource_id))


def _put(
    change: Change,
    project: ProjectRow,
    resource: Resource,
    subject: SubjectRow,
    *,
    level: Level,
    expires_at: datetime | None,
    reason: str,
) -> tuple[Grant | None, Grant]:
    by = change.actor.principal.name
    row = grants.find(change.session, project, resource, subject_id=subject.id, source=Source.GRANT)
    before = None if row is None else grants.grant(row, subject, project.slug)
    if row is None:
        row = grants.insert(
            change.session,
            project,
            resource,
            subject_id=subject.id,
            level=level,
            source=Source.GRANT,
            expires_at=expires_at,
            reason=reason,
            at=change.now,
            by=by,
        )
    elif (row.level, row.expires_at, row.reason) != (level, expires_at, reason):
        row.level, row.expires_at, row.reason = level, expires_at, reason
        row.added_at, row.added_by = change.now, by
        change.session.flush()
    return before, grants.grant(row, subject, project.slug)


def _new_owner(change: Change, project: ProjectRow, name: object) -> SubjectRow:
    row = find_anybody(change, parse.user_name(name, "owner"))
    if row.kind == SubjectKind.GROUP or row.disabled:
        raise Invalid("An owner is an enabled user or service account.", field="owner")
    loaded = principals.load(change.session, row.id)
    if loaded is None or not Access.of(loaded, change.state.version).can(Verb.READ, project_resource(project.slug)):
        raise Invalid(f"{row.name} is not in {project.slug}.", field="owner", hint="Add them to the project first.")
    return row


def _shown(grant: Grant) -> dict[str, str | None]:
    ends = None if grant.expires_at is None else grant.expires_at.isoformat()
    return {"subject": grant.subject, "level": grant.level, "expires_at": ends, "reason": grant.reason}
