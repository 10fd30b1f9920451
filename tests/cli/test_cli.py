"""
The command that operations use: what it does, what it prints, how it ends.
"""

import json
import stat
import subprocess
import sys

import pytest

from cerberus.api import create_app
from cerberus.service import SYSTEM, Cerberus, Origin
from cerberus.settings import Settings

WRONG_ADDRESSES = (
    "oracle://root:s3cret@localhost/x", "s3cret", "://s3cret", "mysql+mysqldb://root:s3cret@localhost/x",
    "mysql+pymysql://root:s3cret@localhost:port/x",
)  # fmt: skip


@pytest.fixture
def cerberus(data):
    opened = Cerberus.open(Settings())
    yield opened
    opened.close()


def sign_in(cerberus, name, password):
    return cerberus.sessions.sign_in(name, password, Origin()).session.name


def test_init_makes_a_private_directory_the_schema_and_an_admin_who_can_sign_in(run, data, cerberus):
    done = run("init", "--json")
    assert done.code == 0, done.err
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    cerberus.ready()
    assert sign_in(cerberus, "admin", done.json["password"]) == "admin"
    assert cerberus.decisions.access_of_name("admin").principal.is_admin


def test_init_twice_changes_nothing(run):
    run("init")
    again = run("init", "--json")
    assert again.code == 0
    assert again.json == {"created": False, "admin": "admin"}


def test_the_password_is_shown_and_kept_nowhere(run, data):
    password = run("init", "--json").json["password"]
    kept = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
    assert password.encode() not in kept


def test_init_can_put_the_password_into_a_private_file(run, tmp_path):
    target = tmp_path / "password"
    password = run("init", "--write-password", target, "--json").json["password"]
    assert target.read_text() == password + "\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_not_overwritten_and_no_admin_is_made(run, tmp_path):
    target = tmp_path / "password"
    target.write_text("mine")
    done = run("init", "--write-password", target)
    assert (done.code, target.read_text()) == (2, "mine")
    assert run("init", "--json").json["created"] is True


def test_a_directory_that_cannot_be_made_is_one_clear_line(run, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MLSTUDIO_DATA", str(tmp_path / "file" / "data"))
    done = run("init")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "MLSTUDIO_DATA" in done.err


def test_a_password_comes_from_a_file_and_is_not_repeated(server, tmp_path, cerberus):
    file = tmp_path / "secret"
    file.write_text("correct-horse-7\n")
    done = server("create-admin", "erin", "--password-file", file)
    assert done.code == 0, done.err
    assert "correct-horse-7" not in done.out
    assert sign_in(cerberus, "erin", "correct-horse-7") == "erin"


def test_a_reset_password_works_and_the_old_one_does_not(run, cerberus):
    old = run("init", "--json").json["password"]
    done = run("reset-password", "admin", "--json")
    assert sign_in(cerberus, "admin", done.json["password"]) == "admin"
    with pytest.raises(Exception, match="wrong"):
        sign_in(cerberus, "admin", old)


@pytest.mark.parametrize(
    ("question", "code", "reason"),
    [
        (("alice", "manage", "project", "fraud"), 0, "granted"),
        (("bob", "read", "experiment", "fraud", "7"), 0, "granted"),
        (("bob", "update", "experiment", "fraud", "7"), 1, "too_low"),
        (("bob", "read", "experiment", "churn"), 1, "no_rule"),
        (("admin", "delete", "prompt", "fraud", "p"), 0, "admin"),
    ],
)
def test_check_says_yes_or_no_and_why(server, question, code, reason):
    done = server("check", *question, "--json")
    assert done.code == code, done.err
    assert (done.json["allowed"], done.json["reason"]) == (code == 0, reason)
    told = server("check", *question)
    assert told.code == code
    assert told.out.startswith("yes: " if code == 0 else "no: ")


def test_check_names_the_rules_that_took_part(server):
    assert "bob: viewer on * *: decided" in server("check", "bob", "read", "experiment", "fraud").out


def test_a_group_brings_its_members_in(server):
    server("create-user", "charlie")
    assert server("create-group", "readers", "--member", "charlie").code == 0
    assert server("add-member", "fraud", "readers", "viewer").code == 0
    assert server("check", "charlie", "read", "experiment", "fraud").code == 0


def test_a_token_works_within_its_limits(server, cerberus):
    done = server("create-token", "alice", "--project", "fraud", "--scope", "read", "--json")
    assert done.code == 0, done.err
    principal = cerberus.decisions.access_of_token(done.json["secret"]).principal
    assert (principal.name, set(principal.scopes), principal.project) == ("alice", {"read"}, "fraud")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2),
        (("fly",), 2),
        (("check", "bob", "fly", "experiment", "fraud"), 2),
        (("check", "nobody", "read", "experiment", "fraud"), 2),
        (("create-user", "Not A Name!"), 2),
        (("create-user", "alice"), 1),
        (("create-project", "fraud"), 1),
        (("create-project", "x"), 2),
        (("add-member", "fraud", "nobody", "viewer"), 1),
        (("add-member", "fraud", "bob", "king"), 2),
        (("add-member", "nowhere", "bob", "viewer"), 1),
        (("reset-password", "nobody"), 1),
        (("create-user", "carl", "--password-file", "/nowhere/at/all"), 2),
        (("create-token", "alice", "--days", "0"), 2),
        (("create-token", "nobody"), 1),
    ],
)
def test_mistakes_end_with_a_code_and_one_line(server, words, code):
    done = server(*words)
    assert done.code == code, (done.out, done.err)
    assert done.out == ""
    assert "Traceback" not in done.err
    if words and words[0] != "fly" and "fly" not in words:
        assert done.err.startswith("cerberus: ")
        assert done.err.count("\n") == 1


