"""gunicorn's threaded worker, with an end to the time that a client may take to send its request.

A thread waits for its client: without an end, as many slow clients as there are threads would keep everybody out.
"""

import socket
from contextlib import suppress
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

from cerberus.api import arriving

SECONDS_TO_SEND: Final = 10.0


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """Hangs up on clients that take more than 10 seconds to send a request."""

    def handle(self, conn: Any) -> Any:
        """
        One request, from its first byte on.
        """
        arriving.begins(conn)
        try:
            return super().handle(conn)
        finally:
            arriving.is_over()

    def notify(self) -> None:
        """
        Called every second: time to look at who is late.
        """
        super().notify()
        for conn in arriving.late(SECONDS_TO_SEND):
            with suppress(OSError):
                conn.sock.shutdown(socket.SHUT_RDWR)
