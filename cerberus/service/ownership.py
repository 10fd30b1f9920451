"""What Cerberus does about a thing that was made, deleted or renamed in MLflow, as a part of one change."""

from cerberus.policy import Level, Resource, Source
from cerberus.service.change import Change
from cerberus.store import grants, projects
from cerberus.store.tables import GrantRow, ProjectRow


def created(change: Change, resource: Resource, owner_id: int) -> None:
    """
    Makes the subject the owner, unless the thing has one already or its project is gone.
    """
    project = projects.project_row(change.session, resource.project)
    if project is None or grants.owners(change.session, project, resource):
        return
    own(change, project, resource, owner_id, reason="created it")
    change.record(f"{resource.kind}.create", target(resource), project=resource.project)


def deleted(change: Change, resource: Resource) -> int:
    """
    Deletes every grant on the thing, or the next one of its name would inherit them; how many.
    """
    project = projects.project_row(change.session, resource.project)
    count = 0 if project is None else grants.forget(change.session, project, resource)
    if count:
        change.record("grant.forget", target(resource), project=resource.project, before={"grants": count})
    return count


def renamed(change: Change, resource: Resource, new_id: str) -> int:
    """
    Moves every grant on the thing to its new name; how many. Grants left over on that name go first.
    """
    project = projects.project_row(change.session, resource.project)
    if project is None:
        return 0
    grants.forget(change.session, project, Resource(resource.project, resource.kind, new_id))
    count = grants.rename(change.session, project, resource, new_id)
    if count:
        change.record("grant.rename", target(resource), project=resource.project, after={"id": new_id})
    return count


def own(change: Change, project: ProjectRow, resource: Resource, owner_id: int, *, reason: str) -> GrantRow:
    """
    The new ownership. IntegrityError when the subject has it already.
    """
    return grants.insert(
        change.session,
        project,
        resource,
        subject_id=owner_id,
        level=Level.MANAGE,
        source=Source.OWNERSHIP,
        expires_at=None,
        reason=reason,
        at=change.now,
        by=change.actor.principal.name,
    )


def target(resource: Resource) -> str:
    """
    The resource as an audit line names it.
    """
    return f"{resource.kind}:{resource.id}"
