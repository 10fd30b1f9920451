"""`cerberus policy`: the whole policy as one file."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from cerberus.cli.call import Call, Commands, Done, Exit, reason_of
from cerberus.cli.effects import lines_of, values_of
from cerberus.errors import Invalid
from cerberus.service.effects import people_in
from cerberus.service.policies import Plan
from cerberus.service.policy_text import as_yaml

NOTHING: Final = "The file and the database say the same."


def add(commands: Commands) -> None:
    """
    The commands below `cerberus policy`.
    """
    policy = commands.group("policy", "The whole policy as a file: export, plan, apply, drift.")
    parser = policy.add("export", export)
    parser.add_argument(
        "--project", action="append", default=[], metavar="SLUG", help="only this one; may be given several times"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write it there instead of standard output")
    policy.add("schema", schema)
    for name, command in (("plan", plan), ("apply", apply), ("drift", drift)):
        parser = policy.add(name, command)
        parser.add_argument("file", metavar="FILE", help="YAML or JSON; - for standard input")
        parser.add_argument("--keep-people", action="store_true", help="leave users alone who are not in the file")
        if command is apply:
            _add_plan(parser)


def _add_plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--plan",
        type=Path,
        metavar="FILE",
        help="what `plan --json` printed: apply that, or nothing if it has moved on",
    )


def export(call: Call) -> Done:
    """Print the policy as YAML (as JSON with --json): what people decided, no secrets."""
    values = call.cerberus.policies.export(call.actor, projects=call.options.project)
    if call.options.output is None:
        return Done(as_yaml(values).removesuffix("\n"), values)
    text = json.dumps(values, ensure_ascii=False, indent=2) + "\n" if call.options.json else as_yaml(values)
    try:
        call.options.output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Invalid(f"{call.options.output} cannot be written: {reason_of(error)}.", field="output") from None
    return Done(f"The policy is in {call.options.output}.", {"output": str(call.options.output)})


def schema(call: Call) -> Done:
    """Print the JSON schema of a policy file, for editors and checks."""
    values = call.cerberus.policies.schema()
    return Done(json.dumps(values, indent=2), values)


def plan(call: Call) -> Done:
    """Say what a file would change, in words and in effect. Exit code 1 when something stands in its way."""
    found = _planned(call)
    return Done(_told(found), _values(found), Exit.NO if found.obstacles else Exit.YES)


def drift(call: Call) -> Done:
    """Compare a file with the database. Exit code 0 when they say the same, 1 when not."""
    found = _planned(call)
    return Done(_told(found), _values(found), Exit.NO if found.changes else Exit.YES)


def apply(call: Call) -> Done:
    """Make true what a file says, all of it or nothing."""
    seen = _seen(call.options.plan)
    done = call.cerberus.policies.apply(
        call.actor,
        _text(call.options.file),
        keep_people=call.options.keep_people,
        version=seen.get("version"),
        digest=seen.get("digest"),
    )
    if not done.changes:
        return Done(NOTHING, _values(done))
    return Done("\n".join(_list("Changed", done.steps)), _values(done))


def _planned(call: Call) -> Plan:
    return call.cerberus.policies.plan(call.actor, _text(call.options.file), keep_people=call.options.keep_people)


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"The policy file {file} cannot be read: {reason_of(error)}.", field="file") from None


def _seen(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {"version": int(found["version"]), "digest": str(found["digest"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise Invalid(f"{path} is not what `cerberus policy plan --json` prints.", field="plan") from None


def _told(found: Plan) -> str:
    if not found.changes:
        return NOTHING
    lines = _list("Differences", found.steps)
    if found.effects is None:
        lines.append("Effects: too many differences to say whom they touch.")
    elif found.effects:
        lines += _list("Effects", tuple(lines_of(found.effects)), count=people_in(found.effects))
    else:
        lines.append("Nobody gains or loses a permission.")
    if found.obstacles:
        lines += _list("In the way", found.obstacles)
    lines.append(f"Planned at version {found.version}, digest {found.digest}.")
    return "\n".join(lines)


def _list(title: str, items: tuple[str, ...], *, count: int | None = None) -> list[str]:
    number = f"{len(items)}" if count is None else f"{count} {'person' if count == 1 else 'people'}"
    return [f"{title} ({number}):", *(f"  {item}" for item in items)]


def _values(found: Plan) -> dict[str, Any]:
    effects = None if found.effects is None else values_of(found.effects)
    return {**asdict(found), "changes": found.changes, "effects": effects}
