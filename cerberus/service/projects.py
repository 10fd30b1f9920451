"""Projects and their members."""

from dataclasses import dataclass
from datetime import datetime

from cerberus.errors import Conflict, Invalid, NotFound
from cerberus.policy import Verb
from cerberus.service import parse
from cerberus.service.actors import Actor
from cerberus.service.bindings import bind, rebind, shown
from cerberus.service.change import Change
from cerberus.service.context import Context
from cerberus.service.ending import end, require_empty
from cerberus.service.roles import FOUNDER, require_role
from cerberus.service.subjects import find_anybody, maintainers_stay
from cerberus.store import projects, roles, subjects
from cerberus.store.records import Member, ProjectInfo, RoleInfo
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

    def create(
        self, actor: Actor, slug: object, *, name: str = "", description: str = "", maintainer: object = None
    ) -> ProjectInfo:
        """
        A new project that `maintainer`, otherwise the actor, manages (the command line alone makes one that nobody
        does). Admins only. Conflict for a slug that is, or once was, another project's.
        """
        wanted = parse.slug(slug)
        shown = parse.line(name, "name", longest=200) or wanted
        about = parse.text(description, "description", longest=2000)
        with self._context.change(actor) as change:
            change.require_admin()
            _require_free(change, wanted)
            row = projects.insert(change.session, slug=wanted, name=shown, description=about, at=change.now)
            if maintainer is not None or not change.by_system:
                founder = find_anybody(change, actor.principal.name if maintainer is None else maintainer)
                bind(change, row, founder, role=FOUNDER, expires_at=None, reason="made the project")
            change.record("project.create", f"project:{wanted}", project=wanted, after={"name": shown})
            return projects.project_info(row)

    def get(self, actor: Actor, slug: str) -> ProjectInfo:
        """
        The project; NotFound when there is none or it is hidden.
        """
        with self._context.view(actor) as view:
            return projects.project_info(view.require_project(slug, Verb.READ))

    def roles(self, slug: str) -> list[RoleInfo]:
        """
        The roles that can be given in the project, built-in ones first. Not for the outside: no check.
        """
        with self._context.database.reading() as session:
            return [*roles.BUILT_IN, *(roles.role_info(row) for row in roles.in_project(session, slug))]

    def members(
        self, actor: Actor, slug: str, *, limit: int | None = None, after: str | None = None
    ) -> list[Member]:
        """
        Everybody who has a role in the project, by name, those after the name `after`. For everybody in the project.
        """
        with self._context.view(actor) as view:
            project = view.require_project(slug, Verb.READ)
            return projects.members(view.session, project.id, limit=limit, after=after)

    def member(self, actor: Actor, slug: str, *, subject: object) -> Member:
        """
        One member. For everybody in the project; NotFound when the subject has no role of its own there.
        """
        with self._context.view(actor) as view:
            project = view.require_project(slug, Verb.READ)
            row = subjects.by_name(view.session, parse.user_name(subject, "subject"))
            binding = None if row is None else projects.binding_row(view.session, project.id, row.id)
            if row is None or binding is None:  # the same words, or every member could find out who has an account
                raise NotFound(f"{subject} is not a member of {slug}.")
            return projects.member(binding, row)

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
        with self._context.change(actor) as change:
            project = change.require_project(slug)
            wanted = require_role(change, slug, role).name
            ends = parse.end(expires_at, change.now)
            row = find_anybody(change, subject)
            if projects.binding_row(change.session, project.id, row.id) is not None:
                raise Conflict(f"{row.name} is a member already.", hint="Change the role instead.")
            member = bind(change, project, row, role=wanted, expires_at=ends, reason=why)
            change.record("member.add", f"{row.kind}:{row.name}", project=slug, after=shown(member))
            return member

    def change_role(self, actor: Actor, slug: str, *, subject: object, role: str) -> Member:
        """
        Another role for a member; the end date stays. NotFound when it is no member, Conflict for the last maintainer.
        """
        with self._context.change(actor) as change:
            project = change.require_project(slug)
            wanted = require_role(change, slug, role).name
            row = find_anybody(change, subject)
            binding = projects.binding_row(change.session, project.id, row.id)
            if binding is None:
                raise NotFound(f"{row.name} is not a member of {slug}.")
            return _rebound(
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
        with self._context.change(actor) as change:
            project = change.require_project(slug)
            wanted = require_role(change, slug, role).name
            ends = parse.end(expires_at, change.now)
            row = find_anybody(change, subject)
            binding = projects.binding_row(change.session, project.id, row.id)
            if binding is None:
                member = bind(change, project, row, role=wanted, expires_at=ends, reason=why)
                change.record("member.add", f"{row.kind}:{row.name}", project=slug, after=shown(member))
                return member
            return _rebound(change, project, row, binding, role=wanted, expires_at=ends, reason=why)

    def remove_member(self, actor: Actor, slug: str, *, subject: object) -> Removal:
        """
        Takes away the member's role and every grant of its own in the project. Conflict for the last maintainer.

        What it has through groups stays: that is the group's.
        """
        with self._context.change(actor) as change:
            project = change.require_project(slug)
            row = find_anybody(change, subject)
            binding = projects.binding_row(change.session, project.id, row.id)
            before = None if binding is None else shown(projects.member(binding, row))
            with maintainers_stay(change, [slug]):
                removal = Removal(*projects.take_away(change.session, project.id, row.id))
            if removal == Removal(0, 0):
                raise NotFound(f"{row.name} is not a member of {slug}.")
            change.record(
                "member.remove", f"{row.kind}:{row.name}", project=slug, before=before, after={"grants": removal.grants}
            )
            return removal

    def change(
        self,
        actor: Actor,
        slug: str,
        *,
        name: str | None = None,
        description: str | None = None,
        askable: bool | None = None,
    ) -> ProjectInfo:
        """
        Changes what is given: how the project is called and described, and whether anybody may ask for a role in it
        (which shows its name and description to everybody).
        """
        shown_as = None if name is None else parse.line(name, "name", longest=200, shortest=1)
        about = None if description is None else parse.text(description, "description", longest=2000)
        if askable is not None and not isinstance(askable, bool):
            raise Invalid("askable is true or false.", field="askable")
        with self._context.change(actor) as change:
            project = change.require_project(slug)
            before = _settings(project)
            project.name = project.name if shown_as is None else shown_as
            project.description = project.description if about is None else about
            project.askable = project.askable if askable is None else askable
            if _settings(project) != before:
                after = _settings(project)
                change.record("project.change", f"project:{slug}", project=slug, before=before, after=after)
            return projects.project_info(project)

    def delete(self, actor: Actor, slug: str, *, move_to: str | None = None) -> None:
        """
        Deletes an empty project for good: roles, requests and tokens in it end, and its slug is not given out again.

        Its service accounts go to the project `move_to`, which the actor must manage too. Conflict while there are
        some and it is not given, or while grants name what MLflow holds there.
        """
        with self._context.change(actor) as change:
            project = change.require_project(slug)
            target = None if move_to is None else change.require_project(move_to)
            if target is not None and target.id == project.id:
                raise Invalid("The service accounts must go to another project.", field="move_to")
            require_empty(change, project)
            ended = end(change, project, target)
            change.record("project.delete", f"project:{slug}", project=slug, before=_settings(project), after=ended)

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


def _rebound(
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
    after = rebind(change, project, subject, binding, role=role, expires_at=expires_at, reason=reason)
    if after != before:
        who = f"{subject.kind}:{subject.name}"
        change.record("member.change", who, project=project.slug, before=shown(before), after=shown(after))
    return after


def _require_free(change: Change, slug: str) -> None:
    if projects.project_row(change.session, slug) is not None:
        raise Conflict(f"There is a project {slug} already.")
    if projects.was_deleted(change.session, slug):
        raise Conflict(
            f"There was a project {slug} once: its short name is not given out again.",
            hint="MLflow's workspace of that name may still hold its runs. Choose another one.",
        )


def _settings(project: ProjectRow) -> dict[str, str | bool]:
    return {"name": project.name, "description": project.description, "askable": project.askable}
