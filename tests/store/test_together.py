"""Threads that ask the same at the same time share an answer, and nobody gets one from before they came."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from cerberus.errors import Unavailable
from cerberus.store.together import Together


class Slow:
    """A question that is answered when the test says so: with how often it was asked."""

    def __init__(self) -> None:
        self.begun, self.go_on, self.times = threading.Semaphore(0), threading.Semaphore(0), 0
        self.error: Exception | None = None

    def __call__(self) -> int:
        self.times += 1
        mine = self.times
        self.begun.release()
        assert self.go_on.acquire(timeout=10)
        if self.error is not None:
            raise self.error
        return mine


@pytest.fixture
def pool():
    with ThreadPoolExecutor(16) as threads:
        yield threads


def waiting(together: Together, pool: ThreadPoolExecutor, number: int) -> list:
    """So many threads that wait for the next asking while one is under way."""
    arrived = threading.Barrier(number + 1)

    def ask():
        arrived.wait(10)
        return together.ask()

    futures = [pool.submit(ask) for _ in range(number)]
    arrived.wait(10)
    time.sleep(0.2)  # for the last of them to get from the barrier to the question
    return futures


def test_who_comes_during_an_asking_waits_for_the_next_and_shares_it(pool):
    question = Slow()
    together = Together(question)
    first = pool.submit(together.ask)
    assert question.begun.acquire(timeout=10)
    later = waiting(together, pool, 8)
    question.go_on.release(100)
    assert first.result(10) == 1
    answers = [each.result(10) for each in later]
    assert min(answers) == 2
    assert question.times < 9  # not one each


def test_nobody_gets_what_was_true_before_they_came():
    """Each thread notes the truth before it asks; truth only grows, so no answer may be less."""
    truth = [0]

    def read() -> int:
        value = truth[0]
        time.sleep(0.0005)  # on its way back; the truth goes on
        return value

    together = Together(read)
    stop, wrong, asked = threading.Event(), [], [0] * 8

    def watch(index: int) -> None:
        while not stop.is_set():
            before = truth[0]
            if together.ask() < before:
                wrong.append(before)
            asked[index] += 1

    threads = [threading.Thread(target=watch, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    while min(asked) < 200:
        truth[0] += 1
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_who_waited_during_a_failure_is_told_at_once_and_who_comes_after_asks_anew(pool):
    question = Slow()
    together = Together(question)
    first = pool.submit(together.ask)
    assert question.begun.acquire(timeout=10)
    later = waiting(together, pool, 3)
    question.error = Unavailable("away")
    question.go_on.release()
    for each in (first, later[0]):
        with pytest.raises(Unavailable):
            each.result(10)
    question.error = None
    question.go_on.release(100)
    for each in later[1:]:
        assert isinstance(each.exception(10), Unavailable) or each.result() > 1
    assert together.ask() > 1


def test_who_waited_in_vain_does_not_wait_for_the_next_asking_too(pool):
    """The thread that was told no asks again before the one that waited with it has been woken."""
    question = Slow()
    together = Together(question)

    def again():
        with suppress(Unavailable):
            together.ask()
        return together.ask()

    first = pool.submit(again)
    assert question.begun.acquire(timeout=10)
    (later,) = waiting(together, pool, 1)
    question.error = Unavailable("away")
    question.go_on.release()
    assert question.begun.acquire(timeout=10)
    assert isinstance(later.exception(timeout=5), Unavailable)
    assert not first.done()
    question.error = None
    question.go_on.release()
    assert first.result(10) == 2


def test_one_alone_asks_each_time():
    times = []
    together = Together(lambda: times.append(1) or len(times))
    assert [together.ask() for _ in range(3)] == [1, 2, 3]
