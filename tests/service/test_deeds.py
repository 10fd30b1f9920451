"""
The two halves of what is done to things in MLflow: who made it owns it, whatever happens in between.
"""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from cerberus.errors import Conflict, NotFound
from cerberus.policy import Kind, Level, Resource, Source
from cerberus.service import SYSTEM, Deed, Did

pytestmark = pytest.mark.on_each_database
MODEL = Resource("fraud", Kind.REGISTERED_MODEL, "m")
OTHER = replace(MODEL, id="other")
EXPERIMENT = Resource("fraud", Kind.EXPERIMENT, "7")
NOW = timedelta(0)


def create(resource=MODEL, mark="1"):
    return Deed(Did.CREATE, resource, mark)


def delete(resource=MODEL, mark="1"):
    return Deed(Did.DELETE, resource, mark)


def rename(resource=MODEL, new_id=OTHER.id, mark="1"):
    return Deed(Did.RENAME, resource, mark, new_id)


@pytest.fixture
def owners(cerberus):
    def of(resource):
        found = cerberus.grants.page(SYSTEM, "fraud", kind=resource.kind, resource_id=resource.id)
        return [grant.subject for grant in found if grant.source is Source.OWNERSHIP]

    return of


@pytest.fixture
def made(cast, cerberus):
    """A model of Dana's, whole."""
    cerberus.deeds.finish(cerberus.deeds.begin(cast.dana, [create()]))


@pytest.fixture
def pending(cerberus):
    """What is under way, as words."""
    return lambda: [
        f"{each.deed.did} {each.deed.resource.id}" for each in cerberus.deeds.under_way(for_longer_than=NOW)
    ]


def lines(cerberus, action):
    found = cerberus.audit.search(SYSTEM, action=action)
    return [(line.who, line.target, line.address, line.request_id) for line in found]


def test_who_creates_owns_and_the_audit_has_one_line(cast, cerberus, owners, pending):
    version = cerberus.version()
    begun = cerberus.deeds.begin(cast.dana, [create()])
    assert (owners(MODEL), pending(), cerberus.version()) == ([], ["create m"], version)
    cerberus.deeds.finish(begun)
    assert (owners(MODEL), pending(), cerberus.version()) == (["dana"], [], version + 1)
    cerberus.deeds.finish(begun)
    assert owners(MODEL) == ["dana"]
    assert lines(cerberus, "registered_model.create") == [("dana", "registered_model:m", "192.0.2.1", "req-1")]


def test_the_note_holds_no_credential(cast, cerberus):
    actor = replace(cast.dana, origin=replace(cast.dana.origin, client="mls_" + "a" * 40))
    cerberus.deeds.begin(actor, [create()])
    with cerberus._database.reading() as session:
        from cerberus.store.tables import IntentRow

        assert "mls_" not in session.query(IntentRow).one().line


def test_several_things_at_once_are_one_change(cast, cerberus, owners):
    begun = cerberus.deeds.begin(cast.dana, [create(), create(OTHER)])
    cerberus.deeds.finish(begun)
    assert owners(MODEL) == owners(OTHER) == ["dana"]


def test_what_goes_or_is_renamed_takes_its_grants_along(cast, cerberus, made, owners):
    cerberus.grants.give(cast.alice, MODEL, subject="charlie", level=Level.READ)
    cerberus.deeds.finish(cerberus.deeds.begin(cast.dana, [rename()]))
    assert (owners(MODEL), owners(OTHER)) == ([], ["dana"])
    assert len(cerberus.grants.on(cast.alice, OTHER)) == 2
    cerberus.deeds.finish(cerberus.deeds.begin(cast.dana, [delete(OTHER)]))
    assert cerberus.grants.on(cast.alice, OTHER) == []


def test_what_did_not_happen_leaves_nothing(cast, cerberus, owners, pending):
    cerberus.deeds.drop(cerberus.deeds.begin(cast.dana, [create()]))
    assert (owners(MODEL), pending()) == ([], [])


