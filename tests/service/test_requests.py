"""Requests for access: who may ask, who answers, and what can have happened in between."""

import threading
from datetime import timedelta

import pytest

from cerberus.errors import CerberusError, Conflict, Forbidden, Invalid, NotFound
from cerberus.policy import ALL_SCOPES, Kind, PlatformRole, Resource, Scope, Verb
from cerberus.service import SYSTEM, Actor, access

EXPERIMENT = Resource("fraud", Kind.EXPERIMENT, "7")


@pytest.fixture
def askable(cast, cerberus):
    cerberus.projects.change(cast.alice, "fraud", name="Fraud", description="Who cheats?", askable=True)


@pytest.fixture
def asked(askable, cast, cerberus):
    return cerberus.requests.ask(cast.charlie, "fraud", role="contributor", reason="the audit")


def can(cerberus, name, verb=Verb.READ):
    return cerberus.decisions.access_of_name(name).can(verb, EXPERIMENT)


@pytest.mark.on_each_database
def test_charlie_asks_and_alice_gives_for_a_week(askable, cast, cerberus):
    """He sees the state and the answer, has the role until its end, and each step is one line."""
    lines = len(cerberus.audit.search(SYSTEM, limit=1000))
    asked = cerberus.requests.ask(cast.charlie, "fraud", role="contributor", reason="the audit")
    assert not can(cerberus, "charlie")
    waiting = cerberus.requests.of_project(cast.alice, "fraud", state=asked.state)
    assert [(each.subject, each.role, each.reason) for each in waiting] == [("charlie", "contributor", "the audit")]
    ends = cerberus._context.now() + timedelta(days=7)
    cerberus.requests.approve(cast.alice, asked.id, expires_at=ends, answer="until it is done")
    assert can(cerberus, "charlie", Verb.UPDATE)
    (seen,) = cerberus.requests.mine(cast.charlie)
    assert (seen.state, seen.answer, seen.decided_by, seen.expires_at) == (
        "approved",
        "until it is done",
        "alice",
        ends,
    )
    member = next(m for m in cerberus.projects.members(cast.alice, "fraud") if m.subject == "charlie")
    assert (member.role, member.expires_at, member.reason, member.added_by) == (
        "contributor",
        ends,
        "the audit",
        "alice",
    )
    assert len(cerberus.audit.search(SYSTEM, limit=1000)) == lines + 2
    assert cerberus.audit.verify() is None


def test_what_was_given_for_a_time_ends_by_itself(asked, cast, cerberus, monkeypatch):
    """At that very moment, without a write."""
    ends = cerberus._context.now() + timedelta(days=7)
    cerberus.requests.approve(cast.alice, asked.id, expires_at=ends)
    mine = cerberus.decisions.access_of_name("charlie")
    monkeypatch.setattr(access, "utc_now", lambda: ends)
    assert not mine.can(Verb.READ, EXPERIMENT)


def test_a_refusal_is_seen_with_its_remark(asked, cast, cerberus):
    """And nothing is given; asking anew is possible."""
    cerberus.requests.refuse(cast.alice, asked.id, answer="ask the other team")
    (seen,) = cerberus.requests.mine(cast.charlie)
    assert (seen.state, seen.answer) == ("refused", "ask the other team")
    assert not can(cerberus, "charlie")
    cerberus.requests.ask(cast.charlie, "fraud", role="viewer")


def test_one_asks_once_at_a_time(asked, cast, cerberus):
    """Until it is answered or withdrawn."""
    with pytest.raises(Conflict, match="already"):
        cerberus.requests.ask(cast.charlie, "fraud", role="viewer")
    assert cerberus.requests.withdraw(cast.charlie, asked.id).state == "withdrawn"
    cerberus.requests.ask(cast.charlie, "fraud", role="viewer")
    assert [each.state for each in cerberus.requests.mine(cast.charlie)] == ["open", "withdrawn"]


def test_projects_that_take_requests_show_their_name_and_no_other(askable, cast, cerberus):
    """To everybody; archived and deleted ones are not among them, nor others for a token bound elsewhere."""
    assert [(info.slug, info.description) for info in cerberus.requests.askable(cast.erin)] == [
        ("fraud", "Who cheats?")
    ]
    token = cast.token("erin", project="churn")
    bound = Actor(cerberus.decisions.access_of_token(token).principal)
    assert cerberus.requests.askable(bound) == []
    with pytest.raises(NotFound):
        cerberus.requests.ask(bound, "fraud", role="viewer")
    cerberus.projects.archive(cast.alice, "fraud")
    assert cerberus.requests.askable(cast.erin) == []
    with pytest.raises(NotFound):
        cerberus.requests.ask(cast.erin, "fraud", role="viewer")