def test_errors_are_json_too(server):
    done = server("create-user", "alice", "--json")
    assert json.loads(done.err)["error"] == "conflict"


def test_without_a_schema_the_fault_says_what_to_run(run, data):
    data.mkdir()
    done = run("create-user", "alice")
    assert done.code == 3
    assert "cerberus migrate" in done.err


def test_migrate_makes_what_the_others_need(run, cerberus):
    assert run("migrate").code == 0
    assert run("migrate").code == 0
    cerberus.ready()


def test_a_database_that_is_away_is_a_fault(run, monkeypatch, free_port):
    monkeypatch.setenv("CERBERUS_DATABASE_URL", f"mysql+pymysql://root:s3cret@127.0.0.1:{free_port}/cerberus")
    done = run("create-user", "alice")
    assert done.code == 3
    assert "s3cret" not in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("address", WRONG_ADDRESSES)
def test_a_wrong_database_address_is_one_line_without_the_password(run, monkeypatch, address):
    monkeypatch.setenv("CERBERUS_DATABASE_URL", address)
    done = run("create-user", "alice")
    assert done.code == 2
    assert "CERBERUS_DATABASE_URL must start with" in done.err
    assert "s3cret" not in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("address", WRONG_ADDRESSES)
def test_the_api_does_not_start_on_a_wrong_database_address_and_says_so(data, monkeypatch, capsys, address):
    monkeypatch.setenv("CERBERUS_DATABASE_URL", address)
    with pytest.raises(SystemExit):
        create_app()
    said = capsys.readouterr().err
    assert said == "Cerberus cannot start: CERBERUS_DATABASE_URL must start with sqlite:// or mysql+pymysql://.\n"


@pytest.mark.usefixtures("server")
def test_the_audit_says_that_the_command_line_did_it(cerberus):
    line = cerberus.audit.search(SYSTEM, action="user.create")[0]
    assert line.who == "system"
    assert line.client.startswith("command line")


@pytest.mark.usefixtures("data")
def test_the_installed_command_runs():
    done = subprocess.run(
        [sys.executable, "-m", "cerberus.cli", "init", "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["created"] is True