def test_only_what_is_old_enough_is_under_way(cast, cerberus):
    cerberus.deeds.begin(cast.dana, [create()])
    assert len(cerberus.deeds.under_way(for_longer_than=NOW)) == 1
    assert len(cerberus.deeds.under_way(for_longer_than=timedelta(minutes=1))) == 0


@pytest.mark.parametrize(
    ("deed", "at", "found", "happened"),
    [
        (create(), "m", "1", True),
        (create(), "m", None, False),
        (create(), "m", "2", False),  # another one of that name, made later
        (delete(), "m", None, True),
        (delete(), "m", "2", True),
        (delete(), "m", "1", False),
        (rename(), "other", "1", True),
        (rename(), "other", None, False),
        (rename(), "other", "2", False),
        (rename(), "m", "1", False),
        (rename(), "m", None, True),
        (rename(), "m", "2", True),
    ],
)
def test_what_an_id_stands_for_tells_whether_a_deed_happened(deed, at, found, happened):
    assert deed.happened(at, found) is happened


def test_a_namesake_inherits_nothing_from_one_whose_end_was_left_half_done(cast, cerberus, made, owners, pending):
    """The crash: MLflow has deleted Dana's model, and Cerberus has not heard of it. Alice makes one of that name."""
    cerberus.grants.give(cast.alice, MODEL, subject="charlie", level=Level.EDIT)
    late = cerberus.deeds.begin(cast.dana, [delete()])
    begun = cerberus.deeds.begin(cast.alice, [create(mark="2")])
    assert (cerberus.grants.on(cast.alice, MODEL), pending()) == ([], ["create m"])
    assert lines(cerberus, "grant.forget")[0][0] == "dana"
    cerberus.deeds.finish(begun)
    cerberus.deeds.finish(late)  # the worker was only slow: what is Alice's now stays hers
    assert owners(MODEL) == ["alice"]


def test_whoever_takes_the_name_of_what_was_never_made_shares_it_with_nobody(cast, cerberus, owners, pending):
    """The crash: MLflow had not committed Dana's model."""
    late = cerberus.deeds.begin(cast.dana, [create()])
    begun = cerberus.deeds.begin(cast.alice, [create(mark="2")])
    assert pending() == ["create m"]
    cerberus.deeds.finish(late)
    cerberus.deeds.finish(begun)
    assert owners(MODEL) == ["alice"]


def test_a_name_that_a_rename_left_behind_is_free(cast, cerberus, made, owners):
    """The crash: Dana's model is called `other` in MLflow, and Alice makes a new `m`."""
    cerberus.deeds.begin(cast.dana, [rename()])
    cerberus.deeds.finish(cerberus.deeds.begin(cast.alice, [create(mark="2")]))
    assert (owners(MODEL), owners(OTHER)) == (["alice"], ["dana"])


def test_a_name_that_a_rename_never_reached_is_free(cast, cerberus, made, owners):
    late = cerberus.deeds.begin(cast.dana, [rename()])
    cerberus.deeds.finish(cerberus.deeds.begin(cast.alice, [create(OTHER, mark="2")]))
    cerberus.deeds.finish(late)
    assert (owners(MODEL), owners(OTHER)) == (["dana"], ["alice"])


def test_deleting_or_renaming_what_was_left_half_made_settles_that_first(cast, cerberus, owners):
    """If the second deed then does not happen, the thing has its owner."""
    cerberus.deeds.begin(cast.dana, [create()])
    cerberus.deeds.begin(cast.alice, [delete()])
    assert owners(MODEL) == ["dana"]
    cerberus.deeds.begin(cast.dana, [create(OTHER, mark="3")])
    cerberus.deeds.finish(cerberus.deeds.begin(cast.alice, [rename(OTHER, "third", mark="3")]))
    assert owners(replace(MODEL, id="third")) == ["dana"]
    assert owners(OTHER) == []


