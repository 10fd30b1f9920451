"""
What happens to things in MLflow's database and has a second half here: who made it owns it, a deleted one's grants go,
a renamed one's move. No transaction spans both databases, so a deed is noted here before MLflow commits it (`begin`),
and the note goes in the very transaction that does the second half (`finish`). What a crash leaves in between is found
(`under_way`) and settled. See docs/adr/two-databases.md.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from cerberus.policy import Kind, Principal, Resource
from cerberus.service import ownership
from cerberus.service.actors import SYSTEM, Actor, Origin, line_of_origin
from cerberus.service.change import Change
from cerberus.service.context import Context
from cerberus.store import grants, intents
from cerberus.store.database import Transaction
from cerberus.store.records import Deed, Did, UnderWay


class Deeds:
    """The two halves of what is done to things in MLflow."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def begin(self, actor: Actor, deeds: Sequence[Deed]) -> list[int]:
        """
        Notes deeds that MLflow has carried out and is about to commit; what to `finish` once it has.

        What is left over about the same names is settled first: that MLflow could do this deed tells what became of it.
        """
        with self._context.database.writing() as session:
            if not any(_left_over(session, deed) for deed in deeds):
                return self._note(session, actor, deeds)
        with self._context.aftermath(actor) as change:
            for deed in deeds:
                _settle_names(change, deed)
                change.actor = actor
            return self._note(change.session, actor, deeds)

    def finish(self, ids: Sequence[int]) -> None:
        """
        Does the second half of deeds that happened, with their audit lines. What was settled meanwhile is left alone.
        """
        with self._context.aftermath(SYSTEM) as change:
            for each in ids:
                if (taken := intents.take(change.session, each)) is not None:
                    _second_half(change, *taken)

    def drop(self, ids: Sequence[int]) -> None:
        """
        Forgets deeds that did not happen.
        """
        with self._context.aftermath(SYSTEM) as change:
            for each in ids:
                intents.take(change.session, each)

    def under_way(self, *, for_longer_than: timedelta, limit: int = 1000) -> Sequence[UnderWay]:
        """
        Deeds that were begun so long ago and are not finished, oldest first.
        """
        with self._context.database.reading() as session:
            return intents.waiting(session, before=self._context.now() - for_longer_than, limit=limit)

    def _note(self, session: Transaction, actor: Actor, deeds: Sequence[Deed]) -> list[int]:
        line, at = line_of_origin(actor), self._context.now()
        return [intents.insert(session, deed, subject_id=actor.principal.id, line=line, at=at) for deed in deeds]


def _left_over(session: Transaction, deed: Deed) -> bool:
    return bool(intents.about(session, deed) or _inherited(session, deed))


def _inherited(session: Transaction, deed: Deed) -> list[Resource]:
    """
    What grants name an experiment that is only being made, and its scorers. MLflow chooses the ids, so nobody can have
    meant this one: they are of one that was deleted for good (`mlflow gc`), whose id SQLite has given out again.
    """
    is_new = deed.did is Did.CREATE and deed.resource.kind is Kind.EXPERIMENT
    return grants.of_experiment(session, deed.resource) if is_new else []


def _settle_names(change: Change, deed: Deed) -> None:
    was = deed.before
    for each in intents.about(change.session, deed):
        taken = intents.take(change.session, each)
        if taken is not None and all(taken[0].happened(at, was[at]) for at in taken[0].before if at in was):
            _second_half(change, *taken)
    for resource in _inherited(change.session, deed):
        ownership.deleted(change, resource)


def _second_half(change: Change, deed: Deed, subject_id: int, line: dict[str, Any]) -> None:
    who, origin = line["who"], Origin(line["address"], line["client"], line["request_id"])
    change.actor = Actor(Principal(subject_id, who), origin, on_behalf_of=line["on_behalf_of"])
    if deed.did is Did.CREATE:
        ownership.created(change, deed.resource, subject_id)
    elif deed.did is Did.DELETE:
        ownership.deleted(change, deed.resource)
    else:
        ownership.renamed(change, deed.resource, deed.new_id)
