"""One Chromium for every test that drives a browser: Playwright starts once in a process."""

from collections.abc import Iterator
from typing import Any

import left_out
import pytest

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium."""
    program = left_out.chromium_program()
    if program is None:  # required, or the tests would have been left out before
        pytest.fail("there is no Chromium (CHROMIUM names its program)")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()
