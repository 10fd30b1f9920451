"""The page that says why: one's own questions for everybody, anybody's for those who manage the project."""

from __future__ import annotations

from typing import Any

import pytest

from cerberus.policy import Kind, Level, Resource
from cerberus.service import SYSTEM


def ask(studio: Any, reader: str, **question: str) -> Any:
    """The page at a link with this question."""
    link = {f"why_{name}": text for name, text in question.items()}
    page = studio.open("why.py", who=reader, project="fraud", **link)
    assert not page.exception
    return page


def rules(page: Any) -> list[tuple[str, ...]]:
    """The table of rules."""
    return [tuple(row) for row in page.dataframe[0].value.values.tolist()] if page.dataframe else []


def give(studio: Any, name: str, level: Level, *, to: str) -> None:
    studio.cerberus.grants.give(SYSTEM, Resource("fraud", Kind.EXPERIMENT, name), subject=to, level=level)


def test_bob_learns_why_he_may_read_and_why_not_change(studio: Any, words: Any) -> None:
    page = ask(studio, "bob")
    assert "**Yes.** bob may read experiments: the deciding rules give it." in words(page)
    assert rules(page) == [("the group readers", "READ by the role viewer", "everything", "no end date", "decided")]
    page.selectbox(key="why_verb").select("update").run()
    said = words(page)
    assert "**No.** bob may not update experiments: the deciding rules give less." in said
    assert "Any of these would do: a grant of *EDIT* on experiments, the role *contributor*" in said


@pytest.mark.parametrize("who", ["bob", "dana"])
def test_members_ask_about_themselves_only_whatever_the_link_says(studio: Any, words: Any, who: str) -> None:
    page = ask(studio, who, who="alice", verb="manage")
    assert [field.label for field in page.text_input] == ["Which one"]
    assert f"{who} may not manage experiments" in words(page)
    assert "alice" not in words(page)
    assert "Who may manage" not in words(page)


def test_alice_asks_about_others_and_sees_everybody_who_may(studio: Any, words: Any) -> None:
    page = ask(studio, "alice", who="dana", verb="update")
    assert "dana may update experiments" in words(page)
    by_name = {row[0]: row[2] for row in page.dataframe[1].value.values.tolist()}
    assert by_name["dana (Dana)"] == "EDIT by the role contributor, dana"
    assert by_name["admin (Admin)"] == "an admin may do everything"
    assert not any(name.startswith(("bob", "charlie")) for name in by_name)


def test_a_deny_and_what_it_beat_stand_beside_one_another(studio: Any, words: Any) -> None:
    give(studio, "7", Level.DENY, to="dana")
    page = ask(studio, "alice", who="dana", verb="read", id="7")
    assert "**No.** dana may not read the experiment 7: a DENY decides." in words(page)
    assert [(row[1], row[2], row[4]) for row in rules(page)] == [
        ("DENY by a grant", "the experiment 7", "decided"),
        ("EDIT by the role contributor", "everything", "lost to a narrower rule"),
    ]
    assert "The DENY of dana decides, on the experiment 7" in words(page)


def test_what_is_hidden_is_told_as_what_does_not_exist(studio: Any, words: Any) -> None:
    give(studio, "7", Level.DENY, to="dana")
    hidden, absent = (words(ask(studio, "dana", id=name)).replace(name, "N") for name in ("7", "8888"))
    assert "**Yes.**" in absent  # her role gives every experiment, this one too, should there be one
    assert "it does not exist, or you may not see it" in hidden
    assert "DENY" not in hidden


def test_an_experiment_is_found_by_its_name(studio: Any, words: Any, lab: Any, empty_lab: Any) -> None:
    empty_lab()
    number = lab.experiment("fraud", "nightly")
    assert f"read the experiment {number}" in words(ask(studio, "alice", id="nightly"))


@pytest.mark.parametrize(("who", "said"), [("nobody-here", "There is no user"), ("no such!", "A name has")])
def test_a_name_that_nobody_has_is_told_and_the_rest_stays(studio: Any, words: Any, who: str, said: str) -> None:
    page = ask(studio, "alice", who=who)
    assert any(said in warning.value for warning in page.warning), [w.value for w in page.warning]
    assert "Who may read experiments" in words(page)


def test_the_project_itself_needs_no_name(studio: Any, words: Any) -> None:
    page = ask(studio, "alice", kind="project", verb="manage")
    assert page.text_input(key="why_id").disabled
    assert "alice may manage the project fraud" in words(page)


def test_an_archived_project_says_so_first(studio: Any, words: Any) -> None:
    studio.cerberus.projects.archive(studio.cast.alice, "fraud")
    said = words(ask(studio, "dana", verb="update"))
    assert "the project is archived and can only be read" in said
    assert "This has to end first" in said


def test_many_come_by_pages(studio: Any) -> None:
    for index in range(55):
        studio.cerberus.people.create_user(SYSTEM, f"reader-{index:02}", display_name="")
        studio.cerberus.projects.add_member(SYSTEM, "fraud", subject=f"reader-{index:02}", role="viewer")
    page = ask(studio, "alice")
    assert len(page.dataframe[1].value) == 50
    page.button(key="why_more").click().run()
    assert len(page.dataframe[1].value) == 55 + 4  # admin, alice, bob, dana
    assert "why_more" not in {button.key for button in page.button}
