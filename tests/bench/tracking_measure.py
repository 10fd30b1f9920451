"""Asks all servers in turns, row by row."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import requests
import tracking_data
from generator import Generator
from tracking_rows import Filled, Row
from tracking_table import PLAIN, Cell, Line

MEASURED = (PLAIN, "ours")
"""Asked in every round, and must do what is asked; the others are peers."""


@dataclass(frozen=True)
class Pace:
    """How long and how often each server is asked. A turn has `least` answers, if four times the seconds are enough."""

    seconds: float = 1.0
    rounds: int = 7
    peer_rounds: int = 3
    most_clients: int = 4
    least: int = 8

    def with_peers(self) -> set[int]:
        """
        The rounds in which the peers take part, which are far from the others: the first, the last, some between.
        """
        apart = max(1, self.peer_rounds - 1)
        return {round(number * (self.rounds - 1) / apart) for number in range(self.peer_rounds)}


def measured(rows: Sequence[Row], filled: Sequence[Filled], generator: Generator, pace: Pace) -> Iterator[Line]:
    """
    The lines of the table, one after the other.
    """
    for row in rows:
        if row.grown:
            for on in filled:
                tracking_data.grow(on.server.database, on.server.workspace)
        refused = _refused(row, filled, generator)
        remarks = [sentence for on in filled if not refused[on.name] for sentence in _short_answers(row, on)]
        for clients in row.clients:
            if clients <= pace.most_clients:
                cells = {on.name: Cell(refused[on.name]) for on in filled}
                line = Line(row, clients, cells, remarks if clients == row.clients[0] else [])
                _take_turns(line, [on for on in filled if not refused[on.name]], generator, pace)
                yield line


def _take_turns(line: Line, filled: Sequence[Filled], generator: Generator, pace: Pace) -> None:
    for number in range(pace.rounds):
        taking = [on for on in filled if number in pace.with_peers() or on.name in MEASURED]
        taking = [on for on in taking if not line.cells[on.name].refused]
        turn = number % len(taking)
        for on in [*taking[turn:], *taking[:turn]]:
            _ask(line, number, on, generator, pace)
    note(f"{line.row.name}, {line.clients} at once: {', '.join(f'{name} {line.ratio(name)}' for name in line.cells)}")


def _ask(line: Line, number: int, on: Filled, generator: Generator, pace: Pace) -> None:
    sent = line.row.ask(on).requests(on)
    worked = on.server.own_cpu()
    result = generator.ask(on.server.url, sent, clients=line.clients, seconds=pace.seconds, least=pace.least)
    cell = line.cells[on.name]
    cell.cpu += on.server.own_cpu() - worked
    if failure := result.failure or ("" if result.answers else "no answer"):
        cell.refused = _said_instead(line.row, on, failure)
        return
    cell.answers += result.answers + line.clients  # each client asks once before the clock starts
    cell.rates[number] = result.answers / result.seconds
    line.generator = max(line.generator, result.cpu / result.seconds)
    for statement in line.row.tidy(on):
        tracking_data.run_sql(on.server.database, statement)


def _refused(row: Row, filled: Sequence[Filled], generator: Generator) -> dict[str, str]:
    """
    For each server what it says instead of an answer; empty where it answers, as plain and ours must.
    """
    found = {}
    for on in filled:
        failure = generator.ask(on.server.url, row.ask(on).requests(on), clients=1, seconds=0).failure
        found[on.name] = _said_instead(row, on, failure) if failure else ""
    return found


def _said_instead(row: Row, on: Filled, failure: str) -> str:
    """
    For the cell of a peer. Plain and ours must answer everything.
    """
    if on.name in MEASURED:
        raise SystemExit(f"{on.name}, {row.name}: {failure}")
    note(f"{on.name}, {row.name}: {failure}")
    return f"answers {failure[9:12]}" if failure.startswith("HTTP/") else failure[:40]


def _short_answers(row: Row, on: Filled) -> Iterator[str]:
    """
    A sentence where an answer has not as many things as the caller may see. Ours must have all.
    """
    question = row.ask(on)
    if not question.counting or (on.name == PLAIN and question.person != "worker"):
        return
    answer = requests.request(
        question.method,
        on.server.url + question.paths[0],
        json=question.bodies[0],
        headers=dict(on.server.headers[question.person]),
        timeout=300,
    )
    there = len(answer.json().get(question.counting, []))
    sentence = f"{on.name}, {row.name}: {there} in the answer instead of {question.wanted}"
    if there != question.wanted and on.name in MEASURED:
        raise SystemExit(sentence)
    if there != question.wanted:
        yield sentence


def note(text: str) -> None:
    """
    A word on how far it is, beside the output.
    """
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
