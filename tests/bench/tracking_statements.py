"""How many statements a request sends to the databases: asked of second servers whose databases are read along."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from generator import Generator
from tracking_data import run_sql
from tracking_rows import Filled, Row
from wire import Wire, counted

WARM, TIMES = 5, 20
LITERAL = re.compile(r"'[^']*'|\b\d+\b")
"""What differs between two requests of a kind."""
SHOWN = 6


@dataclass(frozen=True)
class Sent:
    """What so many warm requests sent to Cerberus' database and to the tracking database."""

    requests: int
    cerberus: list[str]
    tracking: list[str]

    def rates(self) -> tuple[float, float]:
        """
        For one request.
        """
        return len(self.cerberus) / self.requests, len(self.tracking) / self.requests

    def forms(self) -> defaultdict[str, float]:
        """
        How often each statement went to the tracking database for one request, whatever its values.
        """
        found: defaultdict[str, float] = defaultdict(float)
        for text in self.tracking:
            found[" ".join(LITERAL.sub("?", text).split())] += 1 / self.requests
        return found


@dataclass(frozen=True)
class Watched:
    """A second server on the first one's databases, which are read along."""

    on: Filled
    url: str
    cerberus: Wire
    tracking: Wire
    generator: Generator

    def ask(self, row: Row) -> Sent:
        """
        Some requests that warm the caches, then those that are counted.
        """
        requests = row.ask(self.on).requests(self.on)
        for times in (WARM + len(requests), TIMES):
            before = len(self.cerberus.commands), len(self.tracking.commands)
            result = self.generator.ask(self.url, requests, clients=1, seconds=0, least=times - 1, most=20)
            if result.failure:
                raise SystemExit(f"{self.on.name}, {row.name}, counting statements: {result.failure}")
        for statement in row.tidy(self.on):
            run_sql(self.on.server.database, statement)
        sent = self.cerberus.commands[before[0] :], self.tracking.commands[before[1] :]
        return Sent(result.answers + 1, *sent)


def statements(rows: Sequence[Row], filled: Sequence[Filled]) -> str:
    """
    A line a row: what a warm request sends to Cerberus' database, and to the tracking database beside plain.
    """
    lines = [f"{'statements a request, warm':<36}{'Cerberus':>10}{'tracking':>10}{'plain':>8}"]
    most, all_sent = 0.0, Counter[str]()
    with _watched(filled, "plain") as plain, _watched(filled, "ours") as ours:
        for row in rows:
            sent = ours.ask(row)
            own, tracking = sent.rates()
            most = max(most, own)
            all_sent.update(sent.cerberus)
            lines.append(f"{row.name:<36}{own:>10.2f}{tracking:>10.1f}{plain.ask(row).rates()[1]:>8.1f}")
        if not ours.on.server.cerberus.startswith("mysql"):
            return "\n".join([*lines, "Cerberus' database is SQLite here, where statements cannot be counted."])
    lines.append(f"At most {most:.2f} a request to Cerberus' database. What was sent there, most often first:")
    lines += [f"  {number} x {' '.join(text.split())[:140]}" for text, number in all_sent.most_common(SHOWN)]
    return "\n".join(lines)


def statements_beyond(row: Row, filled: Sequence[Filled]) -> str:
    """
    What a warm request of a row sends to the tracking database more, or less, often than the plain server's does.
    """
    with _watched(filled, "plain") as plain, _watched(filled, "ours") as ours:
        asked = plain.ask(row), ours.ask(row)
    theirs, own = (each.forms() for each in asked)
    lines = [f"\n{row.name}: statements to the tracking database that ours sends more (+) or less (-) often a request"]
    lines.append(f"all: {asked[1].rates()[1]:.2f}, plain {asked[0].rates()[1]:.2f}")
    more = {text: own[text] - theirs[text] for text in own.keys() | theirs.keys()}
    for text in sorted(more, key=lambda text: -more[text]):
        if abs(more[text]) > 0.01:
            lines.append(f"{more[text]:+.2f}  {text[:400]}")
    return "\n".join(lines)


@contextmanager
def _watched(filled: Sequence[Filled], name: str) -> Iterator[Watched]:
    on = next(each for each in filled if each.name == name)
    cerberus, tracking, urls = Wire(), Wire(), {}
    with ExitStack() as stack:
        if on.server.cerberus.startswith("mysql"):
            cerberus, urls[on.server.cerberus] = stack.enter_context(counted(on.server.cerberus))
        tracking, urls[on.server.database] = stack.enter_context(counted(on.server.database))
        assert on.server.again is not None
        address = stack.enter_context(on.server.again(urls))
        yield Watched(on, address, cerberus, tracking, stack.enter_context(Generator()))
