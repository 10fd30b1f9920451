"""The table of ratios, for a terminal or to be pasted into a page."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from tracking_rows import Row

PLAIN = "plain"


@dataclass
class Cell:
    """What one server did in one line of the table: a rate for each round in which it was asked, or a refusal."""

    refused: str = ""
    rates: dict[int, float] = field(default_factory=dict)
    answers: int = 0
    cpu: float = 0.0

    @property
    def own(self) -> float:
        """Milliseconds of its processes' own work for one answer."""
        return 1000 * self.cpu / max(1, self.answers)


@dataclass
class Line:
    """One row of work by so many clients at once."""

    row: Row
    clients: int
    cells: dict[str, Cell]
    remarks: list[str] = field(default_factory=list)
    generator: float = 0.0

    def ratios(self, column: str) -> list[float]:
        """
        To the plain server's rate, each in the same round.
        """
        plain = self.cells[PLAIN].rates
        return [rate / plain[number] for number, rate in self.cells[column].rates.items()]

    def ratio(self, column: str) -> str:
        """
        The median of the rounds, and the least and greatest.
        """
        if self.cells[column].refused:
            return self.cells[column].refused
        found = self.ratios(column)
        return f"{short(statistics.median(found))} ({short(min(found))}-{short(max(found))})"

    def own_ratio(self, column: str) -> str:
        """
        How many of its own milliseconds an answer took, and what part of that the plain server would have taken.
        """
        own = self.cells[column].own
        return f"{own:.2f} ({short(self.cells[PLAIN].own / own)})" if own else ""


def short(number: float) -> str:
    """
    Two digits after the point, or fewer for what is large.
    """
    return f"{number:.2f}" if number < 10 else f"{number:.0f}"


def short_of(lines: Sequence[Line], column: str) -> list[str]:
    """
    A sentence for each line in which a column has less than was wanted.
    """
    return [
        f"{line.row.name}, {line.clients} at once: {statistics.median(line.ratios(column)):.2f}, "
        f"wanted {line.row.wanted}; own work {line.own_ratio(column)} ms"
        for line in lines
        if line.row.wanted is not None and statistics.median(line.ratios(column)) < line.row.wanted
    ]


def table(lines: Sequence[Line], columns: Sequence[str], *, markdown: bool) -> str:
    """
    Requests a second as a ratio to the plain server, and in a second table the servers' own work.
    """
    others = [each for each in columns if each != PLAIN]
    rates = [["", "clients", "plain, a second", *others]]
    works = [["own ms of an answer (ratio)", "clients", PLAIN, *others]]
    for line in lines:
        shown = [line.row.name, str(line.clients)]
        plain = line.cells[PLAIN]
        rates.append(
            [*shown, f"{statistics.median(plain.rates.values()):,.0f}", *(line.ratio(each) for each in others)]
        )
        works.append([*shown, f"{plain.own:.2f}", *(line.own_ratio(each) for each in others)])
    return "\n\n".join(_laid_out(each, markdown=markdown) for each in (rates, works))


def _laid_out(rows: Sequence[Sequence[str]], *, markdown: bool) -> str:
    if markdown:
        head, *rest = ("| " + " | ".join(row) + " |" for row in rows)
        return "\n".join([head, "| --- " * len(rows[0]) + "|", *rest])
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )
