"""Roles of people's making."""

import pytest

from cerberus.errors import Conflict, Forbidden, Invalid, NotFound
from cerberus.policy import ANY, Kind, Level, Resource, Verb
from cerberus.service import SYSTEM, project_resource

EXPERIMENT = Resource("fraud", Kind.EXPERIMENT, "7")
MODEL = Resource("fraud", Kind.REGISTERED_MODEL, "champion")
PROMPT = Resource("fraud", Kind.PROMPT, "hello")
RELEASES = {"experiment": "READ", "registered_model": "MANAGE"}


def can(cerberus, name, verb, resource):
    return cerberus.decisions.access_of_name(name).can(verb, resource)


def make(cerberus, actor, name="release-manager", project="fraud", levels=RELEASES, **values):
    return cerberus.roles.create(actor, project, name=name, levels=levels, **values)


def test_a_maintainer_makes_a_role_and_it_gives_what_it_says(cast, cerberus):
    """A level for each kind that it names, and nothing on the others."""
    made = make(cerberus, cast.alice, description="ships models")
    assert (made.name, made.project, made.built_in) == ("release-manager", "fraud", False)
    cerberus.projects.add_member(cast.alice, "fraud", subject="charlie", role="release-manager")
    assert can(cerberus, "charlie", Verb.READ, EXPERIMENT)
    assert not can(cerberus, "charlie", Verb.UPDATE, EXPERIMENT)
    assert can(cerberus, "charlie", Verb.DELETE, MODEL)
    assert not can(cerberus, "charlie", Verb.READ, PROMPT)
    assert cerberus.decisions.access_of_name("charlie").roles("fraud") == ("release-manager",)


def test_a_change_counts_at_once_for_everybody_who_has_the_role(cast, cerberus):
    """Also for those who have it through a group, and in a process that had it in memory."""
    make(cerberus, cast.alice, levels={"*": "EDIT"})
    cerberus.projects.change_role(cast.alice, "fraud", subject="readers", role="release-manager")
    assert can(cerberus, "bob", Verb.UPDATE, EXPERIMENT)
    cerberus.roles.change(cast.alice, "fraud", name="release-manager", levels={"*": "EDIT", "experiment": "DENY"})
    assert not can(cerberus, "bob", Verb.READ, EXPERIMENT)
    assert can(cerberus, "bob", Verb.UPDATE, MODEL)


@pytest.mark.parametrize(
    ("who", "error"), [("dana", Forbidden), ("bob", Forbidden), ("charlie", NotFound), ("erin", NotFound)]
)
def test_only_who_manages_the_project_makes_its_roles(cast, cerberus, who, error):
    """And only an admin those of every project."""
    make(cerberus, cast.alice)
    actor = cast.actor(who)
    for refused in (
        lambda: make(cerberus, actor, "other"),
        lambda: cerberus.roles.change(actor, "fraud", name="release-manager", description="x"),
        lambda: cerberus.roles.delete(actor, "fraud", name="release-manager"),
    ):
        with pytest.raises(error):
            refused()
    for actor in (cast.alice, cast.actor(who)):
        with pytest.raises(Forbidden):
            make(cerberus, actor, "other", project=None)


def test_a_role_of_every_project_is_an_admins(cast, cerberus):
    """A maintainer can give it, but neither change nor delete it."""
    make(cerberus, cast.admin, "labeller", project=None, levels={"prompt": "EDIT"})
    for slug, actor in (("fraud", cast.alice), ("churn", cast.erin)):
        assert "labeller" in [role.name for role in cerberus.roles.list(actor, slug)]
        cerberus.projects.add_member(actor, slug, subject="charlie", role="labeller")
    assert can(cerberus, "charlie", Verb.UPDATE, PROMPT)
    for refused in (
        lambda: cerberus.roles.change(cast.alice, "fraud", name="labeller", levels={"*": "MANAGE"}),
        lambda: cerberus.roles.delete(cast.alice, "fraud", name="labeller"),
    ):
        with pytest.raises(Forbidden, match="only an admin"):
            refused()


