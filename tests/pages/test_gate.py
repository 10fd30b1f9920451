"""What stands before every page: nobody, no project, another's project, a database that is away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cerberus.service import SYSTEM
from studio import nav

PAGES = sorted(page.name for page in (Path(__file__).parents[2] / "pages").glob("*.py"))
OF_A_PROJECT = sorted(entry.script for entry in nav.PAGES if entry.needs_project)


def labels(page: Any) -> set[str]:
    return {field.label for field in page.text_input}


@pytest.mark.parametrize("alone", [False, True], ids=["behind the gate", "alone"])
@pytest.mark.parametrize("script", PAGES)
def test_nobody_sees_the_sign_in_form_and_nothing_of_the_page(studio: Any, script: str, alone: bool) -> None:
    """Also alone, without the entry script before it, as a fragment or a callback runs it."""
    page = (studio.open_alone if alone else studio.open)(script, who=None, project="fraud")
    assert not page.exception
    assert labels(page) == {"User name", "Password"}
    assert [title.value for title in page.title] == []
    assert len(page.dataframe) + len(page.metric) + len(page.selectbox) + len(page.tabs) == 0
    assert {button.label for button in page.button} == {"Sign in"}


@pytest.mark.parametrize("script", PAGES)
def test_a_page_of_an_ended_session_is_gone_at_the_next_click(studio: Any, script: str) -> None:
    page = studio.open(script, who="alice", project="fraud")
    assert "Sign out" in {button.label for button in page.button}
    studio.cerberus.people.disable(studio.cast.admin, "dana")  # somebody else's end changes nothing
    assert labels(page.run()) != {"User name", "Password"}
    studio.cerberus.people.reset_password(studio.cast.admin, "alice")
    assert labels(page.run()) == {"User name", "Password"}
    assert [title.value for title in page.title] == []


@pytest.mark.parametrize("script", OF_A_PROJECT)
@pytest.mark.parametrize("slug", ["churn", "no-such-project", "../fraud", "FRAUD", "fraud'--"])
def test_another_teams_project_and_one_that_is_not_there_look_the_same(
    studio: Any, words: Any, script: str, slug: str
) -> None:
    page = studio.open(script, who="bob", project=slug)
    assert not page.exception
    assert "Project not found" in words(page)
    assert {"Fraud"} == {button.label for button in page.button if button.key.startswith("screens_project_")}
    assert slug not in words(page)


def test_a_project_that_is_not_ones_own_can_be_left_for_one_that_is(studio: Any, words: Any) -> None:
    page = studio.open("members.py", who="bob", project="churn")
    page.button(key="screens_project_fraud").click().run()
    assert "Members and roles" in words(page)
    assert page.query_params["project"] == "fraud"


@pytest.mark.parametrize("script", OF_A_PROJECT)
def test_charlie_has_no_project_and_is_told_whom_to_ask(studio: Any, words: Any, script: str) -> None:
    page = studio.open(script, who="charlie")
    assert not page.exception
    assert "Ask the maintainer" in words(page)
    assert "raud" not in words(page)


def test_charlie_can_open_his_account(studio: Any, words: Any) -> None:
    assert "user name `charlie`" in words(studio.open("account.py", who="charlie"))


def test_the_project_is_chosen_once_and_stays_in_the_link(studio: Any) -> None:
    studio.cerberus.projects.add_member(SYSTEM, "churn", subject="alice", role="viewer")
    page = studio.open("home.py", who="alice")
    assert page.query_params["project"] == "churn"
    page.selectbox(key="nav_project").select("fraud").run()
    assert page.query_params["project"] == "fraud"
    page.switch_page("../pages/members.py").run()
    assert page.query_params["project"] == "fraud"


def test_a_membership_that_ends_takes_the_page_away_at_the_next_click(studio: Any, words: Any) -> None:
    page = studio.open("members.py", who="dana", project="fraud")
    assert "Members and roles" in words(page)
    studio.cerberus.projects.remove_member(studio.cast.alice, "fraud", subject="dana")
    assert "Ask the maintainer" in words(page.run())


def test_a_page_says_so_when_the_database_is_away_and_comes_back(
    studio: Any, words: Any, database_url: str
) -> None:
    page = studio.open("members.py", who="alice", project="fraud")
    path = Path(database_url.removeprefix("sqlite:///"))
    studio.cerberus.close()
    parts = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]
    kept = {part: part.read_bytes() for part in parts if part.exists()}
    for part in kept:
        part.unlink()
    from studio import session

    session.cerberus()._database.engine.dispose()
    away = words(page.run())
    assert "does not answer" in away
    assert "safe" in away
    assert "alice" not in away
    session.cerberus()._database.engine.dispose()
    for part, content in kept.items():
        part.write_bytes(content)
    assert "Members and roles" in words(page.run())


def test_what_a_page_remembers_does_not_pass_to_the_next_person(studio: Any) -> None:
    """A reconnect can bring another person's cookie into the same page."""
    page = studio.open("members.py", who="alice", project="fraud")
    page.session_state["members_secret_draft"] = "of alice"
    studio.sign_in("dana")
    page.run()
    assert "members_secret_draft" not in page.session_state
    assert "Add a member" not in {button.label for button in page.button}


def test_the_right_password_gives_a_code_for_this_browser_only(studio: Any) -> None:
    from studio.handover import handover

    page = studio.open("home.py", who=None)
    page.text_input[0].input("alice")
    page.text_input[1].input(studio.cast.password)
    handover._waiting.clear()
    page.button[0].click().run()
    assert not page.exception
    assert len(handover._waiting) == 1
    assert "signin.code" not in page.session_state  # it was shown once and is kept nowhere


def test_a_browser_without_cookies_is_told_to_allow_them(studio: Any, words: Any) -> None:
    page = studio.open("home.py", who=None)
    studio.browser.cookies = {}
    page.text_input[0].input("alice")
    page.text_input[1].input(studio.cast.password)
    assert "Allow cookies" in words(page.button[0].click().run())
