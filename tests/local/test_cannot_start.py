"""What `make run` says when it cannot start: one sentence, a code that is not 0, nothing half-made."""

import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from running import ROOT, data_directory, environment_for, free_ports


def run(data: Path, ports: tuple[int, int, int] | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
    """
    `make run` to its end.
    """
    return subprocess.run(
        [sys.executable, "-m", "studio.local", "run"],
        cwd=ROOT,
        env={**environment_for(data, ports or free_ports()), **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """
    The one line that it printed to complain, after having failed.
    """
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    return line


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_a_taken_port_is_named_before_anything_is_made(tmp_path, taken):
    ports = free_ports()
    with socket.create_server(("127.0.0.1", ports[taken])):
        said = sentence(run(tmp_path / "data", ports))
    name = ("Cerberus", "MLflow", "Studio")[taken]
    assert f"Port {ports[taken]}, which {name} needs, is taken" in said
    assert f"{name.upper()}_PUBLIC_URL=" in said
    assert not (tmp_path / "data").exists()


def test_two_applications_cannot_share_a_port(tmp_path):
    port = free_ports()[0]
    assert "three different ports" in sentence(run(tmp_path / "data", (port, port, free_ports()[1])))


def test_an_address_that_is_none_is_named(tmp_path):
    assert "STUDIO_PUBLIC_URL is 'here'" in sentence(run(tmp_path / "data", STUDIO_PUBLIC_URL="here"))


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    assert f"{tmp_path / 'file' / 'data'} cannot be" in sentence(run(tmp_path / "file" / "data"))


def test_a_file_is_no_data_directory(tmp_path):
    (tmp_path / "data").touch()
    assert "is not a directory" in sentence(run(tmp_path / "data"))


def test_somebody_elses_directory_is_left_alone(tmp_path):
    """
    MLSTUDIO_DATA=$HOME must not close the home to its group, nor fill it.
    """
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data" / "thesis.tex").touch()
    assert "holds other files than ML Studio's" in sentence(run(tmp_path / "data"))
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["thesis.tex"]
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(("file", "title"), [("cerberus.db", "Cerberus'"), ("mlflow.db", "MLflow's")])
def test_a_database_of_a_newer_version_is_refused_unchanged(tmp_path, file, title):
    data = data_directory(tmp_path / "data")
    with closing(sqlite3.connect(data / file)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('ffffffffffff')")
        connection.commit()
    before = contents(data / file)
    said = sentence(run(data))
    assert f"{title} database was made by another, probably newer, version" in said
    assert before == contents(data / file)
    assert [path.name for path in data.glob("*.new")] + [path.name for path in data.glob("*.before-upgrade")] == []


def contents(path: Path) -> list[str]:
    """
    Everything that is in a database, as SQL.
    """
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_a_file_that_is_no_database_is_refused_unchanged(tmp_path):
    data = data_directory(tmp_path / "data")
    (data / "mlflow.db").write_text("this is no database, " * 100)
    assert "is not a database of MLflow" in sentence(run(data))
    assert (data / "mlflow.db").read_text().startswith("this is no database")
