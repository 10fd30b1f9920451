"""Projects and their members."""

from dataclasses import dataclass
from datetime import datetime

from cerberus.errors import Conflict, NotFound
from cerberus.policy import BUILT_IN_ROLES, Role, Verb
from cerberus.service import parse
from cerberus.service.actors import Actor
from cerberus.service.change import Change
from cerberus.service.context import Context
from cerberus.service.people import find_anybody, require_maintainers
from cerberus.store import projects, subjects
from cerberus.store.records import Member, ProjectInfo
from cerberus.store.tables import BindingRow, ProjectRow, SubjectRow


@dataclass(frozen=True, slots=True)
class Removal:
    """How many bindings and grants of a member went."""

    bindings: int
    grants: int


class Projects:
    """Creates projects, and says who has which role in them."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def create(self, actor: Actor, slug: object, *, name: str = "", description: str = "") -> ProjectInfo:
        """
        A new project with the actor as its maintainer (the command line makes one without). Admins only.
        """
        wanted = parse.slug(slug)
        shown = parse.text(name, "name", longest=200) or wanted
        about = parse.text(description, "description", longest=2000)
        with self._context.change(actor) as change:
            change.require_admin()
            if projects.project_row(change.session, wanted) is not None:
                raise Conflict(f"There is a project {wanted} already.")
            row = projects.insert(change.session, slug=wanted, name=shown, description=about, at=change.now)
            if not change.by_system:
                maker = subjects.by_name(change.session, actor.principal.name)
                if maker is not None:
                    _bind(change, row, maker, role="maintainer", expires_at=None, reason="made the project")
            change.record("project.create", f"project:{wanted}", project=wanted, after={"name": shown})
            return projects.project_info(row)

    def get(self, actor: Actor, slug: str) -> ProjectInfo:
        """
        The project; NotFound when there is none or it is hidden.
        """
        with self._context.view(actor) as view:
            return projects.project_info(view.require_project(slug, Verb.READ))

    def roles(self, slug: str) -> list[Role]:  # noqa: ARG002 - custom roles will differ by project
        """
        The roles that can be given in the project.
        """
        return list(BUILT_IN_ROLES.values())

    def members(self, actor: Actor, slug: str) -> list[Member]:
        """
        Everybody who has a role in the project, by name. For everybody in the project.
        """
        with self._context.view(actor) as view:
            return projects.members(view.session, view.require_project(slug, Verb.READ).id)

    def add_member(
        self,
        actor: Actor,
        slug: str,
        *,
        subject: object,
        role: str,
        expires_at: datetime | None = None,
        reason: str = "",
    ) -> Member:
        """
        Gives a user, group or service account a role. Conflict when it has one there already.
        """
        why = parse.text(reason, "reason", longest=500)
        wanted = parse.role_name(role)
        with self._context.change(actor) as change:
            project = change.require_project(slug)
            ends = parse.end(expires_at, change.now)
            row = find_anybody(change, subject)
            if projects.binding_row(change.session, project.id, row.id) is not None:
                raise Conflict(f"{row.name} is a member already.", hint="Change the role instead.")
            member = _bind(change, project, row, role=wanted, expires_at=ends, reason=why)
            change.record("member.add", f"{row.kind}:{row.name}", project=slug, after=_shown(member))
            return member

    def change_role(self, actor: Actor, slug: str, *, subject: object, role: str) -> Member:
        """
        Another role for a member; the end date stays. NotFound when it is no member, Conflict for the last maintainer.
        """
        wanted = parse.role_name(role)
        with self._context.change(actor) as change:
            project = change.require_project(slug)
            row = find_anybody(change, subject)
            binding = projects.binding_row(change.session, project.id, row.id)
            if binding is None:
                raise NotFound(f"{row.name} is not a member of {slug}.")
            return _rebind(
                change, project, row, binding, role=wanted, expires_at=binding.expires_at, reason=binding.reason
            )

    def set_member(
        self,
        actor: Actor,
        slug: str,
        *,
        subject: object,
        role: str,
        expires_at: datetime | None = None,
        reason: str = "",
    ) -> Member:
        """
        Gives a subject exactly this role, end and reason, whether it was a member before or not: asking twice does
        nothing more. Conflict when that left the project without a maintainer.
        """
        why = parse.text(reason, "reason", longest=500)
        wanted = parse.role_name(role)
        with self._context.change(actor) as change:
            project = change.require_project(slug)
            ends = parse.end(expires_at, change.now)
            row = find_anybody(change, subject)
            binding = projects.binding_row(change.session, project.id, row.id)
            if binding is None:
                member = _bind(change, project, row, role=wanted, expires_at=ends, reason=why)
                change.record("member.add", f"{row.kind}:{row.name}", project=slug, after=_shown(member))
                return member
            return _rebind(change, project, row, binding, role=wanted, expires_at=ends, reason=why)

    def remove_member(self, actor: Actor, slug: str, *, subject: object) -> Removal:
        """
        Takes away the member's role and every grant of its own in the project. Conflict for the last maintainer.

        What it has through groups stays: that is the group's.
        """
        with self._context.change(actor) as change:
            project = change.require_project(slug)
            row = find_anybody(change, subject)
            binding = projects.binding_row(change.session, project.id, row.id)
            before = None if binding is None else _shown(projects.member(binding, row))
            had = projects.has_maintainer(change.session, project.id)
            removal = Removal(*projects.take_away(change.session, project.id, row.id))
            if removal == Removal(0, 0):
                raise NotFound(f"{row.name} is not a member of {slug}.")
            if had:
                require_maintainers(change, [project.id])
            change.record(
                "member.remove", f"{row.kind}:{row.name}", project=slug, before=before, after={"grants": removal.grants}
            )
            return removal

    def archive(self, actor: Actor, slug: str) -> ProjectInfo:
        """
        Makes the project read only for everybody.
        """
        with self._context.change(actor) as change:
            project = change.require_project(slug)
            if project.archived_at is None:
                project.archived_at = change.now
                change.record("project.archive", f"project:{slug}", project=slug)
            return projects.project_info(project)

    def restore(self, actor: Actor, slug: str) -> ProjectInfo:
        """
        Ends the archive.
        """
        with self._context.change(actor) as change:
            project = change.require_project(slug)
            if project.archived_at is not None:
                project.archived_at = None
                change.record("project.restore", f"project:{slug}", project=slug)
            return projects.project_info(project)

    def list(self, actor: Actor) -> list[ProjectInfo]:
        """
        The projects that the actor may know of, by name; for an admin every one.
        """
        with self._context.view(actor) as view:
            return projects.every(view.session) if view.by_system else [*view.access.projects]


def _bind(
    change: Change, project: ProjectRow, subject: SubjectRow, *, role: str, expires_at: datetime | None, reason: str
) -> Member:
    binding = projects.bind(
        change.session,
        project,
        subject,
        role=role,
        expires_at=expires_at,
        reason=reason,
        at=change.now,
        by=change.actor.principal.name,
    )
    return projects.member(binding, subject)


def _rebind(
    change: Change,
    project: ProjectRow,
    subject: SubjectRow,
    binding: BindingRow,
    *,
    role: str,
    expires_at: datetime | None,
    reason: str,
) -> Member:
    before = projects.member(binding, subject)
    had = projects.has_maintainer(change.session, project.id)
    binding.role, binding.expires_at, binding.reason = role, expires_at, reason
    after = projects.member(binding, subject)
    if after == before:
        return after
    change.session.flush()
    if had:
        require_maintainers(change, [project.id])
    who = f"{subject.kind}:{subject.name}"
    change.record("member.change", who, project=project.slug, before=_shown(before), after=_shown(after))
    return after


def _shown(member: Member) -> dict[str, str | None]:
    ends = None if member.expires_at is None else member.expires_at.isoformat()
    return {"role": member.role, "expires_at": ends, "reason": member.reason}