def test_a_second_try_does_not_leave_the_first_behind(cast, cerberus, made, owners, pending):
    """MLflow's commit failed, and the client asks once more."""
    cerberus.deeds.begin(cast.dana, [delete()])
    again = cerberus.deeds.begin(cast.dana, [delete()])
    assert (owners(MODEL), pending()) == (["dana"], ["delete m"])
    cerberus.deeds.finish(again)
    assert owners(MODEL) == []


def test_what_has_an_owner_keeps_that_one(cast, cerberus, owners):
    """An admin has given it to somebody before it was settled."""
    begun = cerberus.deeds.begin(cast.dana, [create()])
    cerberus.grants.hand_over(cast.alice, MODEL, owner="alice")
    cerberus.deeds.finish(begun)
    assert owners(MODEL) == ["alice"]


def test_an_experiment_whose_id_is_given_out_again_is_its_makers_alone(cast, cerberus, owners):
    """SQLite does that after `mlflow gc`. Its scorers are named by its id; a longer id that begins so is another's."""
    scorer, longer = (Resource("fraud", Kind.SCORER, each) for each in ("7/good", "77/good"))
    for mine in (EXPERIMENT, scorer, longer):
        cerberus.deeds.finish(cerberus.deeds.begin(cast.dana, [create(mine)]))
    cerberus.deeds.finish(cerberus.deeds.begin(cast.alice, [create(EXPERIMENT, mark="2")]))
    assert (owners(EXPERIMENT), owners(scorer), owners(longer)) == (["alice"], [], ["dana"])


def test_a_grant_on_a_name_to_come_stays(cast, cerberus, owners):
    """People choose the names of models: somebody may have meant this one."""
    cerberus.grants.give(cast.alice, MODEL, subject="charlie", level=Level.DENY)
    cerberus.deeds.finish(cerberus.deeds.begin(cast.dana, [create()]))
    assert {grant.subject for grant in cerberus.grants.on(cast.alice, MODEL)} == {"charlie", "dana"}


def test_other_kinds_and_other_projects_are_left_alone(cast, cerberus, pending):
    cerberus.deeds.begin(cast.dana, [create(replace(MODEL, kind=Kind.PROMPT))])
    cerberus.deeds.begin(cast.erin, [create(replace(MODEL, project="churn"))])
    cerberus.deeds.begin(cast.dana, [create()])
    assert pending() == ["create m"] * 3


def test_nobody_is_deleted_while_it_is_not_settled_what_is_theirs(cast, cerberus, owners):
    begun = cerberus.deeds.begin(cast.dana, [create()])
    with pytest.raises(Conflict):
        cerberus.people.delete(SYSTEM, "dana", hand_over_to="alice")
    cerberus.deeds.finish(begun)
    cerberus.people.delete(SYSTEM, "dana", hand_over_to="alice")
    assert owners(MODEL) == ["alice"]


def test_nor_does_a_policy_file_delete_a_project_in_which_something_is_being_made(cast, cerberus, owners):
    policy = cerberus.policies.export(SYSTEM)
    del policy["projects"]["fraud"]
    text = json.dumps(policy)
    begun = cerberus.deeds.begin(cast.dana, [create()])
    assert "fraud still holds 1 thing in MLflow" in cerberus.policies.plan(cast.admin, text).obstacles[0]
    with pytest.raises(Conflict, match="fraud still holds 1 thing in MLflow"):
        cerberus.policies.apply(cast.admin, text)
    cerberus.deeds.finish(begun)
    assert owners(MODEL) == ["dana"]


def test_a_project_in_which_something_is_being_made_is_not_deleted(cast, cerberus):
    begun = cerberus.deeds.begin(cast.dana, [create()])
    with pytest.raises(Conflict, match="1 registered model in MLflow"):
        cerberus.projects.delete(SYSTEM, "fraud")
    cerberus.deeds.drop(begun)
    cerberus.projects.delete(SYSTEM, "fraud")
    with pytest.raises(NotFound):
        cerberus.projects.get(cast.alice, "fraud")
