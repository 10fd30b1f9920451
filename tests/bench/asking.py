"""The load generator: a process of its own that sends prepared bytes and counts answers.

Each line of standard input is one order as JSON; each line of output says what came of it. Standard library only, and
nothing is parsed of an answer but its status and where it ends, so that what is measured is the server.
"""

import base64
import json
import socket
import sys
import time
from itertools import count
from threading import Barrier, BrokenBarrierError, Thread
from typing import Any

MARK = b"100000000000"
"""Where these twelve digits stand in a request, each time another number is sent."""
CHUNK = 1 << 18
NUMBERS = count(200000000000 + int(time.time()) % 10**6 * 10**5)


class Failed(Exception):
    """An answer that is none, or not 200."""


def numbered(requests: list[list[bytes]]) -> bytes:
    """
    The next of the prepared requests, with a number that was not there before.
    """
    number = next(NUMBERS)
    return b"%012d" % number if not requests else (b"%012d" % number).join(requests[number % len(requests)])


def receive(connection: socket.socket) -> bytes:
    """
    One whole answer's head and the beginning of its body; the rest is read and forgotten.
    """
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += _more(connection)
    head = data[:end].lower()
    if (found := head.find(b"content-length: ")) >= 0:
        missing = end + 4 + int(head[found + 16 :].split(b"\r\n", 1)[0]) - len(data)
        while missing > 0:
            missing -= len(_more(connection))
    elif b"transfer-encoding: chunked" in head:
        tail = data[end + 2 :][-7:]
        while tail != b"\r\n0\r\n\r\n":
            tail = (tail + _more(connection))[-7:]
    return data


def _more(connection: socket.socket) -> bytes:
    part = connection.recv(CHUNK)
    if not part:
        raise Failed("the connection was closed")
    return part


def ask(connection: socket.socket, requests: list[list[bytes]]) -> None:
    """
    Sends one request and waits for its answer. Failed unless that is 200.
    """
    connection.sendall(numbered(requests))
    answer = receive(connection)
    if answer[9:12] != b"200":
        raise Failed(answer[:600].decode("latin-1"))


def carry_out(order: dict[str, Any]) -> dict[str, Any]:
    """
    So many connections ask for so many seconds, and after that until there were `least` answers, but not longer than
    `most`. Each asks once before the clock starts, all at the same time: a server closes a connection that idles.
    """
    requests = [base64.b64decode(each).split(MARK) for each in order["requests"]]
    clients = order["clients"]
    counts, failures = [0] * clients, []
    clock: list[float] = []
    ready = Barrier(clients, lambda: clock.extend((time.perf_counter(), time.process_time())))

    def client(index: int) -> None:
        try:
            with socket.create_connection(("127.0.0.1", order["port"]), timeout=120) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                ask(connection, requests)
                ready.wait()
                while (now := time.perf_counter() - clock[0]) < order["seconds"] or (
                    counts[index] < order["least"] / clients and now < order["most"]
                ):
                    ask(connection, requests)
                    counts[index] += 1
        except (Failed, OSError) as error:
            failures.append(str(error) or type(error).__name__)
            ready.abort()
        except BrokenBarrierError:
            pass

    threads = [Thread(target=client, args=(index,)) for index in range(1, clients)]
    for thread in threads:
        thread.start()
    client(0)
    for thread in threads:
        thread.join()
    begun, own = clock or (time.perf_counter(), time.process_time())
    took, own = time.perf_counter() - begun, time.process_time() - own
    return {"answers": sum(counts), "seconds": took, "cpu": own, "failure": failures[0] if failures else ""}


def main() -> None:
    """
    Carries out orders until there are none.
    """
    for line in sys.stdin:
        print(json.dumps(carry_out(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