def test_a_name_means_one_thing_in_a_project(cast, cerberus):
    """Two projects may each have one of a name; then no role of every project can be called so, and the reverse."""
    make(cerberus, cast.alice)
    make(cerberus, cast.erin, project="churn", levels={"*": "READ"})
    with pytest.raises(Conflict, match="already"):
        make(cerberus, cast.alice)
    with pytest.raises(Conflict, match="of its own"):
        make(cerberus, cast.admin, project=None)
    make(cerberus, cast.admin, "labeller", project=None)
    with pytest.raises(Conflict, match="Every project"):
        make(cerberus, cast.alice, "labeller")
    for name in ("viewer", "Maintainer", "admin", "auditor"):
        with pytest.raises(Conflict, match="built-in"):
            make(cerberus, cast.alice, name)


@pytest.mark.parametrize("name", ["", "-x", "a b", "x" * 65, "ro\u200ble", "r\u00f6le", "system", None, 7])
def test_a_role_is_named_like_a_person(cast, cerberus, name):
    """The field is named."""
    with pytest.raises(Invalid) as raised:
        make(cerberus, cast.alice, name)
    assert raised.value.field == "name"


@pytest.mark.parametrize(
    ("levels", "field"),
    [
        (None, "levels"),
        ([], "levels"),
        ("READ", "levels"),
        ({"cheese": "READ"}, "levels"),
        ({"project": "MANAGE"}, "levels"),
        ({7: "READ"}, "levels"),
        ({"experiment": "OWN"}, "levels.experiment"),
        ({"*": None}, "levels.*"),
    ],
)
def test_levels_that_mean_nothing_are_refused(cast, cerberus, levels, field):
    """A level for the project itself, too: whether a role manages it is said by `manages_project` alone."""
    with pytest.raises(Invalid) as raised:
        make(cerberus, cast.alice, levels=levels)
    assert raised.value.field == field


def test_a_role_that_somebody_has_is_not_deleted(cast, cerberus):
    """The refusal says how many have it; once nobody has, it goes, and its name is free."""
    make(cerberus, cast.alice)
    for subject in ("charlie", "erin"):
        cerberus.projects.add_member(cast.alice, "fraud", subject=subject, role="release-manager")
    with pytest.raises(Conflict, match="2 members have"):
        cerberus.roles.delete(cast.alice, "fraud", name="release-manager")
    cerberus.projects.remove_member(cast.alice, "fraud", subject="erin")
    with pytest.raises(Conflict, match="1 member has"):
        cerberus.roles.delete(cast.alice, "fraud", name="release-manager")
    cerberus.projects.change_role(cast.alice, "fraud", subject="charlie", role="viewer")
    cerberus.roles.delete(cast.alice, "fraud", name="release-manager")
    with pytest.raises(NotFound):
        cerberus.roles.delete(cast.alice, "fraud", name="release-manager")
    with pytest.raises(Invalid, match="A role is one of"):
        cerberus.projects.change_role(cast.alice, "fraud", subject="charlie", role="release-manager")
    make(cerberus, cast.alice)


def test_a_role_of_every_project_counts_who_has_it_everywhere(cast, cerberus):
    """But one of a project does not count another project's role of its name."""
    make(cerberus, cast.alice, "stager")
    make(cerberus, cast.erin, "stager", project="churn")
    cerberus.projects.add_member(cast.erin, "churn", subject="charlie", role="stager")
    cerberus.roles.delete(cast.alice, "fraud", name="stager")
    make(cerberus, cast.admin, "labeller", project=None)
    cerberus.projects.add_member(cast.erin, "churn", subject="bob", role="labeller")
    with pytest.raises(Conflict, match="1 member has"):
        cerberus.roles.delete(cast.admin, None, name="labeller")


def test_built_in_roles_stay_as_they_are(cast, cerberus):
    """For admins too."""
    for project, actor in (("fraud", cast.alice), (None, cast.admin)):
        with pytest.raises(Forbidden, match="built-in"):
            cerberus.roles.change(actor, project, name="viewer", levels={"*": "MANAGE"})
        with pytest.raises(Forbidden, match="built-in"):
            cerberus.roles.delete(actor, project, name="maintainer")


