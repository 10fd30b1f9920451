"""The audit page: a project's lines for those who manage it, every line for those who oversee the platform."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import create_engine

from cerberus.errors import Forbidden
from cerberus.policy import PlatformRole
from cerberus.service import SYSTEM, Actor, Origin


@pytest.fixture
def auditor(studio: Any) -> str:
    """Somebody in no project who sees to everything."""
    studio.cerberus.people.create_user(SYSTEM, "olga", display_name="Olga", password=studio.cast.password)
    studio.cerberus.people.set_platform_role(SYSTEM, "olga", PlatformRole.AUDITOR)
    return "olga"


def open_audit(studio: Any, reader: str, *, project: str | None = "fraud", **search: str) -> Any:
    studio.cerberus.settle()
    link = {f"audit_{name}": text for name, text in search.items()} | ({"project": project} if project else {})
    page = studio.open("audit.py", who=reader, **link)
    assert not page.exception
    return page


def lines(page: Any) -> list[dict[str, Any]]:
    return page.dataframe[0].value.to_dict("records") if page.dataframe else []


def links(page: Any) -> str:
    return " ".join(element.proto.page for element in page.get("page_link"))


def test_alice_sees_her_projects_lines_and_no_others(studio: Any, words: Any) -> None:
    found = lines(open_audit(studio, "alice"))
    assert {line["Project"] for line in found} == {"fraud"}
    assert {"member.add", "project.create"} <= {line["Action"] for line in found}
    page = open_audit(studio, "alice", everywhere="true")
    assert {line["Project"] for line in lines(page)} == {"fraud"}
    assert "Verify the chain" not in words(page)


@pytest.mark.parametrize("who", ["bob", "dana"])
def test_members_are_turned_away_and_not_offered_the_page(studio: Any, words: Any, who: str) -> None:
    page = open_audit(studio, who)
    assert lines(page) == []
    assert "You may not manage" in words(page)
    assert "audit" not in links(page)
    assert "audit" in links(studio.open("home.py", who="alice", project="fraud"))


def test_another_teams_project_is_not_there(studio: Any, words: Any) -> None:
    page = open_audit(studio, "alice", project="churn")
    assert lines(page) == []
    assert "Project not found" in words(page)


def test_an_auditor_in_no_project_sees_everything(studio: Any, auditor: str) -> None:
    found = lines(open_audit(studio, auditor, project=None))
    assert {"fraud", "churn"} <= {line["Project"] for line in found}
    assert "user.create" in {line["Action"] for line in found}


def test_an_admin_looks_at_a_project_and_at_everything(studio: Any) -> None:
    assert {line["Project"] for line in lines(open_audit(studio, "admin"))} == {"fraud"}
    assert "user.create" in {line["Action"] for line in lines(open_audit(studio, "admin", everywhere="true"))}


def test_a_search_finds_what_has_all_of_it(studio: Any, words: Any) -> None:
    with pytest.raises(Forbidden):
        studio.cerberus.projects.add_member(studio.cast.dana, "fraud", subject="erin", role="viewer")
    found = lines(open_audit(studio, "alice", who="dana", outcome="denied"))
    assert [(line["Who"], line["Outcome"]) for line in found] == [("dana", "denied")]
    found = lines(open_audit(studio, "alice", action="member."))
    assert found
    assert {line["Action"].partition(".")[0] for line in found} == {"member"}
    assert "No line has all of this" in words(open_audit(studio, "alice", target="user:nobody"))


def test_what_looks_like_markup_stays_text(studio: Any, words: Any) -> None:
    loud = Actor(studio.cast.alice.principal, Origin("192.0.2.9", "**loud** ![x](http://evil.example)", "req-9"))
    studio.cerberus.projects.change(loud, "fraud", description="![x](http://evil.example)")
    page = open_audit(studio, "alice", action="project.change")
    page.session_state["audit_lines_1"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    page.run()
    assert not page.exception
    assert [each.value for each in page.text if "loud" in each.value] == ["Client: **loud** ![x](http://evil.example)"]
    assert "evil" not in " ".join(each.value for each in (*page.markdown, *page.caption))
    assert "evil" in page.json[-1].value


def test_an_auditor_verifies_the_chain_and_sees_where_it_is_broken(
    studio: Any, words: Any, auditor: str, database_url: str
) -> None:
    page = open_audit(studio, auditor, project=None)
    page.button(key="audit_verify").click().run()
    assert "The chain holds" in words(page)
    with create_engine(database_url).begin() as connection:
        connection.exec_driver_sql("UPDATE audit_lines SET target = 'user:somebody-else' WHERE action = 'member.add'")
    page.button(key="audit_verify").click().run()
    assert "The chain is broken" in words(page)


def test_many_lines_come_in_two_steps(studio: Any) -> None:
    for index in range(110):
        studio.cerberus.projects.change(studio.cast.alice, "fraud", description=str(index))
    page = open_audit(studio, "alice", action="project.change")
    assert len(lines(page)) == 100
    page.button(key="audit_more").click().run()
    assert len(lines(page)) == 110
    assert "audit_more" not in {button.key for button in page.button}


def test_a_click_asks_nothing_anew_until_one_wants_that(studio: Any) -> None:
    """Otherwise each click would leave a line of its own, and push the chosen one down."""
    page = open_audit(studio, "alice")
    before = len(lines(page))
    studio.cerberus.projects.change(studio.cast.alice, "fraud", description="new")
    studio.cerberus.settle()
    assert len(lines(page.run())) == before
    page.button(key="audit_refresh").click().run()
    assert [line["Action"] for line in lines(page)][:2] == ["project.change", "audit.search"]
    page.text_input(key="audit_action").input("member.").run()
    assert {line["Action"].partition(".")[0] for line in lines(page)} == {"member"}


def test_lines_of_a_project_that_one_manages_no_more_are_gone_at_the_next_click(studio: Any, words: Any) -> None:
    page = open_audit(studio, "alice")
    assert lines(page)
    studio.cerberus.projects.add_member(studio.cast.admin, "fraud", subject="erin", role="maintainer")
    studio.cerberus.projects.change_role(studio.cast.admin, "fraud", subject="alice", role="viewer")
    assert lines(page.run()) == []
    assert "You may not manage" in words(page)


def test_the_search_itself_is_in_the_audit(studio: Any) -> None:
    open_audit(studio, "alice", who="dana")
    found = lines(open_audit(studio, "alice", action="audit.search"))
    assert found[0]["Who"] == "alice"
