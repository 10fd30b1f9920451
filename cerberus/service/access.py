"""What one principal may do, at one version of the policy."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, TypeVar

from cerberus.errors import CerberusError, Forbidden, NotFound
from cerberus.policy import (
    ALL_SCOPES,
    Decision,
    Kind,
    Levels,
    PlatformRole,
    Principal,
    Reason,
    Resource,
    Rule,
    Rulebook,
    Scope,
    SubjectKind,
    Verb,
    Visible,
    decide,
    levels_within_limits,
    visible,
)
from cerberus.store.principals import Loaded
from cerberus.store.records import ProjectInfo

Answer = TypeVar("Answer")
OVERSEERS: Final = frozenset({PlatformRole.ADMIN, PlatformRole.AUDITOR})

SYSTEM_PRINCIPAL = Principal(
    id=0,
    name="system",
    kind=SubjectKind.SYSTEM,
    display_name="the command line on the server",
    platform_roles=frozenset({PlatformRole.ADMIN}),
)


def utc_now() -> datetime:
    """
    The moment, timezone-aware.
    """
    return datetime.now(UTC)


class Refused(CerberusError):
    """Carries the decision that refused, so that the audit can name it."""

    decision: Decision


class HiddenResource(NotFound, Refused):
    """A refusal that must look like absence."""


class RefusedResource(Forbidden, Refused):
    """A refusal of something that the caller may see."""


def refusal(decision: Decision) -> Refused:
    """
    The error for a decision that says no: NotFound when the principal may not even read the resource.
    """
    resource = decision.resource
    what = f"{resource.kind.replace('_', ' ')} {resource.id}" if resource.id != "*" else resource.kind.replace("_", " ")
    error: Refused
    if decision.visible:
        error = RefusedResource(f"You may not {decision.verb} {what}: {decision.reason}.", hint=_hint(decision))
    else:
        error = HiddenResource(f"There is no {what}, or it is not yours to see.")
    error.decision = decision
    return error


def _hint(decision: Decision) -> str:
    if decision.reason is Reason.SCOPE:
        return "Use a token with a wider scope."
    if decision.reason is Reason.ARCHIVED:
        return "A maintainer can restore the project."
    return f"A maintainer of {decision.resource.project} can give you a role that allows it."


@dataclass(frozen=True, slots=True)
class Access:
    """
    One principal's identity and rules at one policy version. Immutable; ask for a new one at every request.
    """

    version: int
    principal: Principal
    rules: Mapping[str, tuple[Rule, ...]]
    known_projects: Mapping[str, ProjectInfo]
    book: Rulebook = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "book", Rulebook.of(self.rules))

    @classmethod
    def of(
        cls,
        loaded: Loaded,
        version: int,
        *,
        scopes: frozenset[Scope] = ALL_SCOPES,
        project: str | None = None,
    ) -> "Access":
        """
        The access of a loaded principal through a credential with these limits.
        """
        principal = loaded.principal
        if scopes != principal.scopes or project != principal.project:
            principal = replace(principal, scopes=scopes, project=project)
        return cls(version, principal, loaded.rules, loaded.projects)

    @property
    def projects(self) -> tuple[ProjectInfo, ...]:
        """
        The projects that the principal may know of, by name.
        """
        return tuple(self.projects_after(""))

    def projects_after(self, place: str) -> Iterator[ProjectInfo]:
        """
        Those whose `place` comes after this one. Which of them may be known of is decided as far as one looks: an admin
        has very many.
        """
        rest = [info for info in self.known_projects.values() if info.place > place]
        rest.sort(key=lambda info: info.place)
        return (info for info in rest if self.can(Verb.READ, project_resource(info.slug)))

    @property
    def oversees(self) -> bool:
        """
        Whether the principal may see people and audit everywhere: admins and auditors, unless the credential is bound.
        """
        return bool(self.principal.platform_roles & OVERSEERS) and self.principal.project is None

    def project(self, slug: str) -> ProjectInfo:
        """
        The project of that slug; NotFound when there is none or it is hidden.
        """
        info = self.known_projects.get(slug)
        if info is None or not self.can(Verb.READ, project_resource(slug)):
            raise NotFound(f"There is no project {slug}, or you are not in it.")
        return info

    def roles(self, project: str) -> tuple[str, ...]:
        """
        The names of the roles in force in the project, the principal's own and their groups'.
        """
        now = utc_now()
        held = {rule.role for rule in self.rules.get(project, ()) if rule.role is not None and rule.in_force(now)}
        return tuple(sorted(held))

    def check(self, verb: Verb, resource: Resource) -> Decision:
        """
        Whether the principal may do it, and why.
        """
        rules, archived = self.book.about(resource), self._is_archived(resource.project)
        return decide(self.principal, verb, resource, rules, now=utc_now(), archived=archived)

    def can(self, verb: Verb, resource: Resource) -> bool:
        """
        Whether the principal may do it.
        """
        return self.check(verb, resource).allowed

    def require(self, verb: Verb, resource: Resource) -> None:
        """
        NotFound when the principal may not see the resource, Forbidden when it may see but not do this.
        """
        decision = self.check(verb, resource)
        if not decision.allowed:
            raise refusal(decision)
        self.project(resource.project)  # an admin may do everything, but not in a project that does not exist

    def visible(self, kind: Kind, project: str) -> Visible:
        """
        Which resources of the kind the principal may read.
        """
        return self.remember(("visible", kind), project, lambda now: self._visible(kind, project, now))

    def levels(self, kind: Kind, project: str) -> Levels:
        """
        The level on every resource of the kind, with the limits of the credential and of an archived project applied.
        """
        return self.remember(("levels", kind), project, lambda now: self._levels(kind, project, now))

    def remember(self, what: Hashable, project: str, make: Callable[[datetime], Answer]) -> Answer:
        """
        What `make` answers for now from this access alone: made once under a policy version, and again when a rule of
        the project ends. `what` tells answers apart.
        """
        now = utc_now()
        key = (what, self.principal, self.known_projects.get(project))
        return self.book.remembered(key, project, now, lambda: make(now))

    def _visible(self, kind: Kind, project: str, now: datetime) -> Visible:
        return visible(self.principal, kind, project, self.book.of_kind(kind, project), now=now)

    def _levels(self, kind: Kind, project: str, now: datetime) -> Levels:
        rules, archived = self.book.of_kind(kind, project), self._is_archived(project)
        return levels_within_limits(self.principal, kind, project, rules, now=now, archived=archived)

    def _is_archived(self, project: str) -> bool:
        info = self.known_projects.get(project)
        return info is not None and info.archived


def project_resource(slug: str) -> Resource:
    """
    The project itself: READ for who is in it, MANAGE for maintainers.
    """
    return Resource(slug, Kind.PROJECT, slug)
