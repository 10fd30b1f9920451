"""Lets in whom the provider vouches for: finds or makes the user, gives what the rules say, begins a session.

One transaction, one audit line; the policy version is raised only when somebody's rights changed.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cerberus.errors import Conflict, Invalid, NotSignedIn
from cerberus.policy import PlatformRole, SubjectKind
from cerberus.service import parse
from cerberus.service.actors import SYSTEM, Actor, Origin
from cerberus.service.change import Change
from cerberus.service.context import Context
from cerberus.service.sessions import NewSession, begun_session
from cerberus.service.sign_on_rules import Given, Rule, given_by
from cerberus.sso.options import NewUsers, Options
from cerberus.store import identities, principals, subjects
from cerberus.store.identities import BY_SIGN_ON
from cerberus.store.tables import SubjectRow

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Changed:
    """What a sign-in changed, in words for the audit."""

    created: list[str] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    roles_given: list[str] = field(default_factory=list)
    roles_taken: list[str] = field(default_factory=list)

    def words(self) -> dict[str, list[str]]:
        found = {name: sorted(getattr(self, name)) for name in self.__slots__}
        return {name: values for name, values in found.items() if values}


class Admission:
    """The last step of a sign-in at the provider."""

    def __init__(self, context: Context, options: Options, rules: tuple[Rule, ...]) -> None:
        self._context = context
        self._options = options
        self._rules = rules

    def admit(self, external_id: str, claims: Mapping[str, Any], origin: Origin) -> NewSession:
        """
        A new session of the user whose account this is; NotSignedIn when it is nobody's, or the user is disabled.
        """
        given = given_by(self._rules, claims)
        with self._context.change(SYSTEM) as change:
            changed = _Changed()
            row = identities.owner(change.session, self._options.issuer, external_id)
            if row is None:
                row = self._newcomer(change, external_id, claims)
                changed.created.append(row.name)
            if row.kind != SubjectKind.USER:
                raise NotSignedIn(f"{row.name} is no user: it may show JWTs, but not sign in.")
            if row.disabled:
                raise NotSignedIn("This account is disabled.", hint="Ask an admin.")
            _give_groups(change, row, given, changed)
            _give_roles(change, row, given, changed)
            return self._begin(change, row, changed, origin)

    def _begin(self, change: Change, row: SubjectRow, changed: _Changed, origin: Origin) -> NewSession:
        loaded = principals.load(change.session, row.id)
        if loaded is None:
            raise NotSignedIn("The account is gone.")
        change.actor = Actor(loaded.principal, origin)
        new = begun_session(change.session, loaded.principal, origin, at=change.now)
        words, about = changed.words(), {"by": self._options.issuer}
        write = change.record if words else change.note
        write("session.begin", f"session:{new.session.id}", after={**about, **words})
        return new

    def _newcomer(self, change: Change, external_id: str, claims: Mapping[str, Any]) -> SubjectRow:
        issuer = self._options.issuer
        how = f"Ask an admin to run: cerberus link-identity NAME {issuer} {external_id}"
        if self._options.new_users != NewUsers.CREATE:
            raise NotSignedIn("You have no account here yet.", hint=how)
        claim = self._options.name_claim
        try:
            name = parse.user_name(claims.get(claim))
        except Invalid:
            raise NotSignedIn(f"The provider's claim {claim} holds no name that can be used here.", hint=how) from None
        if subjects.by_name(change.session, name) is not None:
            raise Conflict(f"The name {name} is taken here, by an account that is not linked to yours.", hint=how)
        shown = _shown(claims.get("name"))
        row = subjects.insert(change.session, name, SubjectKind.USER, display_name=shown, at=change.now)
        identities.link(change.session, row.id, issuer, external_id=external_id, at=change.now)
        return row


def _shown(value: object) -> str:
    try:
        return parse.line(value, "name", longest=200)
    except Invalid:
        return ""


def _give_groups(change: Change, row: SubjectRow, given: Given, changed: _Changed) -> None:
    known = identities.groups_named(change.session, given.groups)
    if missing := given.groups - known.keys():
        log.warning("single sign-on: the rules name groups that do not exist: %s", ", ".join(sorted(missing)))
    wanted, has = set(known.values()), identities.memberships(change.session, row.id)
    for name, group_id in known.items():
        if group_id not in has:
            identities.join(change.session, group_id, row.id)
            changed.joined.append(name)
    gone = [group_id for group_id, source in has.items() if source == BY_SIGN_ON and group_id not in wanted]
    for group_id in gone:
        identities.leave(change.session, group_id, row.id)
    changed.left += subjects.names(change.session, gone)


def _give_roles(change: Change, row: SubjectRow, given: Given, changed: _Changed) -> None:
    has = identities.platform_roles(change.session, row.id)
    for role in given.roles - has.keys():
        identities.give_role(change.session, row.id, role)
        changed.roles_given.append(role)
    for role, source in has.items():
        if source != BY_SIGN_ON or role in given.roles:
            continue
        if role is PlatformRole.ADMIN and subjects.enabled_admins(change.session) <= 1:
            log.warning("single sign-on: %s stays admin without the claim for it: nobody else is", row.name)
            continue
        identities.take_role(change.session, row.id, role)
        changed.roles_taken.append(role)
