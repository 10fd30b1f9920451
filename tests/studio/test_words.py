"""Sentences about changes: who gains what is said once for all kinds, and a refusal where it happened."""

from __future__ import annotations

import pytest

from cerberus.errors import NotSignedIn, Unavailable
from cerberus.policy import ANY, LEVEL_VERBS, RUN_DATA_KINDS, Kind, Level, SubjectKind, Verb
from cerberus.service import Effect
from studio.ui import notice
from studio.ui.effects import sentences


def effect(kind: Kind, *, resource: str = ANY, person: str = "dana", gained: tuple[Verb, ...] = (Verb.READ,),
           lost: tuple[Verb, ...] = ()) -> Effect:
    return Effect(person, SubjectKind.USER, "fraud", kind, resource, None, Level.READ, gained, lost)


def test_every_kind_is_everything_and_the_project_stands_beside_it() -> None:
    (said,) = sentences([effect(kind) for kind in (*RUN_DATA_KINDS, Kind.PROJECT)])
    assert said == "**dana** gains *read* on everything and the project itself in **fraud**"


def test_some_kinds_and_things_are_named() -> None:
    (said,) = sentences([effect(Kind.EXPERIMENT), effect(Kind.PROMPT), effect(Kind.REGISTERED_MODEL, resource="a_b")])
    assert said == r"**dana** gains *read* on each experiment, each prompt and the registered model a\_b in **fraud**"


def test_each_person_and_change_has_a_line() -> None:
    verbs = tuple(verb for verb in Verb if verb in LEVEL_VERBS[Level.EDIT])
    said = sentences([
        effect(Kind.EXPERIMENT), effect(Kind.EXPERIMENT, person="erin", gained=(), lost=(Verb.MANAGE,)),
        effect(Kind.PROMPT, gained=verbs, lost=(Verb.DELETE,)),
    ])
    assert said == [
        "**dana** gains *read* on each experiment in **fraud**",
        "**erin** loses *manage* on each experiment in **fraud**",
        "**dana** gains *read, use, create, update* and loses *delete* on each prompt in **fraud**",
    ]


def test_no_effect_no_sentence() -> None:
    assert sentences([]) == []


@pytest.mark.parametrize("error", [Unavailable("away"), NotSignedIn("gone")])
def test_what_concerns_the_whole_page_is_left_to_it(error: Exception) -> None:
    def change() -> None:
        raise error

    with pytest.raises(type(error)):
        notice.after(change, "done")
