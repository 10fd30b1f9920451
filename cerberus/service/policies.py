"""The whole policy as one file: export it, see what a changed one would do, make it true in one transaction."""

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from cerberus.errors import Conflict, Invalid
from cerberus.service import policy_text, policy_words
from cerberus.service.actors import Actor
from cerberus.service.change import Change
from cerberus.service.context import Context
from cerberus.service.effects import Effect
from cerberus.service.policy_apply import perform, reach_of
from cerberus.service.policy_checks import Planned, check
from cerberus.service.policy_file import PolicyFile, schema
from cerberus.service.what_if import Compared, compare
from cerberus.store import policy_facts, policy_guard
from cerberus.store.database import Transaction
from cerberus.store.world import Scope, Step, steps_between

MOST_STEPS_TRIED: Final = 20_000
"""A plan of more differences says them, but not who gains and who loses by them."""

MOST_PEOPLE: Final = 2_000
"""In a plan the people of groups are named one by one as long as there are no more."""

MOST_STEPS_AUDITED: Final = 20_000
UNHURRIED_TRIES: Final = 2
HALF: Final = 32


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What a file would change: in words, in effect (None: too much to say), and what stands in its way. Made at a policy
    version; `digest` stands for the file, the differences and the effects, `file` for the file's text alone.
    """

    version: int
    digest: str
    file: str
    steps: tuple[str, ...]
    effects: tuple[Effect, ...] | None
    obstacles: tuple[str, ...]

    @property
    def changes(self) -> bool:
        """
        Whether the file and the database differ.
        """
        return bool(self.steps)


@dataclass(frozen=True, slots=True)
class Text:
    """A policy file as somebody sent it. With `keep_people`, users who are not in it stay as they are."""

    text: str
    parsed: PolicyFile
    keep_people: bool

    @property
    def digest(self) -> str:
        """
        SHA-256 of the text.
        """
        return policy_text.digest_of(self.text)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a file did in a transaction that was undone; without a comparison when there is too much to compare."""

    version: int
    steps: list[Step]
    obstacles: tuple[str, ...]
    compared: Compared | None


class _Moved(Exception):
    """Somebody changed the policy between reading it and locking it."""


