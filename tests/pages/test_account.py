"""The account page: one's own tokens, sessions, password and notebook lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cerberus.errors import NotSignedIn
from cerberus.service import Origin

MAKE = "FormSubmitter:account_token-Make the token"
CHANGE = "FormSubmitter:account_password-Change password"


def open_account(studio: Any, who: str = "dana") -> Any:
    page = studio.open("account.py", who=who, project="fraud")
    assert not page.exception
    return page


def field(page: Any, label: str) -> Any:
    """The field of that label, in the order of the page the last one: dialogs come after the page."""
    kinds = (page.text_input, page.selectbox)
    return [each for kind in kinds for each in kind if each.label == label][-1]


def codes(page: Any) -> str:
    return "\n".join(each.value for each in page.code)


def make_token(studio: Any, page: Any, *, name: str, may: Any = None, lives: int | None = None) -> Any:
    page.button(key="account_token_new").click().run()
    field(page, "Name").input(name)
    if may is not None:
        field(page, "May").select(may)
    if lives is not None:
        field(page, "Lives for").select(lives)
    return studio.press(page, MAKE)


def test_a_token_is_shown_once_and_works(studio: Any) -> None:
    page = make_token(studio, open_account(studio), name="laptop", lives=30)
    assert not page.exception
    secret = next(each.value for each in page.code if each.value.startswith("mls_"))
    access = studio.cerberus.decisions.access_of_token(secret)
    assert (access.principal.name, access.principal.project) == ("dana", "fraud")
    assert sorted(access.principal.scopes) == ["read", "write"]
    token = studio.cerberus.tokens.list(studio.cast.dana)[0]
    assert token.expires_at - datetime.now(UTC) == pytest.approx(timedelta(days=30), abs=timedelta(minutes=5))
    page.run()
    assert secret not in codes(page)
    assert secret not in str(page.session_state.to_dict())


def test_a_token_can_be_made_to_read_only(studio: Any) -> None:
    make_token(studio, open_account(studio), name="dashboard", may="read")
    assert [sorted(token.scopes) for token in studio.cerberus.tokens.list(studio.cast.dana)] == [["read"]]


def test_a_token_without_a_name_is_refused_with_a_reason(studio: Any) -> None:
    page = make_token(studio, open_account(studio), name="  ")
    assert not page.exception
    assert page.error
    assert studio.cerberus.tokens.list(studio.cast.dana) == []


def test_revoking_a_token_is_asked_about_and_ends_it(studio: Any) -> None:
    secret = studio.cast.token("dana", project="fraud")
    token = studio.cerberus.tokens.list(studio.cast.dana)[0]
    page = open_account(studio)
    page.button(key=f"account_revoke_{token.id}").click().run()
    assert studio.cerberus.decisions.access_of_token(secret).principal.name == "dana"
    studio.press(page, "account_revoke_confirm")
    with pytest.raises(NotSignedIn):
        studio.cerberus.decisions.access_of_token(secret)
    assert page.toast


def test_nobody_sees_anothers_tokens_and_sessions(studio: Any, words: Any) -> None:
    studio.cerberus.tokens.create(studio.cast.alice, "alices-pipeline", project="fraud")
    studio.cerberus.sessions.sign_in("alice", studio.cast.password, Origin("198.51.100.9", "alices browser"))
    said = words(open_account(studio, "dana"))
    assert "pipeline" not in said
    assert "alices browser" not in said


def test_another_session_can_be_ended_and_this_one_is_marked(studio: Any, words: Any) -> None:
    other = studio.cerberus.sessions.sign_in("dana", studio.cast.password, Origin("198.51.100.9", "an old phone"))
    page = open_account(studio)
    assert "an old phone" in words(page)
    page.button(key=f"account_end_{other.session.id}").click().run()
    studio.press(page, "account_session_confirm")
    with pytest.raises(NotSignedIn):
        studio.cerberus.sessions.resume(other.cookie)
    assert "an old phone" not in words(page)
    assert not [each for each in page.button if each.key and each.key.startswith("account_end_")]


def change_password(page: Any, current: str, new: str, again: str) -> Any:
    field(page, "Current password").input(current)
    field(page, "New password").input(new)
    field(page, "New password again").input(again)
    return page.button(key=CHANGE).click().run()


def test_a_new_password_signs_out_everywhere(studio: Any) -> None:
    other = studio.cerberus.sessions.sign_in("dana", studio.cast.password, Origin())
    page = change_password(open_account(studio), studio.cast.password, "four red-ish herons", "four red-ish herons")
    assert {each.label for each in page.text_input} <= {"User name", "Password"}
    with pytest.raises(NotSignedIn):
        studio.cerberus.sessions.resume(other.cookie)
    assert studio.cerberus.sessions.sign_in("dana", "four red-ish herons", Origin()).session.name == "dana"


@pytest.mark.parametrize(("current", "new", "again"), [
    ("wrong", "four red-ish herons", "four red-ish herons"),
    (None, "four red-ish herons", "five red-ish herons"),
    (None, "short", "short"),
])
def test_a_password_that_cannot_be_changed_says_why(studio: Any, current: str | None, new: str, again: str) -> None:
    page = change_password(open_account(studio), current or studio.cast.password, new, again)
    assert not page.exception
    assert page.error
    assert studio.cerberus.sessions.sign_in("dana", studio.cast.password, Origin()).session.name == "dana"


def test_the_notebook_lines_hold_the_readers_project_and_addresses(studio: Any) -> None:
    lines = codes(open_account(studio))
    assert 'os.environ["MLFLOW_TRACKING_URI"] = "http://localhost:5050"' in lines
    assert 'os.environ["MLFLOW_WORKSPACE"] = "fraud"' in lines
    assert "http://localhost:5000/api/v1/check" in lines


def test_from_another_machine_the_lines_name_the_server_as_the_reader_does(studio: Any) -> None:
    studio.sign_in("dana")
    page = studio.open("account.py", who="dana", project="fraud")
    page.context["url"] = "http://ml.example.org:3000/account"
    assert '"http://ml.example.org:5050"' in codes(page.run())
