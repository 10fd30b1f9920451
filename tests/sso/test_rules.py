"""Claims become groups and platform roles at each sign-in, and go again; what was given by hand stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from evil_provider import EvilProvider

from cerberus.errors import Invalid, NotFound
from cerberus.policy import Kind, PlatformRole, Resource, Verb
from cerberus.service import SYSTEM, Cerberus
from cerberus.service.sign_on_rules import Given, given_by, read

READERS = '[[rule]]\nclaim = "groups"\ncontains = "ml-fraud"\ngroup = "readers"\n'
ADMINS = '[[rule]]\nclaim = ["realm", "roles"]\ncontains = "boss"\nplatform_role = "admin"\n'
AUDITORS = '[[rule]]\nclaim = "auditor"\ncontains = "yes"\nplatform_role = "auditor"\n'
BOSS = {"realm": {"roles": ["boss"]}}
FRAUD = Resource("fraud", Kind.EXPERIMENT, "1")


@pytest.fixture
def mapped(opened: Callable[..., Cerberus], rules: Callable[[str], Path], provider: EvilProvider) -> Cerberus:
    """Charlie's account is linked, and there are rules."""
    cerberus = opened(rules=rules(READERS + ADMINS + AUDITORS))
    cerberus.sign_on.link(SYSTEM, "charlie", issuer=provider.issuer, external_id="c-1")
    return cerberus


def may_read(cerberus: Cerberus, name: str = "charlie") -> bool:
    return cerberus.decisions.access_of_name(name).can(Verb.READ, FRAUD)


def last_line(cerberus: Cerberus) -> Any:
    cerberus.settle()
    found = cerberus.audit.search(SYSTEM)
    return next(line for line in getattr(found, "items", found) if line.action == "session.begin")


@pytest.mark.on_each_database
def test_a_group_comes_with_the_claim_and_goes_with_it(mapped: Cerberus, person: Callable[..., Any]) -> None:
    charlie = person(mapped)
    charlie.sign_in()
    assert not may_read(mapped)
    charlie.sign_in(groups=["other", "ml-fraud"])
    assert may_read(mapped)
    assert last_line(mapped).after["joined"] == ["readers"]
    charlie.sign_in(groups=["other"])
    assert not may_read(mapped)
    assert last_line(mapped).after["left"] == ["readers"]


def test_a_sign_in_is_one_audit_line_and_a_step_of_the_version_only_when_something_changed(
    mapped: Cerberus, person: Callable[..., Any]
) -> None:
    charlie, before = person(mapped), mapped.version()
    first = last_id(mapped)
    charlie.sign_in(groups=["ml-fraud"], auditor="yes", **BOSS)
    assert mapped.version() == before + 1
    assert last_id(mapped) == first + 1
    line = last_line(mapped)
    assert (line.who, line.outcome) == ("charlie", "ok")
    assert line.after["roles_given"] == ["admin", "auditor"]
    charlie.sign_in(groups=["ml-fraud"], auditor="yes", **BOSS)
    assert mapped.version() == before + 1


def last_id(cerberus: Cerberus) -> int:
    cerberus.settle()
    found = cerberus.audit.search(SYSTEM)
    return max(line.id for line in getattr(found, "items", found) if line.hash)


def test_what_was_given_by_hand_stays(mapped: Cerberus, person: Callable[..., Any], cast: Any) -> None:
    mapped.groups.add_member(cast.admin, "readers", member="charlie")
    mapped.people.set_platform_role(cast.admin, "charlie", PlatformRole.AUDITOR)
    charlie = person(mapped)
    before = mapped.version()
    charlie.sign_in(groups=["ml-fraud"], auditor="yes")
    charlie.sign_in()
    assert may_read(mapped)
    assert mapped.people.get("charlie").platform_roles == {PlatformRole.AUDITOR}
    assert mapped.version() == before


def test_what_an_admin_gives_again_by_hand_stays_from_then_on(
    mapped: Cerberus, person: Callable[..., Any], cast: Any
) -> None:
    charlie = person(mapped)
    charlie.sign_in(groups=["ml-fraud"], auditor="yes")
    mapped.groups.add_member(cast.admin, "readers", member="charlie")
    mapped.people.set_platform_role(cast.admin, "charlie", PlatformRole.AUDITOR)
    charlie.sign_in()
    assert may_read(mapped)
    assert mapped.people.get("charlie").platform_roles == {PlatformRole.AUDITOR}


def test_admin_by_group_ends_with_the_claim(mapped: Cerberus, person: Callable[..., Any]) -> None:
    charlie = person(mapped)
    charlie.sign_in(**BOSS)
    assert mapped.people.get("charlie").platform_roles == {PlatformRole.ADMIN}
    charlie.sign_in()
    assert mapped.people.get("charlie").platform_roles == set()


def test_the_last_admin_stays_admin_without_the_claim(
    mapped: Cerberus, person: Callable[..., Any], cast: Any, caplog: pytest.LogCaptureFixture
) -> None:
    charlie = person(mapped)
    charlie.sign_in(**BOSS)
    mapped.people.disable(cast.actor("charlie"), "admin")
    charlie.sign_in(groups=["ml-fraud"])
    assert mapped.people.get("charlie").platform_roles == {PlatformRole.ADMIN}
    assert may_read(mapped)
    assert "charlie stays admin" in caplog.text
    mapped.people.enable(cast.actor("charlie"), "admin")
    charlie.sign_in()
    assert mapped.people.get("charlie").platform_roles == set()


