"""Requests for access: anybody asks for a role in a project that takes requests; those who manage it answer."""

from dataclasses import replace
from datetime import datetime

from cerberus.errors import Conflict, Forbidden, NotFound
from cerberus.policy import LEVEL_VERBS, Kind, SubjectKind, Verb, effective_levels
from cerberus.service import parse
from cerberus.service.access import project_resource
from cerberus.service.actors import Actor
from cerberus.service.bindings import bind, rebind
from cerberus.service.change import Change, View
from cerberus.service.context import Context
from cerberus.service.roles import require_role
from cerberus.store import principals, projects, requests, roles
from cerberus.store.records import AccessRequest, ProjectInfo, RequestState
from cerberus.store.tables import AccessRequestRow, ProjectRow, SubjectRow

Found = tuple[AccessRequestRow, SubjectRow, ProjectRow]


class Requests:
    """Asks for access, and answers."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def askable(self, actor: Actor, *, limit: int = 50, after: str | None = None) -> list[ProjectInfo]:
        """
        The projects that anybody may ask for a role in, by slug, those after the slug `after`. For everybody.
        """
        with self._context.view(actor) as view:
            only = view.access.principal.project
            return requests.askable(view.session, only=only, limit=limit, after=after)

    def ask(self, actor: Actor, project: str, *, role: object, reason: str = "") -> AccessRequest:
        """
        A request for a role. NotFound for a project that takes none and is hidden, Conflict while one is open.
        """
        why = parse.text(reason, "reason", longest=500)
        with self._context.change(actor) as change:
            if change.access.principal.kind is not SubjectKind.USER:
                raise Forbidden("Only a person asks for access.", hint="A maintainer gives service accounts roles.")
            row = _askable_project(change, project)
            wanted = require_role(change, project, role).name
            asker = change.session.get_one(SubjectRow, actor.principal.id)
            _require_news(change, row, asker, wanted)
            made = requests.insert(change.session, row, asker.id, role=wanted, reason=why, at=change.now)
            asked = {"subject": asker.name, "role": wanted, "reason": why}
            change.note("request.ask", f"request:{made.id}", project=project, after=asked)
            return requests.access_request(made, asker, project)

    def approve(
        self, actor: Actor, request_id: int, *, expires_at: datetime | None = None, answer: str = ""
    ) -> AccessRequest:
        """
        Gives the role that was asked for, until `expires_at` if given. For those who manage the project, except the
        asker. Conflict when it is answered already, cannot be given any more, or would take something away.
        """
        remark = parse.text(answer, "answer", longest=500)
        with self._context.change(actor) as change:
            row, asker, project = _to_answer(change, request_id)
            ends = parse.end(expires_at, change.now)
            _require_givable(change, row, asker, project)
            _give(change, row, asker, project, ends)
            requests.close(row, RequestState.APPROVED, at=change.now, by=actor.principal.name, answer=remark)
            row.expires_at = ends
            given = {
                "subject": asker.name,
                "role": row.role,
                "expires_at": None if ends is None else ends.isoformat(),
                "answer": remark,
            }
            change.record("request.approve", f"request:{row.id}", project=project.slug, after=given)
            return requests.access_request(row, asker, project.slug)

    def refuse(self, actor: Actor, request_id: int, *, answer: str = "") -> AccessRequest:
        """
        Says no, with a remark. For those who manage the project, except the asker. Conflict when it is answered.
        """
        remark = parse.text(answer, "answer", longest=500)
        with self._context.change(actor) as change:
            row, asker, project = _to_answer(change, request_id)
            requests.close(row, RequestState.REFUSED, at=change.now, by=actor.principal.name, answer=remark)
            said = {"subject": asker.name, "role": row.role, "answer": remark}
            change.note("request.refuse", f"request:{row.id}", project=project.slug, after=said)
            return requests.access_request(row, asker, project.slug)

    def withdraw(self, actor: Actor, request_id: int) -> AccessRequest:
        """
        Takes one's own request back. Conflict when it is answered already.
        """
        with self._context.change(actor) as change:
            row, asker, project = _seen(change, request_id)
            if asker.id != actor.principal.id:
                raise Forbidden("Only who asked can withdraw a request.", hint="Refuse it instead.")
            _require_open(row)
            requests.close(row, RequestState.WITHDRAWN, at=change.now, by=asker.name, answer="")
            change.note("request.withdraw", f"request:{row.id}", project=project.slug)
            return requests.access_request(row, asker, project.slug)

    def get(self, actor: Actor, request_id: int) -> AccessRequest:
        """
        The request; NotFound for everybody but the asker and those who manage the project.
        """
        with self._context.view(actor) as view:
            row, asker, project = _seen(view, request_id)
            return requests.access_request(row, asker, project.slug)

    def mine(
        self, actor: Actor, *, state: RequestState | None = None, limit: int = 50, before: int | None = None
    ) -> list[AccessRequest]:
        """
        What the actor has asked for, newest first, those older than the id `before`.
        """
        with self._context.view(actor) as view:
            mine, only = actor.principal.id, view.access.principal.project
            return requests.page(view.session, subject_id=mine, project=only, state=state, limit=limit, before=before)

    def of_project(
        self,
        actor: Actor,
        project: str,
        *,
        state: RequestState | None = None,
        limit: int = 50,
        before: int | None = None,
    ) -> list[AccessRequest]:
        """
        Who has asked for what in the project, newest first. For those who manage it.
        """
        with self._context.view(actor) as view:
            row = view.require_sight(project_resource(project))
            return requests.page(view.session, project=row.slug, state=state, limit=limit, before=before)


def _askable_project(change: Change, slug: str) -> ProjectRow:
    row = projects.project_row(change.session, slug)
    bound = change.access.principal.project
    askable = row is not None and row.askable and row.archived_at is None and bound in (None, slug)
    if row is None or not askable:
        change.require_project(slug, Verb.READ)
        raise Forbidden(f"{slug} takes no requests for access.", hint="Ask a maintainer of the project.")
    return row


def _require_news(change: Change, project: ProjectRow, asker: SubjectRow, role: str) -> None:
    if requests.is_open(change.session, project.id, asker.id):
        raise Conflict(
            "You have asked already, and nobody has answered yet.", hint="Withdraw that request to ask anew."
        )
    binding = projects.binding_row(change.session, project.id, asker.id)
    if binding is not None and binding.role == role and binding.expires_at is None:
        raise Conflict(f"You are {role} of {project.slug} already.")


def _seen(view: View, request_id: int) -> Found:
    found = requests.get(view.session, request_id)
    if found is None:
        raise NotFound("There is no such request.")
    _, asker, project = found
    bound = view.access.principal.project
    mine = asker.id == view.actor.principal.id and bound in (None, project.slug)
    if not mine and not view.sees_policy_on(project_resource(project.slug)):
        raise NotFound("There is no such request.")
    return found


def _to_answer(change: Change, request_id: int) -> Found:
    row, asker, project = _seen(change, request_id)
    if asker.id == change.actor.principal.id:
        raise Forbidden("Nobody answers their own request.", hint="Somebody else who manages the project can.")
    if project.deleted_at is not None:
        change.require_admin()
        raise Conflict("The project was deleted, and the request ended with it.")
    change.require_project(project.slug)
    _require_open(row)
    return row, asker, project


def _require_open(row: AccessRequestRow) -> None:
    if row.state != RequestState.OPEN:
        by = f" by {row.decided_by}" if row.decided_by else ""
        raise Conflict(f"The request is {row.state} already{by}.")


def _require_givable(change: Change, row: AccessRequestRow, asker: SubjectRow, project: ProjectRow) -> None:
    if project.archived_at is not None:
        raise Conflict(f"{project.slug} is archived.", hint="Restore it first, or refuse the request.")
    if asker.disabled:
        raise Conflict(f"The account {asker.name} is disabled.", hint="Refuse the request.")
    if roles.find(change.session, project.slug, row.role) is None:
        raise Conflict(f"The role {row.role} is gone.", hint="Refuse the request, and say which one to ask for.")


def _give(
    change: Change, row: AccessRequestRow, asker: SubjectRow, project: ProjectRow, expires_at: datetime | None
) -> None:
    moments = [change.now] if expires_at is None else [change.now, expires_at]
    before = _reach(change, asker.id, project.slug, moments)
    binding = projects.binding_row(change.session, project.id, asker.id)
    if binding is None:
        bind(change, project, asker, role=row.role, expires_at=expires_at, reason=row.reason)
    else:
        rebind(change, project, asker, binding, role=row.role, expires_at=expires_at, reason=row.reason)
    after = _reach(change, asker.id, project.slug, moments)
    if any(not verbs <= after[question] for question, verbs in before.items()):
        raise Conflict(
            f"{asker.name} has other roles: this one would take something away, now or when it ends.",
            hint="Change the role by hand, or refuse the request.",
        )


def _reach(
    change: Change, subject_id: int, project: str, moments: list[datetime]
) -> dict[tuple[Kind, datetime], frozenset[Verb]]:
    """
    What roles give somebody on each kind at each moment, an admin's powers aside.
    """
    loaded = principals.load(change.session, subject_id)
    if loaded is None:
        return {}
    person, rules = replace(loaded.principal, platform_roles=frozenset()), loaded.rules.get(project, ())

    def verbs(kind: Kind, at: datetime) -> frozenset[Verb]:
        level = effective_levels(person, kind, project, rules, now=at).default
        return frozenset() if level is None else LEVEL_VERBS[level]

    return {(kind, at): verbs(kind, at) for kind in Kind for at in moments}