class Policies:
    """Exports, plans and applies policy files. For admins; auditors export, too."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def schema(self) -> dict[str, Any]:
        """
        The JSON schema of a policy file.
        """
        return schema()

    def export(self, actor: Actor, *, projects: Iterable[str] = ()) -> dict[str, Any]:
        """
        The policy as the values of a file: all of it, or just these projects. For admins and auditors, and audited.
        """
        wanted = frozenset(projects)
        scope = Scope(frozenset(), frozenset(), frozenset(), wanted) if wanted else None
        with self._context.view_at_length(actor) as view:
            view.require_oversight()
            world = policy_facts.load(view.session, scope, view.now)
        missing = sorted(wanted - {*world.projects})
        if missing:
            raise Invalid(f"There is no project {missing[0][:63]}.", field="project")
        self._context.looked(actor, "policy.export", "policy", about={"projects": ", ".join(sorted(wanted)) or None})
        return policy_text.values_of(world, partial=bool(wanted))

    def plan(self, actor: Actor, text: str, *, keep_people: bool = False) -> Plan:
        """
        What the file would change. Nothing is changed: it is tried in a transaction that is undone. Admins only.

        Invalid, naming the place, for a file that cannot be.
        """
        file = Text(text, policy_text.read(text), keep_people)
        found = self._rehearse(replace(actor, before_commit=None), file)
        effects = None if found.compared is None else found.compared.effects()  # nobody waits for that any more
        words = tuple(map(policy_words.in_words, found.steps))
        digest = _digest(file, words) + _effect_digest(effects)
        return Plan(found.version, digest, file.digest, words, effects, found.obstacles)

    def _rehearse(self, actor: Actor, file: Text) -> Rehearsed:
        for _ in range(UNHURRIED_TRIES):
            version, planned = self._read_ahead(actor, file)
            with self._context.database.rehearsing(), self._context.change(actor) as change:
                if change.state.version == version:
                    return self._rehearsed(change, planned)
        with self._context.database.rehearsing(), self._context.change(actor) as change:
            return self._rehearsed(change, self._planned(change.session, file, change.now))

    def apply(
        self,
        actor: Actor,
        text: str,
        *,
        keep_people: bool = False,
        version: int | None = None,
        digest: str | None = None,
    ) -> Plan:
        """
        Makes true what the file says, in one transaction with one audit line; what was changed. Admins only.

        `version` and `digest` are those of the plan that somebody has seen: Conflict when the policy has moved on since
        then so that it would do something else. Conflict, too, when something stands in the way. All or nothing.
        """
        if (version is None) != (digest is None):
            raise Invalid("Give both the version and the digest of the plan, or neither.", field="digest")
        file = Text(text, policy_text.read(text), keep_people)
        for _ in range(UNHURRIED_TRIES):
            early, planned = self._read_ahead(actor, file)
            with suppress(_Moved), self._context.change_at_length(actor) as change:
                if change.state.version != early:
                    raise _Moved  # not just on: what is to follow this change must not follow nothing
                return self._applied(change, file, planned, version=version, digest=digest)
        with self._context.change_at_length(actor) as change:
            planned = self._planned(change.session, file, change.now)
            return self._applied(change, file, planned, version=version, digest=digest)

    def _read_ahead(self, actor: Actor, file: Text) -> tuple[int, Planned]:
        # Reading much takes long: that is done before everybody else has to wait.
        with self._context.view_at_length(actor) as view:
            view.require_admin()
            version = policy_facts.version(view.session)
            return version, self._planned(view.session, file, view.now)

    @staticmethod
    def _planned(session: Transaction, file: Text, now: datetime) -> Planned:
        scope = policy_text.scope_of(file.parsed)
        before = policy_facts.load(session, scope, now)
        after = policy_text.world_of(file.parsed, now)
        if file.keep_people:
            after.people = {**before.people, **after.people}
        planned = Planned(after, steps_between(before, after), scope)
        check(session, planned)
        return planned

    def _rehearsed(self, change: Change, planned: Planned) -> Rehearsed:
        change.require_admin()
        obstacles: list[str] = []

        def do() -> None:
            obstacles.extend(perform(change, planned.steps))

        if not planned.steps:
            found: Compared | None = Compared(False, change.now)
        elif len(planned.steps) <= MOST_STEPS_TRIED:
            reach = reach_of(change.session, planned.steps)
            found = compare(change.session, change.now, reach=reach, do=do, most=MOST_PEOPLE)
        else:
            do()
            found = None
        return Rehearsed(change.state.version, planned.steps, tuple(obstacles), found)

    def _applied(
        self, change: Change, file: Text, planned: Planned, *, version: int | None, digest: str | None
    ) -> Plan:
        change.require_admin()
        words = tuple(map(policy_words.in_words, planned.steps))
        if version is not None and digest is not None:
            self._require_same(change, file, planned, version=version, digest=digest)
        if planned.steps:
            obstacles = perform(change, planned.steps)
            if obstacles:
                raise Conflict(" ".join(obstacles), hint="Nothing was changed.")
            summary = {"file": file.digest, "changes": len(words), "steps": words[:MOST_STEPS_AUDITED]}
            change.record("policy.apply", "policy", after=summary | ({"keep_people": True} if file.keep_people else {}))
        return Plan(change.state.version, _digest(file, words) + _effect_digest(()), file.digest, words, (), ())

    def _require_same(self, change: Change, file: Text, planned: Planned, *, version: int, digest: str) -> None:
        moved = change.state.version != version
        same = digest[:HALF] == _digest(file, tuple(map(policy_words.in_words, planned.steps)))
        if same and moved and planned.steps:  # the same differences may by now mean something else to somebody
            reach = reach_of(change.session, planned.steps)
            found = compare(change.session, change.now, reach=reach, do=lambda: _do(change, planned), most=MOST_PEOPLE)
            same = digest[HALF:] == _effect_digest(found.effects())
        if same:
            return
        if not moved:
            raise Conflict("That is not the plan of this file.", hint="Plan again, and look at what it says.")
        newest = policy_guard.newest_change(change.session)
        by = "" if newest is None else f": the newest change is {newest.action} {newest.target} by {newest.who}, "
        at = "" if newest is None else newest.at.isoformat(timespec="seconds").replace("+00:00", "Z")
        raise Conflict(f"The policy has moved on since the plan{by}{at}.", hint="Plan again: nothing was changed.")


def _do(change: Change, planned: Planned) -> None:
    perform(change, planned.steps)


def _digest(file: Text, words: tuple[str, ...]) -> str:
    what = json.dumps([file.digest, file.keep_people, words])
    return hashlib.sha256(what.encode()).hexdigest()[:HALF]


def _effect_digest(effects: tuple[Effect, ...] | None) -> str:
    if effects is None:
        return "-" * HALF
    return hashlib.sha256(repr(effects).encode()).hexdigest()[:HALF]
