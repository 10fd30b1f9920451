"""docs/permissions.md says what the catalogue says."""

from pathlib import Path

import pytest

from cerberus.policy.describe import tables

PAGE = (Path(__file__).parents[2] / "docs" / "permissions.md").read_text()


@pytest.mark.parametrize("name", tables())
def test_the_permissions_page_holds_the_catalogues_tables(name: str) -> None:
    """A new kind, level, role or scope is documented, word for word."""
    assert f"<!-- {name} -->\n{tables()[name]}\n<!-- end -->" in PAGE
