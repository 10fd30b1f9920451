"""Replies that are taken apart only when they are news: what a server may send, in whatever pieces."""

import socket
import threading
from functools import partial

import pytest
from pymysql import OperationalError, ProgrammingError
from pymysql.connections import Connection

from cerberus.store import replies
from cerberus.store.replies import PARTS, Replies, has_parts, is_whole

STATEMENT = "SELECT version FROM policy_state WHERE id = 1"
END = b"\xfe\x00\x00\x02\x00"


def packet(number: int, content: bytes) -> bytes:
    return len(content).to_bytes(3, "little") + bytes([number]) + content


def column() -> bytes:
    texts = (b"def", b"x", b"policy_state", b"policy_state", b"version", b"version")
    names = b"".join(bytes([len(text)]) + text for text in texts)
    return names + b"\x0c\x3f\x00\x14\x00\x00\x00\x08\x01\x00\x00\x00\x00"


def reply(version: int) -> bytes:
    """What MySQL answers to the statement."""
    text = str(version).encode()
    contents = (b"\x01", column(), END, bytes([len(text)]) + text, END)
    return b"".join(packet(number, content) for number, content in enumerate(contents, 1))


def nothing() -> bytes:
    """What it answers when there is no row."""
    return b"".join(packet(number, content) for number, content in enumerate((b"\x01", column(), END, END), 1))


REFUSAL = packet(1, b"\xff" + (1146).to_bytes(2, "little") + b"#42S02No such table")


class Wire:
    """A connection whose server the test plays, and how often PyMySQL took a reply apart."""

    def __init__(self) -> None:
        ours, self.server = socket.socketpair()
        self.connection = Connection(defer_connect=True, user="x", read_timeout=0.3)
        self.connection._sock, self.connection._rfile = ours, ours.makefile("rb")
        ours.settimeout(0.3)
        self.connection._current_timeout = self.connection._write_timeout = 0.3
        self.read, self.taken_apart = self.connection._read_query_result, 0
        self.connection._read_query_result = self.note
        self.replies = Replies(self.connection, STATEMENT)

    def note(self) -> int:
        self.taken_apart += 1
        return self.read()

    def ask(self, *pieces: bytes) -> object:
        """What one asking answers when the server sends these pieces, each a moment after the one before."""
        later = [threading.Timer(0.02 * place, self.server.sendall, (piece,)) for place, piece in enumerate(pieces)]
        for each in later:
            each.start()
        try:
            return self.replies.ask()
        finally:
            for each in later:
                each.join()


@pytest.fixture
def wire():
    made = Wire()
    yield made
    made.server.close()
    made.connection._force_close()


def test_what_is_known_is_not_taken_apart_and_news_is(wire):
    """The statement goes to the server each time."""
    assert [wire.ask(reply(number)) for number in (7, 7, 7, 8, 8, 7, 10, 10)] == [7, 7, 7, 8, 8, 7, 10, 10]
    assert wire.taken_apart == 4
    assert wire.server.recv(65536).count(STATEMENT.encode()) == 8


@pytest.mark.parametrize("cut", [1, 4, 5, 30, 70, 79, 83, 85, 86, 94])
def test_a_reply_in_two_pieces_is_one_reply(wire, cut):
    """Wherever it is cut, between packets too: no later answer is read from what was left of it."""
    whole = reply(41)
    for _ in range(3):
        assert wire.ask(whole[:cut], whole[cut:]) == 41
    assert [wire.ask(reply(number)) for number in (42, 42)] == [42, 42]
    assert wire.ask(whole[:cut], whole[cut:]) == 41
    assert wire.ask(reply(43)) == 43


def test_only_a_whole_reply_is_remembered():
    whole = reply(41)
    assert is_whole(whole)
    assert not any(is_whole(whole[:cut]) for cut in range(len(whole)))
    assert not is_whole(whole + b"\x00")
    assert not is_whole(nothing())


def test_no_row_is_none(wire):
    assert [wire.ask(nothing()), wire.ask(reply(7)), wire.ask(nothing())] == [None, 7, None]


def test_a_refusal_is_the_drivers_error_and_the_next_answer_is_right(wire):
    assert wire.ask(reply(7)) == 7
    with pytest.raises(ProgrammingError, match="No such table"):
        wire.ask(REFUSAL)
    assert wire.ask(reply(7)) == 7


def test_a_server_that_says_nothing_is_told_from_one_that_has_hung_up(wire):
    """Who waited in vain does not wait again: `Database` looks at the cause."""
    with pytest.raises(OperationalError) as raised:
        wire.ask()
    assert isinstance(raised.value.__context__, TimeoutError)
    assert not wire.connection.open


def test_a_server_that_hangs_up_is_lost(wire):
    assert wire.ask(reply(7)) == 7
    wire.server.shutdown(socket.SHUT_WR)
    with pytest.raises(OperationalError, match="Lost connection") as raised:
        wire.ask()
    assert not isinstance(raised.value.__context__, TimeoutError)


def test_the_pymysql_of_the_lock_file_has_every_part_that_is_used():
    """One that has not is still asked, but takes longer: nobody would notice."""
    assert has_parts(Connection(defer_connect=True, user="x"))


@pytest.mark.on_each_database
def test_a_pymysql_without_one_of_its_private_parts_is_asked_as_everybody_asks(cerberus, monkeypatch):
    """It takes longer, and the answer is the same."""
    monkeypatch.setattr(replies, "PARTS", (*PARTS, "_of_a_version_to_come"))
    straight = cerberus._database._straight
    straight.close()
    assert cerberus.version() == cerberus.version()
    assert isinstance(straight._asked, partial)