def test_a_rule_that_is_gone_takes_back_what_it_gave(
    mapped: Cerberus, opened: Callable[..., Cerberus], person: Callable[..., Any]
) -> None:
    person(mapped).sign_in(groups=["ml-fraud"], **BOSS)
    without = opened()
    person(without).sign_in(groups=["ml-fraud"], **BOSS)
    assert not may_read(without)
    assert without.people.get("charlie").platform_roles == set()


def test_a_group_that_does_not_exist_is_logged_and_the_rest_is_given(
    opened: Callable[..., Cerberus], rules: Callable[[str], Path], person: Callable[..., Any], provider: EvilProvider,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cerberus = opened(rules=rules(READERS + READERS.replace("readers", "nowhere")))
    cerberus.sign_on.link(SYSTEM, "charlie", issuer=provider.issuer, external_id="c-1")
    person(cerberus).sign_in(groups=["ml-fraud"])
    assert may_read(cerberus)
    assert "do not exist: nowhere" in caplog.text


def test_a_newcomer_gets_groups_at_once(
    opened: Callable[..., Cerberus], rules: Callable[[str], Path], person: Callable[..., Any]
) -> None:
    cerberus = opened(rules=rules(READERS), new_users="create")
    person(cerberus, "f-1").sign_in(preferred_username="frank", groups=["ml-fraud"])
    assert may_read(cerberus, "frank")


def test_nothing_is_given_to_who_is_refused(mapped: Cerberus, person: Callable[..., Any], cast: Any) -> None:
    mapped.people.disable(cast.admin, "charlie")
    before = mapped.version()
    with pytest.raises(Exception, match="disabled"):
        person(mapped).sign_in(groups=["ml-fraud"])
    assert mapped.version() == before


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        (["a", "ml-fraud"], True), ("ml-fraud", True), (["ml-fraud-2"], False), ("all of ml-fraud", False),
        (None, False), (7, False), ({"ml-fraud": True}, False), ([["ml-fraud"]], False), ("", False), ([], False),
    ],
)
def test_a_claim_is_the_text_or_a_list_that_holds_it(
    rules: Callable[[str], Path], value: Any, holds: bool
) -> None:
    assert bool(given_by(read(rules(READERS)), {"groups": value}).groups) is holds


def test_no_claim_gives_nothing(rules: Callable[[str], Path]) -> None:
    assert given_by(read(rules(READERS + ADMINS)), {"realm": "boss"}) == Given()


WRONG = {
    "": "rule: Field required",
    "rule = 3": "rule: Input should be",
    "rule = []": "rule: List should have at least 1 item",
    "nonsense": "Expected",
    "[[rule]]": "rule 1: claim: Field required",
    READERS + "colour = 'red'": "rule 1: colour: Extra inputs",
    READERS + "platform_role = 'admin'": "rule 1: Value error, name either a group or a platform_role",
    READERS.replace('group = "readers"', ""): "name either a group or a platform_role",
    READERS.replace('"readers"', '"not a group"'): "rule 1: group: A name has",
    READERS.replace('"readers"', "7"): "rule 1: group: Input should be a valid string",
    READERS + ADMINS.replace('"admin"', '"god"'): "rule 2: platform_role: platform_role is one of",
    READERS.replace('"ml-fraud"', '""'): "rule 1: contains: String should have at least 1",
    READERS.replace('"groups"', '["a", ""]'): "rule 1: claim: a name is empty",
    READERS + READERS.replace("[[rule]]", "[rules]"): "rules: Extra inputs",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_file_that_is_not_understood_refuses_to_start_with_one_sentence(
    opened: Callable[..., Cerberus], rules: Callable[[str], Path], text: str
) -> None:
    with pytest.raises(Invalid) as refused:
        opened(rules=rules(text))
    assert WRONG[text] in refused.value.message
    assert "\n" not in refused.value.message
    assert refused.value.field == "CERBERUS_OIDC_RULES"


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"#" * 300_000])
def test_a_file_that_cannot_be_read_refuses_to_start(
    opened: Callable[..., Cerberus], tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "rules.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Invalid, match=r"^The rules of single sign-on in .*rules\.toml are not understood: .*\.$"):
        opened(rules=path)


def test_only_admins_link(mapped: Cerberus, cast: Any, provider: EvilProvider) -> None:
    from cerberus.errors import Forbidden

    for use_case in (mapped.sign_on.link, mapped.sign_on.unlink):
        with pytest.raises(Forbidden):
            use_case(cast.alice, "charlie", issuer=provider.issuer, external_id="c-2")
    with pytest.raises(Forbidden):
        mapped.sign_on.identities(cast.alice, "charlie")
    assert [each.external_id for each in mapped.sign_on.identities(cast.admin, "charlie")] == ["c-1"]
    for nobody in ("readers", "nobody"):
        with pytest.raises(NotFound):
            mapped.sign_on.link(cast.admin, nobody, issuer=provider.issuer, external_id="c-2")
