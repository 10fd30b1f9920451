"""Signing in and out in a real browser: the cookie, the link, and what ends a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

COOKIE = "mlstudio_session"


def session_cookie(page: Any) -> dict[str, Any] | None:
    return next((each for each in page.context.cookies() if each["name"] == COOKIE), None)


def test_a_wrong_password_is_refused_and_the_right_one_opens_the_link(
    visit: Callable[..., Any], fill_in: Callable[..., None]
) -> None:
    page = visit("/members?project=fraud")
    fill_in(page, "alice", "not her password")
    expect(page.get_by_text("The name or the password is wrong.")).to_be_visible()
    assert session_cookie(page) is None
    fill_in(page, "alice")
    expect(page.get_by_role("heading", name="Members and roles")).to_be_visible()
    assert page.url.endswith("/members?project=fraud")


def test_an_unknown_name_gets_the_same_words(visit: Callable[..., Any], fill_in: Callable[..., None]) -> None:
    page = visit("/")
    fill_in(page, "nobody-at-all", "some password 1")
    expect(page.get_by_text("The name or the password is wrong.")).to_be_visible()


def test_no_script_can_read_the_session(visit: Callable[..., Any]) -> None:
    page = visit("/", who="bob")
    cookie = session_cookie(page)
    assert cookie is not None
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert COOKIE not in page.evaluate("document.cookie")


def test_no_secret_of_the_session_stands_in_an_address(visit: Callable[..., Any], fill_in: Callable[..., None]) -> None:
    page = visit("/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    fill_in(page, "bob")
    page.get_by_role("button", name="Sign out").wait_for()
    cookie = session_cookie(page)
    assert cookie is not None
    assert not [url for url in asked if cookie["value"] in url or "code=" in url]
    assert any(url.endswith("/session") for url in asked)


def test_signing_in_makes_a_new_cookie_and_ends_the_old_session(
    town: Any, visit: Callable[..., Any], fill_in: Callable[..., None]
) -> None:
    """A cookie planted before the sign-in is worth nothing after it."""
    page = visit("/")
    page.context.add_cookies([{"name": COOKIE, "value": "planted-by-charlie", "url": town.studio}])
    page.reload()
    fill_in(page, "bob")
    page.get_by_role("button", name="Sign out").wait_for()
    cookie = session_cookie(page)
    assert cookie is not None
    assert cookie["value"] != "planted-by-charlie"


def test_signing_out_ends_the_session_and_a_copy_of_its_cookie(
    town: Any, chromium: Any, visit: Callable[..., Any]
) -> None:
    page = visit("/", who="bob")
    copied = session_cookie(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("User name")).to_be_visible()
    assert session_cookie(page) is None
    assert_copy_is_dead(town, chromium, copied)


@pytest.mark.parametrize("how", ["password changed", "disabled"])
def test_a_copied_cookie_and_the_live_page_end_with_the_account(
    town: Any, chromium: Any, visit: Callable[..., Any], how: str
) -> None:
    name = town.newcomer()
    page = visit("/members?project=fraud", who=name)
    copied = session_cookie(page)
    if how == "disabled":
        town.cerberus.people.disable(town.admin, name)
    else:
        town.cerberus.people.reset_password(town.admin, name)
    page.get_by_role("link", name="Account").click()
    expect(page.get_by_label("User name")).to_be_visible()
    expect(page.get_by_role("heading", name="Account")).to_have_count(0)
    assert_copy_is_dead(town, chromium, copied)


def assert_copy_is_dead(town: Any, chromium: Any, copied: Any) -> None:
    context = chromium.new_context(base_url=town.studio)
    context.add_cookies([copied])
    other = context.new_page()
    other.goto("/members?project=fraud")
    expect(other.get_by_label("User name")).to_be_visible()
    expect(other.get_by_role("heading", name="Members and roles")).to_have_count(0)
    context.close()


def test_guessing_passwords_is_slowed_down_even_for_the_right_one(
    town: Any, visit: Callable[..., Any], fill_in: Callable[..., None]
) -> None:
    name = town.newcomer()
    page = visit("/")
    for attempt in range(11):
        fill_in(page, name, f"wrong password {attempt}")
        expect(page.get_by_test_id("stAlert")).to_be_visible()
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    fill_in(page, name)
    expect(page.get_by_text("Too many", exact=False)).to_be_visible()
    assert session_cookie(page) is None


def test_a_page_of_another_site_can_neither_sign_in_nor_out(town: Any, visit: Callable[..., Any]) -> None:
    page = visit("/", who="bob")
    stranger = page.context.new_page()
    stranger.goto("data:text/html,<title>elsewhere</title>")
    for path in ("/session", "/session/end"):
        stranger.evaluate(
            "url => fetch(url, {method: 'POST', credentials: 'include', mode: 'no-cors', body: '{}'}).catch(() => 0)",
            town.studio + path,
        )
    page.reload()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
