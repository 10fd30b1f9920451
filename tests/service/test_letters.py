"""
One rule about what one cannot see, for the API, the command line and Studio alike.
"""

import pytest

from cerberus.api import parsing
from cerberus.errors import Invalid
from cerberus.service import parse
from cerberus.service.letters import hides, hides_in_lines

VISIBLE = [
    "",
    "Fraud team",
    "Zoë Müller-Ångström",
    "Анна",
    "山田 太郎",
    "علی",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian needs the joiner
    "क्\u200dष",
    "👩\u200d🔬",
    "a\u00a0b",
    "\u0391lice",  # a Greek letter: no rule tells a fake from a name of two languages
]
HIDDEN = [
    "a\x00b",
    "a\x7fb",
    "a\x1bb",
    "a\x85b",
    "a\u00adb",  # soft hyphen
    "al\u200dice",
    "al\u200cice",
    "\u200dلی",
    "ع\u200d",
    "ع\u200d\u200dل",
    "a\u200bb",
    "a\u200eb",
    "a\u202eb",
    "a\u2066b",
    "\ufeffa",
    "a\u2060b",
    "a\U000e0041b",  # tags
    "a\ue000b",
    "a\ud800b",
    "a\u2028b",
    "\u3164",
    "a\u115fb",
    "\u2800",
]


@pytest.mark.parametrize("text", VISIBLE)
def test_names_of_any_script_are_fine(text):
    assert not hides(text)
    assert not hides_in_lines(text)


@pytest.mark.parametrize("text", HIDDEN, ids=ascii)
def test_what_one_cannot_see_is_refused_at_every_edge(text):
    assert hides(text)
    assert hides_in_lines(text)
    for rule in (parse.text, parse.line):
        with pytest.raises(Invalid) as refusal:
            rule(f"x{text}x", "reason", longest=100)
        assert refusal.value.field == "reason"
    for check in (parsing.only_visible, parsing.only_visible_lines):
        with pytest.raises(ValueError, match="invisible"):
            check(text)


@pytest.mark.parametrize("text", ["one\ntwo", "one\r\ntwo", "one\ttwo", "山\n田"])
def test_lines_are_for_texts_of_several_lines(text):
    assert hides(text)
    assert not hides_in_lines(text)
    assert parse.text(text, "reason", longest=100) == text
    with pytest.raises(Invalid):
        parse.line(text, "name", longest=100)
