"""Every page in both themes and both widths: pictures to look at, nothing sticks out, the browser has no complaint."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.ui.theme import contrast

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 420, "height": 900}
PAGES = ("", "experiments", "runs", "compare", "members", "requests", "why", "audit", "account")


def settle(page: Any) -> None:
    """Wait until the page is drawn and nothing runs any more."""
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
        " && document.querySelector('[data-testid=stMain] h1, [data-testid=stMain] h2, [data-testid=stMain] h3')"
        " && !document.querySelector('[data-testid=stSkeleton]')"
    )
    page.wait_for_timeout(700)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pictures go: MLSTUDIO_PICTURES, or a directory of this session."""
    chosen = os.environ.get("MLSTUDIO_PICTURES")
    place = Path(chosen) if chosen else tmp_path_factory.mktemp("pictures")
    place.mkdir(parents=True, exist_ok=True)
    return place


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_page_fits_and_raises_no_complaint(
    visit: Callable[..., Any], pictures: Path, scheme: str, size: dict[str, int]
) -> None:
    page = visit("/?project=fraud", viewport=size, color_scheme=scheme)
    page.get_by_label("User name").wait_for()
    page.wait_for_timeout(500)
    page.screenshot(path=pictures / f"sign-in_{scheme}_{size['width']}.png")
    page.get_by_label("User name").fill("alice")
    page.get_by_role("textbox", name="Password").fill("correct horse battery 9")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for(state="attached")
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    wide: dict[str, int] = {}
    for path in PAGES:
        page.goto(f"/{path}?project=fraud")
        settle(page)
        page.screenshot(path=pictures / f"{path or 'home'}_{scheme}_{size['width']}.png", full_page=True)
        wide[path] = page.evaluate(
            "() => Math.max(document.documentElement.scrollWidth,"
            " document.querySelector('[data-testid=stMain]').scrollWidth) - window.innerWidth"
        )
    assert {path: over for path, over in wide.items() if over > 0} == {}
    # Streamlit looks for its heartbeat below the page's own path first.
    assert [each for each in complaints if "403" not in each and "404" not in each] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_buttons_word_stands_out_in_a_dialog_as_on_the_page(visit: Callable[..., Any], scheme: str) -> None:
    """Of WCAG's contrast: 4.5 for text of this size."""
    page = visit("/members?project=fraud", who="alice", color_scheme=scheme)
    page.get_by_role("button", name="Add a member").click()
    inside = page.get_by_role("dialog").get_by_role("button", name="Add", exact=True)
    for button in (page.get_by_test_id("stMain").get_by_test_id("stBaseButton-primary").first, inside):
        button.wait_for()
        colours = button.evaluate(
            "each => { const is = getComputedStyle(each.querySelector('p') ?? each); "
            "return [is.color, getComputedStyle(each).backgroundColor] }"
        )
        text, ground = ("#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", each)[:3]) for each in colours)
        assert contrast(text, ground) >= 4.5, (scheme, text, ground)
