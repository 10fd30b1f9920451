"""The commands about the audit: search, verify, export, trim."""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from cerberus.cli.call import Call, Commands, Done, Exit, moment, reason_of, up_to
from cerberus.errors import Invalid
from cerberus.service import AuditLine
from cerberus.service.audit import MOST
from cerberus.service.audit_files import FileFormat, written

FIELDS = ("who", "on-behalf-of", "action", "target", "project", "outcome", "address", "client", "request-id")


def add(commands: Commands) -> None:
    """
    The commands below `cerberus audit`.
    """
    audit = commands.group("audit", "What happened: search, verify, export, trim.")
    parser = audit.add("search", search)
    add_time(parser)
    for name in FIELDS:
        parser.add_argument(f"--{name}", metavar="TEXT")
    parser.add_argument("--limit", type=up_to(MOST), default=50, metavar="N", help=f"at most {MOST} (default 50)")
    parser.add_argument("--after", metavar="PLACE", help="the `next` of the page before")
    audit.add("verify", verify)
    parser = audit.add("export", export)
    parser.add_argument("--format", type=FileFormat, choices=list(FileFormat), default=FileFormat.JSONL)
    parser.add_argument("--output", type=Path, metavar="FILE", help="a new file, instead of standard output")
    add_time(parser)
    parser = audit.add("trim", trim)
    parser.add_argument("--before", type=moment, metavar="DATE", help="without it, CERBERUS_AUDIT_DAYS ago")


def add_time(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--since", type=moment, metavar="DATE", help="from then on, e.g. 2026-11-01 or 2026-11-01T08:00"
    )
    parser.add_argument("--until", type=moment, metavar="DATE", help="before then")


def search(call: Call) -> Done:
    """Show what happened, newest first. An action like `member.` means all that begin so; a client is how it begins."""
    options = call.options
    wanted = {name.replace("-", "_"): getattr(options, name.replace("-", "_")) for name in (*FIELDS, "since", "until")}
    found = call.cerberus.audit.search(call.actor, limit=options.limit, after=options.after, **wanted)
    following = found[-1].position if len(found) == options.limit else None
    text = [sentence(line) for line in found] or ["Nothing is found."]
    values = {"items": [_values(line) for line in found], "next": following}
    return Done("\n".join([*text, *([f'More: --after "{following}"'] if following else [])]), values)


def sentence(line: AuditLine) -> str:
    """
    One line for people.
    """
    who = f"{line.who} for {line.on_behalf_of}" if line.on_behalf_of else line.who
    where = f" in {line.project}" if line.project else ""
    outcome = "" if line.outcome == "ok" else f" ({line.outcome})"
    return f"{line.at:%Y-%m-%d %H:%M:%S} {line.id} {who}: {line.action} {line.target}{where}{outcome}"


def _values(line: AuditLine) -> dict[str, object]:
    return {name: getattr(line, name) for name in AuditLine.__slots__} | {"at": line.at.isoformat()}


def verify(call: Call) -> Done:
    """Walk the chain of lines. Exit code 0 when it holds, 1 when a line was edited, moved, inserted or removed."""
    seen = call.cerberus.audit.examine()
    values = {
        "holds": seen.broken is None,
        "lines": seen.lines,
        "since": seen.since.isoformat() if seen.since else None,
        "trimmed_at": seen.trimmed_at.isoformat() if seen.trimmed_at else None,
        "head": seen.head,
        "broken": {"id": seen.broken.id, "problem": seen.broken.problem} if seen.broken else None,
    }
    if seen.broken is not None:
        return Done(f"The chain is broken. {seen.broken}", values, Exit.NO)
    reach = f"back to {seen.since:%Y-%m-%d %H:%M:%S}" if seen.since else "which has no lines yet"
    trimmed = f" Older lines were removed on {seen.trimmed_at:%Y-%m-%d}." if seen.trimmed_at else ""
    return Done(f"The chain holds: {seen.lines} lines, {reach}.{trimmed} Newest hash: {seen.head}", values)


def export(call: Call) -> Done:
    """Write every line of a time, oldest first, as CSV or JSON lines."""
    options = call.options
    lines = call.cerberus.audit.export(call.actor, since=options.since, until=options.until)
    pieces = written(lines, options.format)
    if options.output is None:
        return Done("", {}, _to_standard_output(pieces))
    with _new_file(options.output) as file:
        file.writelines(pieces)
    return Done(f"Written to {options.output}.", {"output": str(options.output)})


def _to_standard_output(pieces: Iterable[str]) -> Exit:
    try:
        sys.stdout.writelines(pieces)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read it, `head` for example, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.YES


@contextmanager
def _new_file(path: Path) -> Iterator[TextIO]:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise Invalid(f"The file {path} cannot be written: {reason_of(error)}.", field="output") from None


def trim(call: Call) -> Done:
    """Remove old lines, and note what was removed: the chain holds afterwards."""
    before, days = call.options.before, call.settings.cerberus_audit_days
    if before is None and not days:
        raise Invalid("Say --before when, or set CERBERUS_AUDIT_DAYS.", field="before")
    before = before or datetime.now(UTC) - timedelta(days=days)
    removed = call.cerberus.audit.trim(call.actor, before=before)
    return Done(f"{removed} lines were removed.", {"removed": removed, "before": before.isoformat()})
