"""What Cerberus notes about things that came, all at once, from a server without it."""

from collections import Counter
from collections.abc import Mapping, Sequence

from cerberus.errors import NotFound
from cerberus.policy import Level, Resource, Source, SubjectKind
from cerberus.service.actors import Actor
from cerberus.service.change import Change
from cerberus.service.context import Context
from cerberus.service.subjects import find_anybody
from cerberus.store import grants, projects

REASON = "was its user in MLflow"


class Adoption:
    """Owners of adopted things, and the audit line of the adoption."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def note(self, actor: Actor, name: str, *, resources: Sequence[Resource], owners: Mapping[Resource, str]) -> None:
        """
        Makes people the owners of what is theirs, where nobody is yet, and writes one audit line. Admins only.
        """
        with self._context.change(actor) as change:
            change.require_admin()
            for resource, owner in owners.items():
                _own(change, resource, owner)
            change.record("adoption.adopt", f"adoption:{name}", after={**_counts(resources), "owners": len(owners)})

    def undo(self, actor: Actor, name: str, *, resources: Sequence[Resource]) -> None:
        """
        Takes all grants on the resources away, which are there no more, and writes one audit line. Admins only.
        """
        with self._context.change(actor) as change:
            change.require_admin()
            gone = 0
            for resource in resources:
                project = projects.project_row(change.session, resource.project)
                gone += 0 if project is None else grants.forget(change.session, project, resource)
            change.record("adoption.undo", f"adoption:{name}", before={**_counts(resources), "grants": gone})


def _own(change: Change, resource: Resource, owner: str) -> None:
    project = projects.project_row(change.session, resource.project)
    if project is None:
        raise NotFound(f"There is no project {resource.project}.")
    row = find_anybody(change, owner)
    if row.kind == SubjectKind.GROUP or grants.owners(change.session, project, resource):
        return
    grants.insert(
        change.session,
        project,
        resource,
        subject_id=row.id,
        level=Level.MANAGE,
        source=Source.OWNERSHIP,
        expires_at=None,
        reason=REASON,
        at=change.now,
        by=change.actor.principal.name,
    )


def _counts(resources: Sequence[Resource]) -> dict[str, int]:
    return dict(sorted(Counter(f"{each.project} {each.kind}" for each in resources).items()))
