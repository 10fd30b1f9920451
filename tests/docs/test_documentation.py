"""What the documents promise is there, and what is there is documented."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from cerberus.settings import Settings as CerberusSettings
from cerberus_mlflow.settings import PluginSettings
from studio.settings import Settings as StudioSettings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LOCKS = ["requirements.lock", "cerberus/requirements.lock", "mlflow/requirements.lock", "studio/requirements.lock"]
PATH = os.environ["PATH"]
TARGETS = re.findall(r"^([a-z0-9]+):", MAKEFILE, re.MULTILINE)


def settings() -> set[str]:
    """
    The environment variable of every setting of ours.
    """
    names = {"MLSTUDIO_SECRETS_DIR"}
    for model in (CerberusSettings, PluginSettings, StudioSettings):
        for name, field in model.model_fields.items():
            alias = field.validation_alias
            names.add(str(getattr(alias, "choices", [alias])[0] if alias else name).upper())
    return names


def test_make_help_explains_every_target():
    said = subprocess.run(["make", "-C", ROOT, "help"], capture_output=True, text=True, check=True).stdout
    explained = re.findall(r"^  make (\S+) +\S", said, re.MULTILINE)
    assert sorted(TARGETS) == sorted(explained)


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_in_the_readme(target):
    assert f"`make {target}`" in README


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_command_in_a_document_exists(document):
    named = re.findall(r"`(?:[A-Z_]+=\S+ )*make ([a-z0-9]+)", document.read_text())
    assert set(named) <= set(TARGETS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_somewhere(document):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("name", sorted(settings()))
def test_every_setting_is_documented(name):
    assert f"| `{name}` |" in OPERATIONS


def test_the_documented_defaults_are_those_of_the_code():
    fields = {**CerberusSettings.model_fields, **PluginSettings.model_fields, **StudioSettings.model_fields}
    defaults = {
        str(getattr(field.validation_alias, "choices", [field.validation_alias or name])[0]).upper(): field.default
        for name, field in fields.items()
    }
    documented = re.findall(r"^\| `([A-Z_]+)` \| `([^`]+)` \|", OPERATIONS, re.MULTILINE)
    compared = {name: value for name, value in documented if name in defaults}
    assert compared == {name: str(defaults[name]) for name in compared}
    assert len(compared) >= 6


def test_every_variable_of_the_example_is_documented():
    named = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert [name for name in named if f"| `{name}` |" not in OPERATIONS] == []
    assert len(named) >= 8


@pytest.mark.parametrize("name", sorted(CerberusSettings.model_fields.keys() - {"data"}))
def test_every_setting_of_cerberus_reaches_the_containers(name):
    """As a variable that compose passes on, or as a secret."""
    compose = (ROOT / "compose.yaml").read_text()
    assert f"  {name.upper()}: " in compose or f"  {name}: {{ file:" in compose


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_hashes_but_no_address_and_no_path(lock):
    text = (ROOT / lock).read_text()
    assert not re.search(r"https?:|file:|index-url|find-links|^-|(^|\s)/\w", text, re.MULTILINE)
    pinned = re.findall(r"^[a-z0-9._-]+(?:\[[a-z,-]+\])?==.*\n(.*)", text, re.MULTILINE)
    assert len(pinned) > 20
    assert all("--hash=sha256:" in following for following in pinned)


@pytest.mark.parametrize("lock", LOCKS[1:])
def test_an_image_has_the_versions_that_were_tested(lock):
    def versions(path: str) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,-]+\])?==(\S+)", (ROOT / path).read_text(), re.MULTILINE))

    tested = versions("requirements.lock")
    assert {name: tested.get(name) for name in versions(lock)} == versions(lock)


def test_the_lock_belongs_to_this_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    names = {re.match(r"[a-z0-9-]+", requirement).group() for requirement in wanted} - {"mlstudio"}  # type: ignore[union-attr]
    lock = (ROOT / "requirements.lock").read_text()
    assert [name for name in sorted(names) if not re.search(rf"^{name}(\[[a-z,-]+\])?==", lock, re.MULTILINE)] == []


def test_the_secrets_that_compose_mounts_are_those_that_make_makes(tmp_path):
    subprocess.run(["make", "-C", ROOT, "secrets"], env={"MLSTUDIO_DATA": str(tmp_path), "PATH": PATH}, check=True)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    mounted = set(re.findall(r"/secrets/(\w+)\"", (ROOT / "compose.yaml").read_text()))
    assert mounted == set(made)
    assert len(set(made.values())) == len(made)
    assert all(len(value) >= 32 for value in made.values())
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    subprocess.run(["make", "-C", ROOT, "secrets"], env={"MLSTUDIO_DATA": str(tmp_path), "PATH": PATH}, check=True)
    assert made == {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}


def test_the_notebook_is_kept_without_outputs():
    cells = json.loads((ROOT / "docs" / "first_run.ipynb").read_text())["cells"]
    assert [cell["outputs"] for cell in cells if cell.get("outputs")] == []
