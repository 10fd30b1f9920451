"""A working day in the browser: look at runs, compare two, give a role, lose access while a page is open."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

ROW = 35  # the height of a row of a table, and of its head


def tick(page: Any, *rows: int) -> None:
    """Tick these rows of the table of runs."""
    table = page.get_by_test_id("stDataFrame").locator("canvas").first
    for row in rows:
        # What scrolls lies over the picture of the cells and takes the click, as it should.
        table.click(position={"x": 18, "y": ROW * (row + 1) + ROW // 2}, force=True)
        page.wait_for_timeout(300)


def main(page: Any) -> Any:
    """The page without its sidebar."""
    return page.get_by_test_id("stMain")


def test_alice_looks_at_runs_chooses_two_and_compares_them(visit: Callable[..., Any]) -> None:
    page = visit("/?project=fraud", who="alice")
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(main(page).get_by_text(re.compile(r"\b9\b.* runs"))).to_be_visible()
    tick(page, 2, 4)
    expect(main(page).get_by_text("2 chosen")).to_be_visible()
    main(page).get_by_role("link", name="Compare").click()
    expect(main(page).get_by_role("heading", name="Compare")).to_be_visible()
    expect(main(page).get_by_text("depth", exact=False).first).to_be_attached()
    assert re.search(r"[?&]runs=\w{32}(,|%2C)\w{32}", page.url)


def test_a_run_opens_from_the_first_page_by_its_own_link(visit: Callable[..., Any]) -> None:
    page = visit("/?project=fraud", who="bob")
    main(page).get_by_role("link", name="boosted").click()
    expect(main(page).get_by_role("heading", name="boosted")).to_be_visible()
    assert re.search(r"/run\?.*run=\w{32}", page.url)
    page.reload()
    expect(main(page).get_by_role("heading", name="boosted")).to_be_visible()


def test_somebody_without_a_project_asks_for_one_and_has_it_when_alice_says_yes(
    town: Any, visit: Callable[..., Any]
) -> None:
    name = town.newcomer(role=None)
    alice = visit("/requests?project=fraud", who="alice")
    main(alice).get_by_text("Anybody may ask for a role in this project").click()
    expect(alice.get_by_text("Anybody may ask for a role here.")).to_be_visible()
    page = visit("/", who=name)
    main(page).get_by_role("link", name="Ask for access").click()
    main(page).get_by_role("button", name="Ask for access").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Role").click()
    page.get_by_role("option", name=re.compile("^contributor")).click()
    dialog.get_by_role("textbox", name="What for").fill("labels for march")
    dialog.get_by_role("button", name="Ask", exact=True).click()
    expect(main(page).get_by_text(re.compile("open$"))).to_be_visible()
    alice.reload()
    row = main(alice).get_by_text("labels for march")
    expect(row).to_be_visible()
    main(alice).get_by_role("button", name="Approve").click()
    expect(alice.get_by_role("dialog").get_by_text("read, use, create, update")).to_be_visible()
    alice.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(alice.get_by_text(f"{name} is now contributor.")).to_be_visible()
    page.reload()
    expect(main(page).get_by_text(re.compile("approved$"))).to_be_visible()
    page.goto("/?project=fraud")
    expect(main(page).get_by_role("heading", name="Newest runs")).to_be_visible()
    main(alice).get_by_text("Anybody may ask for a role in this project").click()
    expect(alice.get_by_text("Nobody can ask for a role here any more.")).to_be_visible()


def test_alice_gives_a_role_and_the_other_has_it_at_the_next_click(town: Any, visit: Callable[..., Any]) -> None:
    name = town.newcomer(role=None)
    theirs = visit("/", who=name)
    expect(main(theirs).get_by_role("heading", name="No project yet")).to_be_visible()
    page = visit("/members?project=fraud", who="alice")
    page.get_by_role("button", name="Add a member").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill(name)
    dialog.get_by_role("combobox", name="Role").click()
    page.get_by_role("option", name=re.compile("^contributor")).click()
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text(f"{name} is now contributor.")).to_be_visible()
    theirs.get_by_role("link", name="Account").click()
    theirs.get_by_role("link", name="Home").click()
    expect(main(theirs).get_by_role("heading", name="Fraud detection")).to_be_visible()
    expect(main(theirs).get_by_text("contributor")).to_be_visible()


def test_whoever_is_removed_loses_the_open_page_at_the_next_click(town: Any, visit: Callable[..., Any]) -> None:
    name = town.newcomer()
    theirs = visit("/runs?project=fraud", who=name)
    expect(main(theirs).get_by_text(re.compile(r"\b9\b.* runs"))).to_be_visible()
    page = visit("/members?project=fraud", who="alice")
    page.get_by_test_id("stMain").get_by_text(name, exact=True).wait_for()
    town.cerberus.projects.remove_member(town.admin, "fraud", subject=name)
    tick(theirs, 0)
    expect(main(theirs).get_by_role("heading", name="No project yet")).to_be_visible()
    expect(theirs.get_by_test_id("stDataFrame")).to_have_count(0)


def test_a_token_is_made_shown_once_and_logs_into_the_project(town: Any, visit: Callable[..., Any]) -> None:
    page = visit("/account?project=fraud", who="dana")
    page.get_by_role("button", name="New token").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("laptop")
    dialog.get_by_role("button", name="Make the token").click()
    code = dialog.get_by_text(re.compile(r"^mls_")).first
    secret = code.inner_text().strip()
    assert town.cerberus.decisions.access_of_token(secret).principal.name == "dana"
    page.keyboard.press("Escape")
    expect(main(page).get_by_text("laptop")).to_be_visible()
    assert secret not in page.content()


def test_the_sidebar_changes_the_project_and_the_link(visit: Callable[..., Any]) -> None:
    page = visit("/?project=fraud", who="alice")
    expect(main(page).get_by_role("heading", name="Fraud detection")).to_be_visible()
    page.get_by_test_id("stSidebar").get_by_role("combobox").click()
    page.get_by_role("option", name="Churn").click()
    expect(main(page).get_by_role("heading", name="Churn")).to_be_visible()
    assert page.url.endswith("?project=churn")


def test_media_of_a_page_is_closed_to_those_who_are_not_signed_in(town: Any, chromium: Any) -> None:
    context = chromium.new_context(base_url=town.studio)
    assert context.request.get("/media/0123456789.png").status == 403
    assert context.request.get("/_stcore/agent/openapi.json").status == 403
    context.close()
