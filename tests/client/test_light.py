"""
The client is installed beside a notebook's own libraries: it brings none of the server's with it.
"""

import subprocess
import sys

import pytest

HEAVY = ("sqlalchemy", "flask", "mlflow", "pydantic", "alembic", "streamlit", "pandas")


@pytest.mark.parametrize("module", ["cerberus", "cerberus.client", "cerberus.errors", "cerberus.policy"])
def test_importing_it_imports_nothing_of_the_server(module):
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
