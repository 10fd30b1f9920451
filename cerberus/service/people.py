"""Users and service accounts."""

from cerberus.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn
from cerberus.policy import PlatformRole, SubjectKind
from cerberus.service import parse, secrets
from cerberus.service.actors import Actor
from cerberus.service.change import Change, View
from cerberus.service.context import Context
from cerberus.service.sessions import Sessions
from cerberus.store import credentials, principals, projects, subjects
from cerberus.store.records import Person
from cerberus.store.tables import SubjectRow


class People:
    """Creates people, and changes what they are."""

    def __init__(self, context: Context, sessions: Sessions) -> None:
        self._context = context
        self._sessions = sessions

    def create_user(
        self, actor: Actor, name: object, *, display_name: str = "", password: str | None = None, admin: bool = False
    ) -> Person:
        """
        A new user; without a password nobody can sign in as them until an admin sets one. Admins only.
        """
        wanted = parse.user_name(name)
        shown = parse.text(display_name, "display_name", longest=200)
        hashed = None
        if password is not None:
            hashed = self._hash(parse.password(password, name=wanted))
        with self._context.change(actor) as change:
            change.require_admin()
            require_free(change, wanted)
            row = subjects.insert(
                change.session,
                wanted,
                SubjectKind.USER,
                display_name=shown,
                at=change.now,
                password_hash=hashed,
            )
            if admin:
                subjects.set_platform_role(change.session, row.id, PlatformRole.ADMIN)
            person = subjects.person(change.session, row)
            change.record("user.create", f"user:{wanted}", after={"display_name": shown, "admin": admin})
            return person

    def create_service_account(self, actor: Actor, project: str, *, name: object, display_name: str = "") -> Person:
        """
        A new service account owned by the project, without a role yet. For those who manage the project.
        """
        wanted = parse.user_name(name)
        shown = parse.text(display_name, "display_name", longest=200)
        with self._context.change(actor) as change:
            owner = change.require_project(project)
            require_free(change, wanted)
            row = subjects.insert(
                change.session,
                wanted,
                SubjectKind.SERVICE_ACCOUNT,
                display_name=shown,
                at=change.now,
                project_id=owner.id,
            )
            person = subjects.person(change.session, row)
            change.record("service_account.create", f"service_account:{wanted}", project=project)
            return person

    def get(self, name: object) -> Person:
        """
        The user, group or service account of that name; NotFound when there is none. Not for the outside: no check.
        """
        with self._context.database.reading() as session:
            row = subjects.by_name(session, parse.user_name(name))
            if row is None:
                raise NotFound(f"There is nobody called {name}.")
            return subjects.person(session, row)

    def search(self, actor: Actor, text: str = "", *, limit: int = 50, after: str | None = None) -> list[Person]:
        """
        Whose name or display name holds `text`, by name. Admins and auditors see everybody; those who manage a
        project must give at least two characters; others may not search.
        """
        wanted = parse.text(text, "text", longest=100)
        with self._context.view(actor) as view:
            if not view.oversees:
                principal = view.access.principal
                managed = projects.managed_by(view.session, (principal.id, *principal.groups), now=view.now)
                if not any(principal.project in (None, project.slug) for project in managed):
                    raise Forbidden("You may not list people.", hint="Those who manage a project may.")
                if len(wanted) < 2:
                    raise Invalid("Give at least two characters of the name.", field="text")
            return subjects.search(view.session, wanted, limit=max(1, min(limit, 200)), after=after)

    def disable(self, actor: Actor, name: object) -> Person:
        """
        Ends the person's sessions and refuses their tokens from now on. Conflict for the last admin, or the last
        maintainer of a project. Admins only; for a service account also those who manage its project.
        """
        with self._context.change(actor) as change:
            row = self._account(change, name)
            if not row.disabled:
                row.disabled = True
                change.session.flush()
                self._require_admin_left(change)
                self._require_maintainers_left(change, row)
                credentials.end_sessions(change.session, change.now, subject_id=row.id)
                change.record(f"{row.kind}.disable", f"{row.kind}:{row.name}")
            return subjects.person(change.session, row)

    def enable(self, actor: Actor, name: object) -> Person:
        """
        Lets the person sign in again; their tokens work again too.
        """
        with self._context.change(actor) as change:
            row = self._account(change, name)
            if row.disabled:
                row.disabled = False
                change.session.flush()
                change.record(f"{row.kind}.enable", f"{row.kind}:{row.name}")
            return subjects.person(change.session, row)

    def set_platform_role(self, actor: Actor, name: object, role: PlatformRole) -> Person:
        """
        Makes a user admin or auditor. Admins only.
        """
        wanted = parse.member_of(PlatformRole, role, "role")
        with self._context.change(actor) as change:
            change.require_admin()
            row = find_subject(change, name, SubjectKind.USER)
            if subjects.set_platform_role(change.session, row.id, wanted):
                change.record("platform_role.give", f"user:{row.name}", after={"role": wanted})
            return subjects.person(change.session, row)

    def unset_platform_role(self, actor: Actor, name: object, role: PlatformRole) -> Person:
        """
        Takes the platform role away; Conflict for the last admin. Admins only.
        """
        wanted = parse.member_of(PlatformRole, role, "role")
        with self._context.change(actor) as change:
            change.require_admin()
            row = find_subject(change, name, SubjectKind.USER)
            if subjects.unset_platform_role(change.session, row.id, wanted):
                self._require_admin_left(change)
                change.record("platform_role.take", f"user:{row.name}", before={"role": wanted})
            return subjects.person(change.session, row)

    def change_password(self, actor: Actor, *, current: str, new: str) -> None:
        """
        The actor's own password; ends every session of theirs, this one too. Invalid when `current` is wrong,
        Throttled after as many guesses as at sign-in: a session left open is no way to guess the password.
        """
        name = actor.principal.name
        wanted = parse.password(new, name=name, field="new")
        with self._context.view(actor) as view:
            view.require_own_account()
            found = subjects.by_name(view.session, name)
            stored = None if found is None else found.password_hash
        try:
            self._sessions.check_password(name, current, actor.origin)
        except NotSignedIn:
            raise Invalid("The current password is wrong.", field="current") from None
        hashed = self._hash(wanted)
        with self._context.change(actor) as change:
            row = find_subject(change, name, SubjectKind.USER)
            if row.password_hash != stored:
                raise Conflict("The password was changed at the same moment.", hint="Sign in again.")
            row.password_hash = hashed
            credentials.end_sessions(change.session, change.now, subject_id=row.id)
            change.record("user.change_password", f"user:{name}")

    def reset_password(self, actor: Actor, name: object, *, new: str | None = None) -> str:
        """
        A new password for a user, random unless given, returned once; ends their sessions. Admins only.
        """
        wanted = parse.user_name(name)
        password = secrets.new_password() if new is None else parse.password(new, name=wanted, field="new")
        hashed = self._hash(password)
        with self._context.change(actor) as change:
            change.require_admin()
            row = find_subject(change, wanted, SubjectKind.USER)
            row.password_hash = hashed
            credentials.end_sessions(change.session, change.now, subject_id=row.id)
            credentials.forget_failures(change.session, f"account:{wanted}")
            change.record("user.reset_password", f"user:{wanted}")
            return password

    def _hash(self, password: str) -> str:
        return secrets.hash_password(password, rounds=self._context.password_rounds)

    @staticmethod
    def _account(change: Change, name: object) -> SubjectRow:
        row = subjects.by_name(change.session, parse.user_name(name))
        if row is not None and row.kind == SubjectKind.SERVICE_ACCOUNT:
            slug = subjects.person(change.session, row).project
            change.require_project(str(slug))
            return row
        change.require_admin()
        if row is None or row.kind != SubjectKind.USER:
            raise NotFound(f"There is no user {name}.")
        return row

    @staticmethod
    def _require_admin_left(change: Change) -> None:
        if not subjects.enabled_admins(change.session):
            raise Conflict("That is the last admin.", hint="Make somebody else admin first.")

    @staticmethod
    def _require_maintainers_left(change: Change, row: SubjectRow) -> None:
        ids = (row.id, *principals.groups_of(change.session, row.id))
        managed = projects.managed_by(change.session, ids, now=change.now)
        require_maintainers(change, [project.id for project in managed])


def require_maintainers(change: Change, project_ids: list[int]) -> None:
    """
    Conflict naming the projects that the change would leave without a maintainer.
    """
    alone = projects.without_maintainer(change.session, project_ids)
    if alone:
        raise Conflict(
            f"That would leave {', '.join(alone)} without a maintainer.", hint="Make somebody else maintainer first."
        )


def require_free(change: Change, name: str) -> None:
    """
    Conflict when any subject has the name.
    """
    if subjects.by_name(change.session, name) is not None:
        raise Conflict(f"The name {name} is taken.", hint="Users, groups and service accounts share their names.")


def find_anybody(view: View, name: object) -> SubjectRow:
    """
    The row of the user, group or service account of that name; NotFound when there is none.
    """
    row = subjects.by_name(view.session, parse.user_name(name, "subject"))
    if row is None:
        raise NotFound(f"There is no user, group or service account {name}.")
    return row


def find_subject(view: View, name: object, kind: SubjectKind) -> SubjectRow:
    """
    The row of that name and kind; NotFound when there is none.
    """
    row = subjects.by_name(view.session, parse.user_name(name))
    if row is None or row.kind != kind:
        raise NotFound(f"There is no {kind.replace('_', ' ')} {name}.")
    return row
