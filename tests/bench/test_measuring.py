"""What the bench measures with: the load generator, the reader of database connections, the table, the profile."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from asking import MARK
from generator import Generator
from left_out import MYSQL, POSTGRESQL
from sqlalchemy import NullPool, create_engine, text
from tracking_rows import ROWS, Row
from tracking_table import Cell, Line, short_of, table
from where_time_goes import package, read_stacks
from wire import MySQL, PostgreSQL, Wire, counted

REQUEST = b"POST /%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\n\r\n" + MARK


class Answering(BaseHTTPRequestHandler):
    """Answers 200 with a body of known length or in chunks, or 403, and keeps what was sent."""

    protocol_version = "HTTP/1.1"
    bodies: list[bytes]

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(403 if self.path == "/refused" else 200)
        body = b"0\r\n" * 100_000
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        else:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def answering() -> Iterator[tuple[str, list[bytes]]]:
    """A server's address, and the bodies that it was sent."""
    handler = type("Handler", (Answering,), {"bodies": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", handler.bodies
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("path", [b"known", b"chunked"])
@pytest.mark.parametrize("clients", [1, 4])
def test_the_generator_counts_each_answer_once(answering, path, clients):
    """
    Beside the first one of each client, which only opens the connection; and no request is sent twice.
    """
    url, bodies = answering
    with Generator() as generator:
        result = generator.ask(url, [REQUEST % path], clients=clients, seconds=0.2)
    assert (result.failure, result.answers > 0) == ("", True)
    assert len(bodies) == result.answers + clients
    assert len(set(bodies)) == len(bodies)
    assert all(len(each) == len(MARK) for each in bodies)


def test_the_generator_goes_on_until_there_are_enough_answers(answering):
    """
    So that a statement count is of exactly so many requests.
    """
    url, bodies = answering
    with Generator() as generator:
        result = generator.ask(url, [REQUEST % b"known"], clients=1, seconds=0, least=19, most=60)
    assert (result.answers, len(bodies)) == (19, 20)


def test_the_generator_takes_a_refusal_for_a_failure(answering):
    """
    A server that refuses is not a fast one.
    """
    url, _ = answering
    with Generator() as generator:
        result = generator.ask(url, [REQUEST % b"refused"], clients=1, seconds=0.2)
    assert "403" in result.failure


def test_commands_are_read_however_they_are_cut():
    """
    Byte by byte, with the messages of signing in left out.
    """
    mysql, postgresql = Wire(), Wire()
    reader = MySQL(mysql)
    for each in (
        b"\x03\x00\x00\x01abc" + b"\x09\x00\x00\x00\x03SELECT 1" + b"\x01\x00\x00\x00\x0e" + b"\x01\x00\x00\x00\x01"
    ):
        reader.read(bytes([each]))
    reader = PostgreSQL(postgresql)
    for each in b"\x00\x00\x00\x09\x00\x03\x00\x00\x00" + b"p\x00\x00\x00\x06x\x00" + b"Q\x00\x00\x00\x0aBEGIN\x00":
        reader.read(bytes([each]))
    assert mysql.commands == ["SELECT 1", "ping"]
    assert postgresql.commands == ["BEGIN"]


@pytest.mark.services
@pytest.mark.parametrize("url", [MYSQL, POSTGRESQL])
def test_every_statement_that_goes_to_a_database_is_counted(url):
    """
    Those of a transaction's ends, too.
    """
    with counted(url) as (wire, through):
        engine = create_engine(through, poolclass=NullPool)
        with engine.connect() as connection:
            before = len(wire.commands)
            for number in (1, 2, 3):
                assert connection.execute(text(f"SELECT {number}")).scalar() == number
            connection.commit()
            sent = wire.commands[before:]
    assert [each for each in sent if each.startswith("SELECT")] == ["SELECT 1", "SELECT 2", "SELECT 3"]
    assert sent[-1] == "COMMIT"


def a_line(ours: dict[int, float]) -> Line:
    """
    A row that wants 0.9, of which the plain server made 100, 200 and 400 a second in three rounds.
    """
    plain = Cell(rates={0: 100.0, 1: 200.0, 2: 400.0}, answers=700, cpu=1.4)
    return Line(
        Row("get run", ROWS[1].ask, wanted=0.9), 4, {"plain": plain, "ours": Cell(rates=ours, answers=350, cpu=1.4)}
    )


def test_a_ratio_is_to_the_plain_server_in_the_same_round():
    """
    Whichever rounds a server took part in.
    """
    assert a_line({0: 50.0, 1: 180.0, 2: 400.0}).ratio("ours") == "0.90 (0.50-1.00)"
    assert a_line({2: 100.0}).ratio("ours") == "0.25 (0.25-0.25)"


def test_what_is_short_of_what_was_wanted_is_named():
    """
    And nothing else.
    """
    assert short_of([a_line({0: 90.0})], "ours") == []
    assert [each[:22] for each in short_of([a_line({0: 89.0})], "ours")] == ["get run, 4 at once: 0."]


def test_the_table_can_be_pasted_into_a_page():
    """
    Rates first, then the servers' own work.
    """
    rates, works = table([a_line({0: 50.0})], ["plain", "ours"], markdown=True).split("\n\n")
    assert rates.splitlines()[-1] == "| get run | 4 | 200 | 0.50 (0.50-0.50) |"
    assert works.splitlines()[-1] == "| get run | 4 | 2.00 | 4.00 (0.50) |"


def test_stacks_are_told_by_function_and_package():
    """
    Wherever the environment lies, and without the threads that wait.
    """
    below = (
        "work (/b/.venv/lib/python3.11/site-packages/mlflow/server/handlers.py:7) 3",
        "Epoll.select (selectors.py:451) 9",
        "ask (/x/mlstudio/mlflow/cerberus_mlflow/store.py) 1",
        "ask (/x/mlstudio/cerberus/service/tokens.py:3) 1",
    )
    lines = [f"run (/a/lib/python3.11/threading.py);{each}" for each in below]
    found = read_stacks(lines)
    assert sum(found.values()) == 5
    assert [(stack[-1], package(stack[-1])) for stack in found] == [
        ("work (mlflow/server/handlers.py:7)", "mlflow/server"),
        ("ask (cerberus_mlflow/store.py)", "cerberus_mlflow"),
        ("ask (cerberus/service/tokens.py:3)", "cerberus/service"),
    ]
