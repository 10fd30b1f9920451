"""`make run`: three applications up together, nothing lying open, nobody left behind."""

import os
import signal
import stat
from pathlib import Path

import psutil
import pytest
import requests


@pytest.mark.parametrize(
    ("application", "path"), [("cerberus", "/readyz"), ("mlflow", "/health"), ("studio", "/readyz")]
)
def test_every_application_answers(ml_studio, application, path):
    assert requests.get(getattr(ml_studio, application) + path, timeout=20).status_code == 200


def test_everything_in_the_data_directory_is_for_its_owner_alone(ml_studio):
    everything = [ml_studio.data, *ml_studio.data.rglob("*")]
    open_to_others = [str(path) for path in everything if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert open_to_others == []
    assert len(everything) > 10


def test_the_applications_listen_on_this_machine_only(ml_studio):
    listening = [
        connection.laddr.ip
        for process in ml_studio.family()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {"127.0.0.1"} == set(listening)
    assert len(listening) >= 3


def test_the_first_password_is_shown_once_and_kept_in_one_private_file(ml_studio):
    password = ml_studio.password()
    assert ml_studio.printed.count(password) == 1
    holding = [
        path.name for path in ml_studio.data.rglob("*") if path.is_file() and password.encode() in path.read_bytes()
    ]
    assert holding == ["sign-in.txt"]


def test_one_signs_in_with_the_password_that_was_shown(ml_studio):
    assert ml_studio.ask("GET", "me", ml_studio.sign_in())["name"] == "admin"


def test_logs_are_prefixed_on_the_terminal_and_whole_in_files(ml_studio):
    assert " mlflow   | " in ml_studio.printed
    assert "Uvicorn running" in (ml_studio.data / "logs" / "mlflow.log").read_text()


def test_a_request_that_went_well_is_logged_in_the_file_only(ml_studio):
    requests.get(f"{ml_studio.mlflow}/health", timeout=20)
    assert '"GET /health HTTP/1.1" 200' in (ml_studio.data / "logs" / "mlflow.log").read_text()
    assert '"GET /health HTTP/1.1" 200' not in ml_studio.printed


def alive(process: psutil.Process) -> bool:
    """Whether it runs; what has ended and only waits to be collected by the system does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.timeout(900)
def test_ctrl_c_leaves_nobody_behind_and_the_next_start_finds_everything(launch, new_data, tmp_path):
    """
    The second start is then ended by killing one application: the others go with it, and the reason is said.
    """
    first = launch(new_data, tmp_path / "first")
    first.wait_until_ready()
    family, password = first.family(), first.password()
    assert len(family) >= 6
    os.killpg(first.process.pid, signal.SIGINT)  # what a terminal does
    assert first.process.wait(60) == 0
    assert [process for process in family if alive(process)] == []

    second = launch(new_data, tmp_path / "second")
    second.wait_until_ready()
    assert password == second.password()
    assert password not in second.printed
    second.sign_in()
    family = second.family()
    next(process for process in family if "gunicorn" in " ".join(process.cmdline())).kill()
    assert second.process.wait(60) == 1
    assert "Cerberus ended by itself with code -9, so everything was stopped: see " in second.printed
    assert [process for process in family if alive(process)] == []


def test_a_second_start_on_the_same_directory_is_refused(launch, ml_studio, tmp_path):
    second = launch(ml_studio.data, tmp_path / "second")
    assert second.process.wait(60) == 1
    assert f"Another `make run` is using {ml_studio.data}" in second.printed
    assert requests.get(f"{ml_studio.studio}/readyz", timeout=20).status_code == 200


@pytest.fixture
def new_data(tmp_path: Path) -> Path:
    """A data directory in which no demo data is made."""
    from running import data_directory

    return data_directory(tmp_path / "data")
