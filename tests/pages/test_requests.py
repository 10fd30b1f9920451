"""The requests page: anybody asks and follows it, those who manage a project answer, and nobody answers their own."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from typing import Any

import pytest

from cerberus.service import SYSTEM, RequestState

OPEN_KEYS = ("requests_approve_", "requests_refuse_")


@pytest.fixture
def askable(studio: Any) -> None:
    """In `fraud` anybody may ask."""
    studio.cerberus.projects.change(studio.cast.alice, "fraud", askable=True)


def asked(studio: Any, who: str = "charlie", *, role: str = "contributor", reason: str = "labels for march") -> Any:
    return studio.cerberus.requests.ask(getattr(studio.cast, who), "fraud", role=role, reason=reason)


def open_requests(studio: Any, who: str, *, project: str | None = "fraud") -> Any:
    page = studio.open("requests.py", who=who, **({"project": project} if project else {}))
    assert not page.exception
    return page


def keys(page: Any) -> set[str]:
    return {button.key for button in page.button if button.key}


def toasts(page: Any) -> str:
    return " ".join(toast.value for toast in page.toast)


def state_of(studio: Any, request: Any) -> RequestState:
    return studio.cerberus.requests.get(SYSTEM, request.id).state


@pytest.mark.usefixtures("askable")
def test_somebody_in_no_project_asks_for_a_role(studio: Any, words: Any) -> None:
    page = open_requests(studio, "charlie", project=None)
    assert "Nothing yet" in words(page)
    page.button(key="requests_ask_open").click().run()
    assert page.button(key="requests_ask").disabled  # until a role is chosen
    page.selectbox(key="requests_role").select("contributor")
    studio.run_dialog(page)
    page.text_area(key="requests_reason").input("  labels for march ")
    studio.press(page, "requests_ask")
    assert not page.exception
    (made,) = studio.cerberus.requests.mine(studio.cast.charlie)
    assert (made.project, made.role, made.reason, made.state) == ("fraud", "contributor", "labels for march", "open")
    assert "You asked to be contributor of Fraud" in toasts(page)
    assert f"requests_withdraw_{made.id}" in keys(page)


def test_where_no_project_takes_requests_the_dialog_says_so(studio: Any, words: Any) -> None:
    page = open_requests(studio, "charlie", project=None)
    page.button(key="requests_ask_open").click().run()
    assert "No project takes requests" in words(page)
    assert "requests_ask" not in keys(page)


@pytest.mark.usefixtures("askable")
def test_asking_twice_says_what_to_do_and_asks_once(studio: Any) -> None:
    asked(studio)
    page = open_requests(studio, "charlie", project=None)
    page.button(key="requests_ask_open").click().run()
    page.selectbox(key="requests_role").select("viewer")
    studio.run_dialog(page)
    studio.press(page, "requests_ask")
    assert any("nobody has answered yet" in error.value for error in page.error)
    assert len(studio.cerberus.requests.mine(studio.cast.charlie)) == 1


@pytest.mark.usefixtures("askable")
@pytest.mark.parametrize(("who", "answers"), [("alice", True), ("admin", True), ("dana", False), ("bob", False)])
def test_only_who_manages_the_project_sees_what_waits_there(studio: Any, words: Any, who: str, answers: bool) -> None:
    request = asked(studio)
    page = open_requests(studio, who)
    assert ("charlie" in words(page)) is answers
    assert (f"requests_approve_{request.id}" in keys(page)) is answers


@pytest.mark.parametrize("who", ["bob", "charlie"])
def test_another_teams_project_in_the_link_looks_as_one_that_is_not_there(studio: Any, words: Any, who: str) -> None:
    studio.cerberus.projects.change(studio.cast.erin, "churn", askable=True)
    studio.cerberus.requests.ask(studio.cast.dana, "churn", role="viewer")
    theirs, nobodys = (words(open_requests(studio, who, project=slug)) for slug in ("churn", "no-such-project"))
    assert theirs == nobodys
    assert "To answer" not in theirs


@pytest.mark.usefixtures("askable")
def test_alice_sees_what_a_yes_gives_and_approves_until_a_day_with_a_remark(studio: Any, words: Any) -> None:
    request = asked(studio)
    page = open_requests(studio, "alice")
    page.button(key=f"requests_approve_{request.id}").click().run()
    assert "gains *read, use, create, update* on everything in **fraud**" in words(page)
    ends = date.today() + timedelta(days=30)
    page.date_input[0].set_value(ends)
    page.text_input[-1].input("welcome")
    studio.press(page, "FormSubmitter:requests_approve-Approve")
    assert not page.exception
    assert "charlie is now contributor" in toasts(page)
    done = studio.cerberus.requests.get(SYSTEM, request.id)
    assert (done.state, done.answer, done.decided_by) == (RequestState.APPROVED, "welcome", "alice")
    assert done.expires_at.astimezone(UTC).date() == ends
    member = studio.cerberus.projects.member(studio.cast.alice, "fraud", subject="charlie")
    assert (member.role, member.reason) == ("contributor", "labels for march")


@pytest.mark.usefixtures("askable")
def test_a_no_with_a_remark_reaches_who_asked(studio: Any, words: Any) -> None:
    request = asked(studio)
    page = open_requests(studio, "alice")
    page.button(key=f"requests_refuse_{request.id}").click().run()
    page.text_input[-1].input("ask for viewer")
    studio.press(page, "FormSubmitter:requests_refuse-Refuse")
    assert state_of(studio, request) == RequestState.REFUSED
    said = words(open_requests(studio, "charlie", project=None))
    assert "refused" in said
    assert "ask for viewer" in said
    assert "by alice" in said


@pytest.mark.usefixtures("askable")
def test_a_request_is_withdrawn_after_a_last_question(studio: Any) -> None:
    request = asked(studio)
    page = open_requests(studio, "charlie", project=None)
    page.button(key=f"requests_withdraw_{request.id}").click().run()
    assert state_of(studio, request) == RequestState.OPEN
    studio.press(page, "requests_withdraw_confirm")
    assert state_of(studio, request) == RequestState.WITHDRAWN
    assert f"requests_withdraw_{request.id}" not in keys(page)


@pytest.mark.usefixtures("askable")
def test_nobody_is_offered_to_answer_their_own(studio: Any, words: Any) -> None:
    request = studio.cerberus.requests.ask(studio.cast.admin, "fraud", role="viewer", reason="")
    page = open_requests(studio, "admin")
    assert "Somebody else answers yours" in words(page)
    assert f"requests_approve_{request.id}" not in keys(page)
    assert f"requests_withdraw_{request.id}" in keys(page)


@pytest.mark.usefixtures("askable")
def test_a_request_that_somebody_else_answered_meanwhile_is_not_answered_twice(studio: Any) -> None:
    request = asked(studio)
    page = open_requests(studio, "alice")
    page.button(key=f"requests_refuse_{request.id}").click().run()
    studio.cerberus.requests.approve(studio.cast.admin, request.id)
    studio.press(page, "FormSubmitter:requests_refuse-Refuse")
    assert any("approved already by admin" in error.value for error in page.error)
    assert state_of(studio, request) == RequestState.APPROVED


@pytest.mark.usefixtures("askable")
def test_an_approval_that_would_take_something_away_says_so_instead_of_offering_it(studio: Any, words: Any) -> None:
    request = asked(studio, "dana", role="viewer")
    page = open_requests(studio, "alice")
    page.button(key=f"requests_approve_{request.id}").click().run()
    assert any("take something away" in error.value for error in page.error)
    assert "FormSubmitter:requests_approve-Approve" not in keys(page)


@pytest.mark.usefixtures("askable")
def test_a_dialog_that_was_open_while_its_maintainer_lost_the_role_changes_nothing(studio: Any) -> None:
    request = asked(studio)
    page = open_requests(studio, "alice")
    page.button(key=f"requests_refuse_{request.id}").click().run()
    studio.cerberus.projects.add_member(studio.cast.admin, "fraud", subject="erin", role="maintainer")
    studio.cerberus.projects.change_role(studio.cast.admin, "fraud", subject="alice", role="viewer")
    studio.press(page, "FormSubmitter:requests_refuse-Refuse")
    assert not page.exception
    assert state_of(studio, request) == RequestState.OPEN


def test_alice_opens_the_project_for_requests_and_closes_it(studio: Any) -> None:
    def takes_requests() -> bool:
        return bool(studio.cerberus.requests.askable(studio.cast.charlie))

    page = open_requests(studio, "alice")
    page.toggle[0].set_value(True).run()
    assert takes_requests()
    assert "Anybody may ask" in toasts(page)
    page.toggle[0].set_value(False).run()
    assert not takes_requests()


def test_a_switch_that_is_refused_goes_back_and_says_why(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from cerberus.errors import Conflict
    from studio import guard

    page = open_requests(studio, "alice")

    def refused(*_: object, **__: object) -> None:
        raise Conflict("Not now.")

    monkeypatch.setattr(guard.cerberus().projects, "change", refused)
    page.toggle[0].set_value(True).run()
    assert page.toggle[0].value is False
    assert "Not now." in toasts(page)


@pytest.mark.usefixtures("askable")
def test_what_was_answered_is_found_by_its_state(studio: Any, words: Any) -> None:
    request = asked(studio)
    studio.cerberus.requests.refuse(studio.cast.alice, request.id, answer="another time")
    page = open_requests(studio, "alice")
    assert "Nobody waits for an answer" in words(page)
    page.button_group(key="requests_state").set_value("Refused").run()
    assert "another time" in words(page)
    page.button_group(key="requests_state").set_value("Approved").run()
    assert "There is none" in words(page)


@pytest.mark.usefixtures("askable")
def test_long_lists_come_by_pages(studio: Any) -> None:
    for index in range(23):
        studio.cerberus.people.create_user(SYSTEM, f"asker-{index:02}", display_name="")
        studio.cerberus.requests.ask(studio.cast.actor(f"asker-{index:02}"), "fraud", role="viewer")
    page = open_requests(studio, "alice")

    def offered() -> int:
        return sum(key.startswith("requests_approve_") for key in keys(page))

    assert offered() == 20
    page.button(key="requests_here_more").click().run()
    assert offered() == 23
    assert "requests_here_more" not in keys(page)


@pytest.mark.usefixtures("askable")
def test_home_says_that_somebody_waits_to_those_who_can_answer(studio: Any, words: Any) -> None:
    asked(studio)

    def said(who: str) -> str:
        page = studio.open("home.py", who=who, project="fraud")
        assert not page.exception
        return words(page) + str([element.proto for element in page.get("page_link")])

    assert "1 request waits for an answer" in said("alice")
    assert "waits for an answer" not in said("bob")


@pytest.mark.usefixtures("askable")
def test_what_others_wrote_is_shown_as_it_is(studio: Any, words: Any) -> None:
    asked(studio, reason="![x](http://evil.example/p.png) **bold**")
    said = words(open_requests(studio, "alice"))
    assert "![x]" not in said
    assert "**bold**" not in said
