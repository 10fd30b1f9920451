"""The members page: maintainers change the list, readers see it, nobody else has it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest


def open_members(studio: Any, who: str) -> Any:
    page = studio.open("members.py", who=who, project="fraud")
    assert not page.exception
    return page


def member(studio: Any, name: str) -> Any:
    found = studio.cerberus.projects.members(studio.cast.alice, "fraud")
    return next((each for each in found if each.subject == name), None)


def row_button(studio: Any, page: Any, what: str, name: str) -> Any:
    return page.button(key=f"members_{what}_{member(studio, name).subject_id}")


@pytest.mark.parametrize(("who", "manages"), [("alice", True), ("dana", False), ("bob", False), ("admin", True)])
def test_every_member_sees_the_list_and_only_maintainers_may_change_it(
    studio: Any, words: Any, who: str, manages: bool
) -> None:
    page = open_members(studio, who)
    said = words(page)
    assert all(name in said for name in ("alice", "dana", "readers", "viewer", "contributor", "maintainer"))
    assert ("Add a member" in {button.label for button in page.button}) is manages
    assert any(button.key.startswith("members_remove_") for button in page.button if button.key) is manages


def test_alice_adds_charlie_with_a_role_an_end_and_a_reason(studio: Any, words: Any) -> None:
    page = open_members(studio, "alice")
    page.button(key="members_add_open").click().run()
    ends = date.today() + timedelta(days=30)
    page.text_input[0].input("charlie")
    page.selectbox[1].select("contributor")
    page.date_input[0].set_value(ends)
    page.text_input[1].input("helps with labels")
    studio.press(page, "FormSubmitter:members_add-Add")
    assert not page.exception
    added = member(studio, "charlie")
    assert (added.role, added.reason, added.added_by) == ("contributor", "helps with labels", "alice")
    assert added.expires_at.astimezone(UTC).date() == ends
    assert added.expires_at > datetime.now(UTC) + timedelta(days=29)
    assert "charlie is now contributor" in " ".join(toast.value for toast in page.toast)


@pytest.mark.parametrize(("name", "role", "said"), [
    ("no-such-person", "viewer", "no-such-person"), ("", "viewer", "Give a name"), ("charlie", None, "choose a role"),
    ("dana", "viewer", "dana"),
])
def test_an_addition_that_cannot_be_says_why_and_changes_nothing(
    studio: Any, words: Any, name: str, role: str | None, said: str
) -> None:
    before = studio.cerberus.projects.members(studio.cast.alice, "fraud")
    page = open_members(studio, "alice")
    page.button(key="members_add_open").click().run()
    page.text_input[0].input(name)
    if role:
        page.selectbox[1].select(role)
    studio.press(page, "FormSubmitter:members_add-Add")
    assert not page.exception
    assert any(said in error.value for error in page.error)
    assert studio.cerberus.projects.members(studio.cast.alice, "fraud") == before


def test_alice_changes_danas_role(studio: Any) -> None:
    page = open_members(studio, "alice")
    row_button(studio, page, "change", "dana").click().run()
    page.selectbox(key="members_new_role").select("viewer")
    studio.run_dialog(page)
    studio.press(page, "members_change_save")
    assert member(studio, "dana").role == "viewer"
    assert "dana is now viewer" in " ".join(toast.value for toast in page.toast)


def test_removing_is_asked_about_and_names_who_and_what(studio: Any, words: Any) -> None:
    page = open_members(studio, "alice")
    row_button(studio, page, "remove", "dana").click().run()
    assert "**dana** loses the role contributor" in words(page)
    assert member(studio, "dana") is not None
    studio.press(page, "members_remove_confirm")
    assert member(studio, "dana") is None
    assert "dana is out" in " ".join(toast.value for toast in page.toast)


def test_the_last_maintainer_stays(studio: Any) -> None:
    page = open_members(studio, "alice")
    row_button(studio, page, "remove", "alice").click().run()
    studio.press(page, "members_remove_confirm")
    assert page.error
    assert member(studio, "alice") is not None


def test_a_dialog_that_was_open_while_its_maintainer_lost_the_role_changes_nothing(studio: Any) -> None:
    page = open_members(studio, "alice")
    row_button(studio, page, "remove", "dana").click().run()
    studio.cerberus.projects.add_member(studio.cast.admin, "fraud", subject="erin", role="maintainer")
    studio.cerberus.projects.change_role(studio.cast.admin, "fraud", subject="alice", role="viewer")
    studio.press(page, "members_remove_confirm")
    assert not page.exception
    assert "dana" in {each.subject for each in studio.cerberus.projects.members(studio.cast.erin, "fraud")}


def test_a_dialog_that_was_open_through_a_sign_out_changes_nothing(studio: Any) -> None:
    page = open_members(studio, "alice")
    row_button(studio, page, "remove", "dana").click().run()
    studio.cerberus.people.reset_password(studio.cast.admin, "alice")
    studio.press(page, "members_remove_confirm")
    assert "dana" in {each.subject for each in studio.cerberus.projects.members(studio.cast.admin, "fraud")}
    assert {field.label for field in page.text_input} == {"User name", "Password"}


def test_a_name_that_looks_like_markup_is_shown_as_it_is(studio: Any, words: Any) -> None:
    from cerberus.service import SYSTEM

    studio.cerberus.people.create_user(SYSTEM, "mallory", display_name="![x](http://evil.example/p.png) **bold**")
    studio.cerberus.projects.add_member(studio.cast.alice, "fraud", subject="mallory", role="viewer")
    said = words(open_members(studio, "alice"))
    assert "![x]" not in said
    assert "**bold**" not in said
    assert r"\!\[x\]" in said
