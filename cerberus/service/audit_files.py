"""Audit lines as files: CSV for spreadsheets, JSON lines for programs and for verifying the chain elsewhere."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from cerberus.store.records import AuditLine

AT_ONCE: Final = 200
COLUMNS: Final = tuple(each.name for each in fields(AuditLine))
FORMULA: Final = re.compile(r"(?:^|(?<=;))(?= *[=+\-@\t\r\n'])")
"""
Before what a spreadsheet may take for a formula, and before the mark itself that keeps it from that: where a cell
begins, and behind a semicolon, which begins a cell for spreadsheets of countries that write 1,5.
"""


class FileFormat(StrEnum):
    """How an export is written."""

    CSV = "csv"
    JSONL = "jsonl"


def written(lines: Iterable[AuditLine], file_format: FileFormat) -> Iterator[str]:
    """
    The lines in that format, some at a time.
    """
    texts = WRITERS[file_format](lines)
    while piece := "".join(islice(texts, AT_ONCE)):
        yield piece


def _plain(line: AuditLine) -> Mapping[str, Any]:
    values = {name: getattr(line, name) for name in COLUMNS}
    return {**values, "at": line.at.isoformat(timespec="microseconds")}


def _as_json_lines(lines: Iterable[AuditLine]) -> Iterator[str]:
    for line in lines:
        yield json.dumps(_plain(line), separators=(",", ":")) + "\n"


def _as_csv(lines: Iterable[AuditLine]) -> Iterator[str]:
    yield _row(COLUMNS)
    for line in lines:
        values = _plain(line)
        yield _row(_cell(values[name]) for name in COLUMNS)


def _row(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return FORMULA.sub("'", text)


WRITERS: Final[Mapping[FileFormat, Callable[[Iterable[AuditLine]], Iterator[str]]]] = {
    FileFormat.CSV: _as_csv,
    FileFormat.JSONL: _as_json_lines,
}
