"""Many at the same moment: one admin stays, groups make no circle, and every guess at a password counts."""

import functools
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cerberus.errors import CerberusError, Conflict, Invalid, NotSignedIn, Throttled, Unavailable
from cerberus.policy import PlatformRole
from cerberus.service import SYSTEM, Origin, proofs
from cerberus.store import subjects

pytestmark = pytest.mark.on_each_database
AT_ONCE = 20


def at_once(*tasks):
    """What each of the tasks answered or raised, all begun at the same moment."""
    ready = threading.Barrier(len(tasks))

    def run(task):
        ready.wait()
        try:
            return task()
        except CerberusError as error:
            return error

    with ThreadPoolExecutor(len(tasks)) as pool:
        return [future.result() for future in [pool.submit(run, task) for task in tasks]]


def demote(cerberus, actor, name):
    cerberus.people.unset_platform_role(actor, name, PlatformRole.ADMIN)


def disable(cerberus, actor, name):
    cerberus.people.disable(actor, name)


def delete(cerberus, actor, name):
    cerberus.people.delete(actor, name)


@pytest.mark.parametrize(
    "ways",
    [[demote], [disable], [delete], [demote, disable, delete]],
    ids=lambda ways: "-".join(w.__name__ for w in ways),
)
def test_of_two_admins_whom_twenty_threads_take_down_one_stays(cast, cerberus, ways):
    """Each by the other, and by themselves; nobody is told that the database failed."""
    cerberus.people.set_platform_role(SYSTEM, "bob", PlatformRole.ADMIN)
    admin, bob = cast.admin, cast.bob
    pairs = [(admin, "bob"), (bob, "admin"), (admin, "admin"), (bob, "bob")]
    turns = zip(itertools.cycle(ways), itertools.cycle(pairs), range(AT_ONCE), strict=False)
    tasks = [functools.partial(way, cerberus, *pair) for way, pair, _ in turns]
    answers = at_once(*tasks)
    assert [answer for answer in answers if isinstance(answer, Unavailable)] == []
    with cerberus._database.reading() as session:
        assert subjects.enabled_admins(session) == 1
    assert cerberus.audit.verify() is None


def test_two_groups_put_into_each_other_at_once_make_no_circle(cast, cerberus):
    """One of each pair goes in, whoever comes second is refused; also around a longer way."""
    names = ["a0", "a1", "a2", "a3"]
    for name in names:
        cerberus.groups.create(SYSTEM, name)
    edges = [(names[number % 4], names[(number + 1) % 4]) for number in range(AT_ONCE)]
    answers = at_once(
        *(lambda g=group, m=member: cerberus.groups.add_member(SYSTEM, g, member=m) for group, member in edges)
    )
    refused = [answer for answer in answers if isinstance(answer, CerberusError)]
    assert {type(answer) for answer in refused} == {Invalid}
    assert {answer.field for answer in refused} == {"member"}
    inside = {(name, member.name) for name in names for member in cerberus.groups.members(SYSTEM, name)}
    assert len(inside) == 3  # of four edges that make a circle, three
    assert inside < set(edges)


def test_one_name_is_given_once(cast, cerberus):
    """Twenty ask for it: one gets it, the others are told that it is taken."""
    answers = at_once(*[lambda: cerberus.people.create_user(SYSTEM, "frank", display_name="F")] * AT_ONCE)
    kinds = sorted(type(answer).__name__ for answer in answers)
    assert kinds == ["Conflict"] * (AT_ONCE - 1) + ["Person"]
    assert len(cerberus.people.search(SYSTEM, "frank")) == 1


def test_somebody_deleted_and_made_member_at_once_leaves_nothing_behind(cast, cerberus):
    """Whoever is first: no membership of nobody, and no fault."""
    joining = [lambda: cerberus.groups.add_member(SYSTEM, "readers", member="dana")] * (AT_ONCE // 2)
    leaving = [lambda: cerberus.people.delete(SYSTEM, "dana")] * (AT_ONCE // 2)
    answers = at_once(*joining, *leaving)
    assert [answer for answer in answers if isinstance(answer, Unavailable | Conflict)] == []
    assert [member.name for member in cerberus.groups.members(SYSTEM, "readers")] == ["bob"]


def test_guesses_at_the_same_moment_count_as_many(cast, cerberus, monkeypatch):
    """Thirty at once are ten looks at the password, however long each takes."""
    looked = []
    monkeypatch.setattr(
        proofs.secrets, "password_matches", lambda *_, **__: looked.append(1) or threading.Event().wait(0.05)
    )
    answers = at_once(
        *(
            lambda number=number: cerberus.sessions.sign_in("alice", "wrong", Origin(f"192.0.2.{number}"))
            for number in range(30)
        )
    )
    kinds = [type(answer) for answer in answers]
    most = proofs.MOST_FAILURES_OF_AN_ACCOUNT
    assert (kinds.count(NotSignedIn), kinds.count(Throttled), len(looked)) == (most, 30 - most, most)