def test_a_hidden_project_that_takes_no_requests_is_like_one_that_does_not_exist(cast, cerberus):
    """In the same words; a member is told that it takes none."""
    said = set()
    for slug in ("churn", "nowhere"):
        with pytest.raises(NotFound) as raised:
            cerberus.requests.ask(cast.charlie, slug, role="viewer")
        said.add(raised.value.message.replace(slug, "X"))
    assert len(said) == 1
    with pytest.raises(Forbidden, match="takes no requests"):
        cerberus.requests.ask(cast.bob, "fraud", role="contributor")


def test_only_people_ask(askable, cast, cerberus):
    """Neither a service account nor the command line on the server."""
    cerberus.service_accounts.create(cast.erin, "churn", name="bot")
    for actor in (cast.actor("bot"), SYSTEM):
        with pytest.raises(Forbidden, match="person"):
            cerberus.requests.ask(actor, "fraud", role="viewer")


def test_a_role_that_is_not_there_cannot_be_asked_for(askable, cast, cerberus):
    """A stranger is told the built-in ones only; a custom one that they know of can be asked for."""
    cerberus.roles.create(cast.alice, "fraud", name="stager", levels={"*": "USE"})
    for who, told in ((cast.charlie, False), (cast.bob, True)):
        with pytest.raises(Invalid) as raised:
            cerberus.requests.ask(who, "fraud", role="emperor")
        assert raised.value.field == "role"
        assert ("stager" in raised.value.message) is told
    made = cerberus.requests.ask(cast.charlie, "fraud", role="stager")
    cerberus.requests.approve(cast.alice, made.id)
    assert can(cerberus, "charlie", Verb.USE)


@pytest.mark.parametrize("who", ["dana", "bob", "erin", "charlie"])
def test_only_who_manages_the_project_answers(asked, cast, cerberus, who):
    """To others there is no such request; the asker may look at it, and that is all."""
    actor = cast.actor(who)
    error = Forbidden if who == "charlie" else NotFound
    for refused in (
        lambda: cerberus.requests.approve(actor, asked.id),
        lambda: cerberus.requests.refuse(actor, asked.id),
    ):
        with pytest.raises(error):
            refused()
    with pytest.raises((Forbidden, NotFound)):
        cerberus.requests.of_project(actor, "fraud")
    if who != "charlie":
        for hidden in (
            lambda: cerberus.requests.get(actor, asked.id),
            lambda: cerberus.requests.withdraw(actor, asked.id),
        ):
            with pytest.raises(NotFound):
                hidden()
        assert cerberus.requests.mine(actor) == []
    with pytest.raises(Forbidden):
        cerberus.requests.withdraw(cast.alice, asked.id)


@pytest.mark.parametrize("who", ["admin", "alice"])
def test_nobody_answers_their_own(askable, cast, cerberus, who):
    """Not even an admin, nor who came to manage the project meanwhile."""
    if who == "alice":
        cerberus.projects.add_member(cast.alice, "fraud", subject="charlie", role="maintainer")
        cerberus.projects.change_role(cast.charlie, "fraud", subject="alice", role="viewer")
    mine = cerberus.requests.ask(cast.actor(who), "fraud", role="contributor")
    if who == "alice":
        cerberus.projects.change_role(cast.charlie, "fraud", subject="alice", role="maintainer")
    for refused in (cerberus.requests.approve, cerberus.requests.refuse):
        with pytest.raises(Forbidden, match="own request"):
            refused(cast.actor(who), mine.id)


def test_who_manages_through_a_group_answers(askable, cast, cerberus):
    """Bob's team maintains the project."""
    cerberus.projects.change_role(cast.alice, "fraud", subject="readers", role="maintainer")
    made = cerberus.requests.ask(cast.charlie, "fraud", role="viewer")
    cerberus.requests.approve(cast.bob, made.id)
    assert can(cerberus, "charlie")


def test_an_auditor_looks_and_does_not_answer(asked, cast, cerberus):
    """So does a maintainer with a token that may not administer."""
    cerberus.people.set_platform_role(cast.admin, "erin", PlatformRole.AUDITOR)
    writer = Actor(cerberus.decisions.access_of_token(cast.token("alice", scopes=(Scope.WRITE,))).principal)
    for actor, error in ((cast.erin, NotFound), (writer, Forbidden)):
        assert cerberus.requests.get(actor, asked.id) == asked
        assert cerberus.requests.of_project(actor, "fraud") == [asked]
        with pytest.raises(error):
            cerberus.requests.approve(actor, asked.id)


