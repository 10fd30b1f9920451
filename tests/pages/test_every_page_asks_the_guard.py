"""No page without the guard: its first act, and the first act of each of its fragments, dialogs and callbacks.

Fragments and callbacks run again without the entry script and without the rest of the page, so each asks for itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parents[2] / "pages").glob("*.py"))
ASKS = {"require_user", "require_project"}
REENTERED = {"fragment", "dialog", "experimental_fragment", "experimental_dialog"}
CALLBACKS = {"on_click", "on_change", "on_submit", "on_select", "on_dismiss"}
INERT = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)


def faults(source: str) -> list[str]:
    """What in a page runs before, or without, its own question to the guard."""
    return [*_late_start(ast.parse(source)), *_unguarded_functions(ast.parse(source))]


def _late_start(page: ast.Module) -> Iterator[str]:
    for statement in page.body:
        if isinstance(statement, INERT) or _is_text(statement) or _is_constant(statement):
            continue
        if not _asks(statement):
            yield f"line {statement.lineno} runs before the guard is asked"
        return
    yield "the guard is never asked"


def _unguarded_functions(page: ast.Module) -> Iterator[str]:
    callbacks = {
        name.id
        for call in ast.walk(page) if isinstance(call, ast.Call)
        for keyword in call.keywords if keyword.arg in CALLBACKS
        for name in ast.walk(keyword.value) if isinstance(name, ast.Name)
    }
    for call in (node for node in ast.walk(page) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Attribute) and call.func.attr in REENTERED:
            callbacks |= {name.id for name in call.args if isinstance(name, ast.Name)}
        for keyword in call.keywords:
            if keyword.arg in CALLBACKS and isinstance(keyword.value, ast.Lambda):
                yield f"line {keyword.value.lineno}: a lambda cannot ask the guard first"
    for function in (node for node in ast.walk(page) if isinstance(node, ast.FunctionDef)):
        is_reentered = any(
            isinstance(part, ast.Attribute) and part.attr in REENTERED
            for decorator in function.decorator_list for part in ast.walk(decorator)
        )
        body = [statement for statement in function.body if not _is_text(statement)]
        if (is_reentered or function.name in callbacks) and not (body and _asks(body[0])):
            yield f"{function.name} does not ask the guard first"


def _asks(statement: ast.stmt) -> bool:
    """`guard.require_...()` or `me = guard.require_...()`."""
    value = statement.value if isinstance(statement, ast.Assign | ast.Expr) else None
    return (
        isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in ASKS
        and isinstance(value.func.value, ast.Name) and value.func.value.id == "guard"
    )


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_constant(statement: ast.stmt) -> bool:
    """`NAME = value`, which shows nothing."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign):
        return False
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return all(isinstance(target, ast.Name) and target.id.isupper() for target in targets) and not _asks(statement)


def test_there_are_pages() -> None:
    assert {"home.py", "members.py", "account.py"} <= {page.name for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_asks_the_guard_before_anything_else(page: Path) -> None:
    assert faults(page.read_text()) == []


GOOD = '"""A page."""\nimport streamlit as st\nNAMES = ("a",)\nme = guard.require_project()\nst.write(me)\n'


@pytest.mark.parametrize(("what", "source"), [
    ("nothing asked", "import streamlit as st\nst.write('secret')\n"),
    ("asked too late", "st.write('secret')\nme = guard.require_user()\n"),
    ("asked conditionally", "if now:\n    me = guard.require_user()\nst.write('secret')\n"),
    ("something else asked", "me = other.require_user()\n"),
    ("a name that looks like a constant", "me = secret()\nme = guard.require_user()\n"),
    ("a fragment without", GOOD + "@st.fragment(run_every=2)\ndef part():\n    st.write(me)\n"),
    ("a dialog without", GOOD + "@st.dialog('Sure?')\ndef ask():\n    '''Ask.'''\n    act(me)\n"),
    ("a dialog that asks late", GOOD + "@st.dialog('Sure?')\ndef ask():\n    act()\n    guard.require_user()\n"),
    ("a callback without", GOOD + "def act():\n    delete(me)\nst.button('x', on_click=act)\n"),
    ("a fragment made by a call", GOOD + "def part():\n    st.write(me)\nst.fragment(part)()\n"),
    ("a lambda", GOOD + "st.button('x', on_click=lambda: delete(me))\n"),
])
def test_the_check_finds_a_page_that_forgot(what: str, source: str) -> None:
    assert faults(source), what


def test_the_check_passes_a_page_that_asks() -> None:
    fine = GOOD + (
        "@st.fragment\ndef part():\n    me = guard.require_project()\n    st.write(me)\n"
        "def act():\n    guard.require_user()\n    delete()\nst.button('x', on_click=act)\n"
    )
    assert faults(fine) == []
