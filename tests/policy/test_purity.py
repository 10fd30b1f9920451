"""The policy package is standard library only, and ours is the package that imports as `cerberus`."""

import ast
import sys
from pathlib import Path

import mlflow

import cerberus

ROOT = Path(cerberus.__file__).parent


def test_the_policy_package_needs_nothing_but_the_standard_library() -> None:
    """Whoever reads the policy function need read nothing else."""
    for path in (ROOT / "policy").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] in sys.stdlib_module_names or name.startswith("cerberus.policy"), (path, name)


def test_ours_is_ours_and_theirs_is_theirs() -> None:
    """PyPI has another `cerberus`, and our folder `mlflow/` must not hide the package."""
    assert (Path(__file__).parents[2] / "cerberus").samefile(ROOT)
    assert "site-packages" in str(mlflow.__file__)