def archived(c, cast):
    c.projects.archive(cast.alice, "fraud")


def role_gone(c, cast):
    c.requests.withdraw(cast.charlie, c.requests.mine(cast.charlie)[0].id)
    c.roles.create(cast.alice, "fraud", name="stager", levels={"*": "USE"})
    c.requests.ask(cast.charlie, "fraud", role="stager")
    c.roles.delete(cast.alice, "fraud", name="stager")


def disabled(c, cast):
    c.people.disable(cast.admin, "charlie")


def deleted(c, cast):
    c.projects.delete(cast.alice, "fraud")


def withdrawn(c, cast):
    c.requests.withdraw(cast.charlie, c.requests.mine(cast.charlie)[0].id)


def refused(c, cast):
    c.requests.refuse(cast.alice, c.requests.mine(cast.charlie)[0].id)


@pytest.mark.parametrize(
    ("happens", "match"),
    [(archived, "archived"), (role_gone, "stager is gone"), (disabled, "disabled"), (deleted, "project was deleted"),
     (withdrawn, "withdrawn already by charlie"), (refused, "refused already by alice")],
)  # fmt: skip
def test_what_happened_meanwhile_stops_an_approval(asked, cast, cerberus, happens, match):
    """A conflict in plain words; nothing is given."""
    happens(cerberus, cast)
    newest = cerberus.audit.search(SYSTEM, action="request.ask")[0].target.partition(":")[2]
    version = cerberus.version()
    with pytest.raises(Conflict, match=match):
        cerberus.requests.approve(cast.admin, int(newest))
    assert cerberus.version() == version


def test_a_request_goes_with_the_person(asked, cast, cerberus):
    """There is nobody left to answer."""
    with cerberus._database.writing() as session:
        from cerberus.store import subjects

        subjects.remove(session, subjects.by_name(session, "charlie"))
    with pytest.raises(NotFound):
        cerberus.requests.approve(cast.alice, asked.id)


def now_and_later(cerberus):
    now = cerberus._context.now()
    return now + timedelta(days=1), now + timedelta(days=30)


@pytest.mark.on_each_database
@pytest.mark.parametrize(
    ("has", "has_until", "asks", "until", "given"),
    [
        ("contributor", None, "viewer", None, False),
        ("viewer", None, "contributor", None, True),
        ("viewer", None, "contributor", "soon", False),
        ("viewer", "soon", "viewer", "late", True),
        ("viewer", "late", "viewer", "soon", False),
        ("contributor", "soon", "viewer", None, False),
        ("viewer", "soon", "contributor", None, True),
        ("stager", None, "contributor", None, False),
        ("labeller", None, "contributor", None, True),
    ],
)
def test_an_approval_takes_nothing_away(askable, cast, cerberus, has, has_until, asks, until, given):
    """Neither now nor when it ends: then it is a conflict, and what somebody has stays."""
    soon, late = now_and_later(cerberus)
    moments = {None: None, "soon": soon, "late": late}
    cerberus.roles.create(cast.alice, "fraud", name="stager", levels={"prompt": "MANAGE"})
    cerberus.roles.create(cast.alice, "fraud", name="labeller", levels={"prompt": "EDIT"})
    cerberus.projects.add_member(cast.alice, "fraud", subject="charlie", role=has, expires_at=moments[has_until])
    if has == asks and has_until is None:
        return
    made = cerberus.requests.ask(cast.charlie, "fraud", role=asks)
    if given:
        cerberus.requests.approve(cast.alice, made.id, expires_at=moments[until])
    else:
        with pytest.raises(Conflict, match="take something away"):
            cerberus.requests.approve(cast.alice, made.id, expires_at=moments[until])
    member = next(m for m in cerberus.projects.members(cast.alice, "fraud") if m.subject == "charlie")
    expected = (asks, moments[until]) if given else (has, moments[has_until])
    assert (member.role, member.expires_at) == expected
    assert cerberus.requests.get(cast.charlie, made.id).state == ("approved" if given else "open")


def test_an_approval_does_not_narrow_what_a_group_gives(askable, cast, cerberus):
    """A role that names experiments would outrank the wider one of the group: a conflict."""
    cerberus.roles.create(cast.alice, "fraud", name="looker", levels={"experiment": "READ"})
    cerberus.projects.change_role(cast.alice, "fraud", subject="readers", role="contributor")
    cerberus.projects.add_member(cast.alice, "fraud", subject="bob", role="viewer")
    made = cerberus.requests.ask(cast.bob, "fraud", role="looker")
    with pytest.raises(Conflict, match="take something away"):
        cerberus.requests.approve(cast.alice, made.id)
    cerberus.projects.remove_member(cast.alice, "fraud", subject="bob")
    with pytest.raises(Conflict, match="take something away"):
        cerberus.requests.approve(cast.alice, made.id)
    assert can(cerberus, "bob", Verb.UPDATE)


