"""The code between the form and the cookie: once, soon, and in one browser."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from studio.handover import LIFE_SECONDS, MOST_WAITING, HandOver, Ticket

TICKET = Ticket("secret-of-the-session", "17", datetime(2030, 1, 1, tzinfo=UTC))


class Clock:
    """A clock that a test turns."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def handover(clock: Clock) -> HandOver:
    return HandOver(clock)


def test_the_browser_of_the_form_gets_the_session(handover: HandOver) -> None:
    code = handover.put(TICKET, browser="alices-browser")
    assert handover.take(code, browser="alices-browser") == TICKET


def test_the_code_is_not_the_secret(handover: HandOver) -> None:
    assert TICKET.cookie not in handover.put(TICKET, browser="alices-browser")


def test_a_code_works_once(handover: HandOver) -> None:
    code = handover.put(TICKET, browser="alices-browser")
    handover.take(code, browser="alices-browser")
    assert handover.take(code, browser="alices-browser") is None


@pytest.mark.parametrize("browser", ["charlies-browser", ""])
def test_another_browser_gets_nothing_and_spends_the_code(handover: HandOver, browser: str) -> None:
    code = handover.put(TICKET, browser="alices-browser")
    assert handover.take(code, browser=browser) is None
    assert handover.take(code, browser="alices-browser") is None


def test_a_code_lives_for_seconds(handover: HandOver, clock: Clock) -> None:
    code = handover.put(TICKET, browser="alices-browser")
    clock.now += LIFE_SECONDS
    assert handover.take(code, browser="alices-browser") is None


def test_a_guessed_code_gets_nothing(handover: HandOver) -> None:
    handover.put(TICKET, browser="alices-browser")
    assert handover.take("", browser="alices-browser") is None
    assert handover.take("guessed", browser="alices-browser") is None


def test_a_browser_without_cookies_cannot_be_told_from_others(handover: HandOver) -> None:
    with pytest.raises(ValueError, match="browser"):
        handover.put(TICKET, browser="")


def test_codes_that_nobody_fetches_do_not_pile_up(handover: HandOver, clock: Clock) -> None:
    first = handover.put(TICKET, browser="b")
    for _ in range(MOST_WAITING):
        handover.put(TICKET, browser="b")
    assert handover.take(first, browser="b") is None
    clock.now += LIFE_SECONDS
    handover.put(TICKET, browser="b")
    assert len(handover._waiting) == 1
