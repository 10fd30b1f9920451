"""Users: who they are, their passwords, their roles over the whole platform."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cerberus.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn
from cerberus.policy import PlatformRole, SubjectKind
from cerberus.service import departure, parse, passwords, secrets
from cerberus.service.accounts import account, home, seen_account
from cerberus.service.actors import Actor
from cerberus.service.change import View
from cerberus.service.context import Context
from cerberus.service.proofs import Proofs
from cerberus.service.sessions import IDLE
from cerberus.service.subjects import (
    disable,
    enable,
    find_subject,
    rename,
    require_admin_left,
    require_free,
)
from cerberus.store import belongings, credentials, maintainers, subjects
from cerberus.store.records import Person, Session

SHORTEST_SEARCH = 2
MOST_FOUND = 201
"""At once: a page, and one more that tells whether there is another."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Somebody, the groups they are directly in, their roles and how many things they own, by project."""

    person: Person
    groups: tuple[str, ...]
    roles: Mapping[str, str]
    owns: Mapping[str, int]


class People:
    """Creates people, and changes what they are."""

    def __init__(self, context: Context, proofs: Proofs) -> None:
        self._context = context
        self._proofs = proofs

    def create_user(
        self, actor: Actor, name: object, *, display_name: str = "", password: str | None = None, admin: bool = False
    ) -> Person:
        """
        A new user; without a password nobody can sign in as them until an admin sets one. Admins only.
        """
        wanted = parse.user_name(name)
        shown = parse.line(display_name, "display_name", longest=200)
        hashed = None
        if password is not None:
            hashed = self._hash(passwords.acceptable(password, about=(wanted, shown)))
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

    def get(self, name: object) -> Person:
        """
        The user, group or service account of that name; NotFound when there is none. Not for the outside: no check.
        """
        with self._context.database.reading() as session:
            row = subjects.by_name(session, parse.user_name(name))
            if row is None:
                raise NotFound(f"There is nobody called {name}.")
            return subjects.person(session, row)

    def an_admin(self) -> str | None:
        """
        The name of an enabled admin, the first by name; None when there is none. Not for the outside: no check.
        """
        with self._context.database.reading() as session:
            return subjects.an_enabled_admin(session)

    def show(self, actor: Actor, name: object) -> Profile:
        """
        The user or service account of that name, and what hangs on it. For admins and auditors; for a service account
        also those who manage its project, who learn nothing of projects that they do not see.
        """
        with self._context.view(actor) as view:
            row = seen_account(view, name)
            person = subjects.person(view.session, row)
            found = belongings.of(view.session, row.id)
            owns = belongings.owned(view.session, row.id)
            profile = Profile(
                person,
                groups=found.groups if view.oversees else (),
                roles={slug: role for slug, role in found.roles.items() if view.oversees or view.knows(slug)},
                owns={slug: count for slug, count in owns.items() if view.oversees or view.knows(slug)},
            )
        self._context.looked(actor, f"{person.kind}.show", f"{person.kind}:{person.name}", person.project)
        return profile

    def search(self, actor: Actor, text: str = "", *, limit: int = 50, after: str | None = None) -> list[Person]:
        """
        Who has a word in name or display name that begins with each word of `text`, by those words; everybody by name
        without a text. Those after the subject of the name `after`. Admins and auditors see everybody; those who
        manage a project must give a word of at least two characters, and do not learn which projects they do not see
        own service accounts; others may not search.
        """
        wanted = parse.line(text, "text", longest=100)
        with self._context.view(actor) as view:
            if not view.oversees:
                self._require_search(view, wanted)
            found = subjects.search(view.session, wanted, limit=max(1, min(limit, MOST_FOUND)), after=after)
            if view.oversees and after is None:
                self._context.looked(actor, "people.search", "people", about={"text": wanted or None})
            return found if view.oversees else [_as_known(view, person) for person in found]

    @staticmethod
    def _require_search(view: View, wanted: str) -> None:
        principal = view.access.principal
        managed = maintainers.managed_by(view.session, (principal.id, *principal.groups), now=view.now)
        if not any(principal.project in (None, slug) for slug in managed):
            raise Forbidden("You may not list people.", hint="Those who manage a project may.")
        if subjects.longest_word(wanted) < SHORTEST_SEARCH:
            raise Invalid("Give at least two characters of the name.", field="text")

    def rename(self, actor: Actor, name: object, *, display_name: str) -> Person:
        """
        Another display name for a user; the name itself stays. Admins only; for a service account also those who
        manage its project.
        """
        shown = parse.line(display_name, "display_name", longest=200)
        with self._context.change(actor) as change:
            row = account(change, name)
            rename(change, row, shown, project=home(change, row))
            return subjects.person(change.session, row)

    def disable(self, actor: Actor, name: object) -> Person:
        """
        Ends the person's sessions and refuses their tokens from now on. Conflict for the last admin, or the last
        maintainer of a project. Admins only; for a service account also those who manage its project.
        """
        with self._context.change(actor) as change:
            row = account(change, name)
            disable(change, row, project=home(change, row))
            return subjects.person(change.session, row)

    def enable(self, actor: Actor, name: object) -> Person:
        """
        Lets the person sign in again; their tokens work again too.
        """
        with self._context.change(actor) as change:
            row = account(change, name)
            enable(change, row, project=home(change, row))
            return subjects.person(change.session, row)

    def delete(self, actor: Actor, name: object, *, hand_over_to: object = None) -> None:
        """
        Deletes a user with everything that hangs on them; `hand_over_to` becomes the owner of what they own. The name
        is free then, and whoever gets it inherits nothing. Conflict, with nothing done, when somebody must take over
        and cannot, and for the last admin or maintainer. Admins only.
        """
        with self._context.change(actor) as change:
            change.require_admin()
            departure.delete(change, find_subject(change, name, SubjectKind.USER), hand_over_to=hand_over_to)

    def sessions(self, actor: Actor, name: object) -> list[Session]:
        """
        A user's living sessions, last seen first. For admins and auditors.
        """
        with self._context.view(actor) as view:
            view.require_oversight()
            row = find_subject(view, name, SubjectKind.USER)
            found = credentials.sessions_of(view.session, row.id, view.now, seen_after=view.now - IDLE)
        self._context.looked(actor, "session.list", f"user:{row.name}")
        return found

    def end_sessions(self, actor: Actor, name: object) -> None:
        """
        Ends every session of a user, with the tokens that came from them. Admins only.
        """
        with self._context.change(actor) as change:
            change.require_admin()
            row = find_subject(change, name, SubjectKind.USER)
            if ended := credentials.end_sessions(change.session, change.now, subject_id=row.id):
                change.record("session.end_all", f"user:{row.name}", before={"sessions": ended})

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
                require_admin_left(change)
                change.record("platform_role.take", f"user:{row.name}", before={"role": wanted})
            return subjects.person(change.session, row)

    def change_password(self, actor: Actor, *, current: str, new: str) -> None:
        """
        The actor's own password; ends every session of theirs, this one too. Invalid when `current` is wrong,
        Throttled after as many guesses as at sign-in: a session left open is no way to guess the password.
        """
        principal = actor.principal
        wanted = passwords.measured(new, field="new")
        with self._context.view(actor) as view:
            view.require_whole_account()
        try:
            proof = self._proofs.of_oneself(principal.name, current, actor.origin)
        except NotSignedIn:
            raise Invalid("The current password is wrong.", field="current") from None
        hashed = self._hash(passwords.acceptable(wanted, about=(principal.name, principal.display_name), field="new"))
        with self._context.change(actor) as change:
            row = find_subject(change, principal.name, SubjectKind.USER)
            if row.password_hash != proof.password_hash:
                raise Conflict("The password was changed at the same moment.", hint="Sign in again.")
            row.password_hash = hashed
            credentials.end_sessions(change.session, change.now, subject_id=row.id)
            change.record("user.change_password", f"user:{row.name}")

    def reset_password(self, actor: Actor, name: object, *, new: str | None = None) -> str:
        """
        A new password for a user, random unless given, returned once; ends their sessions. Admins only.
        """
        with self._context.view(actor) as view:
            view.require_admin()
            row = find_subject(view, name, SubjectKind.USER)
            about = (row.name, row.display_name)
        password = secrets.new_password() if new is None else passwords.acceptable(new, about=about, field="new")
        hashed = self._hash(password)
        with self._context.change(actor) as change:
            change.require_admin()
            row = find_subject(change, name, SubjectKind.USER)
            row.password_hash = hashed
            credentials.end_sessions(change.session, change.now, subject_id=row.id)
            credentials.forget_failures(change.session, f"account:{row.name}")
            change.record("user.reset_password", f"user:{row.name}")
            return password

    def _hash(self, password: str) -> str:
        return secrets.hash_password(password, rounds=self._context.password_rounds)


def _as_known(view: View, person: Person) -> Person:
    if person.project is None or view.knows(person.project):
        return person
    return replace(person, project=None)
