"""YAML in and out, as policy files use it: texts, true, false, null, lists and mappings; nothing that surprises."""

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from cerberus.errors import Invalid
from cerberus.service.letters import spelled

DEEPEST: Final = 20
FIELD: Final = "file"
WORDS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}
"""Every other plain word is text: `no`, `7` and `2027-01-01` stay what somebody typed."""

PAIR: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
"""How JSON in ASCII spells a letter beyond the first 65,536: in two halves, which YAML does not know."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def read(text: str, *, largest: int) -> dict[str, Any]:
    """
    The mapping that the text holds. Invalid, naming line and place, for what is not YAML, names one thing twice, uses
    anchors, aliases or tags, is nested too deep, or has more than `largest` bytes.
    """
    if len(text.encode("utf-8", "replace")) > largest:
        raise Invalid(f"The file is larger than {largest // 2**20} MiB.", field=FIELD)
    try:
        values = _document(yaml.parse(_paired(text), Loader=_Loader))
    except (yaml.YAMLError, UnicodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise Invalid(f"The file is not YAML: {_problem(error)}{where}.", field=FIELD) from None
    if not isinstance(values, dict):
        raise Invalid("A policy file is a mapping: people, groups, roles, projects.", field=FIELD)
    return values


def _paired(text: str) -> str:
    # Only where the text is JSON: in YAML without quotes a backslash is a backslash.
    return PAIR.sub(_one_letter, text) if text.lstrip().startswith("{") else text


def _one_letter(found: re.Match[str]) -> str:
    return found[1] + bytes.fromhex(found[2] + found[3]).decode("utf-16-be")


def _problem(error: Exception) -> str:
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    return spelled(str(said))[:200]


def _document(events: Iterator[Any]) -> Any:
    values: Any = None
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            if values is not None:
                raise Invalid("A policy file holds one document.", field=FIELD)
            values = _value(next(events), events, ())
    return values


def _value(event: Any, events: Iterator[Any], path: tuple[str, ...]) -> Any:
    line = event.start_mark.line + 1
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        raise _refused("anchors and aliases are not read: write it out", path, line)
    if event.tag is not None:
        raise _refused("tags are not read", path, line)
    if len(path) > DEEPEST:
        raise _refused("this is nested too deep", path[:3], line)
    if isinstance(event, yaml.ScalarEvent):
        return event.value if event.style else WORDS.get(event.value, event.value)
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Any] = []
        while not isinstance(following := next(events), yaml.SequenceEndEvent):
            items.append(_value(following, events, (*path, str(len(items)))))
        return items
    return _mapping(events, path)


def _mapping(events: Iterator[Any], path: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while not isinstance(following := next(events), yaml.MappingEndEvent):
        line = following.start_mark.line + 1
        if not isinstance(following, yaml.ScalarEvent) or following.anchor is not None or following.tag is not None:
            raise _refused("a name must be plain text", path, line)
        name = following.value
        if name in found:
            raise _refused(f"{spelled(name)[:100]} stands here twice", path, line)
        found[name] = _value(next(events), events, (*path, name))
    return found


def _refused(why: str, path: tuple[str, ...], line: int) -> Invalid:
    place = ".".join(spelled(part)[:100] for part in path)
    return Invalid(f"{place or 'The file'}: {why} (line {line}).", field=place or FIELD)


def write(values: dict[str, Any]) -> str:
    """
    The mapping as text: keys in their order, texts of several lines as blocks, whatever could be misread in quotes.
    """
    text: str = yaml.dump(
        values, Dumper=_PolicyDumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=4096
    )
    return text


class _PolicyDumper(_Dumper):  # type: ignore[misc]
    """Writes one thing twice rather than as an alias, and short mappings on one line."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the base's signature
        """Always: nothing of ours is shared on purpose."""
        return True


def _text(dumper: Any, value: str) -> Any:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _line(dumper: Any, value: "Line") -> Any:
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=True)


class Line(dict[str, Any]):
    """A mapping that is written on one line."""


_PolicyDumper.add_representer(str, _text)
_PolicyDumper.add_representer(Line, _line)
