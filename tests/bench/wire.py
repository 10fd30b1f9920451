"""Counts what a program sends to its database: a door in front of the database that reads along.

MySQL's and PostgreSQL's own protocols, unencrypted. Everything that makes the database do something counts: a SELECT, a
COMMIT, a ping.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread

from sqlalchemy import URL, make_url

CHUNK = 1 << 16
QUERY, PING, QUIT = 3, 14, 1
STARTUP = 4


class Wire:
    """The commands that went through, oldest first."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self._lock = Lock()

    def note(self, command: str) -> None:
        """
        One more command.
        """
        with self._lock:
            self.commands.append(command)


class MySQL:
    """Reads what a client of MySQL says: packets of four bytes' head; number 0 begins a command."""

    def __init__(self, wire: Wire) -> None:
        self.wire, self.left = wire, b""

    def read(self, data: bytes) -> None:
        """
        Some more of what was said.
        """
        self.left += data
        while len(self.left) >= 4 and len(self.left) >= (end := 4 + int.from_bytes(self.left[:3], "little")):
            packet, self.left = self.left[:end], self.left[end:]
            if packet[3] == 0 and packet[4:5] and packet[4] != QUIT:
                text = packet[5:].decode("utf-8", "replace") if packet[4] == QUERY else f"command {packet[4]}"
                self.wire.note("ping" if packet[4] == PING else text)


class PostgreSQL:
    """Reads what a client of PostgreSQL says: a letter and a length, after one message without a letter."""

    def __init__(self, wire: Wire) -> None:
        self.wire, self.left, self.head = wire, b"", STARTUP

    def read(self, data: bytes) -> None:
        """
        Some more of what was said.
        """
        self.left += data
        while len(self.left) >= self.head:
            end = self.head - 4 + int.from_bytes(self.left[self.head - 4 : self.head], "big")
            if len(self.left) < end:
                return
            message, self.left = self.left[:end], self.left[end:]
            if self.head == 5 and message[:1] in (b"Q", b"P"):
                self.wire.note(message[5:].strip(b"\0").decode("utf-8", "replace"))
            self.head = 5


@contextmanager
def counted(url: str) -> Iterator[tuple[Wire, str]]:
    """
    What is sent to a database, and the URL under which it is reached that way.
    """
    parsed, wire = make_url(url), Wire()
    mysql = parsed.get_backend_name() in ("mysql", "mariadb")
    reader = MySQL if mysql else PostgreSQL
    with socket.create_server(("127.0.0.1", 0)) as door:
        address = (parsed.host or "127.0.0.1", parsed.port or (3306 if mysql else 5432))
        Thread(target=_let_in, args=(door, address, lambda: reader(wire).read), daemon=True).start()
        yield wire, _through(parsed, door.getsockname()[1], mysql).render_as_string(hide_password=False)


def _through(url: URL, port: int, mysql: bool) -> URL:
    through = url.set(host="127.0.0.1", port=port)
    return through if mysql else through.update_query_dict({"sslmode": "disable", "gssencmode": "disable"})


def _let_in(door: socket.socket, address: tuple[str, int], reader: Callable[[], Callable[[bytes], None]]) -> None:
    with suppress(OSError):
        while True:
            client, _ = door.accept()
            server = socket.create_connection(address)
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Thread(target=_pass_on, args=(client, server, reader()), daemon=True).start()
            Thread(target=_pass_on, args=(server, client, lambda _: None), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket, read: Callable[[bytes], None]) -> None:
    with suppress(OSError), source, target:
        while data := source.recv(CHUNK):
            read(data)
            target.sendall(data)