def test_who_has_the_role_need_not_ask(askable, cast, cerberus):
    """But who has it for a time only may ask to keep it."""
    with pytest.raises(Conflict, match="are contributor"):
        cerberus.requests.ask(cast.dana, "fraud", role="contributor")
    soon, _ = now_and_later(cerberus)
    cerberus.projects.set_member(cast.alice, "fraud", subject="dana", role="contributor", expires_at=soon)
    made = cerberus.requests.ask(cast.dana, "fraud", role="contributor")
    cerberus.requests.approve(cast.alice, made.id)


@pytest.mark.parametrize(
    ("values", "field"),
    [({"answer": "x" * 501}, "answer"), ({"answer": "\u202e"}, "answer"), ({"expires_at": "past"}, "expires_at")],
)
def test_odd_answers_are_refused(asked, cast, cerberus, values, field):
    """The field is named, and the request stays open."""
    if "expires_at" in values:
        values = {"expires_at": asked.asked_at}
    with pytest.raises(Invalid) as raised:
        cerberus.requests.approve(cast.alice, asked.id, **values)
    assert raised.value.field == field
    assert cerberus.requests.get(cast.charlie, asked.id).state == "open"


def race(*tasks):
    """What each task answered or raised, begun at one moment."""
    start, ended = threading.Barrier(len(tasks)), []

    def run(task):
        start.wait()
        try:
            ended.append(task())
        except CerberusError as error:
            ended.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ended


@pytest.mark.on_each_database
def test_two_who_answer_at_once_make_one_decision(cast, cerberus):
    """The other is told that it is answered."""
    cerberus.projects.change(cast.alice, "fraud", askable=True)
    asked = cerberus.requests.ask(cast.charlie, "fraud", role="viewer")
    alice, admin = cast.alice, cast.admin
    ended = race(
        *[lambda: cerberus.requests.approve(alice, asked.id)] * 5,
        *[lambda: cerberus.requests.refuse(admin, asked.id)] * 5,
    )
    decided = [each for each in ended if not isinstance(each, CerberusError)]
    assert len(decided) == 1
    assert {type(each) for each in ended if isinstance(each, CerberusError)} == {Conflict}
    assert can(cerberus, "charlie") is (decided[0].state == "approved")
    lines = cerberus.audit.search(SYSTEM, action="request.approve") + cerberus.audit.search(
        SYSTEM, action="request.refuse"
    )
    assert len(lines) == 1


@pytest.mark.on_each_database
def test_twenty_requests_at_once_are_one(cast, cerberus):
    """The others are told that it is open."""
    cerberus.projects.change(cast.alice, "fraud", askable=True)
    charlie = cast.charlie
    ended = race(*[lambda: cerberus.requests.ask(charlie, "fraud", role="viewer")] * 20)
    assert len([each for each in ended if not isinstance(each, CerberusError)]) == 1
    assert {type(each) for each in ended if isinstance(each, CerberusError)} == {Conflict}
    assert len(cerberus.requests.mine(charlie)) == 1


def test_requests_come_in_pages(askable, cast, cerberus):
    """Newest first."""
    for _ in range(3):
        made = cerberus.requests.ask(cast.charlie, "fraud", role="viewer")
        cerberus.requests.withdraw(cast.charlie, made.id)
    first = cerberus.requests.mine(cast.charlie, limit=2)
    rest = cerberus.requests.mine(cast.charlie, limit=2, before=first[-1].id)
    assert [each.id for each in (*first, *rest)] == sorted({each.id for each in (*first, *rest)}, reverse=True)
    assert (len(first), len(rest)) == (2, 1)


def test_a_token_bound_to_the_project_asks_there(askable, cast, cerberus):
    """And sees its requests there only."""
    cerberus.projects.add_member(cast.alice, "fraud", subject="charlie", role="viewer")
    token = cast.token("charlie", project="fraud", scopes=tuple(ALL_SCOPES))
    bound = Actor(cerberus.decisions.access_of_token(token).principal)
    assert cerberus.requests.ask(bound, "fraud", role="contributor").state == "open"
    assert len(cerberus.requests.mine(bound)) == 1
    elsewhere = Actor(bound.principal.__class__(bound.principal.id, "charlie", project="churn"))
    assert cerberus.requests.mine(elsewhere) == []
