"""The same question to a MySQL server again and again: reads each reply, and takes it apart only when it is news."""

from typing import Any, Final

from pymysql import OperationalError
from pymysql.connections import Connection
from pymysql.constants import COMMAND, CR

PACKETS: Final = 5
"""Of a reply with one column and one row: how many columns, the column, its end, the row, its end."""

HEAD: Final = 4
"""Bytes before each packet: three for its length, one for its number."""


PARTS: Final = ("_execute_command", "_read_query_result", "_force_close", "_result", "_rfile")
"""Of PyMySQL's connections, used below. They are its own: another version may be without them."""


def has_parts(connection: Connection) -> bool:
    """
    Whether `Replies` can ask this connection; who cannot takes a cursor, as everybody does.
    """
    return all(hasattr(connection, part) for part in PARTS)


def is_whole(reply: bytes) -> bool:
    """
    Whether the bytes are a reply with one column and one row, from beginning to end.
    """
    at = packets = 0
    while at < len(reply):
        at += HEAD + int.from_bytes(reply[at : at + HEAD - 1], "little")
        packets += 1
    return at == len(reply) and packets == PACKETS


class Replies:
    """
    The replies to one statement on one connection of PyMySQL, whose ways of sending and of reading these are. A reply
    with the very bytes of the one before it means the same: PyMySQL takes it apart once, which takes longer than all
    the rest.
    """

    def __init__(self, connection: Connection, statement: str) -> None:
        self._connection: Any = connection
        self._statement = statement.encode()
        self._known, self._answer = b"", None

    def ask(self) -> Any:
        """
        The first column of the first row, None without one. Faults are PyMySQL's own.
        """
        connection = self._connection
        connection._execute_command(COMMAND.COM_QUERY, self._statement)
        reply = self._arrived()
        if reply and reply == self._known:
            connection._rfile.read(len(reply))
            return self._answer
        self._known = b""
        connection._read_query_result()
        rows = connection._result.rows
        answer = rows[0][0] if rows else None
        if is_whole(reply) and not connection._result.has_next:
            self._known, self._answer = reply, answer
        return answer

    def _arrived(self) -> bytes:
        """
        What has come at once, which stays to be read: a whole reply, as a rule.
        """
        try:
            arrived: bytes = self._connection._rfile.peek()
        except OSError as error:
            self._connection._force_close()
            raise OperationalError(CR.CR_SERVER_LOST, f"Lost connection to MySQL server ({error})") from error
        return arrived
