"""Says plainly, at the end, which tests were left out and why; with MLSTUDIO_REQUIRE set, leaving out is failing.

Tests marked `services` need MySQL and PostgreSQL, those marked `browser` Chromium.
"""

import os
import shutil
import socket
from collections import Counter
from urllib.parse import urlsplit

import pytest

MYSQL = os.environ.get("MLSTUDIO_TEST_MYSQL", "mysql+pymysql://root@127.0.0.1:3306")
POSTGRESQL = os.environ.get("TEST_POSTGRESQL_URL", "postgresql+psycopg2://postgres@127.0.0.1:5432/postgres")
HOW = {
    "services": "MySQL at MLSTUDIO_TEST_MYSQL and PostgreSQL at TEST_POSTGRESQL_URL",
    "browser": "Chromium on the PATH, or named by CHROMIUM",
}


def required() -> set[str]:
    """
    What may not be left out: `MLSTUDIO_REQUIRE=services,browser`.
    """
    return set(filter(None, os.environ.get("MLSTUDIO_REQUIRE", "").split(",")))


def chromium_program() -> str | None:
    """
    The path of Chromium's program, or None: what `CHROMIUM` names, else what is on the PATH.
    """
    named = os.environ.get("CHROMIUM")
    return shutil.which(named) if named else shutil.which("chromium") or shutil.which("chromium-browser")


def missing(need: str) -> str:
    """
    Why tests with that marker cannot run here; empty where they can.
    """
    if need == "browser":
        return "" if chromium_program() else "there is no Chromium"
    for title, url in (("MySQL", MYSQL), ("PostgreSQL", POSTGRESQL)):
        parts = urlsplit(url)
        try:
            socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 0), timeout=2).close()
        except OSError:
            return f"there is no {title} at {parts.hostname}:{parts.port}"
    return ""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Leaves out what cannot run, before any fixture tries to.
    """
    why = {need: missing(need) for need in HOW}
    for item in items:
        for need, reason in why.items():
            if reason and item.get_closest_marker(need) and need not in required():
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):  # type: ignore[no-untyped-def]
    """
    A skipped test is a failed one where what it needs is required, whoever skipped it.
    """
    report = yield
    needs = {need for need in HOW if item.get_closest_marker(need)} or required()
    if report.skipped and needs & required() and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was left out, which MLSTUDIO_REQUIRE forbids: {reason_of(report)}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """
    One line a reason, and what would let the tests run.
    """
    reasons = Counter(reason_of(report) for report in terminalreporter.stats.get("skipped", []))
    if not reasons:
        return
    terminalreporter.section("Left out")
    for reason, number in reasons.most_common():
        terminalreporter.write_line(f"{number} test{'s' if number > 1 else ''} left out: {reason}")
    terminalreporter.write_line(f"To run them: {HOW['services']}; {HOW['browser']}.")


def reason_of(report: pytest.TestReport) -> str:
    """
    Why a report says that its test was left out.
    """
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
