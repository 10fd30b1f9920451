"""Which new passwords are taken: long enough, not common, not guessable by who knows the person."""

import contextlib
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import zxcvbn

from cerberus.errors import Invalid
from cerberus.service import SYSTEM, passwords, secrets

ABOUT = ("dana.demir", "Dana Demir")


def refusal(value, about=ABOUT):
    with pytest.raises(Invalid) as raised:
        passwords.acceptable(value, about=about, field="new")
    assert raised.value.field == "new"
    return raised.value


@pytest.mark.parametrize(
    "value", ["short", "x" * 73, "é" * 37, "", "nul\x00nul\x00nul", None, 12345678, "\ud800abcdefg"]
)
def test_a_password_is_text_of_8_to_72_bytes(value):
    """Bytes count, not characters: bcrypt reads no more than 72."""
    assert refusal(value).message in ("A password must be text.", "A password has 8 to 72 bytes.")


@pytest.mark.parametrize(
    "value",
    [
        "password",
        "Password1",
        "passw0rd",
        "P@ssw0rd!",
        "letmein123",
        "qwertyuiop",
        "zaq12wsx",
        "12345678",
        "11111111",
        "aaaaaaaaaaaaaaaaaaaaaaaa",
        "abcabcabcabc",
        "iloveyou1",
        "monkey12",
        "19851112",
        "sunshine",
        "asdfghjkl",
    ],
)
def test_a_common_password_is_refused_with_advice(value):
    """The message says what to do, and does not repeat the password."""
    error = refusal(value)
    assert error.message.startswith("That password is too easy to guess.")
    assert "several words" in error.hint
    assert value.casefold() not in f"{error.message} {error.hint}".casefold() or value == "password"


@pytest.mark.parametrize(
    "value", ["dana.demir", "danademir1", "DemirDana", "dana-dana-dana", "Dana2026!", "demir12345", "d4n4d3m1r"]
)
def test_a_password_made_of_ones_name_is_refused(value):
    """For somebody else it might do."""
    refusal(value)


@pytest.mark.parametrize("about", [("o", "O"), ("bob", ""), ("x" * 64, " ".join(["word"] * 40)), ("a.b@c", "\u202e")])
@pytest.mark.parametrize(
    "value",
    [
        "three blue-ish horses",
        "Dana owns 3 purple trains",
        "gX7#kq2!vB",
        "korrekt pferd batterie",
        "übergroße Wörterflut",
    ],
)
def test_a_good_password_is_taken_whatever_the_name(value, about):
    """A name in a long one does no harm."""
    assert passwords.acceptable(value, about=(*ABOUT, *about)) == value


def test_a_password_made_by_chance_always_passes():
    """People are given one; it must not be refused."""
    for _ in range(300):
        passwords.acceptable(secrets.new_password(), about=ABOUT)


@pytest.mark.parametrize(
    "value", ["4@8({[<6931!|70$5+7%x2" * 3, "1!|l" * 18, "a" * 72, "19911991" * 9, "password" * 9, "{[<(|%+" * 10]
)
def test_judging_takes_no_longer_than_hashing_does(value):
    """What is sent to be judged is bounded: some texts of 72 characters would take ten seconds and more."""
    passwords.acceptable("three blue-ish horses", about=ABOUT)
    began = time.thread_time()
    with contextlib.suppress(Invalid):
        passwords.acceptable(value[:72], about=ABOUT)
    assert time.thread_time() - began < 1.5


def test_one_password_is_judged_at_a_time(monkeypatch):
    """The judge keeps what it knows about a person in one place for all threads."""
    judge, inside, most = zxcvbn.zxcvbn, [], []

    def judged(*args, **kwargs):
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0.01)
        inside.pop()
        return judge(*args, **kwargs)

    monkeypatch.setattr(zxcvbn, "zxcvbn", judged)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: passwords.acceptable("three blue-ish horses", about=ABOUT), range(8)))
    assert most == [1] * 8


def test_the_judge_is_loaded_when_somebody_sets_a_password():
    """Not when the service is: it takes 25 ms and 13 MB that most processes never need."""
    code = "import sys, cerberus.service, cerberus.api; print('zxcvbn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("way", ["create", "reset", "change"])
def test_every_way_to_set_a_password_obeys_the_rule(cast, cerberus, way):
    """And judges it by name and display name."""
    cerberus.people.rename(SYSTEM, "dana", display_name="Dana Zwetschgenbaum")
    ways = {
        "create": lambda: cerberus.people.create_user(
            SYSTEM, "dana2", display_name="Zwetschgenbaum", password="Zwetschgenbaum"
        ),
        "reset": lambda: cerberus.people.reset_password(SYSTEM, "dana", new="Zwetschgenbaum"),
        "change": lambda: cerberus.people.change_password(cast.dana, current=cast.password, new="Zwetschgenbaum"),
    }
    with pytest.raises(Invalid) as raised:
        ways[way]()
    assert raised.value.field == ("password" if way == "create" else "new")
