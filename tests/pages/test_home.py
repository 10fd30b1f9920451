"""The first page of a project: what there is, as far as one may see it, and how to begin."""

from __future__ import annotations

from typing import Any

import pytest

from cerberus.policy import Kind, Level, Resource


@pytest.fixture(scope="module")
def filled(lab: Any, empty_lab: Any) -> dict[str, str]:
    """Two experiments in `fraud`, one of them to hide, and one in `churn`."""
    empty_lab()
    seen, hidden = lab.experiment("fraud", "baseline"), lab.experiment("fraud", "acquisition")
    lab.run("fraud", seen, name="forest-1", start=1_700_000_000_000)
    lab.run("fraud", seen, name="broken", start=1_700_000_100_000, status="FAILED")
    lab.run("fraud", hidden, name="secret-deal", start=1_700_000_200_000)
    lab.run("churn", lab.experiment("churn", "survival"), name="of-churn")
    return {"seen": seen, "hidden": hidden}


def metrics(page: Any) -> dict[str, str]:
    return {each.label: each.value for each in page.metric}


def test_a_member_sees_the_projects_own_runs_and_her_role(studio: Any, words: Any, filled: Any) -> None:
    page = studio.open("home.py", who="dana", project="fraud")
    assert not page.exception
    said = words(page)
    assert metrics(page) == {"Experiments": "2", "Runs": "3", "Running": "0", "Failed": "1", "Models": "0"}
    assert "contributor" in said
    assert "of-churn" not in said


def test_a_role_that_comes_through_a_group_is_shown(studio: Any, words: Any, filled: Any) -> None:
    assert "viewer" in words(studio.open("home.py", who="bob", project="fraud"))


def test_what_bob_may_not_see_is_neither_shown_nor_counted(studio: Any, words: Any, filled: Any) -> None:
    studio.cerberus.grants.give(
        studio.cast.alice, Resource("fraud", Kind.EXPERIMENT, filled["hidden"]), subject="readers", level=Level.DENY
    )
    page = studio.open("home.py", who="bob", project="fraud")
    assert metrics(page) == {"Experiments": "1", "Runs": "2", "Running": "0", "Failed": "1", "Models": "0"}
    assert "acquisition" not in words(page)


@pytest.mark.parametrize(("who", "lines"), [("erin", True), ("bob", False)])
def test_an_empty_project_shows_the_first_lines_to_those_who_may_log(
    studio: Any, words: Any, filled: Any, who: str, lines: bool
) -> None:
    studio.cerberus.projects.create(studio.cast.admin, "empty", name="Empty")
    studio.cerberus.projects.add_member(studio.cast.admin, "empty", subject="erin", role="contributor")
    studio.cerberus.projects.add_member(studio.cast.admin, "empty", subject="readers", role="viewer")
    page = studio.open("home.py", who=who, project="empty")
    assert "Nothing has run here yet" in words(page)
    assert any("MLFLOW_TRACKING_URI" in each.value for each in page.code) is lines


def test_an_archived_project_says_that_it_is_read_only(studio: Any, words: Any, filled: Any) -> None:
    studio.cerberus.projects.archive(studio.cast.alice, "fraud")
    assert "archived" in words(studio.open("home.py", who="alice", project="fraud"))


