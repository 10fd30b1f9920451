"""What Cerberus notes about things that came, all at once, from a server without it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cerberus.errors import NotFound
from cerberus.policy import Kind, Resource, SubjectKind
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
            subjects = {owner: find_anybody(change, owner) for owner in sorted(set(owners.values()))}
            people = {owner: row.id for owner, row in subjects.items() if row.kind != SubjectKind.GROUP}
            for project, kind, ids in _together(owners):
                named = {each: people.get(owners[Resource(project, kind, each)]) for each in ids}
                _own(change, project, kind, {each: person for each, person in named.items() if person is not None})
            change.record("adoption.adopt", f"adoption:{name}", after={**_counts(resources), "owners": len(owners)})

    def undo(self, actor: Actor, name: str, *, resources: Sequence[Resource]) -> None:
        """
        Takes all grants on the resources away, which are there no more, and writes one audit line. Admins only.
        """
        with self._context.change(actor) as change:
            change.require_admin()
            gone = 0
            for slug, kind, ids in _together(resources):
                project = projects.project_row(change.session, slug)
                gone += 0 if project is None else grants.forget_all(change.session, project, kind, ids)
            change.record("adoption.undo", f"adoption:{name}", before={**_counts(resources), "grants": gone})


def _own(change: Change, slug: str, kind: Kind, people: Mapping[str, int]) -> None:
    project = projects.project_row(change.session, slug)
    if project is None:
        raise NotFound(f"There is no project {slug}.")
    owned = grants.owned(change.session, project, kind, people)
    grants.own_all(
        change.session,
        project,
        kind,
        {each: person for each, person in people.items() if each not in owned},
        reason=REASON,
        at=change.now,
        by=change.actor.principal.name,
    )


def _together(resources: Iterable[Resource]) -> Iterator[tuple[str, Kind, list[str]]]:
    """
    The ids of each project's resources of each kind.
    """
    found: dict[tuple[str, Kind], list[str]] = defaultdict(list)
    for each in resources:
        found[each.project, each.kind].append(each.id)
    for (project, kind), ids in found.items():
        yield project, kind, ids


def _counts(resources: Sequence[Resource]) -> dict[str, int]:
    return dict(sorted(Counter(f"{each.project} {each.kind}" for each in resources).items()))
