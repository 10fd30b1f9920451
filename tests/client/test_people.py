"""
People, groups and service accounts from a notebook. The server is real.
"""

import pytest

from cerberus.client import Client
from cerberus.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn
from cerberus.policy import ALL_SCOPES, Kind, Resource


@pytest.fixture
def admin(client_of):
    return client_of("admin", scopes=ALL_SCOPES)


def test_an_admin_makes_finds_renames_and_deletes_somebody(admin):
    made = admin.people.create("frank", display_name="Frank Fischer")
    assert (made.name, made.kind, made.disabled, made.platform_roles) == ("frank", "user", False, ())
    assert [person.name for person in admin.people.search("fisch")] == ["frank"]
    assert admin.people.rename("frank", "Frank Maier").display_name == "Frank Maier"
    assert admin.people.search("fisch") == []
    admin.people.delete("frank")
    with pytest.raises(NotFound):
        admin.people.show("frank")


def test_everybody_is_listed_however_many_pages_they_fill(admin, cast):
    for number in range(205):
        cast.cerberus.groups.create(cast.admin, f"team-{number:03}")
    assert len({person.name for person in admin.people.search()}) == 212
    assert len({person.name for person in admin.people.search("team")}) == 206  # Bob's team, too
    assert len(admin.groups.list()) == 206


def test_a_profile_says_what_hangs_on_somebody(admin, cast):
    cast.cerberus.grants.own(cast.dana, Resource("fraud", Kind.EXPERIMENT, "7"))
    dana, bob = admin.people.show("dana"), admin.people.show("bob")
    assert (dana.roles, dana.owns, bob.groups) == ({"fraud": "contributor"}, {"fraud": 1}, ("readers",))


def test_what_somebody_owns_goes_to_the_heir(admin, cast):
    cast.cerberus.grants.own(cast.dana, Resource("fraud", Kind.EXPERIMENT, "7"))
    with pytest.raises(Conflict, match="1 thing in fraud") as refusal:
        admin.people.delete("dana")
    assert "hand_over_to" in refusal.value.hint
    with pytest.raises(Invalid) as unknown:
        admin.people.delete("dana", hand_over_to="nobody")
    assert unknown.value.field == "hand_over_to"
    admin.people.delete("dana", hand_over_to="bob")
    assert admin.people.show("bob").owns == {"fraud": 1}


def test_a_disabled_person_is_out_until_enabled(admin, client_of):
    dana = client_of("dana")
    admin.people.disable("dana")
    with pytest.raises(NotSignedIn):
        dana.me()
    admin.people.enable("dana")
    assert dana.me().name == "dana"


def test_roles_over_the_platform_and_sessions(admin, url, cast):
    assert admin.people.give_role("dana", "auditor").platform_roles == ("auditor",)
    assert admin.people.take_role("dana", "auditor").platform_roles == ()
    with Client(url, token="") as dana:
        dana.sign_in("dana", admin.people.reset_password("dana"))
        assert len(admin.people.sessions("dana")) == 1
        admin.people.end_sessions("dana")
        with pytest.raises(NotSignedIn):
            dana.me()
    assert admin.people.sessions("dana") == []


def test_groups_are_made_filled_and_deleted(admin):
    assert admin.groups.create("writers", display_name="Writers").display_name == "Writers"
    assert admin.groups.add_member("writers", "readers").kind == "group"
    with pytest.raises(Invalid) as circle:
        admin.groups.add_member("readers", "writers")
    assert circle.value.field == "member"
    assert [member.name for member in admin.groups.members("writers")] == ["readers"]
    admin.groups.remove_member("writers", "readers")
    assert admin.groups.rename("writers", "All").display_name == admin.groups.show("writers").display_name == "All"
    admin.groups.delete("writers")
    assert [group.name for group in admin.groups.list()] == ["readers"]


def test_a_maintainer_looks_after_the_service_accounts_of_the_project(client_of, cast):
    accounts = client_of("alice", scopes=ALL_SCOPES).service_accounts
    assert accounts.create("fraud", "fraud-bot", display_name="Nightly").project == "fraud"
    token = client_of("fraud-bot")
    accounts.disable("fraud", "fraud-bot")
    with pytest.raises(NotSignedIn):
        token.me()
    accounts.enable("fraud", "fraud-bot")
    assert token.me().kind == "service_account"
    assert accounts.rename("fraud", "fraud-bot", "Daily").display_name == "Daily"
    assert [account.name for account in accounts.list("fraud")] == ["fraud-bot"]
    assert accounts.show("fraud", "fraud-bot").disabled is False
    with pytest.raises(NotFound):
        client_of("erin", scopes=ALL_SCOPES).service_accounts.list("fraud")
    with pytest.raises(Forbidden):
        client_of("bob", scopes=ALL_SCOPES).service_accounts.list("fraud")
    accounts.delete("fraud", "fraud-bot")
    assert accounts.list("fraud") == []
