"""Any change can be tried first: it is done in a transaction that is undone, and the two sides are compared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from cerberus.errors import Invalid
from cerberus.policy import ANY, Kind, Resource, Verb
from cerberus.service import parse, touched
from cerberus.service.access import Access, project_resource
from cerberus.service.actors import Actor
from cerberus.service.context import Context
from cerberus.service.effects import Effect, effects_between
from cerberus.service.touched import Touches, Values
from cerberus.store import audit, snapshot
from cerberus.store.database import Transaction
from cerberus.store.reached import Reach, Reached, reached
from cerberus.store.snapshot import Facts


@dataclass(frozen=True, slots=True)
class Trial:
    """
    A use case that can be tried first. `of` are the fields that it takes by position (`resource` is made of project,
    kind and id; one with `?` may be left out), `needs` and `takes` those that it must and can be given by name;
    `touches` says whom it can concern.
    """

    noun: str
    use_case: str
    touches: Touches
    of: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """
        The fields without which nothing can be tried.
        """
        parts = [part for field in self.of for part in (RESOURCE if field == "resource" else (field,))]
        return (*(part for part in parts if not part.endswith("?")), *self.needs)

    @property
    def optional(self) -> tuple[str, ...]:
        """
        The fields that may be left out.
        """
        return (*(field[:-1] for field in self.of if field.endswith("?")), *self.takes)


MOST_PEOPLE: Final = 5_000
"""The people of groups are named one by one as long as there are no more."""

MOST_REACHED: Final = 20_000
"""A change that concerns more people, each counted in every project, does not say what each of them gains or loses."""

RESOURCE: Final = ("project", "kind", "id")
TERMS: Final = ("expires_at", "reason")
ROLE_PARTS: Final = ("levels", "description", "manages_project")

TRIALS: Final[Mapping[str, Trial]] = MappingProxyType(
    {
        "member.set": Trial(
            "projects", "set_member", touched.member, of=("project",), needs=("subject", "role"), takes=TERMS
        ),
        "member.remove": Trial("projects", "remove_member", touched.member, of=("project",), needs=("subject",)),
        "grant.give": Trial(
            "grants", "give", touched.member, of=("resource",), needs=("subject", "level"), takes=TERMS
        ),
        "grant.revoke": Trial("grants", "revoke", touched.holder_of_grant, of=("grant_id",)),
        "ownership.hand_over": Trial("grants", "hand_over", touched.owners, of=("resource",), needs=("owner",)),
        "group.add_member": Trial("groups", "add_member", touched.joining, of=("group",), needs=("member",)),
        "group.remove_member": Trial("groups", "remove_member", touched.joining, of=("group",), needs=("member",)),
        "group.delete": Trial("groups", "delete", touched.named, of=("name",)),
        "user.disable": Trial("people", "disable", touched.named, of=("name",)),
        "user.enable": Trial("people", "enable", touched.named, of=("name",)),
        "user.delete": Trial("people", "delete", touched.leaving, of=("name",), takes=("hand_over_to",)),
        "service_account.disable": Trial(
            "service_accounts", "disable", touched.named, of=("project",), needs=("name",)
        ),
        "service_account.enable": Trial("service_accounts", "enable", touched.named, of=("project",), needs=("name",)),
        "service_account.delete": Trial(
            "service_accounts", "delete", touched.leaving, of=("project",), needs=("name",), takes=("hand_over_to",)
        ),
        "platform_role.give": Trial("people", "set_platform_role", touched.named, of=("name", "platform_role")),
        "platform_role.take": Trial("people", "unset_platform_role", touched.named, of=("name", "platform_role")),
        "role.change": Trial(
            "roles", "change", touched.holders_of_role, of=("project?",), needs=("name",), takes=ROLE_PARTS
        ),
        "role.delete": Trial("roles", "delete", touched.holders_of_role, of=("project?",), needs=("name",)),
        "project.archive": Trial("projects", "archive", touched.project, of=("project",)),
        "project.restore": Trial("projects", "restore", touched.project, of=("project",)),
        "project.delete": Trial("projects", "delete", touched.project, of=("project",), takes=("move_to",)),
        "request.approve": Trial(
            "requests", "approve", touched.asker, of=("request_id",), takes=("expires_at", "answer")
        ),
    }
)
"""Each change by its name. A new use case that is to be tried first is a new row."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """
    What a change would do: whether it changes anything at all, and who gains and who loses what by it (None: it
    concerns too many to say).
    """

    change: str
    changes: bool
    effects: tuple[Effect, ...] | None

    @property
    def people(self) -> tuple[str, ...]:
        """
        The names of those who gain or lose something.
        """
        return tuple(dict.fromkeys(effect.person for effect in self.effects or ()))


class WhatIf:
    """Tries changes without making them. `service` has the use cases, an attribute a noun."""

    def __init__(self, context: Context, service: object) -> None:
        self._context = context
        self._service = service

    def rehearse(self, actor: Actor, change: str, values: Values) -> Rehearsal:
        """
        What the change would do. Raises whatever the change itself would raise; nothing of it stays.

        The effects are those on resources that the actor may manage; for those who oversee the platform all.
        """
        trial = TRIALS.get(change)
        if trial is None:
            raise Invalid(f"A change is one of {', '.join(TRIALS)}.", field="change")
        _check_fields(trial, values)

        rehearsing = replace(actor, before_commit=None)  # what only a real change is to be followed by

        def perform() -> None:
            use_case = getattr(getattr(self._service, trial.noun), trial.use_case)
            use_case(rehearsing, *_positional(trial, values), **_named(trial, values))

        with self._context.database.rehearsing() as session:
            audit.lock(session)
            with session.begin_nested() as probe:
                perform()  # whoever may not do it gets no work done for them
                probe.rollback()
            with self._context.view(actor) as view:
                oversees, access = view.oversees, view.access
            compared = compare(session, self._context.now(), reach=lambda: trial.touches(session, values), do=perform)
        effects = compared.effects()
        if effects is not None and not oversees:
            effects = tuple(effect for effect in effects if _is_seen(access, effect))
        return Rehearsal(change, compared.changes, effects)


@dataclass(frozen=True, slots=True)
class Compared:
    """Whether a change stepped the policy version, and what everybody held before and after it."""

    changes: bool
    now: datetime
    found: Reached = field(default_factory=Reached)
    before: Facts = field(default_factory=Facts)
    after: Facts | None = field(default_factory=Facts)

    def effects(self) -> tuple[Effect, ...] | None:
        """
        Who gains and who loses what; None when that is too much to say. Needs no database, and takes a while.
        """
        if self.after is None:
            return None
        return tuple(effects_between(self.before, self.after, self.found, now=self.now))


def compare(
    session: Transaction,
    now: datetime,
    *,
    reach: Callable[[], Reach],
    do: Callable[[], None],
    most: int = MOST_PEOPLE,
) -> Compared:
    """
    Does the change in the open transaction, looks what those it reaches hold before and after it, and undoes it again.

    Where it concerns more than `most` people through groups, the largest groups stand for theirs.
    """
    version = audit.lock(session).version
    after: Facts | None = None
    with session.begin_nested() as trial:
        found = reached(session, reach(), most=most)
        do()
        session.flush()
        changes = audit.lock(session).version != version
        if found.size <= MOST_REACHED:
            found.merge(reached(session, reach(), most=most))
            after = snapshot.facts(session, found, now)
        trial.rollback()
    if after is None:
        return Compared(changes, now, after=None)
    return Compared(changes, now, found, snapshot.facts(session, found, now), after)


def _is_seen(access: Access, effect: Effect) -> bool:
    resource = Resource(effect.project, effect.kind, effect.resource_id)
    return access.can(Verb.MANAGE, project_resource(effect.project)) or access.can(Verb.MANAGE, resource)


def _check_fields(trial: Trial, values: Values) -> None:
    known = {*trial.required, *trial.optional}
    for name in values:
        if name not in known:
            raise Invalid(f"{name[:60]} is none of its fields: {', '.join(sorted(known))}.", field=name[:60])
    for name in trial.required:
        if values.get(name) is None:
            raise Invalid(f"{name} is missing.", field=name)


def _positional(trial: Trial, values: Values) -> list[Any]:
    return [_resource(values) if field == "resource" else values.get(field.rstrip("?")) for field in trial.of]


def _named(trial: Trial, values: Values) -> dict[str, Any]:
    return {field: values[field] for field in (*trial.needs, *trial.takes) if values.get(field) is not None}


def _resource(values: Values) -> Resource:
    kind = parse.member_of(Kind, values["kind"], "kind")
    return Resource(str(values["project"]), kind, str(values.get("id", ANY)))