@pytest.mark.on_each_database
@pytest.mark.parametrize("home", ["fraud", None])
def test_who_holds_a_managing_role_is_a_maintainer(cast, cerberus, home):
    """They change members, the last of them stays, and the role cannot stop managing while nobody else does."""
    make(cerberus, cast.admin, "steward", project=home, levels={}, manages_project=True)
    cerberus.projects.add_member(cast.alice, "fraud", subject="charlie", role="steward")
    cerberus.projects.remove_member(cast.charlie, "fraud", subject="alice")
    assert can(cerberus, "charlie", Verb.MANAGE, project_resource("fraud"))
    assert not can(cerberus, "charlie", Verb.READ, EXPERIMENT)
    for refused in (
        lambda: cerberus.projects.remove_member(cast.charlie, "fraud", subject="charlie"),
        lambda: cerberus.projects.change_role(cast.charlie, "fraud", subject="charlie", role="viewer"),
        lambda: cerberus.people.disable(cast.admin, "charlie"),
        lambda: cerberus.roles.change(cast.admin, home, name="steward", manages_project=False),
    ):
        with pytest.raises(Conflict, match="fraud without a maintainer"):
            refused()
    assert can(cerberus, "charlie", Verb.MANAGE, project_resource("fraud"))
    assert [person.name for person in cerberus.people.search(cast.charlie, "ali")] == ["alice"]
    cerberus.projects.add_member(cast.charlie, "fraud", subject="erin", role="maintainer")
    cerberus.roles.change(cast.admin, home, name="steward", manages_project=False)
    assert not can(cerberus, "charlie", Verb.MANAGE, project_resource("fraud"))


def test_a_managing_role_of_a_group_counts_while_somebody_is_in_the_group(cast, cerberus):
    """Bob cannot leave his team while only the team manages the project."""
    make(cerberus, cast.alice, "steward", levels={ANY: "READ"}, manages_project=True)
    cerberus.projects.change_role(cast.alice, "fraud", subject="readers", role="steward")
    cerberus.projects.remove_member(cast.bob, "fraud", subject="alice")
    with pytest.raises(Conflict, match="fraud"):
        cerberus.groups.remove_member(cast.admin, "readers", member="bob")


def test_the_list_shows_what_can_be_given_here(cast, cerberus):
    """Built-in ones first; another project's are not among them; members only."""
    make(cerberus, cast.alice)
    make(cerberus, cast.erin, "secret-role", project="churn")
    make(cerberus, cast.admin, "labeller", project=None)
    names = [(role.name, role.project, role.built_in) for role in cerberus.roles.list(cast.bob, "fraud")]
    assert names == [
        ("viewer", None, True), ("contributor", None, True), ("maintainer", None, True),
        ("labeller", None, False), ("release-manager", "fraud", False),
    ]  # fmt: skip
    assert [role.name for role in cerberus.roles.list(cast.charlie, None)][3:] == ["labeller"]
    assert [role.name for role in cerberus.projects.roles("fraud")][3:] == ["labeller", "release-manager"]
    with pytest.raises(NotFound):
        cerberus.roles.list(cast.charlie, "fraud")
    with pytest.raises(Invalid, match=r"labeller, release-manager\.") as raised:
        cerberus.projects.add_member(cast.alice, "fraud", subject="charlie", role="emperor")
    assert "secret-role" not in raised.value.message


def test_a_role_is_changed_in_one_line_with_what_it_was(cast, cerberus):
    """Saying the same again is no change."""
    make(cerberus, cast.alice)
    cerberus.roles.change(cast.alice, "fraud", name="release-manager", levels={"*": "READ"}, description="x")
    line = cerberus.audit.search(SYSTEM, action="role.change")[0]
    assert line.before == {"levels": RELEASES, "description": "", "manages_project": False}
    assert line.after == {"levels": {"*": "READ"}, "description": "x", "manages_project": False}
    version = cerberus.version()
    cerberus.roles.change(cast.alice, "fraud", name="release-manager", levels={"*": "READ"})
    assert cerberus.version() == version


def test_a_role_of_levels_says_the_levels_of_the_catalogue(cast, cerberus):
    """What is listed is what the policy function reads."""
    made = make(cerberus, cast.alice)
    assert made.levels == {Kind.EXPERIMENT: Level.READ, Kind.REGISTERED_MODEL: Level.MANAGE}
